//! Proofs that a client has a key (RFC 9449 §4), as a client makes them. Judging them is for `oauth::server::dpop`.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::{AUTHORIZATION, HeaderName, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use jiff::fmt::serde::timestamp::second;
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

use super::jose::Algorithm;
use super::server::dpop::TYPE;
use super::signing::{SigningError, SigningKey};
use crate::ports::random::{Random, unguessable};
use crate::ports::upstream::{Request, Response};
use crate::secret::Secret;

/// The header field of a proof (§4.1).
pub const FIELD: HeaderName = HeaderName::from_static("dpop");

/// The header field of a nonce (§8).
pub const NONCE_FIELD: HeaderName = HeaderName::from_static("dpop-nonce");

/// What `token_type` and `Authorization` call a token that is bound to a key (§5, §7.1).
pub const TOKEN_TYPE: &str = "DPoP";

/// The key of one login.
#[derive(Clone, Debug)]
pub struct ProofKey {
    key: SigningKey,
    public: Map<String, Value>,
}

/// What a proof is for.
#[derive(Clone, Copy, Debug)]
pub struct Proven<'a> {
    /// The method of the request, in upper case.
    pub method: &'a str,
    /// Where it goes; query and fragment are left out.
    pub url: &'a Url,
    /// When.
    pub at: Timestamp,
    /// What the other side wants to see in it (§8, §9).
    pub nonce: Option<&'a str>,
    /// [`token_hash`] of the access token that goes with it, at a resource.
    pub token_hash: Option<&'a str>,
}

impl ProofKey {
    /// A new key for `ES256`, which every server knows, and the form it is kept in.
    ///
    /// # Errors
    /// The cryptographic library failed.
    pub fn generate() -> Result<(Self, Secret), SigningError> {
        let (key, der) = SigningKey::generate(Algorithm::Es256)?;
        let text = zeroize::Zeroizing::new(STANDARD.encode(&*der));
        let kept =
            Secret::new(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", &*text));
        Ok((Self::of(key)?, kept))
    }

    /// The key that is kept so.
    ///
    /// # Errors
    /// It is damaged.
    pub fn read(kept: &Secret) -> Result<Self, SigningError> {
        Self::of(SigningKey::from_pem(kept, None)?)
    }

    /// A proof for one request.
    ///
    /// # Errors
    /// The cryptographic library failed.
    pub fn prove(&self, proven: &Proven<'_>, random: &dyn Random) -> Result<Secret, SigningError> {
        let mut url = proven.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        let id = unguessable(random);
        let claims = Claims {
            jti: id.expose(),
            htm: proven.method,
            htu: url.as_str(),
            iat: proven.at,
            nonce: proven.nonce,
            ath: proven.token_hash,
        };
        self.key.sign_showing_key(TYPE, &self.public, &claims)
    }

    /// Puts a proof into a request to a token endpoint.
    ///
    /// # Errors
    /// The cryptographic library failed.
    pub fn equip(
        &self,
        request: &mut Request,
        at: Timestamp,
        nonce: Option<&str>,
        random: &dyn Random,
    ) -> Result<(), SigningError> {
        let proof = self.field(request, None, (at, nonce), random)?;
        request.headers_mut().insert(FIELD, proof);
        Ok(())
    }

    /// The fields that carry an access token that is bound to this key, and its proof, in a request to where it counts (§7.1).
    ///
    /// # Errors
    /// The token fits into no field, or the cryptographic library failed.
    pub fn carry(
        &self,
        token: &Secret,
        request: &Request,
        at: Timestamp,
        nonce: Option<&str>,
        random: &dyn Random,
    ) -> Result<HeaderMap, SigningError> {
        let text = Secret::new(format!("{TOKEN_TYPE} {}", token.expose()));
        let mut field = HeaderValue::from_str(text.expose()).map_err(|_| SigningError::Claims)?;
        field.set_sensitive(true);
        let proof = self.field(request, Some(&token_hash(token)), (at, nonce), random)?;
        Ok(HeaderMap::from_iter([(AUTHORIZATION, field), (FIELD, proof)]))
    }

    fn field(
        &self,
        request: &Request,
        token_hash: Option<&str>,
        (at, nonce): (Timestamp, Option<&str>),
        random: &dyn Random,
    ) -> Result<HeaderValue, SigningError> {
        let url = Url::parse(&request.uri().to_string()).map_err(|_| SigningError::Claims)?;
        let proven = Proven { method: request.method().as_str(), url: &url, at, nonce, token_hash };
        let proof = self.prove(&proven, random)?;
        HeaderValue::from_str(proof.expose()).map_err(|_| SigningError::Claims)
    }

    fn of(key: SigningKey) -> Result<Self, SigningError> {
        // A name would be one more thing that tells logins of one person apart from all others.
        let mut public = key.public_key()?.to_jwk();
        public.retain(|name, _| ["kty", "crv", "x", "y"].contains(&name.as_str()));
        Ok(Self { key, public })
    }
}

/// What a proof says of the access token beside it (§4.2, `ath`).
pub fn token_hash(access_token: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, access_token.expose().as_bytes()))
}

