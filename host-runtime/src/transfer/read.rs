//! Reading a table of who uses which host: CSV with a first line that names the columns.
//!
//! A row that cannot be used is one mistake with its line and what to do; the rows after
//! it are read all the same. It knows nothing of hosts or of stores.

use std::collections::HashMap;
use std::io::Read;

use csv::{ByteRecord, ReaderBuilder, Terminator};
use nameplate_store::{HostName, Timestamp};
use sha2::{Digest, Sha256};

use crate::http::parse_rfc3339;

/// What is kept of a cell, in bytes.
const CELL: usize = 255;
/// The beginning of a file in which the separator is looked for.
const HEAD: usize = 64 << 10;

/// The columns that are read, and by which names; others are passed over.
const COLUMNS: [(Column, &[&str]); 6] = [
    (
        Column::Serial,
        &["serial", "serialnumber", "hardwareserial"],
    ),
    (
        Column::Name,
        &[
            "hostname",
            "host",
            "displayname",
            "computer",
            "computername",
        ],
    ),
    (Column::Username, &["username", "user", "login"]),
    (Column::Email, &["email", "mail", "emailaddress"]),
    (Column::FullName, &["fullname"]),
    (Column::Since, &["since"]),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Column {
    Serial,
    Name,
    Username,
    Email,
    FullName,
    Since,
}

/// One host and its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where it begins in the file, from 1.
    pub line: u64,
    /// The host.
    pub name: HostName,
    /// The login; may be empty if the address is not.
    pub username: String,
    /// The address; may be empty if the login is not.
    pub email: String,
    /// May be empty.
    pub full_name: String,
    /// When it became true, if it is said.
    pub since: Option<Timestamp>,
}

/// A row that is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it begins, from 1.
    pub line: u64,
    /// What is wrong, and what to do.
    pub reason: String,
}

impl Mistake {
    fn new(line: u64, reason: impl Into<String>) -> Self {
        Self {
            line,
            reason: reason.into(),
        }
    }
}

/// The rows of a table, one after the other.
pub struct Rows {
    reader: csv::Reader<Box<dyn Read + Send>>,
    columns: HashMap<Column, usize>,
    record: ByteRecord,
    /// Where a host was named first, by a hash of its name: a row takes 40 bytes.
    named: HashMap<[u8; 16], u64>,
    broken: bool,
}

