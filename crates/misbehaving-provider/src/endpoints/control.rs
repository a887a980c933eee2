//! The same controls as the library's, over HTTP, for tests whose subject is another process.
//!
//! | call | body | answer |
//! |---|---|---|
//! | `POST /control/behaviour` | JSON merge patch (RFC 7396) onto [`Behaviour`] | the behaviour now |
//! | `GET /control/behaviour` | | the behaviour now |
//! | `GET /control/state` | | `now`, `calls`, `refreshes`, `refresh_successes`, `reuse_detected`, `revocations`, `faults_waiting`, `held` |
//! | `POST /control/advance` | `{"seconds": 5}` | `{"now": …}` |
//! | `POST /control/inject` | `{"endpoint": "token", "fault": …, "times": "once"}` | `{}` |
//! | `POST /control/clear` | | `{}`; forgets injected faults |
//! | `POST /control/hold` | `{"endpoint": "token", "when": "before_processing"}` | `{"hold": 1}` |
//! | `POST /control/release` | `{"hold": 1}`, or `{}` for all | `{"released": 1}` |
//! | `POST /control/live` | `{"token": …}` | `{"live", "access_live", "refresh_live", "revoked"}` |
//! | `POST /control/revoke` | `{"token": …}` | `{"known": true}`; revokes the family |
//! | `POST /control/approve-device` | `{"user_code": …}` | `{"known": true}` |
//! | `GET /control/secrets` | | every secret, as an array |

use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::behaviour::Behaviour;
use crate::fault::{Endpoint, Fault, Times, When};
use crate::request::Request;
use crate::state::{Shared, State};

pub(crate) fn answer(shared: &Shared, request: &Request) -> Answer {
    let outcome = match (request.method(), request.path().trim_start_matches("/control/")) {
        ("GET", "state") => Ok(state(shared)),
        ("GET", "behaviour") => Ok(json!(shared.state().behaviour)),
        ("GET", "secrets") => Ok(json!(shared.state().secrets())),
        ("POST", "behaviour") => patch(&mut shared.state(), request),
        ("POST", "advance") => advance(&mut shared.state(), request),
        ("POST", "inject") => inject(&mut shared.state(), request),
        ("POST", "clear") => {
            shared.state().schedule.clear();
            Ok(json!({}))
        }
        ("POST", "hold") => hold(shared, request),
        ("POST", "release") => release(shared, request),
        ("POST", "live") => live(&shared.state(), request),
        ("POST", "revoke") => revoke(&mut shared.state(), request),
        ("POST", "approve-device") => approve_device(&mut shared.state(), request),
        _ => return Answer::empty(404),
    };
    match outcome {
        Ok(value) => Answer::json(200, &value),
        Err(message) => Answer::json(400, &json!({ "message": message })),
    }
}

fn state(shared: &Shared) -> Value {
    let held: Vec<Value> = shared
        .control_holds()
        .iter()
        .map(|hold| json!({ "hold": hold.id(), "arrived": hold.has_arrived() }))
        .collect();
    let state = shared.state();
    json!({
        "issuer": shared.issuer,
        "now": state.now(),
        "calls": state.calls.all(),
        "refreshes": state.calls.refreshes(),
        "refresh_successes": state.refresh_successes,
        "reuse_detected": state.ledger.reuse_detected(),
        "revocations": state.revocations,
        "faults_waiting": state.schedule.waiting(),
        "held": held,
    })
}

fn patch(state: &mut State, request: &Request) -> Result<Value, String> {
    let patch = request.json().ok_or("the body is not JSON")?;
    let mut document = json!(state.behaviour);
    merge(&mut document, patch);
    state.behaviour =
        serde_json::from_value::<Behaviour>(document.clone()).map_err(|error| error.to_string())?;
    state.remember_registered_secrets();
    Ok(document)
}

/// RFC 7396 §2.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(members) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in members {
        if value.is_null() {
            if let Some(target) = target.as_object_mut() {
                target.remove(&name);
            }
        } else {
            merge(&mut target[name], value);
        }
    }
}

#[derive(Deserialize)]
struct Advance {
    seconds: i64,
}

fn advance(state: &mut State, request: &Request) -> Result<Value, String> {
    let Advance { seconds } = body(request)?;
    state.clock_offset += SignedDuration::from_secs(seconds);
    Ok(json!({ "now": state.now() }))
}

#[derive(Deserialize)]
struct Inject {
    endpoint: Endpoint,
    fault: Fault,
    #[serde(default)]
    times: Times,
}

fn inject(state: &mut State, request: &Request) -> Result<Value, String> {
    let Inject { endpoint, fault, times } = body(request)?;
    state.schedule.inject(endpoint, fault, times);
    Ok(json!({}))
}

#[derive(Deserialize)]
struct HoldPlace {
    endpoint: Endpoint,
    when: When,
}

fn hold(shared: &Shared, request: &Request) -> Result<Value, String> {
    let HoldPlace { endpoint, when } = body(request)?;
    let hold = shared.state().holds.hold(endpoint, when);
    let id = hold.id();
    shared.control_holds().push(hold);
    Ok(json!({ "hold": id }))
}

#[derive(Deserialize)]
struct Release {
    hold: Option<u64>,
}

fn release(shared: &Shared, request: &Request) -> Result<Value, String> {
    let Release { hold: wanted } = body(request)?;
    let mut holds = shared.control_holds();
    let before = holds.len();
    // Dropping a hold releases it.
    holds.retain(|hold| wanted.is_some_and(|wanted| wanted != hold.id()));
    Ok(json!({ "released": before - holds.len() }))
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

fn live(state: &State, request: &Request) -> Result<Value, String> {
    let Token { token } = body(request)?;
    let now = state.now();
    let access_live = state.ledger.live_access(&token, now).is_some();
    let refresh_live = state.ledger.is_refresh_live(&token, now, state.behaviour.token.reuse);
    let revoked = state.ledger.is_revoked(&token);
    Ok(json!({
        "live": access_live || refresh_live,
        "access_live": access_live,
        "refresh_live": refresh_live,
        "revoked": revoked,
    }))
}

fn revoke(state: &mut State, request: &Request) -> Result<Value, String> {
    let Token { token } = body(request)?;
    let family = state.ledger.family_of(&token);
    if let Some(family) = family {
        state.ledger.revoke_family(family);
    }
    Ok(json!({ "known": family.is_some() }))
}

#[derive(Deserialize)]
struct UserCode {
    user_code: String,
}

fn approve_device(state: &mut State, request: &Request) -> Result<Value, String> {
    let UserCode { user_code } = body(request)?;
    Ok(json!({ "known": state.devices.approve(&user_code) }))
}

fn body<T: DeserializeOwned>(request: &Request) -> Result<T, String> {
    let value = request.json().ok_or("the body is not JSON")?;
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_follows_the_examples_of_rfc_7396() {
        // RFC 7396, appendix A.
        let table = [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"a":"foo"}), json!(null), json!(null)),
            (json!({"a":"foo"}), json!("bar"), json!("bar")),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ];
        for (mut target, patch, expected) in table {
            merge(&mut target, patch);
            assert_eq!(target, expected);
        }
    }

    #[test]
    fn the_default_behaviour_survives_json() {
        let behaviour = Behaviour::default();
        let text = serde_json::to_string(&behaviour).unwrap();
        assert_eq!(serde_json::from_str::<Behaviour>(&text).unwrap(), behaviour);
        assert_eq!(serde_json::from_str::<Behaviour>("{}").unwrap(), behaviour);
    }
}
