-- What an operator allows a tenant, and what it runs.
ALTER TABLE tenants ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
ALTER TABLE tenants ADD COLUMN plugin BLOB;
ALTER TABLE tenants ADD COLUMN previous_plugin BLOB;
ALTER TABLE tenants ADD COLUMN suspended INTEGER NOT NULL DEFAULT 0;

CREATE TABLE host_names (
    name TEXT PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenants (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX host_names_tenant ON host_names (tenant, name);

ALTER TABLE connections ADD COLUMN auth TEXT NOT NULL DEFAULT '{}';
ALTER TABLE connections ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN record_until INTEGER;
CREATE INDEX connections_issuer ON connections (issuer, created, id) WHERE issuer <> '';

ALTER TABLE tokens ADD COLUMN access TEXT NOT NULL DEFAULT 'write';
ALTER TABLE tokens ADD COLUMN note TEXT NOT NULL DEFAULT '';
CREATE INDEX tokens_expiring ON tokens (expires, tenant) WHERE expires IS NOT NULL AND revoked IS NULL;

ALTER TABLE requests ADD COLUMN request_id TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN guest_micros INTEGER NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN caller TEXT NOT NULL DEFAULT '"nobody"';
ALTER TABLE requests ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';
-- Notes were lines of words; those that had a code began with it.
UPDATE requests SET notes = (
    SELECT json_group_array(CASE
        WHEN value LIKE 'accepted with %: %' THEN json_object(
            'level', 'quirk',
            'code', substr(value, 15, instr(value, ': ') - 15),
            'text', substr(value, instr(value, ': ') + 2))
        WHEN value LIKE 'warning %: %' THEN json_object(
            'level', 'warning',
            'code', substr(value, 9, instr(value, ': ') - 9),
            'text', substr(value, instr(value, ': ') + 2))
        ELSE json_object('level', 'action', 'code', '', 'text', value)
    END) FROM json_each(requests.notes)
) WHERE notes <> '[]';
DROP INDEX requests_idp;
CREATE INDEX requests_times ON requests (tenant, from_idp, at, id);
CREATE INDEX requests_connection ON requests (tenant, connection, id);
CREATE INDEX requests_errors ON requests (tenant, id) WHERE status >= 400;
CREATE INDEX requests_name ON requests (request_id, tenant) WHERE request_id <> '';

-- What clients sent, where it was to be kept.
CREATE TABLE recordings (
    tenant INTEGER NOT NULL,
    id INTEGER NOT NULL,
    query TEXT NOT NULL,
    content_type TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, id) REFERENCES requests (tenant, id) ON DELETE CASCADE
) STRICT;

-- Tenant 0 is the installation. Numbers are without gaps in a tenant, ids go up in all.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_tenant ON audit (tenant, id);

-- One row.
CREATE TABLE installation (
    last_backup INTEGER
) STRICT;
INSERT INTO installation (last_backup) VALUES (NULL);
