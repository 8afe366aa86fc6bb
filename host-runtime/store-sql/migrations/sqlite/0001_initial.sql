-- Tenant first in every key. Times are milliseconds since 1970. Kinds: 0 user, 1 group.
-- Ids are TEXT under the BINARY collation, values are BLOB: both compare as bytes.

CREATE TABLE tenants (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    event_seq INTEGER NOT NULL DEFAULT 0,
    request_seq INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE connections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenants (id),
    name TEXT NOT NULL,
    dialect TEXT NOT NULL DEFAULT 'auto',
    reactivate_inactive INTEGER NOT NULL DEFAULT 1,
    settings TEXT NOT NULL DEFAULT '{}',
    revision INTEGER NOT NULL DEFAULT 1,
    created INTEGER NOT NULL,
    UNIQUE (tenant, name)
) STRICT;

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenants (id),
    connection INTEGER REFERENCES connections (id),
    scope TEXT NOT NULL,
    secret_sha256 BLOB NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    revoked INTEGER,
    last_used INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_tenant ON tokens (tenant, created, id);

CREATE TABLE requests (
    tenant INTEGER NOT NULL REFERENCES tenants (id),
    id INTEGER NOT NULL,
    connection INTEGER,
    at INTEGER NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    status INTEGER NOT NULL,
    micros INTEGER NOT NULL,
    detail TEXT NOT NULL,
    notes TEXT NOT NULL,
    from_idp INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_idp ON requests (tenant, at, id) WHERE from_idp = 1;

CREATE TABLE documents (
    row INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connections (id),
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    member_count INTEGER NOT NULL,
    index_version TEXT NOT NULL,
    label TEXT NOT NULL,
    keys BLOB NOT NULL,
    json BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX documents_id ON documents (tenant, id);
CREATE INDEX documents_walk ON documents (tenant, connection, kind, id);

CREATE TABLE keys (
    tenant INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    attribute TEXT NOT NULL,
    value BLOB NOT NULL,
    id TEXT NOT NULL,
    is_unique INTEGER NOT NULL,
    PRIMARY KEY (tenant, connection, kind, attribute, value, id)
) STRICT, WITHOUT ROWID;
-- Value before attribute: a login is looked up under every unique attribute.
CREATE UNIQUE INDEX keys_unique ON keys (tenant, connection, kind, value, attribute) WHERE is_unique = 1;

CREATE TABLE counters (
    tenant INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    index_version TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (tenant, connection, kind, index_version)
) STRICT, WITHOUT ROWID;

CREATE TABLE edges (
    tenant INTEGER NOT NULL,
    group_id TEXT NOT NULL,
    member_id TEXT NOT NULL,
    connection INTEGER NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (tenant, group_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX edges_member ON edges (tenant, member_id, group_id, since);

CREATE TABLE departures (
    tenant INTEGER NOT NULL,
    member_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, member_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE held (
    tenant INTEGER NOT NULL,
    group_id TEXT NOT NULL,
    sent TEXT NOT NULL,
    connection INTEGER NOT NULL,
    display TEXT,
    login BLOB,
    since INTEGER NOT NULL,
    PRIMARY KEY (tenant, group_id, sent)
) STRICT, WITHOUT ROWID;
CREATE INDEX held_sent ON held (tenant, connection, sent, group_id);
CREATE INDEX held_login ON held (tenant, connection, login, group_id, sent) WHERE login IS NOT NULL;

CREATE TABLE holdings (
    span INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    attribute TEXT NOT NULL,
    value BLOB NOT NULL,
    document TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER
) STRICT;
CREATE INDEX holdings_value ON holdings (tenant, value, since);
CREATE INDEX holdings_open ON holdings (tenant, document) WHERE until IS NULL;

CREATE TABLE events (
    row INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    at INTEGER NOT NULL,
    name TEXT NOT NULL,
    subject_kind INTEGER NOT NULL,
    subject TEXT NOT NULL,
    settled INTEGER NOT NULL,
    logins BLOB NOT NULL,
    added BLOB NOT NULL,
    removed BLOB NOT NULL,
    before BLOB,
    after BLOB
) STRICT;
CREATE UNIQUE INDEX events_seq ON events (tenant, seq);
CREATE INDEX events_unsettled ON events (tenant, at, seq) WHERE settled = 0;
CREATE INDEX events_unsettled_all ON events (at, tenant, seq) WHERE settled = 0;

CREATE TABLE commits (
    tenant INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    id BLOB NOT NULL,
    at INTEGER NOT NULL,
    outcomes TEXT NOT NULL,
    PRIMARY KEY (tenant, connection, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX commits_age ON commits (tenant, at);

CREATE TABLE hosts (
    row INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenants (id),
    id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    platform TEXT NOT NULL,
    serial TEXT NOT NULL,
    uuid TEXT NOT NULL,
    created INTEGER NOT NULL,
    version INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    user_id TEXT,
    login TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX hosts_id ON hosts (tenant, id);
CREATE INDEX hosts_outcome ON hosts (tenant, outcome, id);
CREATE INDEX hosts_user ON hosts (tenant, user_id, id) WHERE user_id IS NOT NULL;

CREATE TABLE claims (
    tenant INTEGER NOT NULL,
    host TEXT NOT NULL,
    id TEXT NOT NULL,
    source TEXT NOT NULL,
    username TEXT NOT NULL,
    email TEXT NOT NULL,
    full_name TEXT NOT NULL,
    logins BLOB NOT NULL,
    since INTEGER NOT NULL,
    withdrawn INTEGER,
    PRIMARY KEY (tenant, host, id),
    FOREIGN KEY (tenant, host) REFERENCES hosts (tenant, id)
) STRICT, WITHOUT ROWID;

-- Claims that are not withdrawn, by login.
CREATE TABLE claim_logins (
    tenant INTEGER NOT NULL,
    login BLOB NOT NULL,
    host TEXT NOT NULL,
    claim TEXT NOT NULL,
    PRIMARY KEY (tenant, login, host, claim)
) STRICT, WITHOUT ROWID;

CREATE TABLE host_history (
    line INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    host TEXT NOT NULL,
    until INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    user_id TEXT,
    login TEXT NOT NULL,
    reason TEXT NOT NULL,
    replaced_because TEXT NOT NULL,
    FOREIGN KEY (tenant, host) REFERENCES hosts (tenant, id)
) STRICT;
CREATE INDEX host_history_host ON host_history (tenant, host, line);
