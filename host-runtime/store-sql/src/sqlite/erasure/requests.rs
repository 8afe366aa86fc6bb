//! Forgetting a person in the request log.

use nameplate_store::erasure::Needles;
use nameplate_store::{Recorded, RequestQuery, StoreError, TenantId};
use rusqlite::{Connection, params};

use super::{AT_ONCE, LOOKED_AT};
use crate::sqlite::SqliteStore;
use crate::sqlite::codec::U;
use crate::sqlite::control::requests;
use crate::sqlite::errors::Fault;

/// Records read at once: each may be 1 MiB.
const RECORDS: u32 = 16;

impl SqliteStore {
    pub(in crate::sqlite) async fn erase_among_requests(
        &self,
        tenant: TenantId,
        needles: &Needles,
    ) -> Result<u64, StoreError> {
        let mut erased = 0;
        let mut query = RequestQuery {
            after: Some(0),
            ..RequestQuery::newest(LOOKED_AT)
        };
        loop {
            let page = self.read(|connection| requests::requests(connection, tenant, &query))?;
            let Some(last) = page.last() else { break };
            query.after = Some(last.id);
            let lines = page.iter().filter(|line| needles.found_in_line(line));
            let found = lines.map(|line| line.id).collect();
            erased += self.forget_by_id(tenant, "requests", found).await?;
        }
        let mut after = 0;
        loop {
            let page = self.read(|connection| records(connection, tenant, after))?;
            let Some((last, _)) = page.last() else {
                return Ok(erased);
            };
            after = *last;
            let held = page
                .iter()
                .filter(|(_, kept)| needles.found_in_record(kept));
            let found = held.map(|(id, _)| *id).collect();
            erased += self.forget_by_id(tenant, "recordings", found).await?;
        }
    }

    async fn forget_by_id(
        &self,
        tenant: TenantId,
        table: &'static str,
        ids: Vec<u64>,
    ) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        for some in ids.chunks(AT_ONCE) {
            let some = some.to_vec();
            forgotten += self
                .write(move |connection| {
                    let mut statement = connection.prepare_cached(&format!(
                        "DELETE FROM {table} WHERE tenant = ?1 AND id = ?2"
                    ))?;
                    let mut gone = 0;
                    for id in &some {
                        gone += u64::from(statement.execute(params![tenant.0, U(*id)])? > 0);
                    }
                    Ok(gone)
                })
                .await?;
        }
        Ok(forgotten)
    }
}

/// What was recorded, from a line on.
fn records(
    connection: &Connection,
    tenant: TenantId,
    after: u64,
) -> Result<Vec<(u64, Recorded)>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id, query, content_type, body FROM recordings
         WHERE tenant = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
    )?;
    let found = statement.query_map(params![tenant.0, U(after), RECORDS], |row| {
        let recorded = Recorded {
            query: row.get(1)?,
            content_type: row.get(2)?,
            body: row.get(3)?,
        };
        Ok((row.get::<_, U>(0)?.0, recorded))
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}
