//! Tokens and which of them are live.

use super::State;
use crate::{StoreError, TenantId, Timestamp, Token, TokenAdded, TokenRotated, check};

impl State {
    pub(super) fn add_token(
        &mut self,
        token: Token,
        most_live: u32,
    ) -> Result<TokenAdded, StoreError> {
        check::token(&token)?;
        self.known(token.tenant)?;
        if let Some(connection) = token.connection {
            let row = self.connections.get(&connection);
            if row.is_none_or(|row| row.tenant != token.tenant) {
                return Err(StoreError::Invalid(
                    "no such connection in the tenant".to_owned(),
                ));
            }
        }
        if self.tokens.contains_key(&token.id) {
            return Ok(TokenAdded::IdTaken);
        }
        let beside = self.tokens.values().filter(|other| other.beside(&token));
        let live = beside.filter(|other| other.live(token.created)).count();
        if live >= super::count(most_live) {
            return Ok(TokenAdded::TooMany);
        }
        self.tokens.insert(token.id.clone(), token);
        Ok(TokenAdded::Added)
    }

    pub(super) fn rotate_token(
        &mut self,
        tenant: TenantId,
        old: &str,
        new: Token,
        old_expires: Timestamp,
        most_live: u32,
    ) -> Result<TokenRotated, StoreError> {
        check::token(&new)?;
        let found = self.tokens.get(old).filter(|old| {
            new.tenant == tenant
                && old.tenant == tenant
                && old.live(new.created)
                && old.beside(&new)
        });
        let Some(before) = found.cloned() else {
            return Ok(TokenRotated::Unknown);
        };
        let ends = before
            .expires
            .map_or(old_expires, |end| end.min(old_expires));
        let ending = Token {
            expires: Some(ends),
            ..before.clone()
        };
        self.tokens.insert(old.to_owned(), ending);
        let added = self.add_token(new, most_live);
        if !matches!(added, Ok(TokenAdded::Added)) {
            self.tokens.insert(old.to_owned(), before);
        }
        Ok(match added? {
            TokenAdded::Added => TokenRotated::Rotated,
            TokenAdded::IdTaken => TokenRotated::IdTaken,
            TokenAdded::TooMany => TokenRotated::TooMany,
        })
    }

    pub(super) fn expiring_tokens(
        &self,
        tenant: Option<TenantId>,
        now: Timestamp,
        until: Timestamp,
    ) -> Vec<Token> {
        let of = self.tokens.values().filter(|token| {
            tenant.is_none_or(|tenant| token.tenant == tenant)
                && token.live(now)
                && token.expires.is_some_and(|end| end <= until)
        });
        let mut tokens: Vec<Token> = of.cloned().collect();
        tokens.sort_by_key(|token| token.expires);
        tokens
    }
}
