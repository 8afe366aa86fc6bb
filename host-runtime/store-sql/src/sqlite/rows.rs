//! Reading whole documents.

use nameplate_store::{ConnectionId, Document, Scope};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codec::{K, U};
use super::errors::Fault;

/// The columns [`document`] reads, in its order.
pub const DOCUMENT: &str =
    "d.kind, d.id, d.connection, d.version, d.created, d.modified, d.member_count, d.label, d.json";

/// A document from columns that start at `at`.
pub fn document(row: &Row<'_>, at: usize) -> rusqlite::Result<Document> {
    Ok(Document {
        kind: row.get::<_, K>(at)?.0,
        id: row.get(at + 1)?,
        connection: ConnectionId(row.get(at + 2)?),
        version: row.get::<_, U>(at + 3)?.0,
        created: row.get::<_, U>(at + 4)?.0,
        modified: row.get::<_, U>(at + 5)?.0,
        member_count: row.get::<_, U>(at + 6)?.0,
        label: row.get(at + 7)?,
        json: row.get(at + 8)?,
    })
}

/// The document of this id, if the scope shows it.
pub fn load(connection: &Connection, scope: Scope, id: &str) -> Result<Option<Document>, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {DOCUMENT} FROM documents d WHERE d.tenant = ?1 AND d.id = ?2"
    ))?;
    let found = statement
        .query_row(params![scope.tenant.0, id], |row| document(row, 0))
        .optional()?;
    Ok(found.filter(|document| shows(scope, document.connection)))
}

/// Does the scope show what belongs to this connection.
pub fn shows(scope: Scope, connection: ConnectionId) -> bool {
    scope.connection.is_none_or(|bound| bound == connection)
}

/// Is there a document of this id that the scope shows.
pub fn seen(connection: &Connection, scope: Scope, id: &str) -> Result<bool, Fault> {
    let mut statement = connection
        .prepare_cached("SELECT connection FROM documents WHERE tenant = ?1 AND id = ?2")?;
    let owner: Option<i64> = statement
        .query_row(params![scope.tenant.0, id], |row| row.get(0))
        .optional()?;
    Ok(owner.is_some_and(|owner| shows(scope, ConnectionId(owner))))
}
