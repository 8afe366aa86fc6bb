//! Takes away what a probe made, and nothing else.
//!
//! Each resource is read before it is deleted: it goes only if it still bears a name of
//! this run. What an answer that was lost may have made is searched for by its name.

use http::Method;
use serde_json::Value;

use super::client::{Answer, Ask};
use super::play::{self, Made, Probe};
use super::sequence::Kind;

/// What became of what was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Resources that were deleted.
    pub deleted: usize,
    /// Resources that are still there, and why, in words.
    pub left: Vec<String>,
}

impl Probe<'_> {
    /// Deletes what was made. Groups first: they name people.
    pub async fn clean(&mut self) -> Cleaned {
        self.find_lost().await;
        let mut made: Vec<Made> = self.made.drain().collect();
        made.sort_by_key(|made| made.kind == Kind::User);
        let mut cleaned = Cleaned::default();
        for made in made {
            match self.remove(&made).await {
                Ok(true) => cleaned.deleted += 1,
                Ok(false) => {}
                Err(why) => {
                    let left = format!("{} `{}`: {why}", made.kind.word(), made.id);
                    cleaned.left.push(self.client.secret().hidden_in(&left));
                }
            }
        }
        cleaned
    }

    /// What was made, for those who keep it.
    pub fn kept(&self) -> Vec<String> {
        let words = |made: &Made| format!("{} `{}`", made.kind.word(), made.id);
        let mut kept: Vec<String> = self.made.iter().map(words).collect();
        kept.sort();
        kept
    }

    /// Finds by name what was made by a request whose answer never came.
    async fn find_lost(&mut self) {
        for (kind, name) in std::mem::take(&mut self.sent) {
            let Ok(answer) = self.get(play::search(kind, &name)).await else {
                continue;
            };
            let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let found = json.get("Resources").and_then(Value::as_array);
            for resource in found.into_iter().flatten() {
                if let Ok(id) = super::judge::made(resource, kind, &name) {
                    self.made.insert(Made { kind, id });
                }
            }
        }
    }

    /// Deletes a resource of ours; false if it is gone already.
    async fn remove(&self, made: &Made) -> Result<bool, String> {
        let target = play::resource(made.kind, &made.id);
        let answer = self.get(target.clone()).await?;
        match answer.status {
            404 | 410 => return Ok(false),
            200 => {}
            other => return Err(format!("reading it was answered with {other}")),
        }
        let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let name = json.get(made.kind.name_attribute()).and_then(Value::as_str);
        let ours = name.is_some_and(|name| name.to_ascii_lowercase().starts_with(&self.tag));
        if !ours {
            return Err(
                "it does not bear the name it was made with, so it is left alone".to_owned(),
            );
        }
        let answer = self
            .send(Method::DELETE, target.clone(), String::new())
            .await?;
        match answer.status {
            200..300 | 404 | 410 => Ok(true),
            other if made.kind == Kind::User => {
                let off = self.send(Method::PATCH, target, play::deactivation()).await;
                let off = off.is_ok_and(|answer| (200..300).contains(&answer.status));
                let state = if off { "; it is inactive now" } else { "" };
                Err(format!("deleting it was answered with {other}{state}"))
            }
            other => Err(format!("deleting it was answered with {other}")),
        }
    }

    async fn get(&self, target: String) -> Result<Answer, String> {
        self.send(Method::GET, target, String::new()).await
    }

    async fn send(&self, method: Method, target: String, body: String) -> Result<Answer, String> {
        let ask = Ask {
            method,
            target,
            content_type: "application/scim+json",
            body,
        };
        self.client.ask(&ask).await
    }
}
