//! Writing token answers in the dialect of the day: names, units, nesting, encoding.

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::answer::Answer;
use crate::behaviour::token::{AnswerFormat, ErrorShape, ExpiryStyle, TokenBehaviour};
use crate::grants::{Issued, Refusal};

/// A success (RFC 6749 §5.1).
pub(crate) fn success(issued: &Issued, behaviour: &TokenBehaviour) -> Answer {
    let mut members = Map::new();
    members.insert("access_token".into(), json!(issued.access_token));
    if !behaviour.omit_token_type {
        members.insert("token_type".into(), json!("Bearer"));
    }
    if let Some((name, value)) = expiry(issued, behaviour.expiry) {
        members.insert(name.into(), value);
    }
    if let Some(refresh_token) = &issued.refresh_token {
        members.insert("refresh_token".into(), json!(refresh_token));
        if let Some(lifetime) = behaviour.refresh_lifetime {
            members.insert(behaviour.refresh_lifetime_member.clone(), json!(lifetime.as_secs()));
        }
    }
    if !behaviour.omit_scope && !issued.scope.is_empty() {
        members.insert("scope".into(), json!(issued.scope.replace(' ', &behaviour.scope_separator)));
    }
    if let Some(id_token) = &issued.id_token {
        members.insert("id_token".into(), json!(id_token));
    }
    members.extend(behaviour.extra_members.clone());
    match (behaviour.format, behaviour.nested_under.as_deref()) {
        (AnswerFormat::Json, Some(path)) => Answer::json(200, &nested(path, members)),
        (format, _) => written(200, members, format),
    }
}

/// An error (RFC 6749 §5.2).
pub(crate) fn refused(refusal: &Refusal, behaviour: &TokenBehaviour) -> Answer {
    let dialect = &behaviour.errors;
    let code = dialect.synonyms.get(refusal.code).map_or(refusal.code, String::as_str);
    let description = if dialect.numeric_description { json!(4_000_017) } else { json!(refusal.description) };
    let members = match dialect.shape {
        ErrorShape::Oauth => json!({ "error": code, "error_description": description }),
        ErrorShape::OkFalse => json!({ "ok": false, "error": code }),
        ErrorShape::StatusMember => json!({ "status": code.to_uppercase(), "message": description }),
    };
    let status = if dialect.in_200 {
        200
    } else {
        dialect.statuses.get(refusal.code).copied().unwrap_or(refusal.status)
    };
    let Value::Object(members) = members else { unreachable!("every shape is an object") };
    let mut answer = written(status, members, behaviour.format).with_outcome(refusal.code);
    if status == 401 {
        answer = answer.with_header("www-authenticate", "Basic realm=\"misbehaving-provider\"".into());
    }
    answer
}

/// An error in plain OAuth JSON, for the endpoints that have no dialect.
pub(crate) fn plainly_refused(refusal: &Refusal) -> Answer {
    refused(refusal, &TokenBehaviour::default())
}

fn expiry(issued: &Issued, style: ExpiryStyle) -> Option<(&'static str, Value)> {
    let lifetime = issued.access_lifetime;
    match style {
        ExpiryStyle::Seconds => Some(("expires_in", json!(lifetime.as_secs()))),
        ExpiryStyle::SecondsAsString => Some(("expires_in", json!(lifetime.as_secs().to_string()))),
        ExpiryStyle::Milliseconds => {
            Some(("expires_in", json!(lifetime.as_secs() * 1000 + u64::from(lifetime.subsec_millis()))))
        }
        ExpiryStyle::Minutes => Some(("expires_in", json!(lifetime.as_secs() / 60))),
        ExpiryStyle::Iso8601 => Some(("expires_at", json!(issued.access_expires_at.to_string()))),
        ExpiryStyle::EpochSeconds => Some(("expires_at", json!(issued.access_expires_at.as_second()))),
        ExpiryStyle::JwtExp | ExpiryStyle::None => None,
    }
}

fn nested(path: &str, members: Map<String, Value>) -> Value {
    let inner = path.rsplit('.').fold(Value::Object(members), |inner, name| json!({ name: inner }));
    let Value::Object(outer) = inner else { unreachable!("a path has at least one name") };
    let mut answer = Map::from_iter([("ok".into(), json!(true))]);
    answer.extend(outer);
    Value::Object(answer)
}

