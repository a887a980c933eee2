//! Sessions of the application: issued to whoever is signed in, renewed as long as that lasts, refused after.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::executor::block_on;
use serde_json::{Value, json};

use super::stage::{Stage, person};
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::exchange::Source;
use crate::engine::issuer::rules::Rules;
use crate::engine::issuer::session_rules::{SessionRules, SessionSigning, SessionSigningError};
use crate::engine::issuer::session_tokens::{SessionError, SessionProof, SessionTokenAnswer};
use crate::oauth::jose::{self, Algorithm, SecretTooShort};
use crate::oauth::server::session_token::{ClaimNames, SessionTokenError};
use crate::oauth::url::Issuer;
use crate::ports::passwords::{Overloaded, Passwords};
use crate::secret::Secret;

const DAY: u64 = 24 * 3600;

/// A server whose session rules are these, on the stage's store.
struct App {
    stage: Stage,
    server: AuthorizationServer,
    cookie: Secret,
}

impl App {
    fn new(sessions: SessionRules) -> Self {
        let stage = Stage::new();
        let rules = Rules::of(Issuer::parse("https://as.test").unwrap());
        let rules = Rules { sessions, ..rules };
        let server = AuthorizationServer::new(stage.world.engine.clone(), rules, Arc::new(Nobody));
        block_on(server.update_user(&stage.user.id, &|user| {
            user.role = Some("admin".to_owned());
            user.permissions = vec!["workspace:create".to_owned(), "terminal:access".to_owned()];
        }))
        .unwrap();
        let cookie = block_on(server.begin_session(&stage.user, &["pwd"], &Source::default())).unwrap();
        Self { stage, server, cookie }
    }

    /// The same application, of which the stage's client is a part.
    fn with_its_client(self) -> Self {
        let sessions = SessionRules {
            clients: vec![self.stage.client.id.clone()],
            ..self.server.rules().sessions.clone()
        };
        let server = self.ruled_by(sessions);
        Self { server, ..self }
    }

    /// A server with other rules for sessions.
    fn ruled_by(&self, sessions: SessionRules) -> AuthorizationServer {
        let rules = Rules { sessions, ..self.server.rules().clone() };
        AuthorizationServer::new(self.stage.world.engine.clone(), rules, Arc::new(Nobody))
    }

    fn issue(&self) -> SessionTokenAnswer {
        block_on(self.server.session_token(SessionProof::Cookie(&self.cookie))).unwrap()
    }

    fn renew(&self, token: &Secret) -> Result<SessionTokenAnswer, SessionError> {
        block_on(self.server.session_token(SessionProof::SessionToken(token)))
    }
}

fn claims(answer: &SessionTokenAnswer) -> Value {
    Value::Object(jose::decode(answer.access_token.expose()).unwrap().claims)
}

fn secret(letter: char) -> Secret {
    Secret::new(letter.to_string().repeat(32))
}

fn by_secret(secrets: Vec<Secret>) -> SessionRules {
    let signing = SessionSigning::new(Algorithm::Hs256, secrets).unwrap();
    SessionRules { audience: Some("terminal-user".to_owned()), signing, ..SessionRules::default() }
}

#[track_caller]
fn assert_ended(outcome: Result<SessionTokenAnswer, SessionError>) {
    match outcome {
        Err(error @ SessionError::Ended) => assert!(error.requires_reauth()),
        other => panic!("not ended: {other:?}"),
    }
}

#[test]
fn a_session_says_what_else_is_said_of_its_user_and_nothing_that_means_something_already() {
    let names = BTreeMap::from([("role".to_owned(), "rank".to_owned())]);
    let names = ClaimNames::new(names).unwrap();
    let app = App::new(SessionRules { names, ..by_secret(vec![secret('s')]) });
    let said = json!({
        "plan": "team", "seats": {"of": 5}, "exp": 1, "nbf": 9_999_999_999_u64, "sub": "usr_root", "userId": "usr_root",
        "permissions": ["everything"], "rank": "root", "avatarUrl": "https://evil.test", "sid": "s", "role": "guest",
    });
    let said = said.as_object().unwrap();
    block_on(app.server.update_user(&app.stage.user.id, &|user| user.claims.clone_from(said))).unwrap();
    let answer = app.issue();
    let claims = claims(&answer);
    assert_eq!((&claims["plan"], &claims["seats"]["of"]), (&json!("team"), &json!(5)));
    assert_eq!((&claims["rank"], &claims["role"]), (&json!("admin"), &json!("guest")));
    assert_eq!((&claims["sub"], &claims["userId"]), (&json!(app.stage.user.id), &json!(app.stage.user.id)));
    assert_eq!(claims["permissions"], json!(["workspace:create", "terminal:access"]));
    for absent in ["nbf", "avatarUrl", "sid"] {
        assert_eq!(claims.get(absent), None, "{absent}");
    }
    let session = block_on(app.server.valid_session(&answer.access_token)).unwrap();
    assert_eq!(session.others["plan"], "team");
}

