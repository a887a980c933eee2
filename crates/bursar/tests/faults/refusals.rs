//! Refusals in the words of OAuth (RFC 6749 §5.2).

use bursar_core::lifecycle::failure::CauseKind::{
    ClientRefused, GrantRefused, InteractionRequired, RateLimited, Refused, ServerError,
};
use misbehaving_provider::Fault;

use super::row::Journal::{Closed, Open};
use super::row::{After, Row, Strike, failing, needs_login, play, row};

fn refusal(status: u16, code: &str, description: Option<&str>) -> Strike {
    Strike::Fault(Fault::OauthError {
        status,
        code: code.to_owned(),
        description: description.map(str::to_owned),
    })
}

pub(super) fn rows() -> Vec<Row> {
    let recovers = After::Recovers;
    vec![
        row(
            "invalid_grant",
            refusal(400, "invalid_grant", Some("the consent was withdrawn")),
            needs_login(GrantRefused, "the provider answered invalid_grant: the consent was withdrawn"),
        ),
        row(
            "invalid_grant with status 200",
            refusal(200, "invalid_grant", None),
            needs_login(GrantRefused, "the provider answered invalid_grant"),
        ),
        row(
            "invalid_grant with status 503",
            refusal(503, "invalid_grant", None),
            needs_login(GrantRefused, "the provider answered invalid_grant"),
        ),
        row(
            "interaction_required",
            refusal(400, "interaction_required", Some("a second factor is due")),
            needs_login(
                InteractionRequired,
                "the provider answered interaction_required: a second factor is due",
            ),
        ),
        row(
            "invalid_client",
            refusal(401, "invalid_client", Some("the secret has expired")),
            failing(
                Closed,
                ClientRefused,
                "the provider answered invalid_client: the secret has expired",
                recovers,
            ),
        ),
        row(
            "unauthorized_client",
            refusal(400, "unauthorized_client", None),
            failing(Closed, ClientRefused, "the provider answered unauthorized_client", recovers),
        ),
        row(
            "invalid_request",
            refusal(400, "invalid_request", None),
            failing(Closed, Refused, "the provider answered invalid_request", recovers),
        ),
        row(
            "invalid_scope",
            refusal(400, "invalid_scope", None),
            failing(Closed, Refused, "the provider answered invalid_scope", recovers),
        ),
        row(
            "temporarily_unavailable",
            refusal(503, "temporarily_unavailable", None),
            failing(Closed, ServerError, "the provider answered temporarily_unavailable", recovers),
        ),
        row(
            "server_error, which may come after the exchange",
            refusal(500, "server_error", None),
            failing(Open, ServerError, "the provider answered server_error", recovers),
        ),
        row(
            "slow_down",
            refusal(400, "slow_down", None),
            failing(Closed, RateLimited, "the provider answered slow_down", recovers),
        ),
        row(
            "a code nobody knows",
            refusal(400, "moon_in_wrong_phase", Some("come back later")),
            failing(Closed, Refused, "the provider answered moon_in_wrong_phase: come back later", recovers),
        ),
        row(
            "a code nobody knows from a server in trouble",
            refusal(500, "moon_in_wrong_phase", None),
            failing(
                Open,
                ServerError,
                "the provider answered HTTP 500: the answer is a server's failure, not a refusal",
                recovers,
            ),
        ),
    ]
}

#[tokio::test]
async fn only_an_answer_that_is_permanent_ends_a_login_and_even_then_the_token_serves_to_its_end() {
    play(rows()).await;
}
