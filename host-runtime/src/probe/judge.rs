//! Whether an answer is what a provider needs, in words.
//!
//! This module has to know SCIM, unlike the rest of the runtime: a probe is a client, and
//! stands apart from the path of requests. It must not know any provider: what to expect
//! and why it matters comes with each step.

use http::header;
use serde_json::Value;

use super::client::Answer;
use super::sequence::{Check, Expect, Grade, Kind, Variables};

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// Characters of a server's text that are repeated.
const QUOTED: usize = 120;
/// The longest id that is taken: those in use are uuids and numbers.
const ID_BYTES: usize = 512;

/// Something about an answer that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub grade: Grade,
    /// What was found.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What to change.
    pub fix: String,
}

impl Finding {
    /// One that breaks the provider.
    pub fn broken(what: impl Into<String>, why: &str, fix: &str) -> Self {
        Self::new(Grade::Broken, what, why, fix)
    }

    fn new(grade: Grade, what: impl Into<String>, why: &str, fix: &str) -> Self {
        Self {
            grade,
            what: what.into(),
            why: why.to_owned(),
            fix: fix.to_owned(),
        }
    }
}

/// Everything an answer is judged by.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// The answer.
    pub answer: &'a Answer,
    /// Its body; null if it has none or it is no JSON.
    pub json: &'a Value,
    /// The ids known so far.
    pub variables: &'a Variables,
}

/// Judges an answer: what was expected of it, and what holds for every answer.
pub fn judge(case: Case<'_>, expects: &[Expect]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for expect in expects {
        match expect.check {
            Check::Status(fine, bearable) => {
                if let Some(finding) = status(case, expect, fine, bearable) {
                    let hopeless = finding.grade == Grade::Broken;
                    findings.push(finding);
                    if hopeless {
                        // The rest is about another answer than the one that came.
                        return findings;
                    }
                }
            }
            // RFC 7644 3.5.2: an answer without a body is read back by the step after.
            _ if case.answer.status == 204 => {}
            check => findings.extend(
                wrong(case, check)
                    .map(|what| Finding::new(expect.otherwise, what, expect.why, expect.fix)),
            ),
        }
    }
    findings.extend(always(case));
    findings
}

fn status(case: Case<'_>, expect: &Expect, fine: &[u16], bearable: &[u16]) -> Option<Finding> {
    let found = case.answer.status;
    if fine.contains(&found) {
        return None;
    }
    let numbers: Vec<String> = fine.iter().map(u16::to_string).collect();
    let mut what = format!("answered {found} instead of {}", numbers.join(" or "));
    if (300..400).contains(&found) {
        what.push_str(" (a redirect; providers do not follow it)");
    }
    let detail = case.json.get("detail").and_then(Value::as_str);
    if let Some(detail) = detail {
        what.push_str(&format!(": `{}`", quoted(detail)));
    }
    let grade = if bearable.contains(&found) {
        Grade::Works
    } else {
        Grade::Broken
    };
    Some(Finding::new(grade, what, expect.why, expect.fix))
}

/// What holds for every answer of every server.
fn always(case: Case<'_>) -> Vec<Finding> {
    let Case { answer, json, .. } = case;
    let mut findings = Vec::new();
    if answer.body.is_empty() {
        return findings;
    }
    if json.is_null() {
        findings.push(Finding::broken(
            "the body is no json",
            "the provider cannot read the answer",
            "answer with a json body, or with 204 and none",
        ));
        return findings;
    }
    let kind = answer.header(&header::CONTENT_TYPE).unwrap_or_default();
    let plain = kind.split(';').next().unwrap_or_default().trim();
    if !plain.eq_ignore_ascii_case("application/scim+json") {
        findings.push(Finding::new(
            Grade::Works,
            format!("`Content-Type` is `{}`", quoted(kind)),
            "RFC 7644 3.1: answers are `application/scim+json`; some clients refuse others",
            "label every answer `application/scim+json`",
        ));
    }
    if answer.status >= 400 && json.get("status").is_some_and(Value::is_number) {
        findings.push(Finding::new(
            Grade::Works,
            "`status` of the error is a number",
            "RFC 7644 3.12: it is a string; clients with typed models cannot read the error",
            "write `\"status\": \"409\"`",
        ));
    }
    findings
}

