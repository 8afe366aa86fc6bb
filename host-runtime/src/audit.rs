//! Who changed what: the audit log of administrative actions.
//!
//! A line names its actor by what is no secret, what was done by a stable name, and its
//! subject by an id. What settings hold stays out of it; so do names and addresses of
//! people.

use nameplate_store::{AuditEntry, Caller, TenantId};
use serde_json::Value;

use crate::Runtime;
use crate::request_log::text::LogText;

/// Bytes of an actor, an action and a subject, as the store bounds them.
const NAME: usize = 255;
/// Bytes of what else is told.
const DETAIL: usize = 16 << 10;

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The holder of an admin token, by its public part.
    Token(String),
    /// Somebody at the command line, by the name of their account.
    Cli(String),
    /// The server itself.
    System,
}

impl Actor {
    /// Whoever runs this process.
    pub fn cli() -> Self {
        let name = ["SUDO_USER", "USER", "LOGNAME", "USERNAME"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
        Self::Cli(name.unwrap_or_else(|| "unknown".to_owned()))
    }

    /// Who has sent a request.
    pub fn of(caller: &Caller) -> Self {
        match caller {
            Caller::Token(id) => Self::Token(id.clone()),
            // Nobody else is let in where something is audited.
            Caller::Subject(_) | Caller::Stranger(_) | Caller::Nobody => Self::System,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Token(id) => format!("token:{id}"),
            Self::Cli(user) => format!("cli:{user}"),
            Self::System => "system".to_owned(),
        }
    }
}

/// A line as it is stored. Each text is looked through for secrets.
pub fn entry(
    tenant: Option<TenantId>,
    at: u64,
    actor: &Actor,
    action: &str,
    subject: &str,
    detail: &Value,
) -> AuditEntry {
    let text = |text: &str| String::from(LogText::new(text, NAME));
    let mut told = match detail {
        Value::Object(_) => detail.clone(),
        _ => Value::Object(serde_json::Map::new()),
    };
    clear(&mut told);
    let mut detail = told.to_string();
    if detail.len() > DETAIL {
        detail = "{}".to_owned();
    }
    AuditEntry {
        id: 0,
        tenant,
        at,
        actor: text(&actor.text()),
        action: text(action),
        subject: text(subject),
        detail,
    }
}

fn clear(json: &mut Value) {
    match json {
        Value::String(text) => *text = LogText::new(text, DETAIL).into(),
        Value::Array(items) => items.iter_mut().for_each(clear),
        Value::Object(members) => members.values_mut().for_each(clear),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl Runtime {
    /// Writes down what was done. What cannot be written is told in the server's log: the
    /// action itself is done by then.
    pub async fn audit(
        &self,
        tenant: Option<TenantId>,
        actor: &Actor,
        action: &str,
        subject: &str,
        detail: &Value,
    ) {
        let line = entry(tenant, self.now(), actor, action, subject, detail);
        if let Err(error) = self.stores().control.append_audit(line).await {
            tracing::error!(action, %error, "cannot write the audit log");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_text_of_a_line_holds_a_token() {
        let token = "np_admin_abcdefghijkl_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqr_01234567";
        let detail = json!({ "a": [token, { "b": token }] });
        let line = entry(
            None,
            1,
            &Actor::Cli(token.to_owned()),
            token,
            token,
            &detail,
        );
        assert!(!format!("{line:?}").contains("QRSTUV"), "{line:?}");
    }

    #[test]
    fn a_line_meets_the_limits_of_the_store() {
        let long = "é ".repeat(20_000);
        let line = entry(None, 1, &Actor::System, &long, &long, &json!({ "a": long }));
        assert!(line.action.len() <= NAME && line.subject.len() <= NAME);
        assert_eq!(line.detail, "{}");
    }
}
