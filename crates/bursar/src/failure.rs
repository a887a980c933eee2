//! What each error of the engine means for the person at the keyboard: its exit code and the next command.

use bursar_core::engine::accounts::ResolveError;
use bursar_core::engine::broker::HandOutError;
use bursar_core::engine::login::{DiscoveryError, LoginError};
use bursar_core::engine::selection::SelectionError;
use bursar_core::engine::vault::VaultError;
use bursar_core::lifecycle::failure::{Cause, CauseKind};
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::oauth::metadata::MetadataError;
use bursar_core::ports::key_source::KeyError;
use bursar_core::ports::store::StoreError;

use crate::agent::{SingleError, SocketError};
use crate::config::ConfigError;
use crate::config::paths::PathError;
use crate::context::Unreadable;
use crate::exit::{Exit, Failure};

impl From<HandOutError> for Failure {
    fn from(error: HandOutError) -> Self {
        match &error {
            HandOutError::NoSuchAccount { .. } => {
                Self::of(Exit::NoSuchAccount, &error).hint("see what there is with `bursar list`")
            }
            HandOutError::LoginRequired { reference, .. } => {
                Self::of(Exit::LoginRequired, &error).hint(login_hint(reference))
            }
            HandOutError::TryLater { cause, until, .. } => {
                Self::of(Exit::Unavailable, &error).hint(cause_hint(cause, *until))
            }
            HandOutError::Busy { .. } => {
                Self::of(Exit::Unavailable, &error).hint("wait longer with `--wait 60s`")
            }
            HandOutError::Paused { reference } => {
                Self::of(Exit::Denied, &error).hint(format!("run `bursar resume {reference}`"))
            }
            HandOutError::Lock(_) => Self::of(Exit::Error, &error).hint("run `bursar doctor`"),
            HandOutError::Provider(_) | HandOutError::Request { .. } => Self::of(Exit::Error, &error)
                .hint("check the provider's entry, or log in again with `bursar login`"),
            HandOutError::Vault(_) | HandOutError::Store(_) => match error {
                HandOutError::Vault(error) => error.into(),
                HandOutError::Store(error) => error.into(),
                other => Self::of(Exit::Error, &other),
            },
        }
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Key(error) => error.into(),
            VaultError::Store(error) => error.into(),
            VaultError::WrongMasterKey => Self::of(Exit::VaultLocked, &error)
                .hint("give the key this vault was made with; `bursar doctor` tells which source that was"),
            VaultError::BrokenSuccession => Self::of(Exit::Error, &error)
                .hint("restore the vault's record from a backup; `bursar doctor` finds out more"),
            VaultError::SandboxEnded { .. } => {
                Self::of(Exit::Error, &error).hint("see what there is with `bursar sandbox list`")
            }
            VaultError::NotOurs { .. } => Self::of(Exit::Error, &error)
                .hint("log in to that account again; the old record stays until then"),
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        let (KeyError::Locked { hint, .. } | KeyError::Unavailable { hint, .. }) = &error;
        Self::of(Exit::VaultLocked, &error).hint(hint.clone())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let (exit, hint) = match &error {
            StoreError::Unavailable(_) | StoreError::UnknownOutcome(_) => {
                (Exit::Unavailable, "try again; `bursar doctor` finds out more")
            }
            StoreError::Refused(_) => (Exit::Error, "see what `bursar doctor` says of the store"),
            StoreError::ReadOnly(_) => (
                Exit::Error,
                "make it writable for you, the file or your rights on the server; see `bursar doctor`",
            ),
            StoreError::Full(_) => {
                (Exit::Error, "make room where the store is and try again; nothing was lost")
            }
            StoreError::Newer { .. } => {
                (Exit::Error, "install the newer bursar that wrote it; nothing was changed")
            }
            StoreError::Damaged(_) => {
                (Exit::Error, "run `bursar rebuild`: it keeps the damaged file and saves what is readable")
            }
            StoreError::NotEmpty => (Exit::Denied, "choose an empty one; nothing was changed"),
            StoreError::Moved(_) => (
                Exit::Error,
                "set `store.database` to where everything is now; `bursar config show` tells what it is",
            ),
            StoreError::Misuse(_) => (Exit::Error, "this is a bug in bursar; please report it"),
        };
        Self::of(exit, &error).hint(hint)
    }
}

