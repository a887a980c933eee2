//! Whether the system starts the agent at login, and starts this one.

use super::finding::Finding;
use crate::config::environment::Environment;
use crate::config::paths::Paths;
use crate::service::files::{Found, find};
use crate::service::plan;

/// Compares what is installed with what `agent install` would install now.
pub(super) fn check(environment: &Environment, paths: &Paths) -> Finding {
    let plan = match plan(environment, paths) {
        Ok(plan) => plan,
        Err(error) => return Finding::ok(NAME, format!("the agent cannot be started at login: {error}")),
    };
    let mut found = Vec::new();
    for file in &plan.files {
        match find(&file.path, file.encoding) {
            Ok(there) => found.push((file, there)),
            Err(error) => return Finding::failure(NAME, error.into()),
        }
    }
    let manager = plan.manager;
    if let Some((file, _)) = found.iter().find(|(_, there)| *there == Found::Foreign) {
        let what =
            format!("{} is not bursar's; whether it starts the agent is not known", file.path.display());
        return Finding::ok(NAME, what);
    }
    if found.iter().all(|(_, there)| *there == Found::Nothing) {
        return Finding::ok(NAME, "the agent is not started at login; `bursar agent install` sees to that");
    }
    if found.iter().all(|(file, there)| *there == Found::Ours(file.text.clone())) {
        return Finding::ok(NAME, format!("{manager} starts the agent at every login"));
    }
    Finding::warn(
        NAME,
        format!("{manager} starts an agent at login, but another program or for other folders than this one"),
        "run `bursar agent install` again, with the variables that shall hold at login",
    )
}

const NAME: &str = "service";
