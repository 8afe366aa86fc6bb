-- The reserved index `@modified`; `@id` is documents_walk.
CREATE INDEX documents_modified ON documents (tenant, connection, kind, modified, id);
-- Entries of an attribute beyond the first of their document. No row: each document
-- has at most one, so entries may be counted for documents.
CREATE TABLE surplus (
    tenant INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    attribute TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (tenant, connection, kind, attribute)
) STRICT, WITHOUT ROWID;
INSERT INTO surplus (tenant, connection, kind, attribute, count)
    SELECT tenant, connection, kind, attribute, sum(entries - 1)
    FROM (
        SELECT tenant, connection, kind, attribute, count(*) AS entries
        FROM keys GROUP BY tenant, connection, kind, attribute, id HAVING entries > 1
    )
    GROUP BY tenant, connection, kind, attribute;