/// What is wrong, if anything is.
fn wrong(case: Case<'_>, check: Check) -> Option<String> {
    let Case { json, .. } = case;
    match check {
        // Told apart by the caller.
        Check::Status(..) => None,
        Check::Location => wrong_location(case),
        Check::List => wrong_list(json),
        Check::Finds(variables) => wrong_list(json).or_else(|| wrong_finds(case, variables)),
        Check::Equal(pointer, expected) => wrong_value(case, pointer, expected),
        Check::Absent(pointer) => {
            let found = json.pointer(pointer)?;
            (!empty(found)).then(|| format!("`{}` is in the answer", name(pointer)))
        }
        Check::Members(variables) => {
            let found = texts(json.get("members"), "value");
            let wanted = ids(case.variables, variables);
            (found != wanted).then(|| {
                format!(
                    "the group has {} instead of the {} expected",
                    members(&found),
                    wanted.len()
                )
            })
        }
        Check::Is(variable) => {
            let found = json.get("id").and_then(Value::as_str).unwrap_or_default();
            let wanted = case.variables.get(variable).unwrap_or_default();
            (found != wanted).then(|| "the answer is another resource".to_owned())
        }
        Check::Error(scim_type) => wrong_error(json, scim_type),
    }
}

/// RFC 7644 3.3: where the new resource is.
fn wrong_location(case: Case<'_>) -> Option<String> {
    let Some(location) = case.answer.header(&header::LOCATION) else {
        return Some("there is no `Location` header".to_owned());
    };
    let id = case.json.get("id").and_then(Value::as_str);
    let leads = id.is_some_and(|id| location.ends_with(&format!("/{id}")));
    let absolute = location.starts_with("http://") || location.starts_with("https://");
    (!leads || !absolute).then(|| {
        let wrong = if absolute {
            "does not end with the id"
        } else {
            "is no absolute url"
        };
        format!("`Location` {wrong}: `{}`", quoted(location))
    })
}

/// RFC 7644 3.4.2.
fn wrong_list(json: &Value) -> Option<String> {
    if !json
        .get("schemas")
        .and_then(Value::as_array)
        .is_some_and(|schemas| schemas.iter().any(|schema| schema == LIST))
    {
        return Some("the answer is no `ListResponse`".to_owned());
    }
    match json.get("totalResults") {
        None => return Some("`totalResults` is missing".to_owned()),
        Some(total) if !total.is_u64() => {
            return Some(format!(
                "`totalResults` is `{}` and no number",
                shown(total)
            ));
        }
        Some(_) => {}
    }
    for name in ["startIndex", "itemsPerPage"] {
        if let Some(value) = json.get(name).filter(|value| !value.is_u64()) {
            return Some(format!("`{name}` is `{}` and no number", shown(value)));
        }
    }
    match json.get("Resources") {
        Some(Value::Array(_)) => None,
        Some(_) => Some("`Resources` is no list".to_owned()),
        None => {
            Some("`Resources` is missing; an empty list says that nothing was found".to_owned())
        }
    }
}

fn wrong_finds(case: Case<'_>, variables: &[&str]) -> Option<String> {
    let found = texts(case.json.get("Resources"), "id");
    let wanted = ids(case.variables, variables);
    let total = case.json.get("totalResults").and_then(Value::as_u64);
    if found == wanted && total == u64::try_from(wanted.len()).ok() {
        return None;
    }
    Some(match (wanted.as_slice(), found.len()) {
        ([], count) => format!(
            "the search found {} where there is nothing to find (is the filter ignored?)",
            count.max(usize::try_from(total.unwrap_or(0)).unwrap_or(usize::MAX))
        ),
        (_, 0) => "the search did not find what is there".to_owned(),
        (wanted, count) if wanted.iter().all(|id| found.contains(id)) => format!(
            "the search found {count} where {} is right (is the filter ignored?)",
            wanted.len()
        ),
        _ => "the search found something else".to_owned(),
    })
}

