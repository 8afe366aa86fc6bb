//! Members to remove that are named by a login. A store attaches a member sent as a
//! login to the user who has it, so a client that knows no ids removes it by the same
//! login.
//!
//! This module must not know how a request names members.

use std::collections::BTreeSet;

use crate::directory::{Detail, Find, KeyRange, Kind};
use crate::error::ScimError;
use crate::filter::index_version;
use crate::fold::login_key;
use crate::list::walk;
use crate::patch::{BY_LOGIN, MemberChange, looks_like_uuid};
use crate::resource::Rule;
use crate::response::Failure;
use crate::schema::USER_NAME;
use crate::service::Call;

/// Logins that one request may name: each costs a look into the index, and no
/// client sends more than some hundreds at once.
const MOST: usize = 1000;

/// Adds to `remove` the ids of users that it names by login. What is sent stays in
/// it too, for a member may be held under it.
///
/// # Errors
/// `invalidValue` for more than 1000 names that are no ids; 503 for a login that is
/// not found while the index is being filled, for its holder would stay a member.
pub(crate) fn resolve(call: &mut Call<'_>, members: &mut MemberChange) -> Result<(), Failure> {
    let logins: BTreeSet<Vec<u8>> = members
        .remove
        .iter()
        .filter(|id| !looks_like_uuid(id))
        .map(|id| login_key(id))
        .filter(|key| !key.is_empty())
        .collect();
    if logins.is_empty()
        || !call
            .notes
            .accepts(Rule::MemberByLogin, call.config.dialect, || {
                BY_LOGIN.to_owned()
            })
    {
        return Ok(());
    }
    if logins.len() > MOST {
        return Err(ScimError::invalid_value(format!(
            "more than {MOST} members to remove are not named by their ids: send the ids"
        ))
        .into());
    }
    let mut found = Vec::new();
    for login in logins {
        found.extend(holder(call, login)?);
    }
    let known: BTreeSet<&str> = members
        .add
        .iter()
        .map(|member| member.id.as_str())
        .chain(members.remove.iter().map(String::as_str))
        .collect();
    found.retain(|id| !known.contains(id.as_str()));
    members.remove.extend(found);
    Ok(())
}

/// The user with this userName, folded.
///
/// # Errors
/// 503 if nobody is found while the index is being filled.
pub(crate) fn holder(call: &mut Call<'_>, login: Vec<u8>) -> Result<Option<String>, Failure> {
    let page = call.directory.find(&Find {
        limit: 1,
        want: Detail::Ids,
        ..walk(Kind::User, USER_NAME.to_owned(), KeyRange::Equal(login))
    })?;
    let found = page.hits.into_iter().next().map(|hit| hit.id);
    if found.is_none() && !call.directory.index_ready(&index_version(call.config))? {
        return Err(ScimError::unavailable("the index is being rebuilt: try again").into());
    }
    Ok(found)
}
