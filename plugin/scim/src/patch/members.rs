//! What a request does to a group's members. Members are edges of the directory and
//! never part of a document: a body's list becomes [`NewMember`]s without a JSON tree
//! in between, PATCH operations become one [`MemberChange`].

use super::member_list::{new_member, read_chosen, read_members};
use super::parse::{Op, is_null};
use super::path::AttributePath;
use crate::config::Dialect;
use crate::directory::{Kind, Member, NewMember};
use crate::error::{ScimError, ScimType};
use crate::filter::resolve::equal_ids;
use crate::filter::{Expr, resolve_elements};
use crate::resource::validate::MEMBERS;
use crate::resource::{Checker, Notes, Rule};
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

/// Filters other than by id that one request may hold: each costs a look at every
/// member.
const MOST_FILTERS: usize = 16;

/// Members that one request may change through filters: all of them are looked for in
/// one call (`wit/user-store.wit`).
const MOST_TARGETS: usize = 1000;

/// A filter on members other than by id.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberFilter(Expr);

impl MemberFilter {
    /// Does the member match. Its label is its `display`.
    pub fn matches(&self, member: &Member) -> bool {
        let kind = match member.kind {
            Kind::User => "User",
            Kind::Group => "Group",
        };
        self.0
            .matches_element(&json!({"value": member.id, "display": member.label, "type": kind}))
    }

    /// Does a member that is only about to be added match.
    fn matches_new(&self, id: &str, display: Option<&str>) -> bool {
        self.0
            .matches_element(&json!({"value": id, "display": display}))
    }
}

/// What a request does to a group's members. `add` and `remove` have no id in common
/// and no id twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemberChange {
    /// First remove all that `add` does not name.
    pub replace: bool,
    /// To add.
    pub add: Vec<NewMember>,
    /// To remove.
    pub remove: Vec<String>,
    /// Remove the present members that match any of these and that `add` does not
    /// name: the caller walks the members through [`MemberChange::expand`] and
    /// empties this before the commit.
    pub remove_matching: Vec<MemberFilter>,
    /// What has to be a member already, or else needs the rule: the caller asks the
    /// directory and refuses, or notes, what is not.
    pub targets: BTreeMap<String, Rule>,
}

/// Lets an operation through whose path chose a member that is none.
///
/// # Errors
/// `noTarget` if the dialect does not accept the rule.
pub(crate) fn check_target(
    rule: Rule,
    dialect: Dialect,
    notes: &mut Notes,
) -> Result<(), ScimError> {
    if notes.accepts(rule, dialect, || {
        format!("a path chose what was not among `{MEMBERS}`; it was added")
    }) {
        return Ok(());
    }
    // RFC 7644 3.5.2.3: a filter that matches nothing is noTarget.
    Err(ScimError::bad_request(
        ScimType::NoTarget,
        format!("no element of `{MEMBERS}` matches the path: add it without a filter"),
    ))
}

impl MemberChange {
    /// Does it change nothing.
    pub fn is_empty(&self) -> bool {
        !self.replace
            && self.add.is_empty()
            && self.remove.is_empty()
            && self.remove_matching.is_empty()
    }

    /// Adds to `remove` the members of a page that match a filter of
    /// `remove_matching`. Each member is to be passed once.
    pub fn expand(&mut self, page: &[Member]) {
        if self.remove_matching.is_empty() {
            return;
        }
        let spared: BTreeSet<&str> = self
            .add
            .iter()
            .map(|member| member.id.as_str())
            .chain(self.remove.iter().map(String::as_str))
            .collect();
        let found: Vec<String> = page
            .iter()
            .filter(|member| !spared.contains(member.id.as_str()))
            .filter(|member| {
                self.remove_matching
                    .iter()
                    .any(|filter| filter.matches(member))
            })
            .map(|member| member.id.clone())
            .collect();
        self.remove.extend(found);
    }
}

/// Operations on `members`, as they add up.
#[derive(Default)]
pub(crate) struct MemberDraft {
    touched: bool,
    replace: bool,
    /// By id: some to add, none to remove.
    changes: BTreeMap<String, Option<NewMember>>,
    matching: Vec<MemberFilter>,
    filters: usize,
    targets: BTreeMap<String, Rule>,
}

