-- Events of hosts have subject_kind 2 and connection 0, for they belong to none.
-- Up to which number events are forgotten: from the next one on none is missing.
ALTER TABLE tenants ADD COLUMN events_forgotten INTEGER NOT NULL DEFAULT 0;
UPDATE tenants SET events_forgotten = CASE
    WHEN EXISTS (SELECT 1 FROM events e WHERE e.tenant = tenants.id) THEN coalesce((
        SELECT max(e.seq) - 1 FROM events e
        WHERE e.tenant = tenants.id
            AND NOT EXISTS (SELECT 1 FROM events p WHERE p.tenant = e.tenant AND p.seq = e.seq - 1)
    ), 0)
    ELSE event_seq
END;
ALTER TABLE tenants ADD COLUMN host_count INTEGER NOT NULL DEFAULT 0;
UPDATE tenants SET host_count = (SELECT count(*) FROM hosts WHERE tenant = tenants.id);

-- 1: the member is a group.
ALTER TABLE edges ADD COLUMN nested INTEGER NOT NULL DEFAULT 0;
UPDATE edges SET nested = 1
    WHERE (tenant, member_id) IN (SELECT tenant, id FROM documents WHERE kind = 1);
CREATE INDEX edges_nested ON edges (tenant, group_id, member_id) WHERE nested = 1;

-- When an edge of a member was last removed, which is what it always held.
ALTER TABLE departures RENAME TO removals;
-- People who were deactivated or deleted.
CREATE TABLE departures (
    tenant INTEGER NOT NULL,
    id TEXT NOT NULL,
    connection INTEGER NOT NULL,
    label TEXT NOT NULL,
    deactivated INTEGER,
    deleted INTEGER,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

-- Names as they are compared: trimmed, ASCII in lower case; empty where there is none.
ALTER TABLE hosts ADD COLUMN serial_key TEXT NOT NULL DEFAULT '';
ALTER TABLE hosts ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
-- Since when the assignment is what it is.
ALTER TABLE hosts ADD COLUMN assigned INTEGER NOT NULL DEFAULT 0;
UPDATE hosts SET
    serial_key = lower(trim(serial, char(9, 10, 12, 13, 32))),
    name_key = lower(trim(display_name, char(9, 10, 12, 13, 32))),
    assigned = coalesce((
        SELECT until FROM host_history h
        WHERE h.tenant = hosts.tenant AND h.host = hosts.id ORDER BY line DESC LIMIT 1
    ), created);
CREATE INDEX hosts_serial ON hosts (tenant, serial_key, id) WHERE serial_key <> '';
CREATE INDEX hosts_name ON hosts (tenant, name_key, id) WHERE name_key <> '';

ALTER TABLE host_history ADD COLUMN began INTEGER NOT NULL DEFAULT 0;
UPDATE host_history SET began = coalesce((
    SELECT p.until FROM host_history p
    WHERE p.tenant = host_history.tenant AND p.host = host_history.host AND p.line < host_history.line
    ORDER BY p.line DESC LIMIT 1
), (
    SELECT created FROM hosts h WHERE h.tenant = host_history.tenant AND h.id = host_history.host
), 0);

-- Kinds: 0 serial, 1 display name.
CREATE TABLE promises (
    tenant INTEGER NOT NULL REFERENCES tenants (id),
    kind INTEGER NOT NULL,
    name_key TEXT NOT NULL,
    name TEXT NOT NULL,
    username TEXT NOT NULL,
    email TEXT NOT NULL,
    full_name TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, name_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhooks (
    tenant INTEGER NOT NULL REFERENCES tenants (id),
    id TEXT NOT NULL,
    url TEXT NOT NULL,
    secret BLOB NOT NULL,
    events BLOB NOT NULL,
    created INTEGER NOT NULL,
    position INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    next_try INTEGER NOT NULL,
    last_error TEXT NOT NULL,
    last_delivered INTEGER,
    paused INTEGER NOT NULL,
    dead_letters INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhooks_waiting ON webhooks (tenant, position) WHERE paused = 0;

CREATE TABLE dead_letters (
    tenant INTEGER NOT NULL,
    webhook TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    error TEXT NOT NULL,
    PRIMARY KEY (tenant, webhook, seq),
    FOREIGN KEY (tenant, webhook) REFERENCES webhooks (tenant, id)
) STRICT, WITHOUT ROWID;
