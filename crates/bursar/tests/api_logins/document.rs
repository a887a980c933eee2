//! The document that describes the API: kept in the repository, served, and complete.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::World;
use crate::support::Home;

pub(super) async fn printed() -> String {
    let printed = Home::new().run(&["config", "openapi"]).await;
    assert_eq!(printed.code, 0, "{printed}");
    printed.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_in_the_repository_is_what_the_program_prints_and_the_agent_serves() {
    let printed = printed().await;
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let kept = std::fs::read_to_string(kept).unwrap();
    assert!(kept == printed, "write it again: scripts/check-generated --write");
    let world = World::new().await;
    let served = world.ask("GET", "/v1/openapi.json", &Value::Null).await;
    assert_eq!(served, serde_json::from_str::<Value>(&printed).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_has_a_name_a_summary_and_failures_of_one_form() {
    let document: Value = serde_json::from_str(&printed().await).unwrap();
    let mut names = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            let is_word = |letter: char| letter.is_ascii_lowercase() || letter == '_';
            assert!(name.chars().all(is_word), "{method} {path}: {name}");
            assert!(names.insert(name.to_owned()), "{name} is there twice");
            let summary = operation["summary"].as_str().unwrap();
            assert!(!summary.ends_with('.') && summary.len() < 80, "{name}: {summary}");
            assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{name}");
            check_answers(name, &operation["responses"], !operation["requestBody"].is_null());
        }
    }
    for name in ["hand_out_token", "begin_login", "stream_events", "open_session", "log_out"] {
        assert!(names.contains(name), "{name} is missing");
    }
}

fn check_answers(name: &str, answers: &Value, has_body: bool) {
    let answers = answers.as_object().unwrap();
    assert!(answers.keys().any(|status| status.starts_with('2')), "{name} never succeeds");
    for (status, answer) in answers {
        assert_ne!(answer["description"], "", "{name} {status}");
        if !status.starts_with('2') {
            let schema = &answer["content"]["application/json"]["schema"]["$ref"];
            assert_eq!(schema, "#/components/schemas/FailureDocument", "{name} {status}");
        }
    }
    if has_body {
        assert!(answers.contains_key("400") && answers.contains_key("413"), "{name} has a body");
    }
}