fn written(status: u16, members: Map<String, Value>, format: AnswerFormat) -> Answer {
    match format {
        AnswerFormat::Json => Answer::json(status, &Value::Object(members)),
        AnswerFormat::Form => {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let pairs = members.iter().map(|(name, value)| (name, text(value)));
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            Answer::empty(status).with_body("application/x-www-form-urlencoded", body)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::behaviour::token::ErrorDialect;

    fn issued() -> Issued {
        Issued {
            access_token: "access".into(),
            access_lifetime: Duration::from_mins(90),
            access_expires_at: Timestamp::from_second(5400).unwrap(),
            refresh_token: Some("refresh".into()),
            scope: "a b".into(),
            id_token: None,
        }
    }

    fn body(answer: &Answer) -> Value {
        serde_json::from_slice(&answer.body).unwrap()
    }

    #[test]
    fn the_end_of_a_token_is_told_in_every_style() {
        let table = [
            (ExpiryStyle::Seconds, Some(("expires_in", json!(5400)))),
            (ExpiryStyle::SecondsAsString, Some(("expires_in", json!("5400")))),
            (ExpiryStyle::Milliseconds, Some(("expires_in", json!(5_400_000)))),
            (ExpiryStyle::Minutes, Some(("expires_in", json!(90)))),
            (ExpiryStyle::Iso8601, Some(("expires_at", json!("1970-01-01T01:30:00Z")))),
            (ExpiryStyle::EpochSeconds, Some(("expires_at", json!(5400)))),
            (ExpiryStyle::JwtExp, None),
            (ExpiryStyle::None, None),
        ];
        for (style, expected) in table {
            assert_eq!(expiry(&issued(), style), expected, "{style:?}");
        }
    }

    #[test]
    fn members_can_be_nested_and_joined_differently() {
        let behaviour = TokenBehaviour {
            nested_under: Some("data.authed_user".into()),
            scope_separator: ",".into(),
            omit_token_type: true,
            ..TokenBehaviour::default()
        };
        let answer = success(&issued(), &behaviour);
        let expected = json!({ "ok": true, "data": { "authed_user": {
            "access_token": "access", "expires_in": 5400, "refresh_token": "refresh", "scope": "a,b" } } });
        assert_eq!(body(&answer), expected);
    }

    #[test]
    fn a_form_answer_holds_the_same_members() {
        let behaviour = TokenBehaviour { format: AnswerFormat::Form, ..TokenBehaviour::default() };
        let answer = success(&issued(), &behaviour);
        let expected =
            "access_token=access&token_type=Bearer&expires_in=5400&refresh_token=refresh&scope=a+b";
        assert_eq!(String::from_utf8(answer.body).unwrap(), expected);
    }

    #[test]
    fn errors_speak_their_dialect_and_are_logged_in_plain() {
        let refusal = Refusal::invalid_grant("gone");
        let dialect = |errors| TokenBehaviour { errors, ..TokenBehaviour::default() };
        let synonym = [("invalid_grant".to_owned(), "bad_refresh_token".to_owned())];
        let table = [
            (ErrorDialect::default(), 400, json!({ "error": "invalid_grant", "error_description": "gone" })),
            (
                ErrorDialect { in_200: true, shape: ErrorShape::OkFalse, ..ErrorDialect::default() },
                200,
                json!({ "ok": false, "error": "invalid_grant" }),
            ),
            (
                ErrorDialect {
                    synonyms: synonym.into(),
                    shape: ErrorShape::StatusMember,
                    ..ErrorDialect::default()
                },
                400,
                json!({ "status": "BAD_REFRESH_TOKEN", "message": "gone" }),
            ),
            (
                ErrorDialect {
                    statuses: [("invalid_grant".to_owned(), 403)].into(),
                    numeric_description: true,
                    ..ErrorDialect::default()
                },
                403,
                json!({ "error": "invalid_grant", "error_description": 4_000_017 }),
            ),
        ];
        for (errors, status, expected) in table {
            let answer = refused(&refusal, &dialect(errors));
            assert_eq!(
                (answer.status, body(&answer), answer.outcome.as_str()),
                (status, expected, "invalid_grant")
            );
        }
    }
}