fn wrong_value(case: Case<'_>, pointer: &str, expected: &str) -> Option<String> {
    let expected = case.variables.fill(expected, escaped).ok()?;
    let expected: Value = serde_json::from_str(&expected).ok()?;
    let name = name(pointer);
    let Some(found) = case.json.pointer(pointer) else {
        return Some(format!(
            "`{name}` is missing where it should be `{}`",
            shown(&expected)
        ));
    };
    if *found == expected {
        return None;
    }
    if expected.is_boolean() && found.is_string() {
        return Some(format!(
            "`{name}` is the text `{}` and not the boolean `{expected}`",
            shown(found)
        ));
    }
    Some(format!(
        "`{name}` is `{}` instead of `{}`",
        shown(found),
        shown(&expected)
    ))
}

fn wrong_error(json: &Value, scim_type: &str) -> Option<String> {
    let is_error = json
        .get("schemas")
        .and_then(Value::as_array)
        .is_some_and(|schemas| schemas.iter().any(|schema| schema == ERROR));
    if !is_error {
        return Some("the body is no scim error".to_owned());
    }
    let found = json.get("scimType").and_then(Value::as_str);
    let found = found.unwrap_or_default();
    (!scim_type.is_empty() && found != scim_type).then(|| {
        if found.is_empty() {
            format!("the error has no `scimType`, where it should be `{scim_type}`")
        } else {
            format!("`scimType` is `{}` instead of `{scim_type}`", quoted(found))
        }
    })
}

/// The id of a resource that was just made under this name, and what is wrong with it.
/// Without the name it may be anybody's, and is left alone.
///
/// # Errors
/// What is wrong, and that it is nothing we can go on with.
pub fn made(json: &Value, kind: Kind, name: &str) -> Result<String, Finding> {
    let attribute = kind.name_attribute();
    let named = json.get(attribute).and_then(Value::as_str);
    if !named.is_some_and(|found| found.eq_ignore_ascii_case(name)) {
        return Err(Finding::broken(
            format!("`{attribute}` in the answer is not what was sent"),
            "the provider would tie its record to somebody else's",
            "answer with the resource that was made",
        ));
    }
    match json.get("id") {
        Some(Value::String(id)) if usable(id) => Ok(id.clone()),
        Some(Value::String(_)) => Err(Finding::broken(
            "`id` is empty, too long or holds characters that do not belong into a url",
            "the provider puts it into urls and filters",
            "use ids such as uuids",
        )),
        Some(_) => Err(Finding::broken(
            "`id` is no text",
            "RFC 7643 3.1: it is a string; clients with typed models cannot read it",
            "write it as a string",
        )),
        None => Err(Finding::broken(
            "there is no `id`",
            "the provider keeps it and names the resource by it from then on",
            "answer with the whole resource",
        )),
    }
}

/// Ids stand in URLs, in filters and within JSON.
fn usable(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'<' | b'>');
    (1..=ID_BYTES).contains(&id.len()) && id.bytes().all(plain) && !matches!(id, "." | "..")
}

/// A text within a JSON string.
pub fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    let inner = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"'));
    inner.unwrap_or_default().to_owned()
}

/// Somebody else's text on a line of ours.
pub fn quoted(text: &str) -> String {
    let cut = text.chars().take(QUOTED);
    cut.map(|c| if c.is_control() || c == '`' { ' ' } else { c })
        .collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        other => quoted(&other.to_string()),
    }
}

/// `null`, `[]` and `{}` are as good as nothing (RFC 7643 2.5).
fn empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// A JSON pointer as people name attributes.
fn name(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

fn members(found: &[String]) -> String {
    match found.len() {
        0 => "no members".to_owned(),
        1 => "1 member".to_owned(),
        many => format!("{many} members"),
    }
}

/// The ids these variables hold, sorted.
fn ids(variables: &Variables, names: &[&str]) -> Vec<String> {
    let found = names.iter().filter_map(|name| variables.get(name));
    let mut ids: Vec<String> = found.map(str::to_owned).collect();
    ids.sort();
    ids
}

/// The texts of one attribute in a list, sorted.
fn texts(list: Option<&Value>, name: &str) -> Vec<String> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    let found = items.filter_map(|item| item.get(name)?.as_str());
    let mut texts: Vec<String> = found.map(str::to_owned).collect();
    texts.sort();
    texts
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
