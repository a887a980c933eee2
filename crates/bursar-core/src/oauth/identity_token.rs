//! ID tokens (OIDC Core §2, §3.1.3.7) and the end of access tokens that are JWTs (RFC 7519 §4.1.4).
//!
//! An ID token is read here only when the token endpoint itself sent it over TLS. OIDC Core §3.1.3.7 item 6
//! lets TLS vouch for it in that case, so the signature is not verified; never read a token from a browser this way.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::oauth::url::Issuer;
use crate::secret::Secret;

/// What an ID token must say to be ours.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedToken<'a> {
    /// The server that was asked, if its name is known.
    pub issuer: Option<&'a Issuer>,
    /// Who we are.
    pub client_id: &'a str,
    /// The nonce that was sent, if one was.
    pub nonce: Option<&'a Secret>,
    /// The time.
    pub now: Timestamp,
    /// How far the two clocks may differ.
    pub tolerance: SignedDuration,
}

/// Who signed in (OIDC Core §2, §5.1).
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    /// Who says so.
    pub issuer: String,
    /// The user's identifier, unique and stable at the issuer.
    pub subject: String,
    /// An e-mail address; no proof of identity unless it is verified.
    pub email: Option<String>,
    /// Whether the issuer has verified the address; `None` if it does not say.
    pub email_verified: Option<bool>,
    /// The full name.
    pub name: Option<String>,
    /// The name the user likes to be called by; may change and repeat.
    pub preferred_username: Option<String>,
    /// The end of the ID token, which says nothing about the access token.
    pub expires_at: Timestamp,
    /// When it was made.
    pub issued_at: Timestamp,
    /// All claims as they came.
    pub raw: Map<String, Value>,
}

/// Reads an ID token that came straight from the token endpoint.
///
/// # Errors
/// The token is unreadable, lacks a required claim, or is not for this client, this login or this time.
pub fn read(id_token: &Secret, expected: &ExpectedToken<'_>) -> Result<Claims, IdentityTokenError> {
    let raw = payload(id_token.expose())?;
    let issuer = required_text(&raw, "iss")?;
    if let Some(asked) = expected.issuer.filter(|asked| asked.as_str() != issuer) {
        return Err(IdentityTokenError::IssuerMismatch {
            expected: asked.to_string(),
            found: shown(&issuer),
        });
    }
    check_audience(&raw, expected.client_id)?;
    let expires_at = required_time(&raw, "exp")?;
    let issued_at = required_time(&raw, "iat")?;
    if expected.now.duration_since(expires_at) >= expected.tolerance {
        return Err(IdentityTokenError::Expired { at: expires_at });
    }
    if issued_at.duration_since(expected.now) > expected.tolerance {
        return Err(IdentityTokenError::IssuedInFuture { at: issued_at });
    }
    check_nonce(&raw, expected.nonce)?;
    let subject = required_text(&raw, "sub")?;
    if subject.len() > MAXIMUM_SUBJECT {
        return Err(IdentityTokenError::InvalidClaim { name: "sub" });
    }
    Ok(Claims {
        issuer,
        subject,
        email: text(&raw, "email"),
        email_verified: raw.get("email_verified").and_then(truth),
        name: text(&raw, "name"),
        preferred_username: text(&raw, "preferred_username"),
        expires_at,
        issued_at,
        raw,
    })
}

/// Whom an ID token of a refresh answer speaks of, to notice that it is somebody else (OIDC Core §12.2).
///
/// Nothing but the form is checked: a refresh must not fail because of the clock, and the account is known already.
pub fn subject_of(id_token: &Secret) -> Option<Subject> {
    let claims = payload(id_token.expose()).ok()?;
    let subject = required_text(&claims, "sub").ok()?;
    Some(Subject { subject, email: text(&claims, "email") })
}

/// A user, as [`subject_of`] finds one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The user's identifier, unique and stable at the issuer.
    pub subject: String,
    /// An e-mail address, for messages only.
    pub email: Option<String>,
}

/// The end of an access token, if it is a JWT that says so. Only a hint: a resource server decides for itself.
pub fn expiry_of_jwt(token: &Secret) -> Option<Timestamp> {
    payload(token.expose()).ok()?.get("exp").and_then(time)
}

