//! `credential_process` and the call to AWS's token service behind it, which is on this machine here.

use serde_json::Value;

use super::server::{Request, Server, answer};
use super::{World, hides};
use crate::support::{Ended, ended};

pub(super) const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

/// A service that gives keys for any token and knows its own words only.
pub(super) fn token_service() -> Server {
    Server::start(|_| answer(200, &[("content-type", "text/xml")], KEYS.as_bytes()))
}

const KEYS: &str = "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
    <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId>\
    <SecretAccessKey>s3cret/key</SecretAccessKey><SessionToken>session==</SessionToken>\
    <Expiration>2090-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
    </AssumeRoleWithWebIdentityResponse>";

fn refusal(code: &str, message: &str) -> Vec<u8> {
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    );
    answer(400, &[("content-type", "text/xml")], body.as_bytes())
}

async fn ask(world: &World, server: &Server, options: &[&str]) -> Ended {
    let endpoint = format!("http://{}/", server.address);
    let line = ["credential", "aws", "--account", "work", "--role-arn", ROLE, "--sts-endpoint", &endpoint];
    world.home.run(&[&line, options].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_token_becomes_keys_that_are_stored_nowhere() {
    let (world, server) = (World::with(&["work"]).await, token_service());
    let printed = ask(&world, &server, &["--duration", "30m"]).await;
    assert_eq!((printed.code, printed.stderr.as_str()), (0, ""), "{printed}");
    assert_eq!(
        printed.stdout,
        "{\"Version\":1,\"AccessKeyId\":\"ASIAEXAMPLE\",\"SecretAccessKey\":\"s3cret/key\",\
         \"SessionToken\":\"session==\",\"Expiration\":\"2090-01-01T00:00:00Z\"}\n"
    );
    let requests = server.requests();
    let [request] = requests.as_slice() else { panic!("one call is enough: {requests:?}") };
    let asked = |name: &str| request.parameter(name).unwrap();
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/"));
    assert_eq!(
        (asked("Action"), asked("Version")),
        ("AssumeRoleWithWebIdentity".into(), "2011-06-15".into())
    );
    assert_eq!((asked("RoleArn"), asked("DurationSeconds")), (ROLE.into(), "1800".into()));
    assert_eq!(asked("RoleSessionName"), "ada@example.com");
    assert_eq!(asked("WebIdentityToken").split('.').count(), 3);
    for (path, bytes) in world.home.files() {
        assert!(!bytes.windows(10).any(|window| window == b"s3cret/key"), "{}", path.display());
    }

    let other = ask(&world, &server, &["--access-token", "--session-name", "build-7"]).await;
    assert_eq!(other.code, 0, "{other}");
    let request: Request = server.requests().pop().unwrap();
    assert_eq!(request.parameter("WebIdentityToken"), Some(world.token("work").await));
    assert_eq!(request.parameter("RoleSessionName").as_deref(), Some("build-7"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_tells_its_code_what_to_do_and_no_token() {
    let world = World::with(&["work"]).await;
    for (code, exit) in [
        ("AccessDenied", 8),
        ("InvalidIdentityToken", 8),
        ("IDPCommunicationError", 5),
        ("ValidationError", 2),
    ] {
        let server = Server::start(move |request| {
            // Some repeat what they were sent.
            refusal(code, &format!("about {}", request.parameter("WebIdentityToken").unwrap()))
        });
        let refused = ask(&world, &server, &[]).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (exit, ""), "{code}: {refused}");
        assert!(refused.stderr.contains(code) && refused.stderr.contains("hint"), "{refused}");
        hides(&refused, &server.requests()[0].parameter("WebIdentityToken").unwrap());
        assert_eq!(server.requests().len(), 1, "a refusal is not tried again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_aws_calls_expired_is_renewed_once() {
    let world = World::with(&["work"]).await;
    let first = std::sync::Mutex::new(None);
    let server = Server::start(move |request| {
        let token = request.parameter("WebIdentityToken").unwrap();
        let mut first = first.lock().unwrap();
        if *first.get_or_insert_with(|| token.clone()) == token {
            return refusal("ExpiredTokenException", "Token expired");
        }
        answer(200, &[], KEYS.as_bytes())
    });
    let printed = ask(&world, &server, &[]).await;
    assert_eq!(printed.code, 0, "{printed}");
    assert_eq!((server.requests().len(), world.provider.refreshes()), (2, 1));

    let never = Server::start(|_| refusal("ExpiredTokenException", "Token expired"));
    let refused = ask(&world, &never, &[]).await;
    assert_eq!((refused.code, never.requests().len()), (8, 2), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_token_service_gives_no_keys() {
    let world = World::with(&["work"]).await;
    for (status, body) in [(200, "<html>Welcome</html>"), (200, "{}"), (503, "busy"), (302, "")] {
        let server = Server::start(move |_| answer(status, &[("location", "/elsewhere")], body.as_bytes()));
        let refused = ask(&world, &server, &[]).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (5, ""), "{status}: {refused}");
        assert_eq!(server.requests().len(), 1, "the token goes nowhere else");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_found_before_anybody_is_asked() {
    let (world, server) = (World::with(&["work"]).await, token_service());
    for options in [&["--duration", "10m"][..], &["--duration", "13h"], &["--session-name", "a b"]] {
        let refused = ask(&world, &server, options).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{options:?}: {refused}");
    }
    let line = ["credential", "aws", "--account", "work", "--role-arn"];
    for rest in [
        &["deploy"][..],
        &[ROLE, "--region", "evil.example/"],
        &[ROLE, "--sts-endpoint", "http://evil.example"],
    ] {
        let refused = world.home.run(&[&line, rest].concat()).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{rest:?}: {refused}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_may_name_the_service() {
    let (world, server) = (World::with(&["work"]).await, token_service());
    let mut command = world.home.command(&["credential", "aws", "--account", "work", "--role-arn", ROLE]);
    command.env("AWS_ENDPOINT_URL_STS", format!("http://{}", server.address));
    let printed = ended(&mut command).await;
    assert_eq!(printed.code, 0, "{printed}");
    let keys: Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!((&keys["Version"], server.requests().len()), (&Value::from(1), 1));
}
