//! PATCH of a user as RFC 7644 3.5.2 has it, on JSON trees, in the plainest words
//! there are: no parser, no index, nothing shared with what it is compared with.
//! Where the RFC leaves a choice, ours stands beside it.

mod operation;
mod schema;

use serde_json::{Map, Value, json};

pub use operation::{Op, Operation, Path, Payload, Target};
use schema::Access;
pub use schema::{Attr, Kind, SCHEMAS};

use crate::client::USER;

pub type Tree = Map<String, Value>;

/// The `scimType` of a refusal.
pub type Refusal = &'static str;

const INVALID_VALUE: Refusal = "invalidValue";
const INVALID_PATH: Refusal = "invalidPath";
const MUTABILITY: Refusal = "mutability";
const NO_TARGET: Refusal = "noTarget";

/// The model of one dialect.
pub struct Model {
    /// As settings name it.
    pub dialect: &'static str,
}

impl Model {
    /// Is none of the named deviations accepted.
    fn strict(&self) -> bool {
        self.dialect == "strict"
    }

    /// Does the dialect have a rule that is for these alone.
    fn is_one_of(&self, dialects: &[&str]) -> bool {
        dialects.contains(&self.dialect)
    }

    /// What the operations make of a user, or why they are refused.
    pub fn patch(&self, before: &Tree, operations: &[Operation]) -> Result<Tree, Refusal> {
        // RFC 7644 3.5.2.1: an add has a value. All of the request is read first.
        let no_value = |o: &Operation| o.op != Op::Remove && o.payload == Payload::Absent;
        if operations.iter().any(no_value) {
            return Err(INVALID_VALUE);
        }
        let mut tree = before.clone();
        for Operation {
            op,
            target,
            payload,
        } in operations
        {
            self.operation(&mut tree, *op, target, payload, false)?;
        }
        self.finish(&mut tree)?;
        check_set_once(before, &tree)?;
        Ok(tree)
    }

    fn operation(
        &self,
        tree: &mut Tree,
        op: Op,
        target: &Target,
        payload: &Payload,
        inside: bool,
    ) -> Result<(), Refusal> {
        match (target, payload) {
            // 3.5.2.2: without a path, remove fails with noTarget.
            (Target::Resource | Target::Schema(USER), _) if op == Op::Remove => Err(NO_TARGET),
            (Target::Resource | Target::Schema(_), Payload::Each(parts)) if op != Op::Remove => {
                for (target, payload) in parts {
                    self.operation(tree, op, target, payload, true)?;
                }
                Ok(())
            }
            (Target::Schema(urn), Payload::Absent | Payload::One(Value::Null)) if *urn != USER => {
                tree.remove(*urn);
                Ok(())
            }
            (Target::Resource | Target::Schema(_), _) => Err(INVALID_VALUE),
            // 3.5.2.1: without a path the value holds attributes, and no paths. Entra's does.
            (Target::At(path), _) if inside && self.strict() && path.is_more_than_a_name() => {
                Err(INVALID_PATH)
            }
            (Target::At(path), payload) => {
                let value = match payload {
                    Payload::Absent => None,
                    other => Some(other.to_json()),
                };
                self.attribute(tree, op, path, value.filter(|v| !v.is_null()), inside)
            }
        }
    }

    fn attribute(
        &self,
        tree: &mut Tree,
        op: Op,
        path: &Path,
        value: Option<Value>,
        inside: bool,
    ) -> Result<(), Refusal> {
        let schema = SCHEMAS.iter().find(|(urn, _)| *urn == path.schema);
        let attr = schema.and_then(|(_, attrs)| attrs.iter().find(|a| a.name == path.attr));
        let Some(attr) = attr else {
            return self.unknown(tree, op, path, value);
        };
        let knows = |(sub, _): &(&str, Value)| match attr.kind {
            Kind::Complex(_) => attr.sub(sub).is_some(),
            // RFC 7643 2.4: a plain list's elements are compared as `value`.
            _ => *sub == "value",
        };
        let suits = path.filter.is_empty() || attr.list && path.filter.iter().all(knows);
        if !suits {
            return Err(INVALID_PATH);
        }
        let sub = path.sub.and_then(|sub| attr.sub(sub));
        let has = |access| attr.access == access || sub.is_some_and(|sub| sub.access == access);
        if has(Access::ReadOnly) {
            // Okta names `id` beside what it changes.
            return if inside && !self.strict() {
                Ok(())
            } else {
                Err(MUTABILITY)
            };
        }
        if has(Access::WriteOnly) {
            return Ok(());
        }
        if path.schema == USER {
            return self.edit(tree, attr, sub, op, path, value);
        }
        let mut extension = match tree.remove(path.schema) {
            Some(Value::Object(extension)) => extension,
            _ => Tree::new(),
        };
        self.edit(&mut extension, attr, sub, op, path, value)?;
        if !extension.is_empty() {
            tree.insert(path.schema.to_owned(), extension.into());
        }
        Ok(())
    }

