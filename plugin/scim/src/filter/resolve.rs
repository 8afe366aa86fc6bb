//! A filter against a schema: every attribute must be declared, every operator and
//! value must suit its type. What cannot be answered is `invalidFilter`, never an
//! empty list, for an identity provider takes an empty list as leave to create.

use super::ast::{CompareOp, Condition, Filter, Literal};
use super::compare::compare;
use super::expr::{Check, Expr, Place};
use super::keys::{absent_flag, is_login};
use crate::config::Dialect;
use crate::directory::Kind;
use crate::error::{ScimError, ScimType, quoted};
use crate::resource::AttrPath;
use crate::resource::validate::is_edges;
use crate::schema::{Attribute, ResourceType, Schema, Target, Type};

/// Resolves a filter on resources of one type. Fails with `invalidFilter`, and with 403
/// `sensitive` if it asks for what nobody may read.
pub fn resolve(filter: &Filter, rt: &ResourceType, dialect: Dialect) -> Result<Expr, ScimError> {
    resolve_among(filter, rt, &[], dialect)
}

/// Resolves a filter on resources of one type that are listed together with others: an
/// attribute that only another type declares is absent in this one (RFC 7644 3.4.2.1).
/// Fails as [`resolve`] does.
pub fn resolve_among(
    filter: &Filter,
    rt: &ResourceType,
    others: &[&ResourceType],
    dialect: Dialect,
) -> Result<Expr, ScimError> {
    let resolver = Resolver { rt, dialect };
    walk(filter, &mut |leaf| {
        resolver.leaf(leaf).or_else(|error| {
            let elsewhere = others
                .iter()
                .filter(|other| other.kind != rt.kind)
                .any(|other| Resolver { rt: other, dialect }.leaf(leaf).is_ok());
            match leaf {
                Filter::Test(path, condition) if elsewhere && rt.resolve(path).is_none() => {
                    Ok(absent(condition))
                }
                Filter::ValuePath { path, tail, .. } if elsewhere && rt.resolve(path).is_none() => {
                    Ok(match tail {
                        Some((_, condition)) => absent(condition),
                        None => Expr::Or(Vec::new()),
                    })
                }
                _ => Err(error),
            }
        })
    })
}

/// A condition on what is absent: only the opposite of a comparison, and a comparison
/// with null, are true of it.
fn absent(condition: &Condition) -> Expr {
    match condition {
        Condition::Compare(CompareOp::Ne, literal) if *literal != Literal::Null => Expr::always(),
        Condition::Compare(CompareOp::Eq, Literal::Null) => Expr::always(),
        _ => Expr::Or(Vec::new()),
    }
}

/// Resolves a filter on the elements of one list, as it stands in the brackets of a
/// value path; `extension` is the one that declares the list. Fails as [`resolve`] does.
pub fn resolve_elements(
    filter: &Filter,
    extension: Option<&Schema>,
    list: &Attribute,
    dialect: Dialect,
) -> Result<Expr, ScimError> {
    walk(filter, &mut |leaf| match leaf {
        Filter::Test(path, condition) => element_test(path, condition, extension, list, dialect),
        other => Err(ScimError::invalid_filter(format!(
            "`{other}` cannot stand inside brackets"
        ))),
    })
}

/// Resolves the leaves of a filter by `leaf` and joins them.
fn walk(
    filter: &Filter,
    leaf: &mut dyn FnMut(&Filter) -> Result<Expr, ScimError>,
) -> Result<Expr, ScimError> {
    let mut all = |list: &[Filter]| -> Result<Vec<Expr>, ScimError> {
        list.iter().map(|filter| walk(filter, leaf)).collect()
    };
    Ok(match filter {
        Filter::And(list) => Expr::And(all(list)?),
        Filter::Or(list) => Expr::Or(all(list)?),
        Filter::Not(inner) => walk(inner, leaf)?.negated(),
        Filter::Test(..) | Filter::ValuePath { .. } => leaf(filter)?,
    })
}

struct Resolver<'a> {
    rt: &'a ResourceType,
    dialect: Dialect,
}

impl<'a> Resolver<'a> {
    /// What has no parts joined by `and`, `or` and `not`.
    fn leaf(&self, leaf: &Filter) -> Result<Expr, ScimError> {
        match leaf {
            Filter::Test(path, condition) => self.test(path, condition),
            Filter::ValuePath { path, filter, tail } => {
                self.value_path(path, filter, tail.as_ref())
            }
            other => Err(ScimError::invalid_filter(format!(
                "`{other}` is no comparison"
            ))),
        }
    }

