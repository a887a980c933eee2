//! The refresh grant (RFC 6749 §6), with every rotation and reuse policy.

use super::{Issued, Refusal, has_scope, issue, new_refresh_token};
use crate::behaviour::RegisteredClient;
use crate::behaviour::token::Rotation;
use crate::ledger::{FamilyId, Judgement};
use crate::request::Parameters;
use crate::state::Exchange;

pub(crate) fn refresh(
    exchange: &mut Exchange<'_>,
    client: &RegisteredClient,
    form: &Parameters,
) -> Result<Issued, Refusal> {
    let token = form.value("refresh_token").ok_or_else(|| Refusal::invalid_request("no refresh_token"))?;
    let family = accept(exchange, client, token)?;
    let scope = narrowed_scope(&exchange.state.ledger.grant(family).scope, form.value("scope"))?;
    refuse_early(exchange, family)?;

    let behaviour = &exchange.state.behaviour.token;
    let rotates = behaviour.rotation == Rotation::Rotate && !behaviour.omit_refresh_token;
    let (kills, omits) = (behaviour.kills_access_token, behaviour.omit_refresh_token);
    let swapped = behaviour.refreshed_identity.clone();

    exchange.state.ledger.use_refresh(token, exchange.now, rotates);
    exchange.state.ledger.kill_access(family, exchange.now, kills);
    let current =
        if rotates { new_refresh_token(exchange, family, Some(token.into())) } else { token.into() };
    let identity = swapped.or_else(|| exchange.state.ledger.grant(family).identity.clone());
    let mut issued = issue(exchange, family, scope, Some(current), identity);
    if omits {
        issued.refresh_token = None;
    }
    exchange.state.refresh_successes += 1;
    Ok(issued)
}

fn accept(exchange: &mut Exchange<'_>, client: &RegisteredClient, token: &str) -> Result<FamilyId, Refusal> {
    let policy = exchange.state.behaviour.token.reuse;
    match exchange.state.ledger.judge(token, &client.id, exchange.now, policy) {
        Judgement::Good(family) => Ok(family),
        Judgement::Bad => Err(Refusal::invalid_grant("the refresh token is invalid, expired or revoked")),
        Judgement::Reused { kills_family } => {
            exchange.state.ledger.record_reuse(kills_family);
            Err(Refusal::invalid_grant("the refresh token was used before"))
        }
    }
}

/// RFC 6749 §6: a refresh may ask for less, never for more.
fn narrowed_scope(granted: &str, asked: Option<&str>) -> Result<String, Refusal> {
    match asked {
        None => Ok(granted.into()),
        Some(asked) if asked.split(' ').all(|scope| has_scope(granted, scope)) => Ok(asked.into()),
        Some(_) => Err(Refusal::new("invalid_scope", "more than was granted")),
    }
}

fn refuse_early(exchange: &Exchange<'_>, family: FamilyId) -> Result<(), Refusal> {
    let Some(lead) = exchange.state.behaviour.token.earliest_refresh else { return Ok(()) };
    match exchange.state.ledger.newest_access_end(family, exchange.now) {
        Some(end) if end > exchange.now + lead => {
            Err(Refusal::invalid_request("the access token is still valid"))
        }
        _ => Ok(()),
    }
}
