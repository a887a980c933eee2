//! Whether a client is who it says (RFC 6749 §2.3, RFC 7523 §3).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq as _;

use super::Inquiry;
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::exchange::KnownClient;
use crate::engine::issuer::records::client::Client;
use crate::engine::issuer::refresh_token::token_digest;
use crate::engine::issuer::refusal::{IssueError, Refusal};
use crate::oauth::client_authentication::Method;
use crate::oauth::error::ErrorCode;
use crate::oauth::server::client_assertion::{self, Assertion};
use crate::oauth::server::server_metadata::Endpoint;
use crate::secret::Secret;

/// Finds the client and believes it, by the one method it uses.
pub(super) async fn check(server: &AuthorizationServer, inquiry: &mut Inquiry<'_>) -> Result<(), IssueError> {
    let shown = Shown::of(inquiry)?;
    let client = server.client_of(shown.client_id()).await?;
    match (&shown, client.document.metadata.token_endpoint_auth_method) {
        (Shown::Nothing { .. }, Method::None) => {}
        // Which of the two ways a secret travels is no difference in what it proves.
        (Shown::Secret { secret, .. }, Method::Basic | Method::Post) => {
            server.check_secret(&client.document, secret)?;
        }
        (Shown::Assertion { text, .. }, Method::PrivateKeyJwt) => {
            server.check_assertion(&client, text).await?;
        }
        (shown, registered) => {
            let reason = format!(
                "it is registered with `{}` and came with {}",
                registered.registered_name(),
                shown.describe()
            );
            return Err(failed(&reason).into());
        }
    }
    inquiry.client = Some(client);
    Ok(())
}

/// What a client shows to prove itself.
enum Shown {
    Nothing { client_id: String },
    Secret { client_id: String, secret: Secret },
    Assertion { client_id: String, text: Secret },
}

impl Shown {
    fn of(inquiry: &Inquiry<'_>) -> Result<Self, Refusal> {
        let parameters = inquiry.parameters;
        let named = parameters.value("client_id").filter(|id| !id.is_empty());
        let secret = parameters.value("client_secret").filter(|secret| !secret.is_empty());
        let assertion = parameters.value("client_assertion");
        if [inquiry.authorization.is_some(), secret.is_some(), assertion.is_some()]
            .iter()
            .filter(|used| **used)
            .count()
            > 1
        {
            return Err(Refusal::new(
                ErrorCode::InvalidRequest,
                "the client proves itself in more than one way",
            ));
        }
        let shown = if let Some(header) = inquiry.authorization {
            basic(header).ok_or_else(|| failed("its `Authorization` header cannot be read"))?
        } else if let Some(text) = assertion {
            if parameters.value("client_assertion_type") != Some(ASSERTION_TYPE) {
                return Err(Refusal::new(
                    ErrorCode::InvalidRequest,
                    "`client_assertion_type` is not the one for JWTs",
                ));
            }
            let client_id = client_assertion::claimed_client(text)
                .ok_or_else(|| failed("its assertion cannot be read"))?;
            Self::Assertion { client_id, text: Secret::new(text) }
        } else {
            let client_id =
                named.ok_or_else(|| Refusal::new(ErrorCode::InvalidClient, "the request names no client"))?;
            match secret {
                Some(secret) => Self::Secret { client_id: client_id.to_owned(), secret: Secret::new(secret) },
                None => Self::Nothing { client_id: client_id.to_owned() },
            }
        };
        match named {
            Some(named) if named != shown.client_id() => {
                Err(Refusal::new(ErrorCode::InvalidRequest, "the request names two different clients"))
            }
            _ => Ok(shown),
        }
    }

    fn client_id(&self) -> &str {
        match self {
            Self::Nothing { client_id }
            | Self::Secret { client_id, .. }
            | Self::Assertion { client_id, .. } => client_id,
        }
    }

    fn describe(&self) -> &'static str {
        match self {
            Self::Nothing { .. } => "nothing to prove itself",
            Self::Secret { .. } => "a secret",
            Self::Assertion { .. } => "an assertion",
        }
    }
}

impl AuthorizationServer {
    fn check_secret(&self, client: &Client, shown: &Secret) -> Result<(), IssueError> {
        let now = self.now();
        let digest = token_digest(shown).0;
        let living = client.secrets.iter().filter(|secret| secret.expires_at.is_none_or(|end| end > now));
        // All of them are compared, so that the time tells nothing.
        let fits = living
            .fold(false, |fits, secret| fits | bool::from(secret.digest.as_bytes().ct_eq(digest.as_bytes())));
        if fits { Ok(()) } else { Err(failed("its secret is wrong or has ended").into()) }
    }

    async fn check_assertion(&self, client: &KnownClient, text: &Secret) -> Result<(), IssueError> {
        let document = &client.document;
        let keys = self.keys_for(document, text.expose()).await?;
        let expected = client_assertion::Expected {
            client_id: &document.id,
            keys: &keys,
            algorithm: document.metadata.token_endpoint_auth_signing_alg,
            // RFC 7523 §3 item 3 names the token endpoint, OAuth 2.1 §2.4 the issuer.
            audiences: &[self.rules().issuer.as_str(), &Endpoint::Token.url(&self.rules().issuer)],
            now: self.now(),
        };
        let Assertion { id, expires_at } = client_assertion::verify(text.expose(), &expected)
            .map_err(|error| failed(&format!("its assertion is not acceptable: {error}")))?;
        let name = format!("assertion:{}", URL_SAFE_NO_PAD.encode(format!("{}\0{id}", document.id)));
        if self.spend(&name, expires_at).await? {
            Ok(())
        } else {
            Err(failed("its assertion was used before").into())
        }
    }
}

/// RFC 6749 §2.3.1: both parts are form-encoded before they are joined. Only the canonical base64 counts, so that there is
/// one way to write each.
fn basic(header: &Secret) -> Option<Shown> {
    let (scheme, rest) = header.expose().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = Secret::new(String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?);
    let (id, secret) = pair.expose().split_once(':')?;
    Some(Shown::Secret { client_id: form_decoded(id)?, secret: Secret::new(form_decoded(secret)?) })
}

fn form_decoded(text: &str) -> Option<String> {
    let text = text.replace('&', "%26").replace('=', "%3D");
    let mut pairs = url::form_urlencoded::parse(text.as_bytes());
    let (decoded, rest) = (pairs.next().map(|(name, _)| name.into_owned()), pairs.next());
    if rest.is_none() { Some(decoded.unwrap_or_default()) } else { None }
}

/// Nobody learns which of client and secret was wrong.
fn failed(reason: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidClient, "the client did not prove itself").because(reason)
}

/// RFC 7523 §2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