/// The nonce that an authorization server wants to see in another proof (§8). Nothing has been done with the request.
pub fn nonce_of_server(response: &Response) -> Option<String> {
    if !response.status().is_client_error() {
        return None;
    }
    let document: Value = serde_json::from_slice(response.body().expose()).ok()?;
    (document.get("error")?.as_str()? == WANTED).then(|| nonce(response.headers()))?
}

/// The same of a resource (§9).
pub fn nonce_of_resource(status: StatusCode, headers: &HeaderMap) -> Option<String> {
    let wants = |field: &HeaderValue| field.to_str().is_ok_and(|field| field.contains(WANTED));
    let is_wanted = status == StatusCode::UNAUTHORIZED && headers.get_all(WWW_AUTHENTICATE).iter().any(wants);
    is_wanted.then(|| nonce(headers))?
}

/// The nonce in an answer, for the next proof (§8.2).
pub fn nonce(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(NONCE_FIELD)?.to_str().ok()?;
    // §8.1: printable, without quotes and backslashes; and no larger than a header may be.
    let is_one = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    (!text.is_empty() && text.len() <= LONGEST_NONCE && text.bytes().all(is_one)).then(|| text.to_owned())
}

#[derive(Serialize)]
struct Claims<'a> {
    jti: &'a str,
    htm: &'a str,
    htu: &'a str,
    #[serde(with = "second::required")]
    iat: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<&'a str>,
}

const WANTED: &str = "use_dpop_nonce";
/// Those in use have 22 to 200 characters, and each is carried by every request.
const LONGEST_NONCE: usize = 1024;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::memory::random::SeededRandom;
    use crate::oauth::server::dpop::{Expected, NoncePolicy, verify};
    use crate::ports::upstream::Body;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_kept_key_makes_proofs_that_servers_believe() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let (key, kept) = ProofKey::generate().unwrap();
        let again = ProofKey::read(&kept).unwrap();
        let (token, address) = (Secret::new("at"), url("https://mcp.test/mcp?session=1#top"));
        let (random, hash) = (SeededRandom::new(1), token_hash(&token));
        let mut seen = Vec::new();
        for key in [&key, &again] {
            let proven =
                Proven { method: "POST", url: &address, at: now, nonce: Some("n"), token_hash: Some(&hash) };
            let proof = key.prove(&proven, &random).unwrap();
            let plain = url("https://mcp.test/mcp");
            let expected = Expected {
                method: "POST",
                url: &plain,
                now,
                nonces: NoncePolicy::Unused,
                access_token: Some(&token),
            };
            let judged = verify(proof.expose(), &expected).unwrap();
            assert!(verify(proof.expose(), &Expected { method: "GET", ..expected }).is_err());
            let other = Secret::new("other");
            assert!(verify(proof.expose(), &Expected { access_token: Some(&other), ..expected }).is_err());
            seen.push((judged.thumbprint, judged.id));
        }
        assert_eq!(seen[0].0, seen[1].0);
        assert_ne!(seen[0].1, seen[1].1, "each proof has a name of its own");
        assert!(!format!("{key:?}").contains(&kept.expose()[40..60]));
    }

    #[test]
    fn only_who_wants_a_nonce_gets_one() {
        let answer = |status: u16, error: &str, nonce: &str| {
            let body = Body::new(json!({ "error": error }).to_string());
            http::Response::builder().status(status).header(NONCE_FIELD, nonce).body(body).unwrap()
        };
        assert_eq!(nonce_of_server(&answer(400, "use_dpop_nonce", "abc")).as_deref(), Some("abc"));
        for (status, error, nonce) in [
            (400, "invalid_grant", "abc"),
            (200, "use_dpop_nonce", "abc"),
            (500, "use_dpop_nonce", "abc"),
            (400, "use_dpop_nonce", "a b"),
            (400, "use_dpop_nonce", "a\"b"),
            (400, "use_dpop_nonce", ""),
        ] {
            assert_eq!(nonce_of_server(&answer(status, error, nonce)), None, "{status} {error} {nonce}");
        }
        let mut headers = http::HeaderMap::new();
        headers.insert(NONCE_FIELD, HeaderValue::from_static("abc"));
        assert_eq!(nonce_of_resource(StatusCode::UNAUTHORIZED, &headers), None);
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("DPoP error=\"use_dpop_nonce\""));
        assert_eq!(nonce_of_resource(StatusCode::UNAUTHORIZED, &headers).as_deref(), Some("abc"));
        assert_eq!(nonce_of_resource(StatusCode::FORBIDDEN, &headers), None);
    }
}
