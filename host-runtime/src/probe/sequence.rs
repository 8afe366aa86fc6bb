//! What an identity provider does, as data: steps, what is sent in each, and what has to
//! come back.
//!
//! This must not know how a step is sent or judged. A text in `<…>` is a variable: names
//! made up for a run, and ids that earlier steps got.

use std::collections::HashMap;

/// An identity provider's traffic from the first test to the last deletion.
#[derive(Clone, Copy, Debug)]
pub struct Sequence {
    /// Whose traffic, for people.
    pub title: &'static str,
    /// How it labels its bodies.
    pub content_type: &'static str,
    /// How it writes a space in a query: `%20` or `+`.
    pub space: &'static str,
    /// A parameter it adds to every query; empty for none.
    pub flag: &'static str,
    /// What it takes for granted until it has read otherwise: variable and text.
    pub presets: &'static [(&'static str, &'static str)],
    /// What it does, in order.
    pub steps: &'static [Step],
}

/// One request and what is expected of its answer.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What the provider is about to do.
    pub name: &'static str,
    /// The method.
    pub method: Method,
    /// Below the base URL; variables are escaped as one segment.
    pub path: &'static str,
    /// Parameters before encoding.
    pub query: &'static [(&'static str, &'static str)],
    /// What is sent.
    pub body: Body,
    /// A resource it makes.
    pub makes: Option<Makes>,
    /// Texts of the answer to remember: variable and JSON pointer.
    pub saves: &'static [(&'static str, &'static str)],
    /// Only if this variable has this text.
    pub only_if: Option<(&'static str, &'static str)>,
    /// What has to hold, the status first.
    pub expects: &'static [Expect],
}

/// The methods of SCIM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Deletes.
    Delete,
}

impl Method {
    /// As it stands in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// Nothing.
    None,
    /// This JSON.
    Json(&'static str),
    /// The operations of a PATCH (RFC 7644 3.5.2); the envelope is added.
    Operations(&'static str),
}

/// A resource that a step makes.
#[derive(Clone, Copy, Debug)]
pub struct Makes {
    /// What it is.
    pub kind: Kind,
    /// The variable that takes its id.
    pub id: &'static str,
    /// The variable that holds the name it is sent with.
    pub name: &'static str,
}

/// What can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A person.
    User,
    /// A group.
    Group,
}

impl Kind {
    /// Where they live, below the base URL.
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::User => "/Users",
            Self::Group => "/Groups",
        }
    }

    /// The attribute that holds their name.
    pub fn name_attribute(self) -> &'static str {
        match self {
            Self::User => "userName",
            Self::Group => "displayName",
        }
    }

    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }
}

/// Something that has to hold of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Expect {
    /// What.
    pub check: Check,
    /// How bad it is if it does not.
    pub otherwise: Grade,
    /// Why it matters to this provider.
    pub why: &'static str,
    /// What the server's maker has to change.
    pub fix: &'static str,
}

/// How well a provider gets along with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// As it should be.
    Ok,
    /// The provider gets along with it, and something is lost or not as specified.
    Works,
    /// The provider fails, or makes a mess.
    Broken,
}

