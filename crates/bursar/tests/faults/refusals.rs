//! Refusals in the words of OAuth (RFC 6749 §5.2).

use bursar_core::lifecycle::failure::CauseKind::{
    ClientRefused, GrantRefused, InteractionRequired, RateLimited, Refused, ServerError,
};
use misbehaving_provider::Fault;

use super::row::Journal::{Closed, Open};
use super::row::{After, Row, Strike, failing, needs_login, play};

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
        Row {
            name: "invalid_grant",
            strike: refusal(400, "invalid_grant", Some("the consent was withdrawn")),
            expected: needs_login(
                GrantRefused,
                "the provider answered invalid_grant: the consent was withdrawn",
            ),
        },
        Row {
            name: "invalid_grant with status 200",
            strike: refusal(200, "invalid_grant", None),
            expected: needs_login(GrantRefused, "the provider answered invalid_grant"),
        },
        Row {
            name: "invalid_grant with status 503",
            strike: refusal(503, "invalid_grant", None),
            expected: needs_login(GrantRefused, "the provider answered invalid_grant"),
        },
        Row {
            name: "interaction_required",
            strike: refusal(400, "interaction_required", Some("a second factor is due")),
            expected: needs_login(
                InteractionRequired,
                "the provider answered interaction_required: a second factor is due",
            ),
        },
        Row {
            name: "invalid_client",
            strike: refusal(401, "invalid_client", Some("the secret has expired")),
            expected: failing(
                Closed,
                ClientRefused,
                "the provider answered invalid_client: the secret has expired",
                recovers,
            ),
        },
        Row {
            name: "unauthorized_client",
            strike: refusal(400, "unauthorized_client", None),
            expected: failing(Closed, ClientRefused, "the provider answered unauthorized_client", recovers),
        },
        Row {
            name: "invalid_request",
            strike: refusal(400, "invalid_request", None),
            expected: failing(Closed, Refused, "the provider answered invalid_request", recovers),
        },
        Row {
            name: "invalid_scope",
            strike: refusal(400, "invalid_scope", None),
            expected: failing(Closed, Refused, "the provider answered invalid_scope", recovers),
        },
        Row {
            name: "temporarily_unavailable",
            strike: refusal(503, "temporarily_unavailable", None),
            expected: failing(Closed, ServerError, "the provider answered temporarily_unavailable", recovers),
        },
        Row {
            name: "server_error, which may come after the exchange",
            strike: refusal(500, "server_error", None),
            expected: failing(Open, ServerError, "the provider answered server_error", recovers),
        },
        Row {
            name: "slow_down",
            strike: refusal(400, "slow_down", None),
            expected: failing(Closed, RateLimited, "the provider answered slow_down", recovers),
        },
        Row {
            name: "a code nobody knows",
            strike: refusal(400, "moon_in_wrong_phase", Some("come back later")),
            expected: failing(
                Closed,
                Refused,
                "the provider answered moon_in_wrong_phase: come back later",
                recovers,
            ),
        },
        Row {
            name: "a code nobody knows from a server in trouble",
            strike: refusal(500, "moon_in_wrong_phase", None),
            expected: failing(
                Open,
                ServerError,
                "the provider answered HTTP 500: the answer is a server's failure, not a refusal",
                recovers,
            ),
        },
    ]
}

#[tokio::test]
async fn only_an_answer_that_is_permanent_ends_a_login_and_even_then_the_token_serves_to_its_end() {
    play(rows()).await;
}
