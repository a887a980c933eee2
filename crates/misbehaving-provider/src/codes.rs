//! Authorization codes: single use, short-lived, bound to a client, a redirect URI and a PKCE challenge.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use crate::ledger::{FamilyId, Grant};

/// A code as it was issued.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) grant: Grant,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<String>,
    pub(crate) expires_at: Timestamp,
}

#[derive(Debug, Default)]
pub(crate) struct Codes {
    codes: HashMap<String, CodeState>,
}

#[derive(Debug)]
enum CodeState {
    Open(Box<Code>),
    Spent(FamilyId),
}

/// Why a code is refused; always `invalid_grant` on the wire (RFC 6749 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeRefusal {
    Unknown,
    Expired,
    WrongClient,
    WrongRedirect,
    WrongVerifier,
    /// Somebody had it before; what was issued for it must die (RFC 6749 §4.1.2).
    Spent(FamilyId),
}

/// What comes with a code at the token endpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Presented<'a> {
    pub(crate) code: &'a str,
    pub(crate) client: &'a str,
    pub(crate) redirect_uri: Option<&'a str>,
    pub(crate) verifier: Option<&'a str>,
}

impl Codes {
    pub(crate) fn issue(&mut self, code: String, record: Code) {
        self.codes.insert(code, CodeState::Open(Box::new(record)));
    }

    /// Checks a code; it stays open until [`Codes::spend`].
    pub(crate) fn check(
        &self,
        presented: &Presented<'_>,
        now: Timestamp,
        strict: bool,
    ) -> Result<Grant, CodeRefusal> {
        let code = match self.codes.get(presented.code) {
            None => return Err(CodeRefusal::Unknown),
            Some(CodeState::Spent(family)) => return Err(CodeRefusal::Spent(*family)),
            Some(CodeState::Open(code)) => code,
        };
        if code.expires_at <= now {
            return Err(CodeRefusal::Expired);
        }
        if code.grant.client != presented.client {
            return Err(CodeRefusal::WrongClient);
        }
        if presented.redirect_uri != Some(code.redirect_uri.as_str()) {
            return Err(CodeRefusal::WrongRedirect);
        }
        if !verifies(code.challenge.as_deref(), presented.verifier, strict) {
            return Err(CodeRefusal::WrongVerifier);
        }
        Ok(code.grant.clone())
    }

    pub(crate) fn spend(&mut self, code: &str, family: FamilyId) {
        self.codes.insert(code.into(), CodeState::Spent(family));
    }
}

/// RFC 7636 §4.6 with S256. A verifier without a challenge is a downgrade, which a strict server refuses too.
fn verifies(challenge: Option<&str>, verifier: Option<&str>, strict: bool) -> bool {
    match (challenge, verifier) {
        (None, None) => true,
        (None, Some(_)) => !strict,
        (Some(_), None) => false,
        (Some(challenge), Some(verifier)) => {
            // RFC 7636 §4.1: 43 to 128 unreserved characters.
            let legal = (43..=128).contains(&verifier.len())
                && verifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
            (legal || !strict) && URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) == challenge
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Ledger;

    // RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn grant() -> Grant {
        Grant { client: "app".into(), identity: None, scope: String::new(), resource: None, nonce: None }
    }

    fn codes() -> Codes {
        let mut codes = Codes::default();
        let record = Code {
            grant: grant(),
            redirect_uri: "http://127.0.0.1:1/callback".into(),
            challenge: Some(CHALLENGE.into()),
            expires_at: Timestamp::from_second(60).unwrap(),
        };
        codes.issue("code".into(), record);
        codes
    }

    const RIGHT: Presented<'static> = Presented {
        code: "code",
        client: "app",
        redirect_uri: Some("http://127.0.0.1:1/callback"),
        verifier: Some(VERIFIER),
    };

    #[test]
    fn a_code_is_bound_to_everything_it_was_issued_for() {
        let table = [
            (RIGHT, 0, None),
            (RIGHT, 60, Some(CodeRefusal::Expired)),
            (Presented { code: "other", ..RIGHT }, 0, Some(CodeRefusal::Unknown)),
            (Presented { client: "thief", ..RIGHT }, 0, Some(CodeRefusal::WrongClient)),
            (Presented { redirect_uri: None, ..RIGHT }, 0, Some(CodeRefusal::WrongRedirect)),
            (
                Presented { redirect_uri: Some("http://127.0.0.1:2/callback"), ..RIGHT },
                0,
                Some(CodeRefusal::WrongRedirect),
            ),
            (Presented { verifier: None, ..RIGHT }, 0, Some(CodeRefusal::WrongVerifier)),
            (Presented { verifier: Some(CHALLENGE), ..RIGHT }, 0, Some(CodeRefusal::WrongVerifier)),
        ];
        for (presented, second, expected) in table {
            let outcome = codes().check(&presented, Timestamp::from_second(second).unwrap(), true);
            assert_eq!(outcome.err(), expected, "{presented:?}");
        }
    }

    #[test]
    fn a_spent_code_names_the_family_it_opened() {
        let mut codes = codes();
        let family = Ledger::default().open(grant());
        codes.spend("code", family);
        assert_eq!(codes.check(&RIGHT, Timestamp::UNIX_EPOCH, true).err(), Some(CodeRefusal::Spent(family)));
    }

    #[test]
    fn short_verifiers_are_refused_by_strict_servers_only() {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, b"short"));
        assert!(!verifies(Some(&challenge), Some("short"), true));
        assert!(verifies(Some(&challenge), Some("short"), false));
    }
}