impl Rows {
    /// Reads the first line.
    ///
    /// # Errors
    /// If it does not name what every row needs.
    pub fn new(mut input: impl Read + Send + 'static) -> Result<Self, Mistake> {
        let unreadable =
            |error: std::io::Error| Mistake::new(1, format!("the file cannot be read: {error}"));
        let mut head = vec![0; HEAD];
        let mut filled = 0;
        while let Some(room) = head.get_mut(filled..).filter(|room| !room.is_empty()) {
            match input.read(room).map_err(unreadable)? {
                0 => break,
                read => filled += read,
            }
        }
        head.truncate(filled);
        // Spreadsheets write a mark of the encoding in front.
        let head = match head.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) => rest.to_vec(),
            None => head,
        };
        let delimiter = delimiter(&head);
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .terminator(Terminator::CRLF)
            .trim(csv::Trim::All)
            .from_reader(Box::new(std::io::Cursor::new(head).chain(input)) as Box<dyn Read + Send>);
        let names = reader
            .byte_headers()
            .map_err(|error| Mistake::new(1, text_of(&error)))?;
        let mut columns = HashMap::new();
        for (at, name) in names.iter().enumerate() {
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            let name: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
            let known = COLUMNS
                .iter()
                .find(|(_, names)| names.contains(&name.as_str()));
            if let Some((column, _)) = known {
                columns.entry(*column).or_insert(at);
            }
        }
        let has = |column| columns.contains_key(&column);
        if !has(Column::Serial) && !has(Column::Name) {
            return Err(Mistake::new(
                1,
                "the first line names no column `serial` or `hostname`; it has to name the \
                 columns",
            ));
        }
        if !has(Column::Username) && !has(Column::Email) {
            return Err(Mistake::new(
                1,
                "the first line names no column `username` or `email`; it has to name the columns",
            ));
        }
        Ok(Self {
            reader,
            columns,
            record: ByteRecord::new(),
            named: HashMap::new(),
            broken: false,
        })
    }

    /// How far the file is read, in bytes.
    pub fn bytes(&self) -> u64 {
        self.reader.position().byte()
    }

    fn cell(&self, line: u64, column: Column, name: &str) -> Result<String, Mistake> {
        let at = self.columns.get(&column);
        let cell = at.and_then(|at| self.record.get(*at)).unwrap_or_default();
        let Ok(text) = std::str::from_utf8(cell) else {
            return Err(Mistake::new(
                line,
                format!("`{name}` is not utf-8; save the file as `CSV UTF-8`"),
            ));
        };
        // As our own export writes what a spreadsheet would take for a formula.
        let text = match text.strip_prefix('\'') {
            Some(rest) if super::looks_like_formula(rest) => rest,
            _ => text,
        };
        if text.len() > CELL {
            return Err(Mistake::new(
                line,
                format!("`{name}` has {} bytes; at most {CELL} are kept", text.len()),
            ));
        }
        if text.contains(char::is_control) {
            return Err(Mistake::new(
                line,
                format!("`{name}` holds a line break or another control character"),
            ));
        }
        Ok(text.to_owned())
    }

    fn row(&mut self, line: u64) -> Result<Row, Mistake> {
        let serial = self.cell(line, Column::Serial, "serial")?;
        let name = self.cell(line, Column::Name, "hostname")?;
        let since = self.cell(line, Column::Since, "since")?;
        let row = Row {
            line,
            name: match serial.is_empty() {
                false => HostName::Serial(serial),
                true => HostName::Name(name),
            },
            username: self.cell(line, Column::Username, "username")?,
            email: self.cell(line, Column::Email, "email")?,
            full_name: self.cell(line, Column::FullName, "full_name")?,
            since: match since.as_str() {
                "" => None,
                text => Some(parse_rfc3339(text).ok_or_else(|| {
                    Mistake::new(
                        line,
                        format!("`since` is `{text}`; write it like `2026-03-01T09:30:00Z`"),
                    )
                })?),
            },
        };
        if row.name.value().is_empty() {
            return Err(Mistake::new(line, "names no host; give its serial or name"));
        }
        if row.username.is_empty() && row.email.is_empty() {
            return Err(Mistake::new(
                line,
                "names nobody; give a login or an address",
            ));
        }
        let hash = Sha256::digest(format!("{:?}", row.name.folded()));
        let mut key = [0; 16];
        key.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        match self.named.insert(key, line) {
            None => Ok(row),
            Some(first) => {
                self.named.insert(key, first);
                Err(Mistake::new(
                    line,
                    format!(
                        "`{}` is named in line {first} already, which counts; leave one of them",
                        row.name.value()
                    ),
                ))
            }
        }
    }
}

impl Iterator for Rows {
    type Item = Result<Row, Mistake>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        let mut record = std::mem::take(&mut self.record);
        let read = self.reader.read_byte_record(&mut record);
        let line = record.position().map_or(0, csv::Position::line);
        self.record = record;
        match read {
            Ok(false) => None,
            Ok(true) => Some(self.row(line)),
            Err(error) => {
                let at = error.position().map_or(line, csv::Position::line);
                // After trouble with the file itself there is nothing more to read.
                self.broken = error.is_io_error();
                Some(Err(Mistake::new(at, text_of(&error))))
            }
        }
    }
}

/// What separates cells: what the first line has most of.
fn delimiter(head: &[u8]) -> u8 {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: &u8| line.iter().filter(|byte| *byte == delimiter).count();
    // Of equals the last one wins: a comma.
    [b'\t', b';', b',']
        .into_iter()
        .max_by_key(count)
        .unwrap_or(b',')
}

