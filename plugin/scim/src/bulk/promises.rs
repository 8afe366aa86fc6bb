//! Ids that are given to resources before these are there, which is what makes it
//! possible that two of them refer to each other.
//!
//! This module must not know who promised.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::directory::NewMember;
use crate::resource::Body;

/// Promised ids that a body may hold.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    /// Of what is not there, or never will be: references to it are left out.
    pub unborn: BTreeSet<String>,
    /// Of what was not there when the resource was created and is there now.
    pub late: BTreeSet<String>,
}

impl Promises {
    /// Takes references to what is not there out of a body: members of a group, and
    /// elsewhere the object that holds the id.
    pub fn leave_out(&self, body: &mut Body) {
        if self.unborn.is_empty() {
            return;
        }
        if let Some(members) = &mut body.members {
            members.retain(|member| !self.unborn.contains(&member.id));
        }
        body.document
            .retain(|_, value| !self.is_unborn(value) && !self.refers(value));
    }

    /// The members that could not be added before.
    pub fn late_members(&self, members: Option<Vec<NewMember>>) -> Vec<NewMember> {
        let mut members = members.unwrap_or_default();
        members.retain(|member| self.late.contains(&member.id));
        members
    }

    fn is_unborn(&self, value: &Value) -> bool {
        value
            .as_str()
            .is_some_and(|text| self.unborn.contains(text))
    }

    /// Takes what refers to the unborn out of a value; is the value itself such an
    /// object. As deep as JSON that was read, which is bounded.
    fn refers(&self, value: &mut Value) -> bool {
        match value {
            Value::Object(map) => {
                if map.values().any(|value| self.is_unborn(value)) {
                    return true;
                }
                map.retain(|_, value| !self.refers(value));
                false
            }
            Value::Array(list) => {
                list.retain_mut(|value| !self.is_unborn(value) && !self.refers(value));
                false
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::panic, reason = "tests")]
    use super::*;
    use serde_json::json;

    #[test]
    fn what_holds_an_unborn_id_is_left_out_and_nothing_else() {
        let Value::Object(document) = json!({
            "userName": "ana", "title": "u",
            "urn:x": {"department": "IT", "manager": {"value": "u", "displayName": "B"},
                      "deputies": ["u", "b", {"value": "u"}, {"value": "b"}]},
        }) else {
            panic!("an object");
        };
        let mut body = Body {
            document,
            members: Some(vec![]),
        };
        let promises = Promises {
            unborn: BTreeSet::from(["u".to_owned()]),
            ..Promises::default()
        };
        promises.leave_out(&mut body);
        let left = json!({"userName": "ana",
            "urn:x": {"department": "IT", "deputies": ["b", {"value": "b"}]}});
        assert_eq!(Value::Object(body.document), left);
    }
}