/// An ID token that must not be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityTokenError {
    /// Larger than any honest token.
    #[error("the ID token has more than {MAXIMUM_BYTES} bytes")]
    TooLarge,
    /// Five parts are an encrypted token (RFC 7516 §3.1), which nobody asked for.
    #[error("the ID token is encrypted")]
    Encrypted,
    /// Not three parts of base64url with JSON objects inside (RFC 7515 §3.1).
    #[error("the ID token is malformed")]
    Malformed,
    /// A required claim is not there (OIDC Core §2).
    #[error("the ID token lacks the claim `{name}`")]
    MissingClaim {
        /// The claim's name.
        name: &'static str,
    },
    /// A claim has a value it must not have.
    #[error("the claim `{name}` of the ID token is not valid")]
    InvalidClaim {
        /// The claim's name.
        name: &'static str,
    },
    /// Somebody else made it (§3.1.3.7 item 2).
    #[error("the ID token is from `{found}`, but `{expected}` was asked")]
    IssuerMismatch {
        /// Who was asked.
        expected: String,
        /// Who made it, shortened and free of control characters.
        found: String,
    },
    /// It is for another client (§3.1.3.7 items 3 to 5).
    #[error("the ID token is for another client")]
    AudienceMismatch,
    /// It belongs to another login (§3.1.3.7 item 11).
    #[error("the ID token does not belong to this login (its nonce is missing or different)")]
    NonceMismatch,
    /// It is over (§3.1.3.7 item 9).
    #[error("the ID token expired at {at}; is the clock right?")]
    Expired {
        /// Its end.
        at: Timestamp,
    },
    /// It was made later than now (§3.1.3.7 item 10).
    #[error("the ID token was issued in the future, at {at}; is the clock right?")]
    IssuedInFuture {
        /// When it says it was made.
        at: Timestamp,
    },
}

/// How far clocks usually differ: RFC 7519 §4.1.4 speaks of a few minutes, and a login has no second try.
pub const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// Tokens with hundreds of groups reach 20 KiB; servers refuse headers long before 64.
const MAXIMUM_BYTES: usize = 64 * 1024;

/// OIDC Core §2 bounds `sub`.
const MAXIMUM_SUBJECT: usize = 255;

fn payload(token: &str) -> Result<Map<String, Value>, IdentityTokenError> {
    if token.len() > MAXIMUM_BYTES {
        return Err(IdentityTokenError::TooLarge);
    }
    let parts: Vec<&str> = token.split('.').collect();
    match parts.as_slice() {
        [header, payload, _] => {
            object(header).and_then(|_| object(payload)).ok_or(IdentityTokenError::Malformed)
        }
        [_, _, _, _, _] => Err(IdentityTokenError::Encrypted),
        _ => Err(IdentityTokenError::Malformed),
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(part).ok()?);
    serde_json::from_slice(&bytes).ok()
}

/// OIDC Core §3.1.3.7 items 3 to 5: we must be an audience, and the authorized party if one is named. Among
/// several audiences one must be named, or a token made for another client would do.
fn check_audience(claims: &Map<String, Value>, client_id: &str) -> Result<(), IdentityTokenError> {
    let audiences = match claims.get("aud") {
        Some(Value::Array(audiences)) => audiences.as_slice(),
        Some(audience) => std::slice::from_ref(audience),
        None => return Err(IdentityTokenError::MissingClaim { name: "aud" }),
    };
    let ours = audiences.iter().any(|audience| audience.as_str() == Some(client_id));
    let party = match claims.get("azp") {
        Some(party) => party.as_str() == Some(client_id),
        None => audiences.len() == 1,
    };
    if ours && party { Ok(()) } else { Err(IdentityTokenError::AudienceMismatch) }
}

fn check_nonce(claims: &Map<String, Value>, sent: Option<&Secret>) -> Result<(), IdentityTokenError> {
    let Some(sent) = sent else { return Ok(()) };
    let found = claims.get("nonce").and_then(Value::as_str).map(Secret::new);
    if found.as_ref() == Some(sent) { Ok(()) } else { Err(IdentityTokenError::NonceMismatch) }
}