impl From<ResolveError> for Failure {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Selection(error) => error.into(),
            ResolveError::Store(error) => error.into(),
        }
    }
}

impl From<SelectionError> for Failure {
    fn from(error: SelectionError) -> Self {
        match &error {
            SelectionError::NotFound { wanted, near } => {
                let mut failure = Self::new(Exit::NoSuchAccount, format!("Account '{wanted}' not found"));
                failure.hint = Some(if wanted.contains("://") {
                    format!("log in there with `bursar login {wanted}`")
                } else if near.is_empty() {
                    "see what there is with `bursar list`, or log in with `bursar login`".to_owned()
                } else {
                    format!("did you mean {}?", names(near))
                });
                failure
            }
            SelectionError::Ambiguous { candidates, .. } => Self::of(Exit::Usage, &error)
                .hint(format!("name one of {}, or choose a default with `bursar use`", names(candidates))),
        }
    }
}

impl From<LoginError> for Failure {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Vault(error) => error.into(),
            LoginError::Store(error) => error.into(),
            LoginError::Full(error) => error.into(),
            error => {
                let (exit, hint) = login_failure(&error);
                Self::of(exit, &error).hint(hint)
            }
        }
    }
}

fn login_failure(error: &LoginError) -> (Exit, String) {
    match error {
        LoginError::NotOffered { .. } => {
            (Exit::Usage, "choose another way: `--device`, `--paste`, or the browser".into())
        }
        LoginError::Authorization(_) => {
            (Exit::LoginRequired, "start the login again; nothing was stored".into())
        }
        LoginError::Refused { .. } => {
            (Exit::LoginRequired, "check client id, secret and scopes, then log in again".into())
        }
        LoginError::DeviceExpired | LoginError::DeviceDenied => {
            (Exit::LoginRequired, "start the login again to get a new code".into())
        }
        LoginError::Unreachable { cause, .. } => (Exit::Unavailable, cause_hint(cause, jiff::Timestamp::MIN)),
        LoginError::OtherIdentity { .. } => (
            Exit::Denied,
            "store it beside the other one with `--as NICKNAME`; nothing was overwritten".into(),
        ),
        LoginError::IdentityToken { .. } => {
            (Exit::Error, "check the computer's clock and the client id; nothing was stored".into())
        }
        LoginError::Request { .. } | LoginError::Key(_) | LoginError::Provider(_) => {
            (Exit::Usage, "see `bursar login --help`".into())
        }
        LoginError::Full(_) | LoginError::Vault(_) | LoginError::Store(_) => {
            (Exit::Error, "run `bursar doctor`".into())
        }
    }
}

