//! What can be wrong with client metadata (RFC 7591 §3.2.2).

use std::error::Error as _;

use crate::oauth::error::ErrorCode;
use crate::oauth::jose::{KeySetError, ObjectError};
use crate::oauth::scope::ScopeError;
use crate::oauth::server::redirect_uri::RedirectUriError;
use crate::oauth::server::uri_text::UriFault;
use crate::oauth::url::UrlError;

/// Client metadata that cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientMetadataError {
    /// More than anybody has to say.
    #[error("the client metadata has more than {maximum} bytes")]
    TooLarge {
        /// The limit, in bytes.
        maximum: usize,
    },
    /// It is no JSON object that every program reads alike.
    #[error("the client metadata cannot be read")]
    Unreadable(#[from] ObjectError),
    /// A client that gets codes must say where to.
    #[error("`redirect_uris` is missing")]
    NoRedirectUri,
    /// A place where no code may go.
    #[error("`redirect_uris` is not acceptable")]
    RedirectUri(#[source] RedirectUriError),
    /// Another member is wrong.
    #[error("`{name}` is not acceptable")]
    Member {
        /// The member's name.
        name: &'static str,
        /// What is wrong with it.
        source: MemberFault,
    },
}

impl ClientMetadataError {
    pub(in crate::oauth::server) fn member(name: &'static str, source: MemberFault) -> Self {
        Self::Member { name, source }
    }

    /// The code the client hears.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NoRedirectUri | Self::RedirectUri(_) => ErrorCode::InvalidRedirectUri,
            _ => ErrorCode::InvalidClientMetadata,
        }
    }

    /// What the client may be told: this fault and the rules beneath it, in one line.
    pub fn description(&self) -> String {
        let causes = std::iter::successors(self.source(), |cause| (*cause).source());
        causes.fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
    }
}

/// What is wrong with one member.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemberFault {
    /// It must be there.
    #[error("it is missing")]
    Missing,
    /// It must not be there.
    #[error("it must not be there")]
    Forbidden,
    /// It is of another kind.
    #[error("it must be {0}")]
    WrongType(&'static str),
    /// More than a person would read.
    #[error("it has more than {0} characters")]
    TooLong(usize),
    /// More than a client needs.
    #[error("it has more than {0} values")]
    TooMany(usize),
    /// A character that is not seen, or that makes the others read differently.
    #[error("it has a control character, or one that changes how a line reads")]
    Unreadable,
    /// A value this server has nothing for.
    #[error("this server supports {0} only")]
    Unsupported(&'static str),
    /// Nothing is left that this client may do here.
    #[error("nothing in it is possible for this client")]
    NothingLeft,
    /// Two members say different things.
    #[error("it contradicts `{0}`")]
    Contradicts(&'static str),
    /// It is not the address that the document was fetched from.
    #[error("it must be the address of the document itself, character for character")]
    OtherClient,
    /// An address for people that is none.
    #[error("it must be the http:// or https:// address of a page")]
    Page,
    /// An address that cannot be compared as text.
    #[error("the address is not acceptable")]
    Address(#[from] UriFault),
    /// An address that nothing may be sent to.
    #[error("the address is not acceptable")]
    Endpoint(#[from] UrlError),
    /// A redirect URI, though not one for codes.
    #[error(transparent)]
    RedirectUri(#[from] RedirectUriError),
    /// Malformed scopes.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// Keys that cannot be used.
    #[error(transparent)]
    Keys(#[from] KeySetError),
}
