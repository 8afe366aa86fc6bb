//! The page of a list as it fills, and the answer made of it.
//!
//! This module must not know how resources are found.

use crate::directory::{Document, Kind};
use crate::discovery::LIST_URN;
use crate::groups::read_members;
use crate::http::Response;
use crate::render::{Links, Renderer};
use crate::request::Query;
use crate::response::{self, Failure};
use crate::service::Call;

use super::cursor::Position;

/// A page ends before it is larger than this; fewer resources than asked for are
/// allowed (RFC 7644 3.4.2.4), an answer a client cannot take is not.
const MAX_PAGE: usize = 4 << 20;

/// The page asked for, as it fills.
pub(super) struct Page {
    /// How many resources come before it, if it was asked for by index.
    skip: u64,
    count: u64,
    by_cursor: bool,
    returned: u64,
    /// No more resources fit.
    full: bool,
    /// Resources as JSON text, without the brackets around them.
    text: Vec<u8>,
    /// Matches met so far, by index; by cursor all matches, if that is known.
    pub total: Option<u64>,
    /// Where the next page begins.
    pub next: Option<Position>,
}

impl Page {
    pub fn new(query: &Query, max: u32) -> Self {
        let max = u64::from(max);
        // RFC 9865 2: as by index, a count of 0 asks for the total alone.
        let count = query.count.unwrap_or(max).min(max);
        let walks = query.cursor.is_some() && count > 0;
        Self {
            skip: query.start_index.unwrap_or(1) - 1,
            // RFC 7644 3.4.2.4: not more than `count`; over the maximum: clamped.
            count,
            by_cursor: query.cursor.is_some(),
            returned: 0,
            full: false,
            text: Vec::new(),
            total: (!walks).then_some(0),
            next: None,
        }
    }

    pub fn by_cursor(&self) -> bool {
        self.by_cursor
    }

    /// How many more resources are wanted.
    pub fn left(&self) -> u64 {
        match self.full {
            true => 0,
            false => self.count - self.returned,
        }
    }

    /// By index: how many of the next matches come before the page.
    pub fn to_skip(&self) -> u64 {
        self.skip.saturating_sub(self.total.unwrap_or(0))
    }

    /// By index: so many more resources match.
    pub fn add_total(&mut self, more: u64) {
        self.total = Some(self.total.unwrap_or(0).saturating_add(more));
    }

    /// By index: one more resource matches; shown if it is on this page.
    pub fn hit(
        &mut self,
        call: &mut Call<'_>,
        renderer: &Renderer<'_>,
        document: &Document,
    ) -> Result<(), Failure> {
        let before = self.to_skip() > 0;
        self.add_total(1);
        if !before {
            self.show(call, renderer, document)?;
        }
        Ok(())
    }

    /// Shows a resource; false if there is no room for it.
    pub fn show(
        &mut self,
        call: &mut Call<'_>,
        renderer: &Renderer<'_>,
        document: &Document,
    ) -> Result<bool, Failure> {
        if self.left() == 0 {
            return Ok(false);
        }
        let links = read_links(call, renderer, document)?;
        let resource = renderer.show(document, &document.json, links.as_ref())?;
        if self.returned > 0 && self.text.len() + resource.len() > MAX_PAGE {
            self.full = true;
            return Ok(false);
        }
        if self.returned > 0 {
            self.text.push(b',');
        }
        self.text.extend_from_slice(&resource);
        self.returned += 1;
        Ok(true)
    }

    /// The answer; `cursor` is the text of [`Self::next`].
    pub fn answer(self, cursor: Option<String>) -> Response {
        use std::fmt::Write;
        let mut head = format!("{{\"schemas\":[\"{LIST_URN}\"]");
        // Writing to a text cannot fail.
        if let Some(total) = self.total {
            let _ = write!(head, ",\"totalResults\":{total}");
        }
        // RFC 9865 2: pages by cursor have no index.
        if !self.by_cursor {
            let _ = write!(head, ",\"startIndex\":{}", self.skip.saturating_add(1));
        }
        if let Some(cursor) = cursor {
            let _ = write!(head, ",\"nextCursor\":\"{cursor}\"");
        }
        let _ = write!(head, ",\"itemsPerPage\":{},\"Resources\":[", self.returned);
        let mut body = head.into_bytes();
        body.extend_from_slice(&self.text);
        body.extend_from_slice(b"]}");
        response::json(200, body)
    }
}

/// The groups of a user, or the members of a group that has not too many.
fn read_links<'q>(
    call: &mut Call<'_>,
    renderer: &'q Renderer<'q>,
    document: &Document,
) -> Result<Option<Links<'q>>, Failure> {
    let Some(mut links) = renderer.no_links() else {
        return Ok(None);
    };
    match document.kind {
        Kind::User => {
            let memberships = call.directory.groups_of(&document.id, true)?;
            memberships.groups.iter().for_each(|m| links.membership(m));
        }
        Kind::Group => {
            let most = call.config.max_members_inline;
            if document.member_count == 0
                || document.member_count > most
                || !read_members(call, &document.id, most, &mut links)?
            {
                return Ok(None);
            }
        }
    }
    Ok(Some(links))
}