#[test]
fn a_session_says_what_applications_want_to_know() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256, Algorithm::Hs256] {
        let app = App::new(match algorithm {
            Algorithm::Hs256 => by_secret(vec![secret('s')]),
            other => SessionRules {
                audience: Some("terminal-user".to_owned()),
                signing: SessionSigning::new(other, Vec::new()).unwrap(),
                ..SessionRules::default()
            },
        });
        let answer = app.issue();
        assert_eq!(answer.expires_in, 604_800);
        assert_eq!(answer.scope, "workspace:create terminal:access");
        let claims = claims(&answer);
        let session = &block_on(app.server.sessions(&app.stage.user.id)).unwrap()[0];
        let now = app.server.now().as_second();
        assert_eq!(
            claims,
            json!({
                "sub": app.stage.user.id, "userId": app.stage.user.id, "username": "ada", "email": "ada@test",
                "role": "admin", "permissions": ["workspace:create", "terminal:access"],
                "sessionId": session.id, "iss": "https://as.test", "aud": "terminal-user",
                "iat": now, "exp": now + 604_800,
            })
        );
        let header = jose::decode(answer.access_token.expose()).unwrap().header;
        assert_eq!(header["alg"], algorithm.name());
        let valid = block_on(app.server.valid_session(&answer.access_token)).unwrap();
        assert_eq!(valid.username.as_deref(), Some("ada"));
    }
}

#[test]
fn an_expired_session_is_renewed_silently_while_the_browser_session_lives() {
    let sessions = SessionRules { lifetime: jiff::SignedDuration::from_hours(1), ..SessionRules::default() };
    let app = App::new(sessions);
    let first = app.issue();
    app.stage.pass(DAY);
    let over = block_on(app.server.valid_session(&first.access_token));
    assert!(matches!(&over, Err(SessionError::Token(SessionTokenError::Expired { .. }))), "{over:?}");
    let second = app.renew(&first.access_token).unwrap();
    assert_eq!(claims(&second)["sessionId"], claims(&first)["sessionId"]);
    assert!(block_on(app.server.valid_session(&second.access_token)).is_ok());
    app.stage.pass(7 * DAY);
    assert_ended(app.renew(&second.access_token));
    assert_ended(block_on(app.server.session_token(SessionProof::Cookie(&app.cookie))));
}

