//! Tables of who uses which host, in and out: for the command line and over HTTP.
//!
//! A row of an import is a promise, which waits for its host if need be, or what an
//! administrator says of a host that is there. Repeating it does nothing, so an import
//! may be cut off anywhere and be done again.

pub(crate) mod export;
pub(crate) mod read;

use std::sync::Arc;

use nameplate_store::{Host, HostName, HostStore, Promise, Source, StoreError, TenantId};
use tokio::task::JoinSet;

use crate::Runtime;
use crate::plugin::{ClaimDraft, EndUser, MappingError, MappingEvent};
use crate::preview::HostPreview;
use crate::promises;
use read::{Mistake, Row};

/// Rows that are written at one time: the store syncs once for those that wait together.
pub(crate) const AT_ONCE: usize = 64;

/// What the rows of a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// They wait for their host.
    Promise,
    /// Their host has to be there.
    Manual,
}

impl Kind {
    /// Its name on the command line and in queries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Promise => "promise",
            Self::Manual => "manual",
        }
    }
}

/// What a row came to, or would come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    /// It says something new.
    pub news: bool,
    /// Hosts of that name.
    pub hosts: u64,
    /// In a rehearsal, what the first of them would show.
    pub user: Option<EndUser>,
}

impl Done {
    /// In words, for a table.
    pub fn text(&self) -> String {
        let Self { news, hosts, user } = self;
        if !news {
            return "known already".to_owned();
        }
        if *hosts == 0 {
            return "waits for its host".to_owned();
        }
        let Some(user) = user else {
            return "assigned".to_owned();
        };
        let whom = match &user.person {
            Some(person) if !person.full_name.is_empty() => person.full_name.clone(),
            Some(person) => person.username.clone(),
            None => format!("{}: {}", user.outcome.as_str(), user.reason),
        };
        match hosts {
            1 => format!("host shows {whom}"),
            hosts => format!("{hosts} hosts show {whom}"),
        }
    }
}

/// Counts of an import; every row is in one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Rows that said something new.
    pub recorded: u64,
    /// Rows that were known already.
    pub repeated: u64,
    /// Rows that were passed over.
    pub mistakes: u64,
}

impl Counts {
    /// Counts one row.
    pub fn add(&mut self, row: &Result<Done, Mistake>) {
        *match row {
            Ok(Done { news: true, .. }) => &mut self.recorded,
            Ok(_) => &mut self.repeated,
            Err(_) => &mut self.mistakes,
        } += 1;
    }

    /// All rows.
    pub fn rows(self) -> u64 {
        let Self {
            recorded,
            repeated,
            mistakes,
        } = self;
        recorded + repeated + mistakes
    }
}

/// How rows are worked in.
#[derive(Clone)]
pub(crate) struct Import {
    /// Over this.
    pub runtime: Runtime,
    /// Whose hosts.
    pub tenant: TenantId,
    /// What the rows are.
    pub kind: Kind,
    /// Only tell what would be done.
    pub dry: bool,
}

impl Import {
    /// Works rows in, side by side, and answers in their order. No two are about the same
    /// host name, so their order does not matter.
    ///
    /// # Errors
    /// Trouble with the store or the plugin; some rows may be done.
    pub async fn rows(
        &self,
        rows: Vec<Result<Row, Mistake>>,
    ) -> Result<Vec<Result<Done, Mistake>>, MappingError> {
        let mut done: Vec<Option<Result<Done, Mistake>>> = Vec::new();
        let mut running = JoinSet::new();
        for (at, row) in rows.into_iter().enumerate() {
            match row {
                Err(mistake) => done.push(Some(Err(mistake))),
                Ok(row) => {
                    done.push(None);
                    let import = self.clone();
                    running.spawn(async move { (at, import.row(row).await) });
                }
            }
        }
        while let Some(finished) = running.join_next().await {
            let stopped = |_| StoreError::Other("a bug ended the import of a row".to_owned());
            let (at, row) = finished.map_err(stopped)?;
            if let Some(place) = done.get_mut(at) {
                *place = Some(row?);
            }
        }
        Ok(done.into_iter().flatten().collect())
    }