impl MemberDraft {
    /// Applies one operation whose path names `members`.
    pub(crate) fn operation(
        &mut self,
        op: Op,
        path: &AttributePath<'_>,
        value: Option<&RawValue>,
        checker: &mut Checker<'_>,
    ) -> Result<(), ScimError> {
        self.touched = true;
        if let Some(sub) = path.sub {
            // RFC 7643 8.7.1: the parts of a member are immutable or readOnly.
            return Err(ScimError::bad_request(
                ScimType::Mutability,
                format!(
                    "`{MEMBERS}.{}` cannot be changed; remove the member and add another",
                    sub.name
                ),
            ));
        }
        let value = value.filter(|raw| !is_null(raw));
        match (&path.filter, op) {
            (None, Op::Add) => {
                if let Some(raw) = value {
                    self.add(read_members(raw, checker)?);
                }
            }
            (None, Op::Replace) => {
                let raw = value.ok_or_else(|| {
                    // Too much is lost if a client's null meant something else.
                    ScimError::invalid_value(format!(
                        "`replace` of `{MEMBERS}` needs a list; an empty one removes all"
                    ))
                })?;
                let members = read_members(raw, checker)?;
                self.clear();
                self.add(members);
            }
            (None, Op::Remove) => match value {
                None => self.clear(),
                Some(raw) => self.remove_by_value(raw, checker)?,
            },
            (Some(filter), op) => {
                let Some(ids) = equal_ids(filter) else {
                    if op == Op::Remove {
                        let expr = resolve_elements(filter, None, path.attribute, checker.dialect)?;
                        return self.remove_matching(MemberFilter(expr));
                    }
                    return Err(ScimError::bad_request(
                        ScimType::NoTarget,
                        format!("`{MEMBERS}` can be changed through `value eq` alone"),
                    ));
                };
                let rule = match op {
                    Op::Remove => None,
                    Op::Add => Some(Rule::AddThroughMissing),
                    Op::Replace => Some(Rule::ReplaceThroughMissing),
                };
                if let Some(rule) = rule {
                    for id in &ids {
                        self.target(id, rule, checker)?;
                    }
                }
                if op != Op::Add {
                    ids.iter().for_each(|id| self.remove(id));
                }
                match (op, value) {
                    (Op::Remove, _) => {}
                    (Op::Replace, Some(raw)) => self.add(read_chosen(raw, checker)?),
                    (Op::Add, _) | (Op::Replace, None) => {
                        let ids = ids.into_iter();
                        self.add(ids.map(|id| new_member(id, None, checker)).collect());
                    }
                }
            }
        }
        Ok(())
    }

    /// What the operations come to; none if no one named members.
    pub(crate) fn finish(self) -> Option<MemberChange> {
        if !self.touched {
            return None;
        }
        let mut change = MemberChange {
            replace: self.replace,
            remove_matching: self.matching,
            targets: self.targets,
            ..MemberChange::default()
        };
        for (id, member) in self.changes {
            match member {
                Some(member) => change.add.push(member),
                None => change.remove.push(id),
            }
        }
        Some(change)
    }

    /// Looks for a member that a path chose, as far as the operations before tell.
    fn target(&mut self, id: &str, rule: Rule, checker: &mut Checker<'_>) -> Result<(), ScimError> {
        match self.changes.get(id) {
            Some(Some(_)) => return Ok(()),
            None if !self.replace => {}
            _ => return check_target(rule, checker.dialect, checker.notes),
        }
        if self.targets.len() == MOST_TARGETS {
            return Err(ScimError::too_many(format!(
                "more than {MOST_TARGETS} of `{MEMBERS}` are changed through a filter"
            )));
        }
        self.targets.entry(id.to_owned()).or_insert(rule);
        Ok(())
    }

    fn add(&mut self, members: Vec<NewMember>) {
        for member in members {
            self.changes.insert(member.id.clone(), Some(member));
        }
    }

    fn remove(&mut self, id: &str) {
        if self.replace {
            self.changes.remove(id);
        } else {
            self.changes.insert(id.to_owned(), None);
        }
    }

    fn clear(&mut self) {
        self.replace = true;
        self.changes.clear();
        self.matching.clear();
    }

    /// Entra's older dialect: `remove` with `members` as the path and a list as the
    /// value means those members, where the RFC would empty the group.
    fn remove_by_value(
        &mut self,
        raw: &RawValue,
        checker: &mut Checker<'_>,
    ) -> Result<(), ScimError> {
        if !checker.accepts(Rule::RemoveByValue, || {
            format!("`remove` of `{MEMBERS}` named them in its value")
        }) {
            return Err(ScimError::invalid_value(format!(
                "`remove` takes no value; write `{MEMBERS}[value eq \"…\"]`"
            )));
        }
        for member in read_members(raw, checker)? {
            self.remove(&member.id);
        }
        Ok(())
    }

    fn remove_matching(&mut self, filter: MemberFilter) -> Result<(), ScimError> {
        self.filters += 1;
        if self.filters > MOST_FILTERS {
            return Err(ScimError::too_many(format!(
                "more than {MOST_FILTERS} filters on `{MEMBERS}` other than by `value eq`"
            )));
        }
        let keep = |member: &NewMember| !filter.matches_new(&member.id, member.display.as_deref());
        if self.replace {
            self.changes
                .retain(|_, member| member.as_ref().is_none_or(keep));
        } else {
            for member in self.changes.values_mut() {
                if !member.as_ref().is_none_or(keep) {
                    *member = None;
                }
            }
            self.matching.push(filter);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "members_tests.rs"]
mod tests;