    fn target(
        &self,
        path: &AttrPath,
    ) -> Result<(Option<&'a Schema>, &'a Attribute, Option<&'a Attribute>), ScimError> {
        match self.rt.resolve(path) {
            Some(Target::Attribute {
                extension,
                attribute,
                sub,
            }) => Ok((extension, attribute, sub)),
            _ => Err(self.undeclared(path)),
        }
    }

    fn undeclared(&self, path: &AttrPath) -> ScimError {
        let name = &self.rt.name;
        // An attribute of an extension is a frequent slip, and easily put right.
        let extension = self
            .rt
            .extensions
            .iter()
            .find(|schema| path.schema.is_none() && schema.attribute(&path.attr).is_some());
        let shown = quoted(&path.to_string());
        ScimError::invalid_filter(match extension {
            Some(schema) => format!(
                "{shown} is no attribute of {name}; write `{}:{path}`",
                schema.id
            ),
            None => format!("{shown} is no attribute of {name} that can be filtered"),
        })
    }

    fn test(&self, path: &AttrPath, condition: &Condition) -> Result<Expr, ScimError> {
        let (extension, attribute, sub) = self.target(path)?;
        check_readable(attribute, path)?;
        if let Some(sub) = sub {
            check_readable(sub, path)?;
        }
        if extension.is_none() {
            if is_edges(self.rt, attribute) || self.is_groups(attribute) {
                return self.membership(path, attribute, sub, condition);
            }
            if self.rt.core.attribute(&attribute.name).is_none() {
                match attribute.name.as_str() {
                    "id" => return self.compared(Place::Id, attribute, path, condition),
                    "meta" => return self.meta(attribute, sub, path, condition),
                    "schemas" => return self.schemas(attribute, path, condition),
                    _ => {}
                }
            }
        }
        if sub.is_some_and(|sub| is_primary(attribute, sub)) && !is_presence(condition) {
            let (list, _) = document_place(extension, attribute, None, &Condition::Present);
            let inner = AttrPath {
                schema: None,
                attr: PRIMARY.to_owned(),
                sub: None,
            };
            let (negate, condition) = positive(condition);
            let test = element_test(&inner, &condition, extension, attribute, self.dialect)?;
            let any = Expr::Any(list, Box::new(test));
            return Ok(if negate { any.negated() } else { any });
        }
        let (place, tested) = document_place(extension, attribute, sub, condition);
        check_readable(tested, path)?;
        self.compared(place, tested, path, condition)
    }

    fn compared(
        &self,
        place: Place,
        attribute: &Attribute,
        path: &AttrPath,
        condition: &Condition,
    ) -> Result<Expr, ScimError> {
        let login = matches!(&place, Place::Document { extension, attribute, sub }
            if is_login(extension.as_deref(), attribute, sub.as_deref()));
        let default = match &place {
            Place::Document {
                extension: None,
                attribute,
                sub: None,
            } if self.dialect != Dialect::Strict => absent_flag(self.rt, attribute),
            _ => None,
        };
        let test = compare(place, attribute, path, condition, self.dialect)?;
        Ok(match default {
            _ if login => test.trimmed(),
            Some(flag) => test.with_absent(flag),
            None => test,
        })
    }

    fn is_groups(&self, attribute: &Attribute) -> bool {
        self.rt.kind == Kind::User && attribute.name == "groups"
    }

    /// `members` of a group and `groups` of a user are edges, asked for by id.
    fn membership(
        &self,
        path: &AttrPath,
        attribute: &Attribute,
        sub: Option<&Attribute>,
        condition: &Condition,
    ) -> Result<Expr, ScimError> {
        let by_id = sub.is_none_or(|sub| sub.name == "value");
        match condition {
            Condition::Compare(op @ (CompareOp::Eq | CompareOp::Ne), Literal::Text(id))
                if by_id =>
            {
                let edge = Expr::Edge(id.clone());
                Ok(if *op == CompareOp::Ne {
                    edge.negated()
                } else {
                    edge
                })
            }
            Condition::Present if by_id && self.rt.kind == Kind::Group => Ok(Expr::HasMembers),
            _ => Err(ScimError::invalid_filter(format!(
                "{} cannot be filtered; `{}.value` can, with `eq` and an id in double quotes",
                quoted(&path.to_string()),
                attribute.name
            ))),
        }
    }

