//! `/Me` (RFC 7644 3.11): another name of one user. Who a request comes from is known to
//! nobody here, for a token belongs to a connection; the setting `me` says whose alias
//! it is.
//!
//! This module must not know how a user is read or written.

use crate::directory::Kind;
use crate::error::ScimError;
use crate::fold::login_key;
use crate::http::Response;
use crate::members_by_login::holder;
use crate::response::{self, Failure, location};
use crate::service::{Call, on_resource, refuse};

/// Any request to `/Me`.
///
/// # Errors
/// 501 if nobody is meant, 404 if that user is not there.
pub(crate) fn handle(call: &mut Call<'_>, method: &str) -> Result<Response, Failure> {
    let Some(user_name) = &call.config.me else {
        // RFC 7644 3.11: a service provider that does not support it answers 501.
        return Err(ScimError::new(
            501,
            None,
            "`/Me` is not offered by this service provider: use /Users",
        )
        .into());
    };
    let id = holder(call, login_key(user_name))?
        .ok_or_else(|| ScimError::not_found("the user that `/Me` stands for is not there"))?;
    let mut answer = match on_resource(call, method, Kind::User, &id) {
        Ok(answer) => answer,
        Err(failure) => refuse(call, &failure),
    };
    // RFC 7644 3.11: in any response the location is the permanent one.
    let location = location(&call.request.base_url, Kind::User, &id);
    response::header(&mut answer, "location", &location);
    Ok(answer)
}
