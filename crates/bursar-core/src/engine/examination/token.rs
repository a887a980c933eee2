//! The token endpoint, with nothing in hand that is worth anything: how it says no (RFC 6749 §5.2).

use super::Examination;
use super::checks::{BAD_CODE, BAD_REFRESH_TOKEN, Check, DEAD_CLIENT, TOKEN_BY_POST};
use super::sending::{json_of, told};
use crate::ports::upstream::Response;

impl Examination<'_> {
    pub(super) async fn examine_token_endpoint(&mut self) {
        let (Some(server), Some(client)) = (self.server.clone(), self.client.clone()) else { return };
        let Some(endpoint) = server.endpoint("token_endpoint") else { return };
        let endpoint = endpoint.as_url();
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", "nobody-issued-this")];

        let dead = [&refresh[..], &[("client_id", "nobody-registered-this")]].concat();
        let answer = self.tools.post(endpoint, &dead).await;
        // RFC 6749 §5.2 leaves 400 to servers where the client did not use the `Authorization` field.
        self.note_refusal(&DEAD_CLIENT, &answer, "invalid_client", &[400, 401]);

        let verifier = "a-verifier-of-forty-three-characters-is-least";
        let code = [
            ("grant_type", "authorization_code"),
            ("code", "nobody-issued-this"),
            ("redirect_uri", &client.redirect_uri),
            ("code_verifier", verifier),
        ];
        let answer = self.tools.post(endpoint, &[&code[..], &client.credentials()].concat()).await;
        self.note_refusal(&BAD_CODE, &answer, "invalid_grant", &[400]);

        let answer = self.tools.post(endpoint, &[&refresh[..], &client.credentials()].concat()).await;
        self.note_refusal(&BAD_REFRESH_TOKEN, &answer, "invalid_grant", &[400]);

        let mut address = endpoint.clone();
        address.query_pairs_mut().extend_pairs(&[&refresh[..], &client.credentials()].concat());
        match self.tools.get(&address).await {
            Ok(answer) => {
                // It must not even look at what stands in the address.
                let looked = json_of(&answer)["error"] == "invalid_grant" || answer.status().is_success();
                self.judge(&TOKEN_BY_POST, !looked, format!("a GET got {}", told(&answer)));
            }
            Err(why) => self.untried(&TOKEN_BY_POST, why),
        }
    }

    fn note_refusal(
        &mut self,
        check: &'static Check,
        answer: &Result<Response, String>,
        code: &str,
        statuses: &[u16],
    ) {
        match answer {
            Ok(answer) => {
                let is_right =
                    json_of(answer)["error"] == code && statuses.contains(&answer.status().as_u16());
                self.judge(check, is_right, format!("it got {}", told(answer)));
            }
            Err(why) => self.broken(check, why.clone()),
        }
    }
}
