//! Making, rotating and revoking tokens: the same steps for the command line, for
//! administrators over HTTP and for a program that embeds the runtime.
//!
//! The text of a token exists once, in what is returned here.

use nameplate_store::{
    Access, ConnectionId, ControlStore, StoreError, TenantId, Timestamp, Token, TokenAdded,
    TokenRotated, TokenScope,
};
use thiserror::Error;

use crate::Runtime;
use crate::auth::{ENDS_SOON_MS, NewToken};
use crate::clock::Sources;

/// Tokens of a connection that may be live at one time: the one in use, and the next.
pub const SCIM_TOKENS: u32 = 2;
/// Admin tokens of a tenant that may be live at one time: device-management servers,
/// scripts and people.
pub const ADMIN_TOKENS: u32 = 20;
/// How long a token that was rotated goes on working: somebody has to carry the new one
/// to the identity provider, perhaps tomorrow.
pub const OVERLAP_MS: u64 = 24 * HOUR_MS;
/// A longer overlap would be a second token for ever.
pub const MOST_OVERLAP_MS: u64 = 90 * 24 * HOUR_MS;
const HOUR_MS: u64 = 3600 * 1000;

/// Draws before giving up: ids of 62 bits do not collide twice.
const DRAWS: usize = 3;
/// Characters of a note.
const NOTE_CHARS: usize = 100;

/// A token to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenWish {
    /// Whose it is.
    pub tenant: TenantId,
    /// For SCIM on this connection; none: for administration of the tenant.
    pub connection: Option<ConnectionId>,
    /// How far it reaches.
    pub access: Access,
    /// What people call it; at most 100 characters.
    pub note: String,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
}

impl TokenWish {
    /// One that may write and does not end.
    pub fn new(tenant: TenantId, connection: Option<ConnectionId>) -> Self {
        Self {
            tenant,
            connection,
            access: Access::Write,
            note: String::new(),
            expires: None,
        }
    }
}

/// A token at the moment it is made.
pub struct MadeToken {
    /// The row, as it is stored.
    pub token: Token,
    /// The token itself, to be shown once.
    pub text: String,
}

/// Why a token was not made or changed.
#[derive(Debug, Error)]
pub enum TokenError {
    /// As many as may be are live.
    #[error(
        "there are {most} live tokens of this kind already; revoke one that is not used any more \
         (its `last_used` says which), then try again"
    )]
    TooMany {
        /// So many.
        most: u32,
    },
    /// No such token, or it is not accepted any more.
    #[error("there is no live token `{0}`; see `nameplate token list`")]
    Unknown(String),
    /// The wish itself.
    #[error("{1}")]
    Invalid(&'static str, String),
    /// No random bytes.
    #[error("cannot draw a token: {0}")]
    Random(String),
    /// Trouble with the store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a token.
///
/// # Errors
/// See [`TokenError`]; then there is none.
pub async fn add_token(
    control: &dyn ControlStore,
    sources: &Sources,
    wish: TokenWish,
) -> Result<MadeToken, TokenError> {
    let now = sources.clock.now();
    check(&wish, now)?;
    let most = match wish.connection {
        Some(_) => SCIM_TOKENS,
        None => ADMIN_TOKENS,
    };
    for _ in 0..DRAWS {
        let made = draw(&wish, sources, now)?;
        match control.add_token(made.token.clone(), most).await? {
            TokenAdded::Added => return Ok(made),
            TokenAdded::IdTaken => {}
            TokenAdded::TooMany => return Err(TokenError::TooMany { most }),
        }
    }
    Err(repeats())
}

/// Makes the successor of a token: for the same, with the same note. The old one works
/// for `overlap_ms` more, unless it ends before; with 0 it ends at once. Without `expires`
/// the new one lives as long as the old one was meant to.
///
/// # Errors
/// See [`TokenError`]; then nothing is changed.
pub async fn rotate_token(
    control: &dyn ControlStore,
    sources: &Sources,
    tenant: TenantId,
    id: &str,
    overlap_ms: u64,
    expires: Option<Timestamp>,
) -> Result<MadeToken, TokenError> {
    if overlap_ms > MOST_OVERLAP_MS {
        let most = MOST_OVERLAP_MS / HOUR_MS;
        let text = format!("a rotated token works for at most {most} hours more");
        return Err(TokenError::Invalid("overlap_hours", text));
    }
    let unknown = || TokenError::Unknown(id.chars().take(NOTE_CHARS).collect());
    let old = control.token(id).await?.ok_or_else(unknown)?;
    if old.tenant != tenant {
        return Err(unknown());
    }
    let now = sources.clock.now();
    let lifetime = old.expires.map(|end| end.saturating_sub(old.created));
    let wish = TokenWish {
        tenant,
        connection: old.connection,
        access: old.access,
        note: old.note,
        expires: expires.or(lifetime.map(|lifetime| now.saturating_add(lifetime))),
    };
    check(&wish, now)?;
    let most = match old.scope {
        TokenScope::Scim => SCIM_TOKENS,
        // One more for the time of the overlap, as many as there may be.
        TokenScope::Admin => ADMIN_TOKENS + 1,
    };
    let ends = now.saturating_add(overlap_ms);
    for _ in 0..DRAWS {
        let made = draw(&wish, sources, now)?;
        let new = made.token.clone();
        match control.rotate_token(tenant, id, new, ends, most).await? {
            TokenRotated::Rotated => return Ok(made),
            TokenRotated::IdTaken => {}
            TokenRotated::Unknown => return Err(unknown()),
            TokenRotated::TooMany => return Err(TokenError::TooMany { most }),
        }
    }
    Err(repeats())
}

fn check(wish: &TokenWish, now: Timestamp) -> Result<(), TokenError> {
    if wish.note.chars().count() > NOTE_CHARS || wish.note.chars().any(char::is_control) {
        let text = format!("`note` has to be one line of at most {NOTE_CHARS} characters");
        return Err(TokenError::Invalid("note", text));
    }
    if wish.expires.is_some_and(|end| end <= now) {
        let text = "a token has to end in the future".to_owned();
        return Err(TokenError::Invalid("expires", text));
    }
    Ok(())
}

fn draw(wish: &TokenWish, sources: &Sources, now: Timestamp) -> Result<MadeToken, TokenError> {
    let scope = match wish.connection {
        Some(_) => TokenScope::Scim,
        None => TokenScope::Admin,
    };
    let drawn = NewToken::draw(scope, &*sources.random).map_err(TokenError::Random)?;
    let token = Token {
        id: drawn.id.clone(),
        tenant: wish.tenant,
        connection: wish.connection,
        scope,
        access: wish.access,
        note: wish.note.clone(),
        secret_sha256: drawn.secret_sha256,
        created: now,
        expires: wish.expires,
        revoked: None,
        last_used: None,
    };
    Ok(MadeToken {
        token,
        text: drawn.reveal(),
    })
}

fn repeats() -> TokenError {
    TokenError::Random("the random source repeats itself".to_owned())
}

impl Runtime {
    /// Live tokens of a tenant, or of all, that end within thirty days, the first to end
    /// in front.
    ///
    /// # Errors
    /// Trouble with the store.
    pub async fn expiring_tokens(
        &self,
        tenant: Option<TenantId>,
    ) -> Result<Vec<Token>, StoreError> {
        let now = self.now();
        let until = now.saturating_add(ENDS_SOON_MS);
        self.stores()
            .control
            .expiring_tokens(tenant, now, until)
            .await
    }
}