    /// An attribute of no schema, which the strict dialect refuses and the others keep.
    fn unknown(
        &self,
        tree: &mut Tree,
        op: Op,
        path: &Path,
        value: Option<Value>,
    ) -> Result<(), Refusal> {
        if self.strict() {
            return Err(INVALID_PATH);
        }
        if !path.filter.is_empty() {
            return Ok(());
        }
        assert!(path.sub.is_none() && path.schema == USER, "not modelled");
        match value {
            Some(value) if op != Op::Remove => tree.insert(path.attr.to_owned(), value),
            _ => tree.remove(path.attr),
        };
        Ok(())
    }

    /// `holder` is the resource or an extension.
    fn edit(
        &self,
        holder: &mut Tree,
        attr: &Attr,
        sub: Option<&Attr>,
        op: Op,
        path: &Path,
        value: Option<Value>,
    ) -> Result<(), Refusal> {
        let named = sub.unwrap_or(attr);
        let some_only = sub.is_none() && (!path.filter.is_empty() || attr.list && value.is_some());
        // 3.5.2.2: a required attribute cannot be removed.
        if op == Op::Remove && named.access == Access::Required && !some_only {
            return Err(MUTABILITY);
        }
        let old = holder.remove(attr.name);
        let new = if attr.list {
            let old = match old {
                Some(Value::Array(list)) => list,
                _ => Vec::new(),
            };
            let had_some = !old.is_empty();
            let list = self.edit_list(old, attr, sub, op, path, value)?;
            // 3.5.2.2: nor may it become unassigned.
            if op == Op::Remove && attr.access == Access::Required && had_some && list.is_empty() {
                return Err(MUTABILITY);
            }
            (!list.is_empty()).then_some(Value::Array(list))
        } else {
            match sub {
                None => self.edit_single(old, attr, op, value)?,
                Some(sub) => self.edit_part(old, sub, op, value)?,
            }
        };
        if let Some(new) = new {
            holder.insert(attr.name.to_owned(), new);
        }
        Ok(())
    }

    fn edit_single(
        &self,
        old: Option<Value>,
        attr: &Attr,
        op: Op,
        value: Option<Value>,
    ) -> Result<Option<Value>, Refusal> {
        let Some(value) = value.filter(|_| op != Op::Remove) else {
            return Ok(None);
        };
        let (Kind::Complex(subs), Value::Object(sent)) = (attr.kind, &value) else {
            return self.single(attr, value);
        };
        // 3.5.2.3: sub-attributes that are not specified stay. We take null as
        // specified: it clears.
        let mut object = old
            .as_ref()
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        for sub in subs {
            if op == Op::Replace && sent.get(sub.name).is_some_and(Value::is_null) {
                object.remove(sub.name);
            }
        }
        if let Some(Value::Object(new)) = self.single(attr, value)? {
            object.extend(new);
        }
        Ok((!object.is_empty()).then_some(Value::Object(object)))
    }

    fn edit_part(
        &self,
        old: Option<Value>,
        sub: &Attr,
        op: Op,
        value: Option<Value>,
    ) -> Result<Option<Value>, Refusal> {
        let mut object = old
            .as_ref()
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        let new = match value {
            Some(value) if op != Op::Remove => self.single(sub, value)?,
            _ => None,
        };
        match new {
            Some(new) => object.insert(sub.name.to_owned(), new),
            None => object.remove(sub.name),
        };
        Ok((!object.is_empty()).then_some(Value::Object(object)))
    }

