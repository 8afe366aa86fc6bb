//! What is promised of hosts before they exist.

use http::StatusCode;
use nameplate_store::{HostName, Promise, TenantId};
use serde_json::{Value, json};

use super::Front;
use super::admin::Answer;
use super::fields::{Failure, Fields, Query, shown};
use super::hosts::moment;
use super::time::rfc3339;

impl Front {
    /// `GET /api/v1/promises`
    pub(super) async fn list_promises(&self, tenant: TenantId, query: &Query) -> Answer {
        let after = query.get("after").map(place).transpose()?;
        let limit = query.limit()?;
        let hosts = &self.runtime.stores().hosts;
        // A page of the store is at most as long as one of ours: `next` may lead to an
        // empty page.
        let found = hosts.promises(tenant, after.as_ref(), limit).await?;
        let full = found.len() >= limit as usize;
        let next = found.last().filter(|_| full).map(|last| text(&last.name));
        let shapes: Vec<Value> = found.iter().map(shape).collect();
        Ok((StatusCode::OK, json!({ "promises": shapes, "next": next })))
    }

    /// `PUT /api/v1/promises/serial/{serial}` and `…/name/{display name}`
    pub(super) async fn promise(
        &self,
        tenant: TenantId,
        name: &HostName,
        fields: &Fields,
    ) -> Answer {
        let now = self.runtime.now();
        let promise = Promise {
            name: name.clone(),
            username: fields.text("username")?,
            email: fields.text("email")?,
            full_name: fields.text("full_name")?,
            since: moment("since", &fields.text("since")?, now)?
                .unwrap_or(now)
                .min(now),
        };
        if promise.username.is_empty() && promise.email.is_empty() {
            let text = "give `username` or `email`: whom the host is for";
            return Err(Failure::bad("username", text).into());
        }
        let promised = self.runtime.promise(tenant, promise.clone()).await?;
        let status = if promised.news {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        let shape = json!({
            "promise": shape(&promise),
            "recorded": promised.news,
            "hosts": promised.hosts,
        });
        Ok((status, shape))
    }

    /// `DELETE …`
    pub(super) async fn drop_promise(&self, tenant: TenantId, name: &HostName) -> Answer {
        if self.runtime.drop_promise(tenant, name).await? {
            return Ok((StatusCode::NO_CONTENT, Value::Null));
        }
        Err(Failure {
            status: StatusCode::NOT_FOUND,
            name: "name",
            message: format!(
                "nothing is promised to `{}`; `GET /api/v1/promises` lists what is",
                shown(name.value())
            ),
        }
        .into())
    }
}

/// A place in the list: `serial:<serial>` or `name:<display name>`.
fn text(name: &HostName) -> String {
    match name {
        HostName::Serial(value) => format!("serial:{value}"),
        HostName::Name(value) => format!("name:{value}"),
    }
}

fn place(text: &str) -> Result<HostName, Failure> {
    match text.split_once(':') {
        Some(("serial", value)) => Ok(HostName::Serial(value.to_owned())),
        Some(("name", value)) => Ok(HostName::Name(value.to_owned())),
        _ => Err(Failure::bad(
            "after",
            format!(
                "`after` `{}` is not from this list; pass the `next` of the page before",
                shown(text)
            ),
        )),
    }
}

fn shape(promise: &Promise) -> Value {
    let Promise {
        name,
        username,
        email,
        full_name,
        since,
    } = promise;
    let (serial, display_name) = match name {
        HostName::Serial(serial) => (Some(serial), None),
        HostName::Name(name) => (None, Some(name)),
    };
    json!({
        "serial": serial,
        "display_name": display_name,
        "username": username,
        "email": email,
        "full_name": full_name,
        "since": rfc3339(*since),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_place_survives_being_written_and_read() {
        for name in [
            HostName::Serial("C02:x".to_owned()),
            HostName::Name("name: ä".to_owned()),
        ] {
            assert_eq!(place(&text(&name)).unwrap(), name);
        }
        for wrong in ["", "C02", "id:7"] {
            assert_eq!(place(wrong).unwrap_err().name, "after", "{wrong}");
        }
    }
}
