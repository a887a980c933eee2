//! The device authorization endpoint (RFC 8628 §3.1) and the page the person opens.

use jiff::SignedDuration;
use serde_json::json;

use crate::answer::Answer;
use crate::behaviour::device::VerificationDialect;
use crate::client_authentication::authenticate;
use crate::devices::Device;
use crate::grants::Refusal;
use crate::ledger::Grant;
use crate::state::Exchange;
use crate::{system, token_answer};

pub(crate) fn authorization(exchange: &mut Exchange<'_>) -> Answer {
    let form = exchange.request.form();
    if exchange.state.behaviour.strict && form.repeated().is_some() {
        return token_answer::plainly_refused(&Refusal::invalid_request("a parameter was repeated"));
    }
    let client = match authenticate(exchange, &form) {
        Ok(client) => client,
        Err(refusal) => return token_answer::plainly_refused(&refusal),
    };
    let device_code = exchange.state.mint("device");
    let user_code = user_code(&system::random_text());
    let behaviour = exchange.state.behaviour.device.clone();
    let asked_scope = form.value("scope").unwrap_or_default();
    let granted_scope = exchange.state.behaviour.authorize.granted_scope.clone();
    let grant = Grant {
        client: client.id,
        // Whoever is signed in when the code is approved.
        identity: None,
        scope: granted_scope.unwrap_or_else(|| asked_scope.into()),
        resource: form.value("resource").map(str::to_owned),
        nonce: None,
    };
    let device = Device {
        grant,
        user_code: user_code.clone(),
        expires_at: exchange.now + behaviour.lifetime,
        interval: SignedDuration::from_secs(behaviour.interval_seconds.into()),
        approved: false,
        polls: 0,
        last_poll: None,
    };
    exchange.state.devices.issue(device_code.clone(), device);

    let address = format!("{}/device", exchange.issuer);
    let name = match behaviour.dialect {
        VerificationDialect::Rfc8628 => "verification_uri",
        VerificationDialect::VerificationUrl => "verification_url",
    };
    let mut members = json!({
        "device_code": device_code,
        "user_code": user_code,
        name: address,
        "expires_in": behaviour.lifetime.as_secs(),
    });
    if behaviour.complete_uri {
        members[format!("{name}_complete")] = json!(format!("{address}?user_code={user_code}"));
    }
    if !behaviour.omit_interval {
        members["interval"] = json!(behaviour.interval_seconds);
    }
    Answer::json(200, &members)
}

pub(crate) fn page(exchange: &mut Exchange<'_>) -> Answer {
    let query = exchange.request.query();
    match query.value("user_code") {
        None => Answer::html(200, "Enter your code"),
        Some(user_code) if exchange.state.devices.approve(user_code) => Answer::html(200, "Device connected"),
        Some(_) => Answer::html(400, "No such code"),
    }
}

/// Eight letters out of the 20 consonants that RFC 8628 §6.1 recommends, drawn from random text.
fn user_code(random: &str) -> String {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
    let letters: Vec<char> = random.bytes().take(8).map(letter).collect();
    [&letters[..4], &['-'], &letters[4..]].concat().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_codes_are_two_groups_of_consonants() {
        let code = user_code("0123456789");
        assert_eq!(code.len(), 9);
        assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4, 4]);
        assert!(!code.contains(['A', 'E', 'I', 'O', 'U']));
    }
}