    fn meta(
        &self,
        meta: &Attribute,
        sub: Option<&Attribute>,
        path: &AttrPath,
        condition: &Condition,
    ) -> Result<Expr, ScimError> {
        if *condition == Condition::Present {
            return Ok(Expr::always());
        }
        let tested = sub.unwrap_or(meta);
        let place = match sub.map(|sub| sub.name.as_str()) {
            Some("created") => Place::Created,
            Some("lastModified") => Place::Modified,
            Some("version") => Place::Version,
            Some("resourceType") => {
                return self.constant(tested, path, condition, &[(self.rt.name, Expr::always())]);
            }
            _ => {
                return Err(ScimError::invalid_filter(format!(
                    "`{path}` cannot be filtered; `meta.created`, `meta.lastModified`, \
                     `meta.version` and `meta.resourceType` can"
                )));
            }
        };
        self.compared(place, tested, path, condition)
    }

    /// `schemas` is not stored: it is the core schema and the extensions with data.
    fn schemas(
        &self,
        attribute: &Attribute,
        path: &AttrPath,
        condition: &Condition,
    ) -> Result<Expr, ScimError> {
        let mut values = vec![(self.rt.core.id.as_str(), Expr::always())];
        for schema in &self.rt.extensions {
            let place = Place::Document {
                extension: None,
                attribute: schema.id.clone(),
                sub: None,
            };
            values.push((&schema.id, Expr::Test(place, Check::Present)));
        }
        self.constant(attribute, path, condition, &values)
    }

    /// A condition on values that are known beforehand: what remains is which of
    /// them apply to a resource.
    fn constant(
        &self,
        attribute: &Attribute,
        path: &AttrPath,
        condition: &Condition,
        values: &[(&str, Expr)],
    ) -> Result<Expr, ScimError> {
        let (negate, positive) = positive(condition);
        let test = self.compared(Place::Element(None), attribute, path, &positive)?;
        let met = values
            .iter()
            .filter(|(value, _)| test.matches_element(&serde_json::Value::from(*value)))
            .map(|(_, applies)| applies.clone());
        let any = Expr::Or(met.collect());
        Ok(if negate { any.negated() } else { any })
    }

    fn value_path(
        &self,
        path: &AttrPath,
        filter: &Filter,
        tail: Option<&(String, Condition)>,
    ) -> Result<Expr, ScimError> {
        let (extension, attribute, _) = self.target(path)?;
        if extension.is_none() && (is_edges(self.rt, attribute) || self.is_groups(attribute)) {
            return self.member_path(attribute, filter, tail);
        }
        // RFC 7643 2.4: elements of a simple list have a `value` too; PATCH takes it so.
        let has_parts = attribute.is_complex() || attribute.multi_valued;
        if !has_parts || self.rt.common.get(&attribute.name).is_some() {
            return Err(ScimError::invalid_filter(format!(
                "{} takes no brackets",
                quoted(&path.to_string())
            )));
        }
        check_readable(attribute, path)?;
        let (place, _) = document_place(extension, attribute, None, &Condition::Present);
        let inner = resolve_elements(filter, extension, attribute, self.dialect)?;
        let Some((sub, condition)) = tail else {
            return Ok(Expr::Any(place, Box::new(inner)));
        };
        let sub = AttrPath {
            schema: None,
            attr: sub.clone(),
            sub: None,
        };
        // `a[x].b ne y` is the opposite of `a[x].b eq y`, as everywhere.
        let (negate, condition) = match condition {
            Condition::Compare(CompareOp::Ne, literal) => {
                (true, Condition::Compare(CompareOp::Eq, literal.clone()))
            }
            other => (false, other.clone()),
        };
        let test = element_test(&sub, &condition, extension, attribute, self.dialect)?;
        let any = Expr::Any(place, Box::new(Expr::And(vec![inner, test])));
        Ok(if negate { any.negated() } else { any })
    }

