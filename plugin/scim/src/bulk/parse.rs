//! A BulkRequest as a list of operations. Values stay the text they are: the request may
//! be as large as the sandbox allows for one, and a tree of it is many times its size.
//!
//! This module must not know what becomes of an operation.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::order::{Step, order};
use super::references::{each, referred};
use super::too_large;
use crate::config::Config;
use crate::directory::Kind;
use crate::error::{ScimError, quoted};
use crate::patch::{Members, check_schemas, find, read_list, read_object};
use crate::request::segments;
use crate::resource::Notes;
use crate::write::Verb;

/// The schema of the request.
const REQUEST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// The most bytes of a bulkId: it comes back in the answer, which is bounded.
const MOST_BULK_ID: usize = 1024;

/// The methods an operation may have.
const METHODS: [&str; 4] = ["POST", "PUT", "PATCH", "DELETE"];

/// A Bulk request.
pub(super) struct Job<'a> {
    /// So many failed operations end it; none: it goes on whatever fails.
    pub fail_on_errors: Option<u64>,
    /// In the order of the request.
    pub operations: Vec<Operation<'a>>,
    /// Which operation creates what a bulkId stands for.
    made_by: BTreeMap<String, usize>,
}

/// One operation.
pub(super) struct Operation<'a> {
    /// As the answer repeats it; none if it is none of [`METHODS`].
    pub method: Option<&'static str>,
    /// As the answer repeats it.
    pub bulk_id: Option<String>,
    /// What is asked, or why that cannot be said.
    pub asked: Result<Asked<'a>, ScimError>,
}

/// What an operation asks for.
pub(super) struct Asked<'a> {
    pub verb: Verb,
    pub kind: Kind,
    pub who: Who,
    /// Compared as `If-Match` (RFC 7644 3.7).
    pub version: Option<String>,
    /// The body; none for a DELETE.
    pub data: Option<&'a RawValue>,
}

/// Which resource.
pub(super) enum Who {
    /// One to be created.
    New,
    /// The one with this id.
    Id(String),
    /// The one that the operation with this bulkId creates.
    Made(String),
}

impl<'a> Job<'a> {
    /// Reads the request. Names count in any case; what is not known is passed over.
    ///
    /// # Errors
    /// `invalidSyntax`, `invalidValue` for `failOnErrors` and for a bulkId that two
    /// creates have, 413 for more operations than are allowed.
    pub fn read(body: &'a [u8], config: &Config, notes: &mut Notes) -> Result<Self, ScimError> {
        let members = read_object(body)?;
        check_schemas(find(&members, "schemas"), REQUEST_URN, config, notes)?;
        let fail_on_errors = fail_on_errors(find(&members, "failOnErrors"))?;
        let most = config.bulk_max_operations as usize;
        let list = find(&members, "Operations").ok_or_else(|| {
            ScimError::invalid_syntax("`Operations` is missing: a list of at least one operation")
        })?;
        let list = read_list(list, most)
            .ok_or_else(|| ScimError::invalid_syntax("`Operations` must be a list"))?;
        if list.len() > most {
            // RFC 7644 3.7.4: the error says which limit is exceeded.
            return Err(too_large(format!(
                "the request has more operations than `maxOperations` ({most}): send fewer"
            )));
        }
        if list.is_empty() {
            return Err(ScimError::invalid_syntax(
                "`Operations` must hold at least one operation",
            ));
        }
        let operations: Vec<_> = list.into_iter().map(Operation::read).collect();
        let made_by = made_by(&operations)?;
        Ok(Self {
            fail_on_errors,
            operations,
            made_by,
        })
    }

    /// The operation that creates what a bulkId stands for.
    ///
    /// # Errors
    /// `invalidValue` if there is none.
    pub fn made_by(&self, bulk_id: &str) -> Result<usize, ScimError> {
        self.made_by.get(bulk_id).copied().ok_or_else(|| {
            ScimError::invalid_value(format!(
                "no POST of this request has the bulkId {}",
                quoted(bulk_id)
            ))
        })
    }

    /// In which order to carry the operations out.
    pub fn steps(&self) -> Vec<Step> {
        let references: Vec<Vec<usize>> = self
            .operations
            .iter()
            .map(|operation| self.references(operation))
            .collect();
        order(&references)
    }

