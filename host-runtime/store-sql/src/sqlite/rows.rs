//! Reading whole documents.

use nameplate_store::{ConnectionId, Document, Edge, Scope, TenantId, Timestamp};
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

/// When an edge of this document was last removed.
pub fn last_removed(
    connection: &Connection,
    tenant: TenantId,
    id: &str,
) -> Result<Option<Timestamp>, Fault> {
    let mut statement = connection
        .prepare_cached("SELECT at FROM removals WHERE tenant = ?1 AND member_id = ?2")?;
    let at = statement.query_row(params![tenant.0, id], |row| row.get::<_, U>(0));
    Ok(at.optional()?.map(|at| at.0))
}

/// Since when there is this edge.
pub fn edge_since(
    connection: &Connection,
    tenant: TenantId,
    edge: &Edge,
) -> Result<Option<Timestamp>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT since FROM edges WHERE tenant = ?1 AND group_id = ?2 AND member_id = ?3",
    )?;
    let since = statement.query_row(params![tenant.0, edge.group, edge.member], |row| {
        row.get::<_, U>(0)
    });
    Ok(since.optional()?.map(|since| since.0))
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
