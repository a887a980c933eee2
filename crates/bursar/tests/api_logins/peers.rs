//! The document before other people's eyes: `openapi-spec-validator`, and answers against their schemas.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::document::printed;
use super::{World, place};
use crate::support::redirect_of;

/// Runs Python with the peers of the tests; what it prints.
#[expect(clippy::disallowed_methods, reason = "where scripts/setup-tests has put them")]
async fn python(program: &str, input: &Value) -> String {
    let home = std::env::var_os("BURSAR_TEST_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/bursar-tests")));
    let python = home.unwrap().join("python/bin/python");
    assert!(python.exists(), "run scripts/setup-tests");
    let mut child = Command::new(python)
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_finds_no_fault_in_the_document() {
    let document: Value = serde_json::from_str(&printed().await).unwrap();
    let program = "
import json, sys
from openapi_spec_validator import OpenAPIV31SpecValidator
document = json.load(sys.stdin)
for fault in OpenAPIV31SpecValidator(document).iter_errors():
    print(list(fault.absolute_path), fault.message[:300])
print(document['openapi'])
";
    let told = python(program, &document).await;
    assert!(told.starts_with("3.1"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn real_answers_have_the_form_the_document_describes() {
    let world = World::new().await;
    let login = world.begin("paste", &json!({"as": "work"})).await;
    let redirect = redirect_of(login["url"].as_str().unwrap()).await;
    let answer = json!({"redirect_url": redirect});
    let ended = world.ask("POST", &format!("{}/answer", place(&login)), &answer).await;
    let account = format!("/v1/accounts/{}", world.reference("work"));
    let handed = world.ask("POST", &format!("{account}/token"), &Value::Null).await;
    let session =
        json!({"accounts": [world.reference("work")], "label": "test", "process": std::process::id()});
    let mut answers = vec![
        json!(["begin_login", "201", login]),
        json!(["answer_login", "200", ended]),
        json!(["hand_out_token", "200", handed]),
        json!(["open_session", "201", world.ask("POST", "/v1/sessions", &session).await]),
        json!(["show_account", "404", world.call("GET", "/v1/accounts/nobody", &Value::Null).await.1]),
    ];
    for (name, target) in [
        ("list_accounts", "/v1/accounts"),
        ("list_deadlines", "/v1/deadlines"),
        ("list_logins", "/v1/logins"),
        ("list_sessions", "/v1/sessions"),
        ("show_agent", "/v1/agent"),
    ] {
        answers.push(json!([name, "200", world.ask("GET", target, &Value::Null).await]));
    }
    answers.push(json!(["log_out", "200", world.ask("DELETE", &account, &Value::Null).await]));
    let document: Value = serde_json::from_str(&printed().await).unwrap();
    // Members that are described are all there is, and everything that is required is there.
    let program = "
import json, sys
from openapi_schema_validator import OAS31Validator
document, answers = json.load(sys.stdin)
for schema in document['components']['schemas'].values():
    if schema.get('type') == 'object' and 'properties' in schema:
        schema['additionalProperties'] = False
operations = {o['operationId']: o for path in document['paths'].values() for o in path.values()}
for name, status, answer in answers:
    schema = operations[name]['responses'][status]['content']['application/json']['schema']
    whole = {**schema, 'components': document['components']}
    for fault in OAS31Validator(whole).iter_errors(answer):
        print(name, list(fault.absolute_path), fault.message[:300])
print(len(answers), 'answers')
";
    let told = python(program, &json!([document, answers])).await;
    assert_eq!(told, "11 answers\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_guide_work_as_they_stand() {
    let world = World::new().await;
    let login = world.begin("paste", &json!({"as": "work"})).await;
    let redirect = redirect_of(login["url"].as_str().unwrap()).await;
    let answer = json!({"redirect_url": redirect});
    world.ask("POST", &format!("{}/answer", place(&login)), &answer).await;

    let guide = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let blocks = guide.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let script: Vec<&str> = blocks.collect();
    assert!(script.len() >= 6, "the guide has lost its examples");
    let script = format!("set -euo pipefail\n{}", script.join("\n"))
        .replace("google:work", &world.reference("work"))
        .replace("\"github\"", &format!("\"{}\"", world.provider.issuer()))
        .replace("Iv1.0123456789abcdef", misbehaving_provider::PUBLIC_CLIENT);
    let output = Command::new("/bin/bash")
        .args(["-c", &script])
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("BURSAR_HOME", world.home.path())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let (said, printed) =
        (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout).into_owned());
    assert!(output.status.success(), "{said}\n{printed}");
    assert!(printed.contains("and enter "), "{printed}");
    assert!(printed.contains("\"state\":\"done\""), "{printed}");
}
