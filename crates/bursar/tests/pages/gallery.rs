//! Pictures of every page, and what axe-core finds on it.

use std::path::PathBuf;

use serde_json::Value;

use super::driver::Browser;

/// Looks at the open page in every width and both schemes: pictures it, measures it and has axe-core judge it.
pub(super) async fn look(browser: &Browser, name: &str) {
    for scheme in ["light", "dark"] {
        look_in(browser, scheme, name).await;
    }
}

/// The same in one scheme.
pub(super) async fn look_in(browser: &Browser, scheme: &str, name: &str) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).unwrap();
    browser.prefers(scheme).await;
    for width in [360, 768, 1440] {
        browser.resize(width).await;
        let measured = browser.execute("return document.documentElement.scrollWidth").await;
        assert_eq!(measured, width, "{name} is wider than {width}");
        let file = folder.join(format!("{name}-{width}-{scheme}.png"));
        std::fs::write(file, browser.picture().await).unwrap();
        assert_eq!(faults(browser).await, Vec::<String>::new(), "{name}, {width}, {scheme}");
    }
    // A page that says no has a status that says so, and Chromium notes that.
    let is_status = |complaint: &String| complaint.contains("the server responded with a status of");
    let complaints: Vec<String> =
        browser.complaints().await.into_iter().filter(|one| !is_status(one)).collect();
    assert_eq!(complaints, Vec::<String>::new(), "{name}");
}

/// Serious faults, by the rules of WCAG 2.2 and good practice.
async fn faults(browser: &Browser) -> Vec<String> {
    let axe = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../peers/node_modules/axe-core/axe.min.js");
    let axe = std::fs::read_to_string(axe).expect("scripts/setup-tests installs axe-core");
    let run = "const done = arguments[arguments.length - 1];
        window.axe.run(document, { rules: { 'target-size': { enabled: true } } }).then((found) => done(found.violations), (error) => done([{ id: String(error), impact: 'critical', nodes: [] }]));";
    let found = browser.execute_until_called(&format!("{axe}\n{run}")).await;
    let serious = |fault: &&Value| matches!(fault["impact"].as_str(), Some("serious" | "critical"));
    let told = |fault: &Value| {
        let places = fault["nodes"].as_array().unwrap().iter().map(|node| node["html"].to_string());
        format!("{}: {} {}", fault["id"], fault["help"], places.collect::<Vec<_>>().join(", "))
    };
    found.as_array().unwrap().iter().filter(serious).map(told).collect()
}