    async fn row(&self, row: Row) -> Result<Result<Done, Mistake>, MappingError> {
        let line = row.line;
        let done = match self.kind {
            Kind::Promise => self.promise(row).await,
            Kind::Manual => self.manual(row).await,
        };
        match done {
            Err(MappingError::Invalid(reason)) => Ok(Err(Mistake { line, reason })),
            Err(MappingError::NoHost) => Ok(Err(Mistake {
                line,
                reason: "the host was deleted meanwhile".to_owned(),
            })),
            done => done.map(Ok),
        }
    }

    async fn promise(&self, row: Row) -> Result<Done, MappingError> {
        let now = self.runtime.now();
        let promise = Promise {
            name: row.name,
            username: row.username,
            email: row.email,
            full_name: row.full_name,
            since: row.since.unwrap_or(now).min(now),
        };
        if !self.dry {
            let promised = self.runtime.promise(self.tenant, promise).await?;
            return Ok(Done {
                news: promised.news,
                hosts: promised.hosts,
                user: None,
            });
        }
        let store = &self.runtime.stores().hosts;
        let (serial, name) = match &promise.name {
            HostName::Serial(serial) => (serial.as_str(), ""),
            HostName::Name(name) => ("", name.as_str()),
        };
        let known = store.promises_for(self.tenant, serial, name).await?;
        let news = !known.iter().any(|known| known.repeats(&promise));
        let hosts = store
            .hosts_named(self.tenant, &promise.name, None, 1000)
            .await?;
        let mut user = None;
        if let Some(first) = hosts.first().filter(|_| news) {
            let host = self.host(first).await?;
            let draft = promises::draft(promise, &host);
            user = Some(self.would_show(first, draft).await?.1);
        }
        Ok(Done {
            news,
            hosts: hosts.len() as u64,
            user,
        })
    }

    async fn manual(&self, row: Row) -> Result<Done, MappingError> {
        let store = &self.runtime.stores().hosts;
        let hosts = store.hosts_named(self.tenant, &row.name, None, 2).await?;
        let named = row.name.value();
        let host = match hosts.as_slice() {
            [host] => host.clone(),
            [] => {
                return Err(MappingError::Invalid(format!(
                    "there is no host `{named}`; create it first, or import with `promise`"
                )));
            }
            _ => {
                return Err(MappingError::Invalid(format!(
                    "several hosts are named `{named}`; give the serial of the one that is meant"
                )));
            }
        };
        let draft = ClaimDraft {
            id: String::new(),
            source: Source::Manual,
            username: row.username,
            email: row.email,
            full_name: row.full_name,
            since: row.since,
        };
        if self.dry {
            let (news, user) = self.would_show(&host, draft).await?;
            return Ok(Done {
                news,
                hosts: 1,
                user: Some(user),
            });
        }
        let progress = self.runtime.claim(self.tenant, &host, draft).await?;
        Ok(Done {
            news: progress.recorded,
            hosts: 1,
            user: None,
        })
    }

    async fn host(&self, id: &str) -> Result<Host, MappingError> {
        let host = self.runtime.stores().hosts.host(self.tenant, id).await?;
        host.ok_or(MappingError::NoHost)
    }

    /// Is a claim news, and what would the host show with it; nothing is written.
    async fn would_show(
        &self,
        host: &str,
        draft: ClaimDraft,
    ) -> Result<(bool, EndUser), MappingError> {
        let stores = self.runtime.stores();
        let hosts: Arc<dyn HostStore> = Arc::new(HostPreview::new(stores.hosts.clone()));
        let users = stores.users.clone();
        let call = self.runtime.call_on(self.tenant, None, users, hosts);
        let call = call.await?;
        let plugin = self.runtime.plugin();
        let event = MappingEvent::Claimed(host.to_owned(), draft);
        let progress = plugin.apply(call.clone(), event, None, 1).await?;
        let user = plugin.end_user(call, host.to_owned()).await?;
        Ok((progress.recorded, user))
    }
}

/// What a spreadsheet may take for a formula when it opens a CSV file: some pass over
/// blanks in front, some take the wide forms of East Asian keyboards.
pub(crate) fn looks_like_formula(cell: &str) -> bool {
    let first = cell.trim_start();
    first.len() < cell.len() && cell.starts_with(['\t', '\r', '\n'])
        || first.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}
