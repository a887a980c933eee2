//! The authorization code grant (RFC 6749 §4.1.3) with PKCE (RFC 7636 §4.6).

use super::{Issued, Refusal, issue_first};
use crate::behaviour::RegisteredClient;
use crate::codes::{CodeRefusal, Presented};
use crate::request::Parameters;
use crate::state::Exchange;

pub(crate) fn exchange_code(
    exchange: &mut Exchange<'_>,
    client: &RegisteredClient,
    form: &Parameters,
) -> Result<Issued, Refusal> {
    let code = form.value("code").ok_or_else(|| Refusal::invalid_request("no code"))?;
    let presented = Presented {
        code,
        client: &client.id,
        redirect_uri: form.value("redirect_uri"),
        verifier: form.value("code_verifier"),
    };
    let strict = exchange.state.behaviour.strict;
    let grant = exchange.state.codes.check(&presented, exchange.now, strict).map_err(|refusal| {
        if let CodeRefusal::Spent(family) = refusal {
            exchange.state.ledger.revoke_family(family);
        }
        Refusal::invalid_grant(match refusal {
            CodeRefusal::Unknown => "unknown code",
            CodeRefusal::Expired => "the code has expired",
            CodeRefusal::WrongClient => "the code belongs to another client",
            CodeRefusal::WrongRedirect => "redirect_uri differs from the authorization request",
            CodeRefusal::WrongVerifier => "code_verifier does not match",
            CodeRefusal::Spent(_) => "the code was used before",
        })
    })?;
    let (family, issued) = issue_first(exchange, grant);
    exchange.state.codes.spend(code, family);
    Ok(issued)
}
