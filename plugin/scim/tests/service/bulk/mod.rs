//! Bulk (RFC 7644 3.7).

use serde_json::{Value, json};

use crate::client::{Answer, Client, GROUP, PATCH_OP, USER};

mod answers;
mod limits;
mod one_by_one;
mod order;
mod references;

pub const REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
pub const RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

pub fn user(name: &str) -> Value {
    json!({"schemas": [USER], "userName": name, "active": true})
}

/// A group with these members, by id or reference.
pub fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    json!({"schemas": [GROUP], "displayName": name, "members": members})
}

pub fn post(endpoint: &str, bulk_id: &str, data: Value) -> Value {
    json!({"method": "POST", "path": endpoint, "bulkId": bulk_id, "data": data})
}

pub fn put(path: &str, data: Value) -> Value {
    json!({"method": "PUT", "path": path, "data": data})
}

pub fn patch(path: &str, operations: Value) -> Value {
    let data = json!({"schemas": [PATCH_OP], "Operations": operations});
    json!({"method": "PATCH", "path": path, "data": data})
}

pub fn delete(path: &str) -> Value {
    json!({"method": "DELETE", "path": path})
}

/// The results of a Bulk request.
#[must_use]
pub struct Results(pub Vec<Value>);

impl Client {
    pub fn bulk_answer(&mut self, operations: &[Value]) -> Answer {
        self.post(
            "/Bulk",
            &json!({"schemas": [REQUEST], "Operations": operations}),
        )
    }

    #[track_caller]
    pub fn bulk(&mut self, operations: &[Value]) -> Results {
        Results::of(&self.bulk_answer(operations).expect(200))
    }

    /// Ends after so many errors.
    #[track_caller]
    pub fn bulk_until(&mut self, fail_on_errors: u64, operations: &[Value]) -> Results {
        let body = json!({"schemas": [REQUEST], "failOnErrors": fail_on_errors,
            "Operations": operations});
        Results::of(&self.post("/Bulk", &body).expect(200))
    }
}

impl Results {
    #[track_caller]
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.body["schemas"], json!([RESPONSE]));
        let results = answer.body["Operations"].as_array().unwrap().clone();
        for result in &results {
            // RFC 7644 3.7.3: what an error says is in the response, and only there.
            let status = result["status"].as_str().unwrap();
            let failed = !status.starts_with('2');
            assert_eq!(result.get("response").is_some(), failed, "{result}");
            if failed {
                assert_eq!(result["response"]["status"], status, "{result}");
                assert!(result.get("version").is_none(), "{result}");
            } else {
                assert!(result.get("location").is_some(), "{result}");
            }
        }
        Self(results)
    }

    pub fn statuses(&self) -> Vec<&str> {
        self.0
            .iter()
            .map(|result| result["status"].as_str().unwrap())
            .collect()
    }

    /// Asserts what each operation was answered with.
    #[track_caller]
    pub fn expect<const N: usize>(self, statuses: [u16; N]) -> Self {
        let expected = statuses.map(|status| status.to_string());
        assert_eq!(self.statuses(), expected, "{:#?}", self.0);
        self
    }

    /// The location of a result, relative to the base.
    #[track_caller]
    pub fn path(&self, index: usize) -> String {
        let location = self.0[index]["location"].as_str().unwrap();
        location
            .strip_prefix(crate::client::BASE)
            .unwrap()
            .to_owned()
    }

    /// The id of a result's resource.
    #[track_caller]
    pub fn id(&self, index: usize) -> String {
        self.path(index).rsplit('/').next().unwrap().to_owned()
    }

    pub fn scim_type(&self, index: usize) -> Option<&str> {
        self.0[index]["response"]["scimType"].as_str()
    }
}