    fn edit_list(
        &self,
        old: Vec<Value>,
        attr: &Attr,
        sub: Option<&Attr>,
        op: Op,
        path: &Path,
        value: Option<Value>,
    ) -> Result<Vec<Value>, Refusal> {
        let whole = path.filter.is_empty() && sub.is_none();
        match (op, value) {
            (Op::Remove, Some(value)) if whole => self.remove_by_value(old, attr, value),
            (Op::Remove, _) | (_, None) => remove_chosen(old, attr, sub, op, path),
            (Op::Replace, Some(value)) if whole => self.list(attr, value),
            (Op::Add, Some(value)) if whole => Ok(add_elements(old, attr, self.list(attr, value)?)),
            (_, Some(value)) => self.change_chosen(old, attr, sub, op, path, value),
        }
    }

    /// Not in the RFC: Entra removes elements by naming them in the value.
    fn remove_by_value(
        &self,
        mut list: Vec<Value>,
        attr: &Attr,
        value: Value,
    ) -> Result<Vec<Value>, Refusal> {
        if self.strict() {
            return Err(INVALID_VALUE);
        }
        let gone = self.list(attr, value)?;
        list.retain(|element| {
            !gone.iter().any(|gone| {
                let (is, named) = (identity(attr, element), identity(attr, gone));
                is == named || (named.0.is_some() && named.1.is_none() && is.0 == named.0)
            })
        });
        Ok(list)
    }

    fn change_chosen(
        &self,
        mut list: Vec<Value>,
        attr: &Attr,
        sub: Option<&Attr>,
        op: Op,
        path: &Path,
        value: Value,
    ) -> Result<Vec<Value>, Refusal> {
        let new = match (sub, value) {
            (Some(sub), value) => self
                .single(sub, value)?
                .map(|value| json!({ sub.name: value })),
            (None, Value::Array(mut only)) if only.len() == 1 => {
                self.single(attr, only.pop().unwrap())?
            }
            (None, value) => self.single(attr, value)?,
        };
        // A value without content unsets, like null.
        let Some(new) = new else {
            return remove_chosen(list, attr, sub, op, path);
        };
        let mut changed = Vec::new();
        for (place, element) in list.iter_mut().enumerate() {
            if !chosen(attr, path, element) {
                continue;
            }
            // 3.5.2.3: all matching values are replaced, or the sub-attribute of each.
            if op == Op::Replace && sub.is_none() {
                *element = new.clone();
            } else {
                merge(element, &new);
            }
            changed.push(place);
        }
        if changed.is_empty() {
            // 3.5.2.3: noTarget. Entra means that there should be one.
            let creates = match op {
                Op::Add => !self.strict(),
                _ => self.is_one_of(&["auto", "entra"]),
            };
            if !path.filter.is_empty() && !creates {
                return Err(NO_TARGET);
            }
            let element = self.described(attr, path, &new)?;
            return Ok(add_elements(list, attr, vec![element]));
        }
        if let (Some(last), true) = (changed.pop(), is_primary(&new)) {
            only_primary(&mut list, last);
        }
        Ok(list)
    }

    /// The element a filter describes, with this in it.
    fn described(&self, attr: &Attr, path: &Path, new: &Value) -> Result<Value, Refusal> {
        let mut element = json!({});
        for (sub, value) in &path.filter {
            if let Some(sub) = attr.sub(sub)
                && let Some(value) = self.single(sub, value.clone())?
            {
                merge(&mut element, &json!({ sub.name: value }));
            }
        }
        // A filter that holds of nothing describes nothing.
        if !attr.subs().is_empty() && !chosen(attr, path, &element) {
            return Err(NO_TARGET);
        }
        merge(&mut element, new);
        Ok(element)
    }

    /// The elements of a list as they are kept.
    fn list(&self, attr: &Attr, value: Value) -> Result<Vec<Value>, Refusal> {
        let elements = match value {
            Value::Array(elements) => elements,
            Value::String(_) if !attr.subs().is_empty() => return Err(INVALID_VALUE),
            _ if self.strict() => return Err(INVALID_VALUE),
            one => vec![one],
        };
        let mut kept = Vec::new();
        for element in elements {
            kept.extend(self.single(attr, element)?);
        }
        Ok(kept)
    }

