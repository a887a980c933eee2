//! The schema as a whole: everything that can be written is read, written back and documented.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const EVERY_KEY: &str = include_str!("every_key.toml");

fn every_key() -> Provider {
    let provider: Provider = toml::from_str(EVERY_KEY).unwrap();
    check::check(&provider).unwrap();
    provider
}

#[test]
fn every_key_survives_a_round_trip() {
    let provider = every_key();
    let written = toml::to_string(&provider).unwrap();
    assert_eq!(toml::from_str::<Provider>(&written).unwrap(), provider);
    let written: toml::Table = written.parse().unwrap();
    assert_eq!(written, EVERY_KEY.parse().unwrap(), "the fixture does not use every key");
    let json = serde_json::to_value(&provider).unwrap();
    assert_eq!(serde_json::from_value::<Provider>(json).unwrap(), provider);
}

#[test]
fn an_entry_with_nothing_but_its_id_is_the_default() {
    let provider = Provider::new(ProviderId::parse("example").unwrap());
    assert_eq!(toml::from_str::<Provider>("id = \"example\"").unwrap(), provider);
    let written = toml::to_string(&provider).unwrap();
    assert_eq!(toml::from_str::<Provider>(&written).unwrap(), provider);
    check::check(&provider).unwrap();
}

#[test]
fn every_key_is_documented() {
    let documented = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/providers.md"));
    let words: BTreeSet<&str> = documented
        .split('`')
        .skip(1)
        .step_by(2)
        .flat_map(|code| code.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_'))
        .collect();
    let mut missing = Vec::new();
    let table: toml::Table = EVERY_KEY.parse().unwrap();
    for (section, value) in &table {
        if !documented.contains(&format!("`{section}`")) && !documented.contains(&format!("`[{section}")) {
            missing.push(section.clone());
        }
        // Names of variables and of environment variables are the entry's own.
        let keys = match section.as_str() {
            "environment" => continue,
            "variables" => value["tenant"].as_table(),
            _ => value.as_table(),
        };
        for key in keys.into_iter().flat_map(toml::Table::keys) {
            if !words.contains(key.as_str()) {
                missing.push(format!("{section}.{key}"));
            }
        }
    }
    assert!(missing.is_empty(), "docs/providers.md does not tell: {}", missing.join(", "));
}

#[test]
fn entries_whose_parts_do_not_go_together_are_refused() {
    for (text, part) in [
        ("[endpoints]\ntoken = \"https://{a}.example.com/t\"", "`a`"),
        ("[endpoints]\ntoken = \"https://example.com/{client_id}\"", "`client_id`"),
        ("[endpoints]\nrevoke = \"https://{client_id}.example.com/\"", "`client_id`"),
        ("[endpoints]\ntoken = \"https://{a}/t\"\n[variables.a]\npattern = \"segment\"", "segment"),
        ("[token_request.headers]\n\"X Version\" = \"1\"", "X Version"),
        ("[api.extra_headers]\nX = \"a\\nb\"", "`X`"),
        ("[environment]\n\"A B\" = \"access_token\"", "A B"),
        ("[errors.statuses]\nmany = \"transient\"", "many"),
        ("[client]\nredirect = \"loopback_fixed\"", "redirect_port"),
        ("[client]\nredirect_path = \"callback\"", "redirect_path"),
        ("[api]\nheader_template = \"Bearer\"", "header_template"),
        ("[token_response]\nroots = []", "roots"),
    ] {
        let provider: Provider = toml::from_str(&format!("id = \"example\"\n{text}\n")).unwrap();
        let fault = check::check(&provider).unwrap_err();
        assert!(fault.contains(part), "{text}: {fault}");
    }
}

#[test]
fn nothing_is_guessed_about_reuse() {
    let refresh = Provider::new(ProviderId::parse("example").unwrap()).refresh;
    assert_eq!(refresh.reuse, Reuse::Undeclared);
    assert_eq!(refresh.rotation, Rotation::Undeclared);
    assert_eq!(refresh.retry_after_timeout, RetryAfterTimeout::Undeclared);
    assert_eq!(refresh.omitted_refresh_token, Omitted::KeepOld);
}

#[test]
fn gitlab_elsewhere_keeps_everything_on_its_host() {
    let gitlab = Catalogue::embedded().find("gitlab").unwrap().unwrap();
    let values = BTreeMap::from([("host".to_owned(), "git.example.com:8443".to_owned())]);
    let gitlab = gitlab.resolve(&values).unwrap();
    for (name, endpoint) in gitlab.endpoints.declared() {
        assert!(endpoint.as_str().starts_with("https://git.example.com:8443"), "{name}: {endpoint}");
    }
    assert_eq!(gitlab.api.hosts, ["git.example.com:8443"]);
    assert_eq!(gitlab.api.base_urls[0].to_string(), "https://git.example.com:8443/api/v4");
}
