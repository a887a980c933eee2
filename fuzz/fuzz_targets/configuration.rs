//! `config.toml` and the environment: a secret is neither shown nor told in an error.

#![no_main]

use std::sync::LazyLock;

use bursar::config::environment::Environment;
use bursar::config::paths::Paths;
use bursar::config::{Config, show};
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "the-secret-of-the-client";

static HOME: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

// The file ends at the first zero byte; then come variables, each `NAME=VALUE` and a zero byte.
fuzz_target!(|input: &str| {
    let (file, variables) = input.split_once('\0').unwrap_or((input, ""));
    let variables: Vec<(&str, &str)> =
        variables.split('\0').filter_map(|pair| pair.split_once('=')).collect();
    let home = HOME.path().to_str().expect("a folder with a plain name");
    std::fs::write(HOME.path().join("config.toml"), file).expect("a file");
    let names: Vec<String> =
        variables.iter().map(|(name, _)| format!("BURSAR_{}", name.to_uppercase())).collect();
    let written = names.iter().map(String::as_str).zip(variables.iter().map(|(_, value)| *value));
    let ours = [("BURSAR_HOME", home), ("HOME", home), ("BURSAR_PROVIDERS_EXAMPLE_CLIENT_SECRET", SECRET)];
    let environment = Environment::from_pairs(written.chain(ours));
    let Ok(paths) = Paths::resolve(&environment) else { return };
    let told = match Config::load(&environment, &paths) {
        Ok(config) => format!("{:?} {config:?}", show(&config)),
        Err(error) => format!("{error} {error:?} {}", error.hint()),
    };
    assert!(!told.contains(SECRET) || input.contains(SECRET), "{told}");
});