/// What can be asked of an answer.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// One of the first is right; the second are borne (graded [`Grade::Works`]).
    Status(&'static [u16], &'static [u16]),
    /// A `Location` that leads to the resource.
    Location,
    /// A list whose numbers are numbers.
    List,
    /// A list of exactly the resources whose ids these variables hold.
    Finds(&'static [&'static str]),
    /// A value by JSON pointer equals this JSON.
    Equal(&'static str, &'static str),
    /// Nothing is at this JSON pointer.
    Absent(&'static str),
    /// The members of a group are exactly these variables' ids.
    Members(&'static [&'static str]),
    /// The resource's id is the one this variable holds.
    Is(&'static str),
    /// A SCIM error with this `scimType` (RFC 7644 3.12); empty for any or none.
    Error(&'static str),
}

impl Expect {
    /// What breaks the provider if it does not hold.
    pub const fn broken(check: Check, why: &'static str, fix: &'static str) -> Self {
        Self {
            check,
            otherwise: Grade::Broken,
            why,
            fix,
        }
    }

    /// What it gets along without.
    pub const fn bent(check: Check, why: &'static str, fix: &'static str) -> Self {
        Self {
            check,
            otherwise: Grade::Works,
            why,
            fix,
        }
    }
}

type Query = &'static [(&'static str, &'static str)];
type Expects = &'static [Expect];

impl Step {
    const fn new(name: &'static str, method: Method, path: &'static str, body: Body) -> Self {
        Self {
            name,
            method,
            path,
            query: &[],
            body,
            makes: None,
            saves: &[],
            only_if: None,
            expects: &[],
        }
    }

    /// GET.
    pub const fn get(name: &'static str, path: &'static str, query: Query) -> Self {
        let step = Self::new(name, Method::Get, path, Body::None);
        Self { query, ..step }
    }

    /// POST of JSON.
    pub const fn post(name: &'static str, path: &'static str, body: &'static str) -> Self {
        Self::new(name, Method::Post, path, Body::Json(body))
    }

    /// PUT of JSON.
    pub const fn put(name: &'static str, path: &'static str, body: &'static str) -> Self {
        Self::new(name, Method::Put, path, Body::Json(body))
    }

    /// PATCH with these operations.
    pub const fn patch(name: &'static str, path: &'static str, operations: &'static str) -> Self {
        Self::new(name, Method::Patch, path, Body::Operations(operations))
    }

    /// DELETE.
    pub const fn delete(name: &'static str, path: &'static str) -> Self {
        Self::new(name, Method::Delete, path, Body::None)
    }

    /// It makes a user whose id goes into the first variable, named as the second says.
    pub const fn makes_user(self, id: &'static str, name: &'static str) -> Self {
        let kind = Kind::User;
        Self {
            makes: Some(Makes { kind, id, name }),
            ..self
        }
    }

    /// It makes a group.
    pub const fn makes_group(self, id: &'static str, name: &'static str) -> Self {
        let kind = Kind::Group;
        Self {
            makes: Some(Makes { kind, id, name }),
            ..self
        }
    }

    /// It remembers texts of the answer.
    pub const fn saves(self, saves: &'static [(&'static str, &'static str)]) -> Self {
        Self { saves, ..self }
    }

    /// It is left out unless a variable has this text.
    pub const fn only_if(self, variable: &'static str, text: &'static str) -> Self {
        Self {
            only_if: Some((variable, text)),
            ..self
        }
    }

    /// What has to hold of the answer.
    pub const fn expects(self, expects: Expects) -> Self {
        Self { expects, ..self }
    }
}

/// The variables of a run.
#[derive(Clone, Debug, Default)]
pub struct Variables(HashMap<&'static str, String>);

impl Variables {
    /// Sets one.
    pub fn set(&mut self, name: &'static str, text: String) {
        self.0.insert(name, text);
    }

    /// Reads one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A template with its variables filled in, each written by `escape`.
    ///
    /// # Errors
    /// The name of a variable that has no text.
    pub fn fill<'t>(
        &self,
        template: &'t str,
        escape: impl Fn(&str) -> String,
    ) -> Result<String, &'t str> {
        let mut text = String::with_capacity(template.len() + 64);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('<') {
            text.push_str(before);
            let (name, after) = after.split_once('>').unwrap_or((after, ""));
            text.push_str(&escape(self.get(name).ok_or(name)?));
            rest = after;
        }
        text.push_str(rest);
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_escaped_and_a_missing_one_is_named() {
        let mut variables = Variables::default();
        variables.set("user", "a b".to_owned());
        let escape = |text: &str| text.replace(' ', "%20");
        assert_eq!(
            variables.fill("/Users/<user>?x=<user>", escape),
            Ok("/Users/a%20b?x=a%20b".to_owned())
        );
        assert_eq!(variables.fill("/Groups/<group>", escape), Err("group"));
    }
}
