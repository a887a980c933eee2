//! Logout tokens: what a client is told when a session of its user has ended (OIDC Back-Channel Logout 1.0 §2.4).

use jiff::fmt::serde::timestamp::second;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// The `typ` of the header (§2.4): no ID token and no access token passes for one, nor the other way round.
pub const TYPE: &str = "logout+jwt";

/// How long one is good: the longest that the standard recommends (§2.4). It is used in the moment it is made.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(2);

/// What a logout token says, ready to be signed. It never has a `nonce`, so that it cannot be an ID token.
#[derive(Clone, Debug, Serialize)]
pub struct LogoutTokenClaims<'a> {
    /// The authorization server.
    pub iss: &'a str,
    /// The user.
    pub sub: &'a str,
    /// The client, which is its only audience.
    pub aud: &'a str,
    /// When it was made.
    #[serde(with = "second::required")]
    pub iat: Timestamp,
    /// When it ends.
    #[serde(with = "second::required")]
    pub exp: Timestamp,
    /// Its name.
    pub jti: &'a str,
    /// The session that has ended, as ID tokens name it.
    pub sid: &'a str,
    /// That it is a logout.
    pub events: LoggedOut,
}

/// The `events` of every logout token: one member, which holds nothing.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct LoggedOut {
    #[serde(rename = "http://schemas.openid.net/event/backchannel-logout")]
    happened: Nothing,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Nothing {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_says_what_the_standard_wants_and_nothing_else() {
        let claims = LogoutTokenClaims {
            iss: "https://server.example.com",
            sub: "248289761001",
            aud: "s6BhdRkqt3",
            iat: Timestamp::from_second(1_471_566_154).unwrap(),
            exp: Timestamp::from_second(1_471_569_754).unwrap(),
            jti: "bWJq",
            sid: "08a5019c-17e1-4977-8f42-65a12843ea02",
            events: LoggedOut::default(),
        };
        // The example of §2.4.
        assert_eq!(
            serde_json::to_value(claims).unwrap(),
            json!({
                "iss": "https://server.example.com", "sub": "248289761001", "aud": "s6BhdRkqt3",
                "iat": 1_471_566_154, "exp": 1_471_569_754, "jti": "bWJq",
                "sid": "08a5019c-17e1-4977-8f42-65a12843ea02",
                "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
            })
        );
    }
}