fn text(claims: &Map<String, Value>, name: &str) -> Option<String> {
    claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn required_text(claims: &Map<String, Value>, name: &'static str) -> Result<String, IdentityTokenError> {
    match claims.get(name) {
        None | Some(Value::Null) => Err(IdentityTokenError::MissingClaim { name }),
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        // Some home-grown servers use their database's number as the subject.
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        Some(_) => Err(IdentityTokenError::InvalidClaim { name }),
    }
}

fn required_time(claims: &Map<String, Value>, name: &'static str) -> Result<Timestamp, IdentityTokenError> {
    let value = claims.get(name).ok_or(IdentityTokenError::MissingClaim { name })?;
    time(value).ok_or(IdentityTokenError::InvalidClaim { name })
}

/// RFC 7519 §2: seconds since 1970, perhaps with a fraction, which is dropped.
fn time(value: &Value) -> Option<Timestamp> {
    let seconds = match value.as_i64() {
        Some(seconds) => seconds,
        None => SignedDuration::try_from_secs_f64(value.as_f64()?).ok()?.as_secs(),
    };
    Timestamp::from_second(seconds).ok()
}

/// A boolean, or the text of one as some providers send it.
fn truth(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| value.as_str()?.parse().ok())
}

fn shown(issuer: &str) -> String {
    // Long enough to recognise any real issuer, short enough for one line of a terminal.
    issuer.chars().filter(|character| !character.is_control()).take(120).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_311_281_000;

    fn token(claims: &Value) -> Secret {
        let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
        Secret::new(format!("{}.{}.", encoded(r#"{"alg":"RS256"}"#), encoded(&claims.to_string())))
    }

    /// The ID token of OIDC Core §2.
    fn example() -> Value {
        json!({
            "iss": "https://server.example.com", "sub": "24400320", "aud": "s6BhdRkqt3",
            "nonce": "n-0S6_WzA2Mj", "exp": 1_311_281_970, "iat": 1_311_280_970, "auth_time": 1_311_280_969,
            "acr": "urn:mace:incommon:iap:silver"
        })
    }

    fn read_at(claims: &Value, now: i64) -> Result<Claims, IdentityTokenError> {
        let issuer = Issuer::parse("https://server.example.com").unwrap();
        let expected = ExpectedToken {
            issuer: Some(&issuer),
            client_id: "s6BhdRkqt3",
            nonce: Some(&Secret::new("n-0S6_WzA2Mj")),
            now: Timestamp::from_second(now).unwrap(),
            tolerance: SignedDuration::from_secs(60),
        };
        read(&token(claims), &expected)
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = example();
        claims[name] = value;
        claims
    }

    fn without(name: &str) -> Value {
        let mut claims = example();
        claims.as_object_mut().unwrap().remove(name);
        claims
    }

    #[test]
    fn the_example_of_openid_connect_core_is_read() {
        let claims = read_at(&example(), NOW).unwrap();
        assert_eq!(
            (claims.issuer.as_str(), claims.subject.as_str()),
            ("https://server.example.com", "24400320")
        );
        assert_eq!(claims.expires_at.as_second(), 1_311_281_970);
        assert_eq!(claims.email, None);
        assert_eq!(claims.raw["acr"], "urn:mace:incommon:iap:silver");
    }

    #[test]
    fn the_profile_is_read_leniently() {
        let mut claims = with("email", json!("ada@example.com"));
        claims["email_verified"] = json!("true");
        claims["name"] = json!("");
        claims["sub"] = json!(7);
        let claims = read_at(&claims, NOW).unwrap();
        assert_eq!(claims.email.as_deref(), Some("ada@example.com"));
        assert_eq!((claims.email_verified, claims.name, claims.subject.as_str()), (Some(true), None, "7"));
    }

    #[test]
    fn tokens_for_others_are_refused() {
        let audience = IdentityTokenError::AudienceMismatch;
        let table = [
            (with("iss", json!("https://server.example.com/")), "`https://server.example.com/`"),
            (with("aud", json!("other")), "another client"),
            (with("aud", json!(["other"])), "another client"),
            (with("aud", json!([])), "another client"),
            (with("aud", json!(["s6BhdRkqt3", "other"])), "another client"),
            (with("azp", json!("other")), "another client"),
            (with("nonce", json!("n-0S6_WzA2Mk")), "another login"),
            (without("nonce"), "another login"),
        ];
        for (claims, words) in table {
            let error = read_at(&claims, NOW).unwrap_err().to_string();
            assert!(error.contains(words) || error.contains("this login"), "{claims}: {error}");
        }
        let mut several = with("aud", json!(["other", "s6BhdRkqt3"]));
        assert_eq!(read_at(&several, NOW), Err(audience));
        several["azp"] = json!("s6BhdRkqt3");
        assert!(read_at(&several, NOW).is_ok());
    }

    #[test]
    fn required_claims_are_required() {
        for name in ["iss", "sub", "aud", "exp", "iat"] {
            let error = read_at(&without(name), NOW).unwrap_err();
            assert!(
                matches!(error, IdentityTokenError::MissingClaim { name: missing } if missing == name),
                "{name}"
            );
        }
        let table = [
            ("exp", json!("soon")),
            ("iat", json!(1e300)),
            ("sub", json!("")),
            ("sub", json!("x".repeat(256))),
        ];
        for (name, value) in table {
            let error = read_at(&with(name, value), NOW).unwrap_err();
            assert!(
                matches!(error, IdentityTokenError::InvalidClaim { name: wrong } if wrong == name),
                "{name}"
            );
        }
    }

    #[test]
    fn times_are_judged_with_tolerance() {
        assert!(read_at(&example(), 1_311_281_970 + 59).is_ok());
        assert!(matches!(read_at(&example(), 1_311_281_970 + 60), Err(IdentityTokenError::Expired { .. })));
        assert!(read_at(&example(), 1_311_280_970 - 60).is_ok());
        assert!(matches!(
            read_at(&example(), 1_311_280_970 - 61),
            Err(IdentityTokenError::IssuedInFuture { .. })
        ));
    }

    #[test]
    fn only_three_parts_of_json_are_a_token() {
        let expected = ExpectedToken {
            issuer: None,
            client_id: "a",
            nonce: None,
            now: Timestamp::UNIX_EPOCH,
            tolerance: SignedDuration::ZERO,
        };
        let table = [
            ("", IdentityTokenError::Malformed),
            ("a.b", IdentityTokenError::Malformed),
            ("e30.e30=.", IdentityTokenError::Malformed),
            ("e30.W10.", IdentityTokenError::Malformed),
            ("W10.e30.", IdentityTokenError::Malformed),
            ("a.b.c.d.e", IdentityTokenError::Encrypted),
            ("e30.e30.", IdentityTokenError::MissingClaim { name: "iss" }),
        ];
        for (text, error) in table {
            assert_eq!(read(&Secret::new(text), &expected), Err(error), "{text}");
        }
        assert_eq!(
            read(&Secret::new("a".repeat(MAXIMUM_BYTES + 1)), &expected),
            Err(IdentityTokenError::TooLarge)
        );
    }

    #[test]
    fn the_user_of_a_refresh_answer_is_found_whatever_the_clock_says() {
        let subject = Subject { subject: "24400320".to_owned(), email: None };
        assert_eq!(subject_of(&token(&example())), Some(subject));
        assert_eq!(subject_of(&token(&without("sub"))), None);
        assert_eq!(subject_of(&Secret::new("a.b.c")), None);
    }

    #[test]
    fn the_end_of_an_access_token_is_found_where_it_is() {
        // RFC 7519 §3.1 shows this token.
        let jwt = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                   cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(expiry_of_jwt(&Secret::new(jwt)).map(Timestamp::as_second), Some(1_300_819_380));
        assert_eq!(expiry_of_jwt(&token(&json!({"exp": 1.9}))).map(Timestamp::as_second), Some(1));
        for text in ["gho_16C7e42F292c6912E7710c838347Ae178B4a", "", "..", "ya29.a0.b"] {
            assert_eq!(expiry_of_jwt(&Secret::new(text)), None, "{text}");
        }
        for value in [json!(null), json!("1"), json!(1e30), json!(i64::MAX), json!({})] {
            assert_eq!(expiry_of_jwt(&token(&json!({"exp": value}))), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_token_is_judged_without_panic(text in ".{0,60}", header in ".{0,20}", body in ".{0,60}") {
            let encoded = format!("{}.{}.x", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(body));
            for token in [text, encoded] {
                prop_assert_eq!(expiry_of_jwt(&Secret::new(token)), None);
            }
        }

        #[test]
        fn any_time_is_judged_without_panic(exp in any::<f64>(), iat in any::<i64>(), now in -1_000_000_000_000_i64..1_000) {
            let mut claims = with("iat", json!(iat));
            let _ = read_at(&claims, now.max(-377_705_023_201));
            claims["exp"] = json!(exp);
            let _ = read_at(&claims, NOW);
        }
    }
}
