//! The examples of RFC 9449, and every item of its §4.3 broken once.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::oauth::jose::{Algorithm, HmacKey};
use crate::oauth::signing::SigningKey;

/// RFC 9449 §4.1.
const AT_TOKEN_ENDPOINT: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";

/// RFC 9449 §7.1, with its access token.
const AT_RESOURCE: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
const ACCESS_TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";

/// RFC 9449 §6.1: the thumbprint of the key of both.
const THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

const NOW: Timestamp = Timestamp::constant(1_562_262_620, 0);

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn judged(proof: &str) -> Result<Proof, ProofError> {
    judged_with(proof, NoncePolicy::Unused, None)
}

fn judged_with(
    proof: &str,
    nonces: NoncePolicy<'_>,
    access_token: Option<&Secret>,
) -> Result<Proof, ProofError> {
    let url = url("https://server.example.com/token");
    verify(proof, &Expected { method: "POST", url: &url, now: NOW, nonces, access_token })
}

fn claims() -> Value {
    json!({"jti": "-BwC3ESc6acc2lTc", "htm": "POST", "htu": "https://server.example.com/token", "iat": 1_562_262_616})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

/// A proof with any header, signed all the same.
fn proof(header: &Value, claims: &Value) -> String {
    let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let signature = pair().sign(&aws_lc_rs::rand::SystemRandom::new(), message.as_bytes()).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn header() -> Value {
    use aws_lc_rs::signature::KeyPair as _;
    let point = pair().public_key().as_ref().to_vec();
    let encoded = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
    json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": {"kty": "EC", "crv": "P-256", "x": encoded(1..33), "y": encoded(33..65)}})
}

fn pair() -> &'static aws_lc_rs::signature::EcdsaKeyPair {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    static PAIR: std::sync::LazyLock<EcdsaKeyPair> =
        std::sync::LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());
    &PAIR
}

#[test]
fn the_examples_of_rfc_9449_hold() {
    let proof = judged(AT_TOKEN_ENDPOINT).unwrap();
    assert_eq!((proof.thumbprint.as_str(), proof.id.as_str()), (THUMBPRINT, "-BwC3ESc6acc2lTc"));
    assert_eq!(proof.ends_at().as_second(), 1_562_262_616 + 300);
    let resource = url("https://resource.example.org/protectedresource?query=1#fragment");
    let token = Secret::new(ACCESS_TOKEN);
    let expected = Expected {
        method: "GET",
        url: &resource,
        now: NOW,
        nonces: NoncePolicy::Unused,
        access_token: Some(&token),
    };
    assert_eq!(verify(AT_RESOURCE, &expected).unwrap().thumbprint.as_str(), THUMBPRINT);
    let other = Secret::new("other");
    assert_eq!(
        verify(AT_RESOURCE, &Expected { access_token: Some(&other), ..expected }),
        Err(ProofError::WrongAccessToken)
    );
}

#[test]
fn headers_of_anything_else_are_refused() {
    assert!(judged(&proof(&header(), &claims())).is_ok());
    let changed = |pointer: &str, value: Value| {
        let mut header = header();
        *header.pointer_mut(pointer).unwrap() = value;
        header
    };
    let added = |name: &str, value: Value| {
        let mut header = header();
        header["jwk"][name] = value;
        header
    };
    let mut without_key = header();
    without_key.as_object_mut().unwrap().remove("jwk");
    let mut without_type = header();
    without_type.as_object_mut().unwrap().remove("typ");
    let table = [
        (changed("/typ", json!("JWT")), ProofError::OtherKind),
        (without_type, ProofError::OtherKind),
        (changed("/alg", json!("none")), TokenError::UnsupportedAlgorithm.into()),
        (changed("/alg", json!("HS256")), TokenError::WrongAlgorithm.into()),
        (changed("/alg", json!("RS256")), TokenError::WrongAlgorithm.into()),
        (without_key, ProofError::NoKey),
        (changed("/jwk", json!({"kty": "oct", "k": "AAAA"})), JwkError::Private.into()),
        (changed("/jwk", json!({})), JwkError::Member { name: "kty" }.into()),
        (changed("/jwk/crv", json!("P-384")), JwkError::Unsupported.into()),
        (added("d", json!("AAAA")), JwkError::Private.into()),
        (added("use", json!("enc")), JwkError::OtherUse.into()),
    ];
    for (header, error) in table {
        assert_eq!(judged(&proof(&header, &claims())), Err(error), "{header}");
        assert_eq!(error.code(), ErrorCode::InvalidDpopProof);
    }
    let secret = HmacKey::new(&Secret::new("s".repeat(32))).unwrap();
    let symmetric = secret.sign(TYPE, &claims()).unwrap();
    assert_eq!(judged(symmetric.expose()), Err(ProofError::NoKey));
    let mut tampered = proof(&header(), &claims());
    tampered.replace_range(tampered.len() - 86..tampered.len() - 82, "AAAA");
    assert_eq!(judged(&tampered), Err(TokenError::BadSignature.into()));
    let (key, _) = SigningKey::generate(Algorithm::EdDsa).unwrap();
    assert_eq!(judged(key.sign(TYPE, &claims()).unwrap().expose()), Err(ProofError::NoKey));
}

