//! Hosts and who uses them, as lines of CSV or JSON.

use nameplate_store::{HostRecord, TenantId};
use serde_json::{Map, Value, json};

use super::looks_like_formula;
use crate::Runtime;
use crate::paged::cut;
use crate::plugin::{EndUser, MappingError, Person};

/// Attributes that have a column in every table: those that are mapped without any
/// configuration. What a tenant maps besides has one too, by its settings.
const ATTRIBUTES: [&str; 9] = [
    "email",
    "given_name",
    "family_name",
    "title",
    "manager",
    "employee_number",
    "cost_center",
    "organization",
    "division",
];

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For spreadsheets.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

/// A page of lines.
pub(crate) struct Page {
    /// The lines.
    pub text: Vec<u8>,
    /// Hosts in it.
    pub hosts: u64,
    /// The host to go on after.
    pub next: Option<String>,
}

/// An export of one tenant's hosts.
pub(crate) struct Export {
    runtime: Runtime,
    tenant: TenantId,
    format: Format,
    attributes: Vec<String>,
}

impl Export {
    /// With the columns of this tenant.
    ///
    /// # Errors
    /// If its settings cannot be read.
    pub async fn new(
        runtime: Runtime,
        tenant: TenantId,
        format: Format,
    ) -> Result<Self, MappingError> {
        let found = runtime.stores().control.tenant(tenant).await?;
        let settings = found.map(|tenant| tenant.settings).unwrap_or_default();
        let settings: Value = serde_json::from_str(&settings).unwrap_or_default();
        let mut attributes: Vec<String> = ATTRIBUTES.map(str::to_owned).to_vec();
        let own = settings.get("attributes").and_then(Value::as_object);
        for name in own.into_iter().flat_map(Map::keys) {
            // These two have their columns.
            let known = ["full_name", "department"].contains(&name.as_str());
            if !known && !attributes.contains(name) {
                attributes.push(name.clone());
            }
        }
        Ok(Self {
            runtime,
            tenant,
            format,
            attributes,
        })
    }

    /// What stands before the first line.
    pub fn head(&self) -> Vec<u8> {
        if self.format == Format::Ndjson {
            return Vec::new();
        }
        let own = [
            "id",
            "display_name",
            "serial",
            "platform",
            "outcome",
            "reason",
            "username",
            "full_name",
            "department",
            "groups",
        ];
        let attributes = self.attributes.iter().map(String::as_str);
        line(own.into_iter().chain(attributes))
    }

    /// The next lines, from the host after `after` on, at most `limit`.
    ///
    /// # Errors
    /// Trouble with the store or the plugin.
    pub async fn page(&self, after: Option<&str>, limit: u32) -> Result<Page, MappingError> {
        let store = &self.runtime.stores().hosts;
        let mut found = store.hosts(self.tenant, None, after, limit + 1).await?;
        let mut page = Page {
            text: Vec::new(),
            hosts: 0,
            next: cut(&mut found, limit, |host| host.record.id.clone()),
        };
        for host in found {
            let user = match self.runtime.end_user(self.tenant, &host.record.id).await {
                Ok(user) => user,
                // Deleted meanwhile.
                Err(MappingError::NoHost) => continue,
                Err(error) => return Err(error),
            };
            page.hosts += 1;
            page.text.extend(match self.format {
                Format::Csv => self.csv(&host.record, &user),
                Format::Ndjson => ndjson(&host.record, &user),
            });
        }
        Ok(page)
    }

    fn csv(&self, host: &HostRecord, user: &EndUser) -> Vec<u8> {
        let person = user.person.as_ref();
        let of_person = |field: fn(&Person) -> &str| person.map_or("", field);
        let groups = person.map(|person| person.groups.join("; "));
        let own = [
            host.id.as_str(),
            &host.display_name,
            &host.serial,
            &host.platform,
            user.outcome.as_str(),
            &user.reason,
            username(user),
            of_person(|person| &person.full_name),
            of_person(|person| &person.department),
            groups.as_deref().unwrap_or_default(),
        ];
        let attribute = |name: &String| {
            let found = person?.attributes.iter().find(|(found, _)| found == name);
            found.map(|(_, value)| value.as_str())
        };
        let attributes = self.attributes.iter().map(attribute);
        let attributes = attributes.map(Option::unwrap_or_default);
        line(own.into_iter().chain(attributes))
    }
}

fn username(user: &EndUser) -> &str {
    let person = user.person.as_ref();
    person.map_or(&user.login, |person| &person.username)
}

fn ndjson(host: &HostRecord, user: &EndUser) -> Vec<u8> {
    let HostRecord {
        id,
        display_name,
        platform,
        serial,
        uuid,
    } = host;
    let person = user.person.as_ref();
    let attributes: Map<String, Value> = person
        .into_iter()
        .flat_map(|person| &person.attributes)
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let object = json!({
        "id": id,
        "display_name": display_name,
        "platform": platform,
        "serial": serial,
        "uuid": uuid,
        "outcome": user.outcome.as_str(),
        "reason": user.reason,
        "username": username(user),
        "user_id": person.map(|person| &person.id),
        "active": person.map(|person| person.active),
        "full_name": person.map(|person| &person.full_name),
        "department": person.map(|person| &person.department),
        "groups": person.map(|person| &person.groups),
        "attributes": attributes,
    });
    format!("{object}\n").into_bytes()
}

/// One line of CSV (RFC 4180). A cell that a spreadsheet would take for a formula gets a
/// quote in front: names come from outside.
fn line<'a>(cells: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let cells = cells.map(|cell| match looks_like_formula(cell) {
        true => format!("'{cell}"),
        false => cell.to_owned(),
    });
    // Memory does not fail.
    let written = writer.write_record(cells);
    written
        .ok()
        .and_then(|()| writer.into_inner().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_defused() {
        let cells = ["a", "b,c", "say \"x\"", "=1+1", "@x", "-2", "a=b", ""];
        let text = String::from_utf8(line(cells.into_iter())).unwrap_or_default();
        assert_eq!(text, "a,\"b,c\",\"say \"\"x\"\"\",'=1+1,'@x,'-2,a=b,\r\n");
    }
}