fn text_of(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("has {len} cells where the first line has {expected_len}"),
        csv::ErrorKind::Io(error) => format!("the file cannot be read on: {error}"),
        _ => "is no line of a table".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use std::io::Cursor;

    use super::*;

    fn read(text: &[u8]) -> Vec<Result<Row, Mistake>> {
        Rows::new(Cursor::new(text.to_vec())).unwrap().collect()
    }

    fn row(line: u64, name: HostName, username: &str) -> Row {
        Row {
            line,
            name,
            username: username.to_owned(),
            email: String::new(),
            full_name: String::new(),
            since: None,
        }
    }

    fn serial(text: &str) -> HostName {
        HostName::Serial(text.to_owned())
    }

    #[test]
    fn columns_are_found_by_name_in_any_order_and_spelling() {
        let table = "Full Name, E-Mail ,other,Serial-Number,SINCE,UserName\n\
                     Ana Díaz,a@x,?,C02,2026-03-01T09:30:00Z,ana\n";
        let rows = read(table.as_bytes());
        let expected = Row {
            email: "a@x".to_owned(),
            full_name: "Ana Díaz".to_owned(),
            since: Some(1_772_357_400_000),
            ..row(2, serial("C02"), "ana")
        };
        assert_eq!(rows, [Ok(expected)]);
    }

    #[test]
    fn what_spreadsheets_write_is_read() {
        for table in [
            "\u{feff}serial;username\r\nC02;ana\r\n",
            "serial\tusername\nC02\tana",
            "serial,username\n\n\"C02\",\"ana\"\n",
        ] {
            let rows = read(table.as_bytes());
            assert_eq!(rows.len(), 1, "{table:?}");
            let found = rows[0].clone().unwrap();
            assert_eq!(
                (found.name, found.username),
                (serial("C02"), "ana".to_owned())
            );
        }
    }

    #[test]
    fn the_name_counts_where_there_is_no_serial() {
        let rows = read(b"serial,hostname,email\n,Lap,a@x\nC02,Lap,b@x\n");
        assert_eq!(
            rows[0].clone().unwrap().name,
            HostName::Name("Lap".to_owned())
        );
        assert_eq!(rows[1].clone().unwrap().name, serial("C02"));
    }

    #[test]
    fn a_mistake_has_its_line_and_stops_nothing() {
        let long = "x".repeat(256);
        let table = format!(
            "serial,username,since\n,ana,\nC01,,\nC02,ana,yesterday\nC03\n{long},ana,\nC04,ana,\n\
             c04 ,ben,\n\"C0\n5\",ana,\nC06,eve,\n"
        );
        let rows = read(table.as_bytes());
        let mistakes: Vec<(u64, String)> = rows
            .iter()
            .filter_map(|row| row.clone().err())
            .map(|mistake| (mistake.line, mistake.reason))
            .collect();
        let lines: Vec<u64> = mistakes.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6, 8, 9], "{mistakes:?}");
        for (mistake, part) in mistakes.iter().zip([
            "names no host",
            "names nobody",
            "`since` is `yesterday`",
            "has 1 cells",
            "has 256 bytes",
            "line 7",
            "line break",
        ]) {
            assert!(mistake.1.contains(part), "{mistake:?}");
        }
        let good: Vec<Row> = rows.into_iter().filter_map(Result::ok).collect();
        assert_eq!(
            good,
            [row(7, serial("C04"), "ana"), row(11, serial("C06"), "eve")]
        );
    }

    #[test]
    fn bytes_that_are_no_utf_8_are_a_mistake_of_their_row() {
        let rows = read(b"serial,username\nC01,an\xe1\nC02,ben\n");
        assert!(rows[0].clone().unwrap_err().reason.contains("CSV UTF-8"));
        assert!(rows[1].is_ok());
    }

    #[test]
    fn a_table_without_the_columns_needed_is_refused() {
        for (table, part) in [
            ("", "`serial` or `hostname`"),
            ("C02,ana\n", "`serial` or `hostname`"),
            ("serial,name\nC02,ana\n", "`username` or `email`"),
        ] {
            let mistake = Rows::new(Cursor::new(table.as_bytes().to_vec()))
                .err()
                .unwrap();
            assert!(mistake.reason.contains(part), "{table:?}: {mistake:?}");
        }
    }

    #[test]
    fn a_defused_formula_is_what_it_was() {
        let rows = read(b"serial,username\n'=C02,'ana\n");
        let found = rows[0].clone().unwrap();
        assert_eq!(
            (found.name, found.username),
            (serial("=C02"), "'ana".to_owned())
        );
    }
}