    /// `members[value eq "a" or value eq "b"]`.
    fn member_path(
        &self,
        attribute: &Attribute,
        filter: &Filter,
        tail: Option<&(String, Condition)>,
    ) -> Result<Expr, ScimError> {
        let ids = if tail.is_some() {
            None
        } else {
            equal_ids(filter)
        };
        let ids = ids.ok_or_else(|| {
            ScimError::invalid_filter(format!(
                "the brackets of `{}` can hold `value eq` with ids in double quotes, joined by `or`",
                attribute.name
            ))
        })?;
        Ok(Expr::Or(ids.into_iter().map(Expr::Edge).collect()))
    }
}

/// The ids of `value eq "a" or value eq "b"`, if the filter has this form.
pub(crate) fn equal_ids(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Or(list) => {
            let nested: Option<Vec<_>> = list.iter().map(equal_ids).collect();
            nested.map(|lists| lists.into_iter().flatten().collect())
        }
        Filter::Test(path, Condition::Compare(CompareOp::Eq, Literal::Text(id)))
            if path.schema.is_none()
                && path.sub.is_none()
                && path.attr.eq_ignore_ascii_case("value") =>
        {
            Some(vec![id.clone()])
        }
        _ => None,
    }
}

/// The place of an attribute in the document, and the attribute that says how to
/// compare: for a complex one its `value`, unless presence alone is asked.
fn document_place<'a>(
    extension: Option<&Schema>,
    attribute: &'a Attribute,
    sub: Option<&'a Attribute>,
    condition: &Condition,
) -> (Place, &'a Attribute) {
    // RFC 7644 3.4.2.2: `emails eq "x"` on a list of objects means their `value`.
    let sub = sub.or_else(|| {
        let value = attribute.sub("value")?;
        (!is_presence(condition)).then_some(value)
    });
    let place = Place::Document {
        extension: extension.map(|schema| schema.id.clone()),
        attribute: attribute.name.clone(),
        sub: sub.map(|sub| sub.name.clone()),
    };
    (place, sub.unwrap_or(attribute))
}

const PRIMARY: &str = "primary";

/// Does it say which of several values is the preferred one (RFC 7643 2.4).
fn is_primary(list: &Attribute, sub: &Attribute) -> bool {
    list.multi_valued && sub.kind == Type::Boolean && sub.name == PRIMARY
}

/// A comparison without `ne`, and whether its opposite was meant.
fn positive(condition: &Condition) -> (bool, Condition) {
    match condition {
        Condition::Compare(CompareOp::Ne, literal) => {
            (true, Condition::Compare(CompareOp::Eq, literal.clone()))
        }
        other => (false, other.clone()),
    }
}

/// RFC 7644 7.5.2 (erratum 6893): a query that involves what nobody may read is refused
/// as sensitive.
fn check_readable(attribute: &Attribute, path: &AttrPath) -> Result<(), ScimError> {
    if !attribute.is_secret() {
        return Ok(());
    }
    Err(ScimError::new(
        403,
        Some(ScimType::Sensitive),
        format!("`{path}` cannot be filtered, for nobody may read it"),
    ))
}

/// Is it `pr`, or a comparison with null, which is the opposite of `pr`.
fn is_presence(condition: &Condition) -> bool {
    matches!(
        condition,
        Condition::Present | Condition::Compare(_, Literal::Null)
    )
}

fn element_test(
    path: &AttrPath,
    condition: &Condition,
    extension: Option<&Schema>,
    list: &Attribute,
    dialect: Dialect,
) -> Result<Expr, ScimError> {
    let unknown = || {
        ScimError::invalid_filter(format!(
            "{} is no sub-attribute of `{}`",
            quoted(&path.to_string()),
            list.name
        ))
    };
    if path.schema.is_some() || path.sub.is_some() {
        return Err(unknown());
    }
    if let Some(sub) = list.sub(&path.attr) {
        check_readable(sub, path)?;
        let place = Place::Element(Some(sub.name.clone()));
        let test = compare(place, sub, path, condition, dialect)?;
        let extension = extension.map(|schema| schema.id.as_str());
        return Ok(match is_login(extension, &list.name, Some(&sub.name)) {
            true => test.trimmed(),
            // RFC 7643 2.4: a value that is not said to be primary is not.
            false if is_primary(list, sub) => test.with_absent(false),
            false => test,
        });
    }
    // RFC 7643 2.4: the value of a simple list's element goes by the name `value`.
    if !list.is_complex() && path.attr.eq_ignore_ascii_case("value") {
        return compare(Place::Element(None), list, path, condition, dialect);
    }
    Err(unknown())
}
