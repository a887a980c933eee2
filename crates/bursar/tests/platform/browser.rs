//! A browser that is a script, and writes down what it was given.

use std::os::unix::fs::PermissionsExt as _;

use bursar::browser::{BrowserError, open};
use bursar::config::environment::Environment;
use url::Url;

use super::wait::until;

#[test]
fn the_named_browser_gets_the_address_and_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("browser");
    let output = folder.path().join("output");
    let text = format!(
        "#!/bin/sh\nfor a; do echo \"$a\"; done > {0}.part\nenv >> {0}.part\nmv {0}.part {0}\n",
        output.display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let url = Url::parse("https://provider.test/authorize?a=b&c=$(touch%20pwned);d='e'").unwrap();
    let list = format!("/no/such/browser:{} --new %s", script.display());
    let environment = Environment::from_pairs([("BROWSER", list.as_str()), ("BURSAR_MASTER_KEY", "hunter2")]);
    open(&url, &environment).unwrap();
    let output = until("the browser's output", || std::fs::read_to_string(&output).ok());
    assert!(output.starts_with(&format!("--new\n{url}\n")), "{output}");
    assert!(!output.contains("BURSAR_MASTER_KEY="), "{output}");
}

#[test]
fn no_browser_and_no_web_address_are_told_apart() {
    let environment = Environment::from_pairs([("BROWSER", "/no/such/browser")]);
    let started = open(&Url::parse("https://provider.test/").unwrap(), &environment);
    assert!(matches!(started, Err(BrowserError::NotStarted(_))));
    let refused = open(&Url::parse("file:///etc/passwd").unwrap(), &environment);
    assert!(matches!(refused, Err(BrowserError::NotAWebAddress)));
}
