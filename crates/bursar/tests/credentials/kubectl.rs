//! `client.authentication.k8s.io`, checked against the schema that Kubernetes publishes.

use serde_json::{Value, json};

use super::{World, hides};
use crate::support::{Ended, ended};

async fn ask(world: &World, info: Option<&Value>, options: &[&str]) -> Ended {
    let mut command =
        world.home.command(&[&["credential", "kubectl", "--account", "work"], options].concat());
    if let Some(info) = info {
        command.env("KUBERNETES_EXEC_INFO", info.to_string());
    }
    ended(&mut command).await
}

/// What the reference "Client Authentication (v1)" and "(v1beta1)" says of the object, its `spec` and its `status`.
fn valid(text: &str, version: &str) -> Value {
    let credential: Value = serde_json::from_str(text).unwrap();
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(credential["kind"], "ExecCredential");
    assert_eq!(credential["apiVersion"], format!("client.authentication.k8s.io/{version}"));
    assert!(
        members(&credential).iter().all(|name| ["kind", "apiVersion", "spec", "status"].contains(&&**name))
    );
    assert!(members(&credential["spec"]).iter().all(|name| ["cluster", "interactive"].contains(&&**name)));
    assert!(credential["spec"]["interactive"].is_boolean(), "`interactive` is required");
    let known = ["expirationTimestamp", "token", "clientCertificateData", "clientKeyData"];
    assert!(members(&credential["status"]).iter().all(|name| known.contains(&&**name)));
    assert!(!credential["status"]["token"].as_str().unwrap().is_empty());
    let end = credential["status"]["expirationTimestamp"].as_str().unwrap();
    // meta/v1 Time: RFC 3339 in whole seconds.
    assert!(end.len() == 20 && end.ends_with('Z') && end.parse::<jiff::Timestamp>().is_ok(), "{end}");
    credential
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_has_the_version_kubectl_asked_for() {
    let world = World::with(&["work"]).await;
    let (token, (_, end)) = (world.token("work").await, world.end("work").await);
    for (asked, version) in [(None, "v1"), (Some("v1"), "v1"), (Some("v1beta1"), "v1beta1")] {
        let info = asked.map(|version| {
            json!({"kind": "ExecCredential", "apiVersion": format!("client.authentication.k8s.io/{version}"),
                   "spec": {"interactive": true}})
        });
        let answer = ask(&world, info.as_ref(), &[]).await;
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{answer}");
        let credential = valid(&answer.stdout, version);
        assert_eq!(credential["status"], json!({"expirationTimestamp": end, "token": token}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_token_that_has_ended_is_renewed() {
    let world = World::with(&["work"]).await;
    let first = ask(&world, None, &["--id-token"]).await;
    let first = valid(&first.stdout, "v1")["status"]["token"].as_str().unwrap().to_owned();
    assert_eq!(first.split('.').count(), 3, "an identity token is a JWT");
    assert_eq!(world.provider.refreshes(), 0);

    world.expire("work").await;
    let refreshes = world.provider.refreshes();
    let next = ask(&world, None, &["--id-token"]).await;
    let next = valid(&next.stdout, "v1")["status"]["token"].as_str().unwrap().to_owned();
    assert_ne!(next, first);
    assert_eq!(world.provider.refreshes(), refreshes + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_leaves_stdout_empty_and_says_what_to_do() {
    let world = World::with(&["work"]).await;
    let odd = json!({"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1alpha1"});
    let refused = ask(&world, Some(&odd), &[]).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{refused}");
    assert!(refused.stderr.contains("apiVersion"), "{refused}");

    let token = world.token("work").await;
    world.end_consent("work").await;
    let gone = ask(&world, None, &[]).await;
    assert_eq!((gone.code, gone.stdout.as_str()), (4, ""), "{gone}");
    assert!(gone.stderr.contains("bursar login"), "{gone}");
    hides(&gone, &token);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_identity_tokens_is_told_how_to_get_one() {
    let world = World::with(&[]).await;
    world.provider.change(|behaviour| behaviour.token.id_token = false);
    assert_eq!(world.home.login(&world.provider, "work").await.code, 0);
    let refused = ask(&world, None, &["--id-token"]).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{refused}");
    assert!(refused.stderr.contains("--scope openid"), "{refused}");
}