#[test]
fn whatever_ends_the_sign_in_ends_the_session() {
    let ends: [(&str, End<'_>); 5] = [
        ("sign-out", &|app| assert!(block_on(app.server.end_session(&app.cookie)).unwrap())),
        ("everywhere", &|app| {
            block_on(app.server.end_all_sessions(&app.stage.user.id, None)).unwrap();
        }),
        ("disabled", &|app| {
            assert!(block_on(app.server.set_user_disabled(&app.stage.user.id, true)).unwrap());
        }),
        ("removed", &|app| assert!(block_on(app.server.remove_user(&app.stage.user.id)).unwrap())),
        ("password", &|app| {
            app.stage.pass(1);
            let new = Some(Secret::new("another horse"));
            assert!(block_on(app.stage.server.set_password(&app.stage.user.id, new)).unwrap());
        }),
    ];
    for (name, end) in ends {
        let app = App::new(SessionRules::default());
        let token = app.issue().access_token;
        end(&app);
        let valid = block_on(app.server.valid_session(&token));
        assert!(matches!(valid, Err(SessionError::Ended)), "{name}: {valid:?}");
        assert_ended(app.renew(&token));
        assert_ended(block_on(app.server.session_token(SessionProof::Cookie(&app.cookie))));
    }
}

#[test]
fn what_is_no_session_token_of_ours_is_told_apart() {
    let app = App::new(by_secret(vec![secret('s')]));
    let other = App::new(by_secret(vec![secret('t')]));
    let elsewhere =
        App::new(SessionRules { audience: Some("other-app".to_owned()), ..by_secret(vec![secret('s')]) });
    let by_key = App::new(SessionRules::default());
    let access = app.stage.log_in().access_token;
    let judged = |token: &Secret| match block_on(app.server.valid_session(token)) {
        Err(error @ SessionError::Token(_)) => {
            assert!(error.requires_reauth());
            let SessionError::Token(error) = error else { unreachable!() };
            error
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(judged(&Secret::new("")), SessionTokenError::Empty);
    assert!(matches!(judged(&Secret::new("a.b")), SessionTokenError::Malformed(_)));
    assert_eq!(judged(&other.issue().access_token), SessionTokenError::BadSignature);
    assert_eq!(judged(&elsewhere.issue().access_token), SessionTokenError::WrongAudience);
    assert_eq!(judged(&by_key.issue().access_token), SessionTokenError::WrongAlgorithm);
    assert_eq!(judged(&access), SessionTokenError::OtherKind, "an access token is no session");
    assert!(!app.stage.is_good(&app.issue().access_token), "and a session no access token");
}

#[test]
fn an_old_secret_verifies_until_it_is_taken_out() {
    let app = App::new(by_secret(vec![secret('o')]));
    let old = app.issue().access_token;
    let with = |secrets: Vec<Secret>| app.ruled_by(by_secret(secrets));
    let both = with(vec![secret('n'), secret('o')]);
    assert!(block_on(both.valid_session(&old)).is_ok());
    let renewed = block_on(both.session_token(SessionProof::SessionToken(&old))).unwrap();
    let only_new = with(vec![secret('n')]);
    assert!(block_on(only_new.valid_session(&renewed.access_token)).is_ok());
    assert!(block_on(only_new.valid_session(&old)).is_err());
}

#[test]
fn an_application_gives_claims_its_own_names() {
    let names = BTreeMap::from([
        ("userId".to_owned(), "uid".to_owned()),
        ("avatarUrl".to_owned(), "picture".to_owned()),
    ]);
    let names = ClaimNames::new(names).unwrap();
    let app = App::new(SessionRules { names, ..by_secret(vec![secret('s')]) });
    let answer = app.issue();
    assert_eq!(claims(&answer)["uid"], app.stage.user.id.as_str());
    assert!(claims(&answer).get("userId").is_none());
    assert!(block_on(app.server.valid_session(&answer.access_token)).is_ok());
}

#[test]
fn a_refresh_token_brings_a_session_to_parts_of_the_application_only() {
    let app = App::new(SessionRules::default());
    let tokens = app.stage.log_in();
    let refresh = tokens.refresh_token.clone().unwrap();
    let by_token =
        |app: &App, token: &Secret| block_on(app.server.session_token(SessionProof::RefreshToken(token)));
    assert_ended(by_token(&app, &refresh));

    let app = app.with_its_client();
    let first = app.stage.log_in().refresh_token.unwrap();
    let session = by_token(&app, &first).unwrap();
    assert_eq!(claims(&session)["username"], "ada");
    assert!(by_token(&app, &first).is_ok(), "it is not spent");
    let second = app.stage.refresh(&first).unwrap().refresh_token.unwrap();
    assert_ended(by_token(&app, &first));
    assert!(by_token(&app, &second).is_ok());
    assert!(app.renew(&session.access_token).is_ok());
    let forged = Secret::new(format!("{}A", second.expose()));
    for shown in [&forged, &Secret::new(""), &session.access_token] {
        assert_ended(by_token(&app, shown));
    }
    assert!(block_on(app.server.withdraw_grant(&app.stage.user.id, &app.stage.client.id)).unwrap());
    assert_ended(by_token(&app, &second));
    assert_ended(app.renew(&session.access_token));
}

#[test]
fn one_user_s_session_does_not_become_another_s() {
    let app = App::new(SessionRules::default());
    let token = app.issue().access_token;
    let bob = block_on(app.server.add_user(person("bob"), None)).unwrap();
    assert!(
        !block_on(app.server.end_session_by_id(&bob.id, claims(&app.issue())["sessionId"].as_str().unwrap()))
            .unwrap()
    );
    let session = block_on(app.server.valid_session(&token)).unwrap();
    assert_eq!(session.user_id, app.stage.user.id);
}

#[test]
fn secrets_are_for_hs256_and_cannot_be_guessed() {
    assert!(SessionSigning::new(Algorithm::Hs256, vec![secret('s')]).is_ok());
    assert!(SessionSigning::new(Algorithm::EdDsa, Vec::new()).is_ok());
    let error = |algorithm, secrets| SessionSigning::new(algorithm, secrets).unwrap_err();
    let short = vec![secret('s'), Secret::new("s".repeat(31))];
    assert_eq!(error(Algorithm::Hs256, Vec::new()), SessionSigningError::NoSecret);
    assert_eq!(error(Algorithm::Hs256, short), SessionSigningError::Short(SecretTooShort));
    let useless = error(Algorithm::Es256, vec![secret('s')]);
    assert_eq!(useless, SessionSigningError::UselessSecret(Algorithm::Es256));
}

#[test]
fn a_key_stays_published_as_long_as_a_session_it_signed() {
    let app = App::new(SessionRules::default());
    assert_eq!(app.server.rules().longest_token(), jiff::SignedDuration::from_hours(7 * 24));
    let by_secret = App::new(by_secret(vec![secret('s')]));
    assert_eq!(by_secret.server.rules().longest_token(), jiff::SignedDuration::from_hours(24));
}

type End<'a> = &'a dyn Fn(&App);

/// Checks no password.
#[derive(Debug)]
struct Nobody;

impl Passwords for Nobody {
    fn hash(&self, _: Secret) -> futures::future::BoxFuture<'_, Result<String, Overloaded>> {
        Box::pin(async { Err(Overloaded) })
    }

    fn verifies<'a>(
        &'a self,
        _: Secret,
        _: Option<&'a str>,
    ) -> futures::future::BoxFuture<'a, Result<bool, Overloaded>> {
        Box::pin(async { Err(Overloaded) })
    }
}
