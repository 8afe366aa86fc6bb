//! Which events somebody wants: by the beginnings of their names.

/// Beginnings of event names, such as `user.` or `group.deleted`; none means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Types(Vec<String>);

/// Beginnings in one filter, and bytes of each: there are a dozen names of events.
const MANY: usize = 64;
const LONG: usize = 64;

impl Types {
    /// Reads a list, as from a query or a JSON array. Blanks around and empty ones do
    /// not count.
    ///
    /// # Errors
    /// One line that says what to change.
    pub fn new<'a>(beginnings: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut found = Vec::new();
        for text in beginnings {
            let text = text.trim();
            let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            if text.len() > LONG || !text.bytes().all(fine) {
                return Err(format!(
                    "an event type is the beginning of a name, such as `user.` or \
                     `group.deleted`, of at most {LONG} letters, digits, dots, hyphens and \
                     underscores"
                ));
            }
            if !text.is_empty() {
                found.push(text.to_owned());
            }
        }
        if found.len() > MANY {
            return Err(format!("at most {MANY} event types can be named"));
        }
        Ok(Self(found))
    }

    /// What a store has kept of one.
    pub fn stored(beginnings: Vec<String>) -> Self {
        Self(beginnings)
    }

    /// The beginnings.
    pub fn into_inner(self) -> Vec<String> {
        self.0
    }

    /// Is an event of this name wanted.
    pub fn wants(&self, name: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|beginning| name.starts_with(beginning))
    }

    /// Is every event wanted.
    pub fn all(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn names_are_wanted_by_their_beginning_and_all_if_nothing_is_said() {
        let types = Types::new(" user. ,,group.deleted".split(',')).unwrap();
        assert!(types.wants("user.updated") && types.wants("group.deleted"));
        assert!(!types.wants("group.updated") && !types.wants("a.user."));
        assert!(!types.all());
        let all = Types::new(["", " "]).unwrap();
        assert!(all.all() && all.wants("anything"));
    }

    #[test]
    fn what_cannot_begin_a_name_is_refused() {
        for text in ["user.*", "user updated", "é", &"x".repeat(65)] {
            assert!(Types::new([text]).is_err(), "{text}");
        }
        assert!(Types::new(["x"; 65]).is_err());
        assert!(Types::new(["x"; 64]).is_ok());
    }
}