impl From<DiscoveryError> for Failure {
    fn from(error: DiscoveryError) -> Self {
        let (exit, hint) = match &error {
            DiscoveryError::Unreachable { cause, .. } => (Exit::Unavailable, cause_hint(cause, jiff::Timestamp::MIN)),
            DiscoveryError::NoMetadata { .. } => {
                (Exit::Usage, "check the issuer URL; a provider without metadata needs a catalogue entry (docs/providers.md)".to_owned())
            }
            DiscoveryError::Metadata(MetadataError::NotMetadata) => {
                (Exit::Usage, "check the issuer URL: what is there is no authorization server".to_owned())
            }
            DiscoveryError::Url(_) => {
                (Exit::Usage, "name it as `https://HOST/PATH`; plain http works on loopback only".to_owned())
            }
            DiscoveryError::NoResourceMetadata { .. } => (
                Exit::Usage,
                "ask its operator who issues its tokens, then add `--issuer https://ISSUER`".to_owned(),
            ),
            DiscoveryError::Silent { .. } => (
                Exit::Usage,
                "ask its operator who issues its tokens, then add `--issuer https://ISSUER`; if its host does, at \
                 `/authorize` and `/token`, and has PKCE, add `--assume-pkce`"
                    .to_owned(),
            ),
            DiscoveryError::SeveralIssuers { .. } => {
                (Exit::Usage, "choose one with `--issuer https://ISSUER`".to_owned())
            }
            DiscoveryError::OtherIssuer { issuers, .. } => (
                Exit::Denied,
                match issuers.first() {
                    Some(issuer) => format!("leave `--issuer` out, or name `--issuer {issuer}`"),
                    None => "leave `--issuer` out".to_owned(),
                },
            ),
            DiscoveryError::Metadata(MetadataError::PkceUnsupported) => (
                Exit::Denied,
                "ask its operator to announce `code_challenge_methods_supported`; if you know that it has PKCE, add \
                 `--assume-pkce`"
                    .to_owned(),
            ),
            DiscoveryError::Metadata(_) | DiscoveryError::Resource(_) | DiscoveryError::PointsHere { .. } => {
                (Exit::Denied, "this server cannot be used safely; ask its operator to fix its metadata".to_owned())
            }
        };
        Self::of(exit, &error).hint(hint)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let hint = error.hint();
        Self::of(Exit::Usage, &error).hint(hint)
    }
}

impl From<PathError> for Failure {
    fn from(error: PathError) -> Self {
        let hint = error.hint();
        Self::of(Exit::Error, &error).hint(hint)
    }
}

impl From<&Unreadable> for Failure {
    fn from(error: &Unreadable) -> Self {
        Self::of(Exit::Usage, error).hint("name the account by its reference, such as google:work")
    }
}

impl From<SingleError> for Failure {
    fn from(error: SingleError) -> Self {
        let hint = match &error {
            SingleError::Running { .. } => "see how it is doing with `bursar agent status`",
            SingleError::Io { .. } => "run `bursar doctor`",
        };
        Self::of(Exit::Error, &error).hint(hint)
    }
}

impl From<SocketError> for Failure {
    fn from(error: SocketError) -> Self {
        let hint = match &error {
            SocketError::InTheWay { .. } => "move it away, or choose another path with BURSAR_SOCKET",
            SocketError::Foreign { .. } => "choose another path with BURSAR_SOCKET",
            SocketError::TooLong { .. } => "choose a shorter one with BURSAR_SOCKET",
            SocketError::Io { .. } => "check the folder; `bursar doctor` looks at it too",
        };
        Self::of(Exit::Error, &error).hint(hint)
    }
}

/// The command that logs an account in again.
pub(crate) fn login_hint(reference: &AccountReference) -> String {
    format!("run `bursar login {} --as {}`", reference.provider, reference.nickname)
}

/// What helps against a transient cause.
fn cause_hint(cause: &Cause, until: jiff::Timestamp) -> String {
    let next = match cause.kind {
        CauseKind::Dns => "check the host name and your network; `bursar doctor` tests both",
        CauseKind::Unreachable => "check your network and firewall; `bursar doctor` tests both",
        CauseKind::Tls => "check the clock and the certificates; a private CA goes into `network.ca_file`",
        CauseKind::Proxy => "check HTTPS_PROXY and `network.proxy`",
        CauseKind::NotOAuth => {
            "check for a captive portal or a wrong proxy; `bursar doctor` shows what answers"
        }
        CauseKind::ClientRefused => "check the client id and secret, then log in again",
        CauseKind::UnconfirmedCopy => "confirm that the original is gone with `bursar restore --confirm`",
        _ => "see `bursar status`",
    };
    if until > jiff::Timestamp::MIN && until < jiff::Timestamp::MAX {
        format!("it is tried again from {until:.0}; {next}")
    } else {
        next.to_owned()
    }
}

fn names(references: &[AccountReference]) -> String {
    references.iter().map(|reference| format!("`{reference}`")).collect::<Vec<_>>().join(", ")
}