#[test]
fn claims_are_for_this_request_and_this_time() {
    let at = |seconds: i64| Timestamp::from_second(NOW.as_second() + seconds).unwrap();
    let iat = |seconds: i64| with("iat", json!(NOW.as_second() + seconds));
    let table = [
        (with("htm", json!("GET")), ProofError::WrongMethod),
        (with("htm", json!("post")), ProofError::WrongMethod),
        (with("htm", json!(1)), ClaimError::Invalid { name: "htm" }.into()),
        (with("htu", json!("https://server.example.com/token/")), ProofError::WrongUrl),
        (with("htu", json!("https://server.example.com/Token")), ProofError::WrongUrl),
        (with("htu", json!("http://server.example.com/token")), ProofError::WrongUrl),
        (with("htu", json!("https://server.example.com:8443/token")), ProofError::WrongUrl),
        (with("htu", json!("https://evil@server.example.com/token")), ProofError::WrongUrl),
        (
            with("htu", json!("https://server.example.com%2ftoken")),
            ClaimError::Invalid { name: "htu" }.into(),
        ),
        (with("htu", json!("/token")), ClaimError::Invalid { name: "htu" }.into()),
        (with("jti", json!("")), ClaimError::Invalid { name: "jti" }.into()),
        (with("jti", json!("a".repeat(257))), ClaimError::Invalid { name: "jti" }.into()),
        (with("iat", json!("1562262616")), ClaimError::Invalid { name: "iat" }.into()),
        (iat(-301), ProofError::WrongTime { at: at(-301) }),
        (iat(301), ProofError::WrongTime { at: at(301) }),
        (with("exp", json!(NOW.as_second() - 300)), ClaimError::Expired { at: at(-300) }.into()),
        (with("nonce", json!(1)), ClaimError::Invalid { name: "nonce" }.into()),
    ];
    for (claims, error) in table {
        assert_eq!(judged(&proof(&header(), &claims)), Err(error), "{claims}");
    }
    for claims in [
        iat(-300),
        iat(300),
        with("nonce", json!("any")),
        with("htu", json!("HTTPS://SERVER.example.com:443/a/../t%6fken?x#y")),
    ] {
        assert!(judged(&proof(&header(), &claims)).is_ok(), "{claims}");
    }
    for name in ["jti", "htm", "htu", "iat"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(judged(&proof(&header(), &claims)), Err(ClaimError::Missing { name }.into()));
    }
    let missing = judged_with(&proof(&header(), &claims()), NoncePolicy::Unused, Some(&Secret::new("token")));
    assert_eq!(missing, Err(ClaimError::Missing { name: "ath" }.into()));
}

#[test]
fn nonces_hold_for_their_span_and_the_next() {
    let nonces = DpopNonces::new([[7; 32]]);
    let nonce = nonces.current(NOW);
    let later = |seconds: i64| NOW + SignedDuration::from_secs(seconds);
    // NOW is 20 seconds into its span.
    assert_eq!(NOW.as_second() % 300, 20);
    for (seconds, holds) in
        [(0, true), (279, true), (280, true), (579, true), (580, false), (-21, false), (9000, false)]
    {
        assert_eq!(nonces.accept(&nonce, later(seconds)), holds, "{seconds}");
    }
    assert!(!nonces.accept("", NOW) && !DpopNonces::new([[8; 32]]).accept(&nonce, NOW));
    assert_eq!(format!("{nonces:?}"), "DpopNonces(…)");
}

#[test]
fn a_missing_or_old_nonce_is_asked_for_again() {
    let nonces = DpopNonces::new([[7; 32]]);
    let current = nonces.current(NOW);
    let old = nonces.current(NOW - SignedDuration::from_mins(11));
    let proof = |nonce: Option<&str>| {
        proof(&header(), &nonce.map_or_else(claims, |nonce| with("nonce", json!(nonce))))
    };
    let (required, accepted) = (NoncePolicy::Required(&nonces), NoncePolicy::Accepted(&nonces));
    for (policy, nonce, found) in [
        (required, None, Err(ProofError::Nonce)),
        (required, Some(old.as_str()), Err(ProofError::Nonce)),
        (required, Some("guessed"), Err(ProofError::Nonce)),
        (required, Some(current.as_str()), Ok(Some(current.clone()))),
        (accepted, None, Ok(None)),
        (accepted, Some(old.as_str()), Err(ProofError::Nonce)),
        (accepted, Some(current.as_str()), Ok(Some(current.clone()))),
        (NoncePolicy::Unused, Some(old.as_str()), Ok(None)),
    ] {
        let judged = judged_with(&proof(nonce), policy, None);
        assert_eq!(judged.map(|proof| proof.nonce), found, "{policy:?} {nonce:?}");
    }
    assert_eq!(ProofError::Nonce.code(), ErrorCode::UseDpopNonce);
}

proptest! {
    #[test]
    fn any_address_is_compared_without_panic(text in ".{0,40}", path in "[%0-9A-Fa-f/é.~]{0,20}") {
        for text in [text, format!("https://a.example/{path}")] {
            let Ok(url) = Url::parse(&text) else { continue };
            let once = normal(&url);
            if let Ok(again) = Url::parse(&once) {
                prop_assert!(normal(&again).len() <= once.len());
            }
        }
        let _ = judged(&proof(&header(), &with("htu", json!(path))));
    }
}