    /// The operations that an operation refers to, each once. What is wrong with a
    /// reference is said once the operation is carried out.
    fn references(&self, operation: &Operation<'_>) -> Vec<usize> {
        let Ok(asked) = &operation.asked else {
            return Vec::new();
        };
        let mut found = Vec::new();
        if let Who::Made(bulk_id) = &asked.who {
            found.extend(self.made_by.get(bulk_id));
        }
        if let Some(data) = asked.data {
            each(data.get(), &mut |bulk_id| {
                found.extend(self.made_by.get(bulk_id));
            });
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl<'a> Operation<'a> {
    fn read(raw: &'a RawValue) -> Self {
        let mut operation = Self {
            method: None,
            bulk_id: None,
            asked: Err(ScimError::invalid_syntax("an operation must be an object")),
        };
        if let Ok(members) = serde_json::from_str::<Members<'a>>(raw.get()) {
            operation.asked = members.unique().and_then(|members| operation.ask(&members));
        }
        operation
    }

    /// What is asked. Sets on the way what the answer repeats.
    fn ask(&mut self, members: &Members<'a>) -> Result<Asked<'a>, ScimError> {
        let method = text(members, "method")?;
        let method = method.ok_or_else(|| ScimError::invalid_syntax("`method` is missing"))?;
        self.method = METHODS.into_iter().find(|known| *known == method);
        let bulk_id = text(members, "bulkId")?;
        if bulk_id.as_ref().is_some_and(|id| id.len() > MOST_BULK_ID) {
            return Err(ScimError::invalid_value(format!(
                "`bulkId` has more than {MOST_BULK_ID} bytes"
            )));
        }
        self.bulk_id = bulk_id;
        if self.method.is_none() {
            return Err(ScimError::invalid_value(format!(
                "`method` is {}: use POST, PUT, PATCH or DELETE",
                quoted(&method)
            )));
        }
        let verb = Verb::on_resource(&method).unwrap_or(Verb::Create);
        // RFC 7644 3.7: REQUIRED when method is POST.
        if verb == Verb::Create && self.bulk_id.as_deref().is_none_or(str::is_empty) {
            return Err(ScimError::invalid_value("a POST needs a `bulkId`"));
        }
        let path = text(members, "path")?;
        let path = path.ok_or_else(|| ScimError::invalid_syntax("`path` is missing"))?;
        let (kind, who) = place(&path, verb)?;
        let data = find(members, "data").filter(|_| verb != Verb::Delete);
        if data.is_none() && verb != Verb::Delete {
            return Err(ScimError::invalid_syntax(format!(
                "a {method} needs `data`: what its body would be"
            )));
        }
        Ok(Asked {
            verb,
            kind,
            who,
            version: text(members, "version")?.filter(|_| verb != Verb::Create),
            data,
        })
    }
}

/// RFC 7644 3.7: a POST names an endpoint, anything else a resource.
fn place(path: &str, verb: Verb) -> Result<(Kind, Who), ScimError> {
    let unknown = || {
        ScimError::not_found(format!(
            "there is no endpoint {}: `path` starts with /Users or /Groups",
            quoted(path)
        ))
    };
    // Parameters of a URL only choose what an answer shows.
    let bare = path.split('?').next().unwrap_or_default();
    let segments = segments(bare).ok_or_else(unknown)?;
    let (endpoint, id) = match segments.as_slice() {
        [endpoint] => (endpoint, None),
        [endpoint, id] => (endpoint, Some(id)),
        _ => return Err(unknown()),
    };
    let kind = match endpoint.as_str() {
        "Users" => Kind::User,
        "Groups" => Kind::Group,
        _ => return Err(unknown()),
    };
    let who = match (verb, id) {
        (Verb::Create, None) => Who::New,
        (Verb::Create, Some(_)) => {
            return Err(ScimError::method_not_allowed(format!(
                "POST is not allowed on {}: its `path` is the endpoint",
                quoted(path)
            )));
        }
        (_, None) => {
            return Err(ScimError::method_not_allowed(format!(
                "POST alone is allowed on {}: add the id to the `path`",
                quoted(path)
            )));
        }
        (_, Some(id)) => match referred(id) {
            Some(bulk_id) => Who::Made(bulk_id.to_owned()),
            None => Who::Id(id.clone()),
        },
    };
    Ok((kind, who))
}

fn text(members: &Members<'_>, name: &str) -> Result<Option<String>, ScimError> {
    find(members, name)
        .map(|raw| serde_json::from_str(raw.get()))
        .transpose()
        .map_err(|_| ScimError::invalid_syntax(format!("`{name}` must be a string")))
}

/// An integer: the number of errors that are accepted before the rest is not tried. We
/// take the stance that none can be accepted no less than one: without an error nothing
/// ends.
fn fail_on_errors(sent: Option<&RawValue>) -> Result<Option<u64>, ScimError> {
    let Some(raw) = sent else { return Ok(None) };
    match serde_json::from_str::<u64>(raw.get()) {
        Ok(number) => Ok(Some(number.max(1))),
        Err(_) => Err(ScimError::invalid_value(
            "`failOnErrors` has to be a whole number, from 1",
        )),
    }
}

/// Who creates what. A bulkId that stands for two resources would let a reference mean
/// the wrong one, so nothing of such a request is done.
fn made_by(operations: &[Operation<'_>]) -> Result<BTreeMap<String, usize>, ScimError> {
    let mut made_by = BTreeMap::new();
    for (index, operation) in operations.iter().enumerate() {
        let Some(bulk_id) = operation.bulk_id.as_ref() else {
            continue;
        };
        // RFC 7644 3.7: unique within a bulk request.
        if operation.method == Some("POST") && made_by.insert(bulk_id.clone(), index).is_some() {
            return Err(ScimError::invalid_value(format!(
                "two operations have the bulkId {}: each POST needs its own",
                quoted(bulk_id)
            )));
        }
    }
    Ok(made_by)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::error::ScimType;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn read(body: &Value) -> Result<(), ScimError> {
        let config = Config {
            bulk_max_operations: 3,
            ..Config::default()
        };
        Job::read(body.to_string().as_bytes(), &config, &mut Notes::new()).map(|_| ())
    }

    fn refused(operation: &Value) -> ScimError {
        let body = json!({"Operations": [operation]}).to_string();
        let job = Job::read(body.as_bytes(), &Config::default(), &mut Notes::new()).unwrap();
        job.operations
            .into_iter()
            .next()
            .unwrap()
            .asked
            .map(|_| ())
            .unwrap_err()
    }

    #[test]
    fn what_is_no_bulk_request_is_refused_as_a_whole() {
        let delete = json!({"method": "DELETE", "path": "/Users/1"});
        for (body, status) in [
            (json!([]), 400),
            (json!({}), 400),
            (json!({"Operations": {}}), 400),
            (json!({"Operations": []}), 400),
            (json!({"Operations": [delete], "operations": [delete]}), 400),
            (json!({"Operations": [delete], "failOnErrors": "1"}), 400),
            (json!({"Operations": [delete], "failOnErrors": -1}), 400),
            (json!({"Operations": [delete], "failOnErrors": 1.5}), 400),
            (json!({"Operations": [delete], "schemas": ["urn:x"]}), 400),
            (json!({"Operations": [1, 2, 3, 4]}), 413),
        ] {
            assert_eq!(read(&body).unwrap_err().status, status, "{body}");
        }
        assert!(read(&json!({"Operations": [1, 2, 3], "failOnErrors": null})).is_ok());
    }

    #[test]
    fn what_is_wrong_with_an_operation_is_its_own_matter() {
        let post = |field: &str, value: Value| {
            let mut operation =
                json!({"method": "POST", "path": "/Users", "bulkId": "a", "data": {}});
            operation[field] = value;
            refused(&operation)
        };
        assert_eq!(
            post("method", Value::Null).scim_type,
            Some(ScimType::InvalidSyntax)
        );
        assert_eq!(
            post("method", json!("GET")).scim_type,
            Some(ScimType::InvalidValue)
        );
        assert_eq!(
            post("method", json!(1)).scim_type,
            Some(ScimType::InvalidSyntax)
        );
        assert_eq!(
            post("bulkId", json!("")).scim_type,
            Some(ScimType::InvalidValue)
        );
        let long = "x".repeat(MOST_BULK_ID + 1);
        assert_eq!(
            post("bulkId", json!(long)).scim_type,
            Some(ScimType::InvalidValue)
        );
        assert_eq!(
            post("bulkId", Value::Null).scim_type,
            Some(ScimType::InvalidValue)
        );
        assert_eq!(
            post("data", Value::Null).scim_type,
            Some(ScimType::InvalidSyntax)
        );
        assert_eq!(
            post("path", Value::Null).scim_type,
            Some(ScimType::InvalidSyntax)
        );
        assert_eq!(post("path", json!("/Users/1")).status, 405);
        assert_eq!(post("path", json!("/Schemas")).status, 404);
        assert_eq!(post("path", json!("/Users/1/2")).status, 404);
        assert_eq!(post("path", json!("/Users/%FF")).status, 404);
        assert_eq!(
            refused(&json!({"method": "DELETE", "path": "/Users"})).status,
            405
        );
        assert_eq!(
            refused(&json!("x")).scim_type,
            Some(ScimType::InvalidSyntax)
        );
    }

    #[test]
    fn names_count_in_any_case_and_bulk_ids_do_not() {
        let body = json!({"SCHEMAS": [REQUEST_URN], "operations": [
            {"METHOD": "POST", "Path": "Groups?x=y", "bulkid": "a", "Data": {"x": "bulkId:A"}},
            {"method": "POST", "path": "//Users/", "bulkId": "A", "data": {}, "other": 1},
            {"method": "DELETE", "path": "/Groups/bulkId%3Aa", "bulkId": "a"},
        ]})
        .to_string();
        let job = Job::read(body.as_bytes(), &Config::default(), &mut Notes::new()).unwrap();
        let asked: Vec<_> = job
            .operations
            .iter()
            .map(|o| o.asked.as_ref().ok().unwrap())
            .collect();
        assert_eq!(asked[0].kind, Kind::Group);
        assert!(matches!(&asked[2].who, Who::Made(id) if id == "a"));
        assert_eq!(job.references(&job.operations[0]), [1]);
        assert_eq!(job.references(&job.operations[2]), [0]);
    }

    #[test]
    fn a_bulk_id_of_two_creates_is_refused() {
        let post = json!({"method": "POST", "path": "/Users", "bulkId": "a", "data": {}});
        let delete = json!({"method": "DELETE", "path": "/Users/bulkId:a", "bulkId": "a"});
        assert!(read(&json!({"Operations": [post, delete]})).is_ok());
        let error = read(&json!({"Operations": [post, post]})).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Job::read(&body, &Config::default(), &mut Notes::new());
        }
    }
}
