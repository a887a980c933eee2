//! The authorization endpoint (RFC 6749 §4.1.1): a person who consents, or not, within the same request.

use jiff::SignedDuration;
use url::{Host, Url};

use crate::answer::Answer;
use crate::behaviour::{Consent, RegisteredClient};
use crate::codes::Code;
use crate::ledger::Grant;
use crate::request::Parameters;
use crate::state::Exchange;

pub(crate) fn answer(exchange: &mut Exchange<'_>) -> Answer {
    let query = exchange.request.query();
    // RFC 6749 §4.1.2.1: without a client and a redirect URI we trust, the person is told, nobody is redirected.
    let client_id = query.value("client_id").unwrap_or_default();
    let Some(client) = exchange.state.behaviour.clients.iter().find(|client| client.id == client_id) else {
        return Answer::html(400, "Unknown client").with_outcome("invalid_client");
    };
    let Some(redirect) = allowed_redirect(client, query.value("redirect_uri")) else {
        return Answer::html(400, "Redirect URI not registered").with_outcome("invalid_redirect_uri");
    };
    if let Err(code) = check(exchange, &query) {
        return redirected(exchange, &redirect, &query, &[("error", code)]).with_outcome(code);
    }
    match exchange.state.behaviour.authorize.consent {
        Consent::Never => Answer::html(200, "Waiting for consent").with_outcome("held"),
        Consent::Deny => redirected(exchange, &redirect, &query, &[("error", "access_denied")])
            .with_outcome("access_denied"),
        Consent::Grant | Consent::WrongState | Consent::OmitState | Consent::WrongIss | Consent::OmitIss => {
            let code = issue_code(exchange, &query);
            redirected(exchange, &redirect, &query, &[("code", &code)])
        }
    }
}

/// Errors that are told to the client by redirect (RFC 6749 §4.1.2.1, RFC 7636 §4.4.1).
fn check(exchange: &Exchange<'_>, query: &Parameters) -> Result<(), &'static str> {
    let behaviour = &exchange.state.behaviour;
    if behaviour.strict && query.repeated().is_some() {
        return Err("invalid_request");
    }
    match query.value("response_type") {
        Some("code") => {}
        Some(_) => return Err("unsupported_response_type"),
        None => return Err("invalid_request"),
    }
    match (query.value("code_challenge"), query.value("code_challenge_method")) {
        (None, None) if !behaviour.authorize.require_pkce => Ok(()),
        // The S256 transform of anything has 43 characters (RFC 7636 §4.2).
        (Some(challenge), Some("S256")) if challenge.len() == 43 => Ok(()),
        _ => Err("invalid_request"),
    }
}

/// The redirect URI, if the client registered it; the port of a loopback address is free (RFC 8252 §7.3).
fn allowed_redirect(client: &RegisteredClient, asked: Option<&str>) -> Option<Url> {
    let asked = Url::parse(asked?).ok()?;
    let matches = |registered: &String| {
        let Ok(mut registered) = Url::parse(registered) else { return false };
        if is_loopback(&asked) && is_loopback(&registered) {
            let _ = registered.set_port(asked.port());
        }
        registered == asked
    };
    client.redirect_uris.iter().any(matches).then_some(asked)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn issue_code(exchange: &mut Exchange<'_>, query: &Parameters) -> String {
    let code = exchange.state.mint("code");
    let behaviour = &exchange.state.behaviour;
    let asked_scope = query.value("scope").unwrap_or_default();
    let owned = |name: &str| query.value(name).map(str::to_owned);
    let grant = Grant {
        client: query.value("client_id").unwrap_or_default().into(),
        identity: Some(behaviour.identity.clone()),
        scope: behaviour.authorize.granted_scope.clone().unwrap_or_else(|| asked_scope.into()),
        resource: owned("resource"),
        nonce: owned("nonce"),
    };
    let lifetime = SignedDuration::from_secs(behaviour.authorize.code_lifetime_seconds.into());
    let record = Code {
        grant,
        redirect_uri: owned("redirect_uri").unwrap_or_default(),
        challenge: owned("code_challenge"),
        expires_at: exchange.now + lifetime,
    };
    exchange.state.codes.issue(code.clone(), record);
    code
}

/// The redirect back, with `state` and `iss` (RFC 9207) as the consent switch wants them.
fn redirected(
    exchange: &Exchange<'_>,
    redirect: &Url,
    query: &Parameters,
    outcome: &[(&str, &str)],
) -> Answer {
    let behaviour = &exchange.state.behaviour;
    let mut target = redirect.clone();
    {
        let mut pairs = target.query_pairs_mut();
        pairs.extend_pairs(outcome);
        match (behaviour.authorize.consent, query.value("state")) {
            (Consent::OmitState, _) | (_, None) => {}
            (Consent::WrongState, _) => {
                pairs.append_pair("state", "state-of-somebody-else");
            }
            (_, Some(state)) => {
                pairs.append_pair("state", state);
            }
        }
        match behaviour.authorize.consent {
            Consent::OmitIss => {}
            Consent::WrongIss => {
                pairs.append_pair("iss", "https://attacker.example");
            }
            _ if behaviour.metadata.without_iss_parameter => {}
            _ => {
                pairs.append_pair("iss", exchange.issuer);
            }
        }
    }
    Answer::redirect(302, target.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_port_of_a_loopback_redirect_is_free() {
        let mut client = RegisteredClient::public("app");
        client.redirect_uris.push("https://app.example/callback".into());
        let table = [
            ("http://127.0.0.1:4711/callback", true),
            ("http://[::1]:4711/callback", true),
            ("http://localhost:4711/callback", true),
            ("http://127.0.0.1/callback", true),
            ("https://app.example/callback", true),
            ("https://app.example:444/callback", false),
            ("http://127.0.0.1:4711/callback/", false),
            ("http://127.0.0.1:4711/callback?x=1", false),
            ("https://127.0.0.1:4711/callback", false),
            ("http://127.0.0.2:4711/callback", false),
            ("http://attacker.example/callback", false),
            ("no address", false),
        ];
        for (asked, allowed) in table {
            assert_eq!(allowed_redirect(&client, Some(asked)).is_some(), allowed, "{asked}");
        }
    }
}