    /// A value, or one element of a list, as it is kept; none if it is empty.
    fn single(&self, attr: &Attr, value: Value) -> Result<Option<Value>, Refusal> {
        match (attr.kind, value) {
            (_, Value::Null) => Ok(None),
            (Kind::Text | Kind::Exact, Value::String(text)) => Ok(Some(text.into())),
            (Kind::Flag, Value::Bool(flag)) => Ok(Some(flag.into())),
            (Kind::Flag, Value::String(text)) if !self.strict() => match &*text.to_lowercase() {
                "true" => Ok(Some(true.into())),
                "false" => Ok(Some(false.into())),
                _ => Err(INVALID_VALUE),
            },
            (Kind::Integer, Value::Number(number)) if !number.is_f64() => Ok(Some(number.into())),
            (Kind::Complex(subs), Value::Object(sent)) => {
                let mut object = Tree::new();
                for (name, value) in sent {
                    let Some(sub) = subs.iter().find(|sub| sub.name == name) else {
                        panic!("{name} is not modelled");
                    };
                    if sub.access != Access::ReadOnly
                        && let Some(value) = self.single(sub, value)?
                    {
                        object.insert(name, value);
                    }
                }
                Ok((!object.is_empty()).then_some(Value::Object(object)))
            }
            // Entra sends a bare id for the manager.
            (Kind::Complex(_), Value::String(text))
                if !self.strict() && !attr.list && attr.sub("value").is_some() =>
            {
                Ok((!text.trim().is_empty()).then(|| json!({"value": text})))
            }
            _ => Err(INVALID_VALUE),
        }
    }

    /// What is true of every resource (RFC 7643 2.4 and 7).
    fn finish(&self, tree: &mut Tree) -> Result<(), Refusal> {
        self.finish_schema(tree, SCHEMAS[0].1)?;
        for (urn, attrs) in &SCHEMAS[1..] {
            if let Some(Value::Object(mut extension)) = tree.remove(*urn) {
                self.finish_schema(&mut extension, attrs)?;
                if !extension.is_empty() {
                    tree.insert((*urn).to_owned(), extension.into());
                }
            }
        }
        Ok(())
    }

    fn finish_schema(&self, holder: &mut Tree, attrs: &[Attr]) -> Result<(), Refusal> {
        for attr in attrs {
            if let Some(Value::Array(list)) = holder.get_mut(attr.name) {
                let before = list.len();
                list.retain(|e| attr.name != "emails" || !is_blank(e.get("value")));
                if list.len() < before && !self.is_one_of(&["auto", "okta", "entra"]) {
                    return Err(INVALID_VALUE);
                }
                for sub in attr.subs().iter().filter(|s| s.access == Access::Required) {
                    if list.iter().any(|element| is_blank(element.get(sub.name))) {
                        return Err(INVALID_VALUE);
                    }
                }
                if !attr.subs().is_empty() {
                    join_equal(list, attr);
                }
                let mut primary = (0..list.len()).filter(|place| is_primary(&list[*place]));
                let (first, last) = (primary.next(), primary.next_back());
                drop(primary);
                if let (Some(_), Some(last)) = (first, last) {
                    if self.is_one_of(&["generic", "strict"]) {
                        return Err(INVALID_VALUE);
                    }
                    only_primary(list, last);
                }
                if list.is_empty() {
                    holder.remove(attr.name);
                }
            }
            if attr.access == Access::Required && is_blank(holder.get(attr.name)) {
                return Err(INVALID_VALUE);
            }
        }
        Ok(())
    }
}

/// RFC 7643 7: what is immutable is set once.
fn check_set_once(before: &Tree, after: &Tree) -> Result<(), Refusal> {
    for (urn, attrs) in SCHEMAS {
        for attr in attrs.iter().filter(|attr| attr.access == Access::Once) {
            let of = |tree: &Tree| tree.get(*urn).and_then(|e| e.get(attr.name)).cloned();
            if of(before).is_some() && of(before) != of(after) {
                return Err(MUTABILITY);
            }
        }
    }
    Ok(())
}

fn remove_chosen(
    mut list: Vec<Value>,
    attr: &Attr,
    sub: Option<&Attr>,
    op: Op,
    path: &Path,
) -> Result<Vec<Value>, Refusal> {
    let Some(sub) = sub else {
        list.retain(|element| !chosen(attr, path, element));
        return Ok(list);
    };
    for element in &mut list {
        if !chosen(attr, path, element) {
            continue;
        }
        if op == Op::Remove && sub.access == Access::Required {
            return Err(MUTABILITY);
        }
        element.as_object_mut().unwrap().remove(sub.name);
    }
    // RFC 7643 2.5: an empty element is none.
    list.retain(|element| element != &json!({}));
    Ok(list)
}

fn chosen(attr: &Attr, path: &Path, element: &Value) -> bool {
    path.filter.iter().all(|(name, wanted)| {
        let (found, kind) = match attr.sub(name) {
            // RFC 7643 2.4: a primary that is not there is assumed to be false.
            Some(sub) if *name == "primary" => (Some(json!(is_primary(element))), sub.kind),
            Some(sub) => (element.get(*name).cloned(), sub.kind),
            None => (Some(element.clone()), attr.kind),
        };
        let compared = |value: &Value| match comparable(kind, value) {
            // An address is a login, and white space around it is a slip.
            text if attr.name == "emails" && *name == "value" => text.trim().to_owned(),
            text => text,
        };
        found.as_ref().map(compared) == Some(compared(wanted))
    })
}

fn comparable(kind: Kind, value: &Value) -> String {
    match (kind, value) {
        (Kind::Text, Value::String(text)) => text.to_lowercase(),
        (_, value) => value.to_string(),
    }
}

/// What tells elements apart. The RFC does not say when a value "already" is in a
/// list. We take the stance: by its value, where both have a type by that too, and
/// without a value by everything but `primary`, which others change.
fn identity(attr: &Attr, element: &Value) -> (Option<String>, Option<String>) {
    let part = |name: &str| Some(comparable(attr.sub(name)?.kind, element.get(name)?));
    match attr.kind {
        Kind::Complex(_) => match part("value") {
            Some(value) => (Some(value), part("type")),
            None => {
                let mut rest = element.clone();
                rest.as_object_mut().unwrap().remove("primary");
                (None, Some(rest.to_string()))
            }
        },
        kind => (Some(comparable(kind, element)), None),
    }
}

/// 3.5.2.1: a value that is there is not added again; it takes over what is new.
fn add_elements(mut list: Vec<Value>, attr: &Attr, new: Vec<Value>) -> Vec<Value> {
    let mut primary = None;
    for element in new {
        let wanted = identity(attr, &element);
        let find = |same: &dyn Fn((Option<String>, Option<String>)) -> bool| {
            list.iter().position(|known| same(identity(attr, known)))
        };
        let place = find(&|known| known == wanted)
            .or_else(|| match &wanted {
                (Some(_), None) => find(&|known| known.0 == wanted.0),
                (Some(_), Some(_)) => find(&|known| known == (wanted.0.clone(), None)),
                (None, _) => None,
            })
            .unwrap_or(list.len());
        if is_primary(&element) {
            primary = Some(place);
        }
        match list.get_mut(place) {
            Some(known) => merge(known, &element),
            None => list.push(element),
        }
    }
    if let Some(primary) = primary {
        only_primary(&mut list, primary);
    }
    list
}

/// RFC 7643 2.4: one pair of value and type is not returned twice.
fn join_equal(list: &mut Vec<Value>, attr: &Attr) {
    let mut joined: Vec<Value> = Vec::new();
    for element in list.drain(..) {
        let wanted = identity(attr, &element);
        match joined
            .iter_mut()
            .find(|known| identity(attr, known) == wanted)
        {
            Some(known) => merge(known, &element),
            None => joined.push(element),
        }
    }
    *list = joined;
}

fn merge(element: &mut Value, new: &Value) {
    match (element, new) {
        (Value::Object(element), Value::Object(new)) => element.extend(new.clone()),
        (element, new) => *element = new.clone(),
    }
}

fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&json!(true))
}

/// 3.5.2: a primary that is set makes the others false.
fn only_primary(list: &mut [Value], primary: usize) {
    for (place, element) in list.iter_mut().enumerate() {
        if place != primary && is_primary(element) {
            element["primary"] = json!(false);
        }
    }
}

fn is_blank(value: Option<&Value>) -> bool {
    match value {
        None => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(value) => value == &json!([]) || value == &json!({}),
    }
}
