//! `bursar agent install` and `uninstall`: has the system's service manager start the agent at every login.
//!
//! What the manager is told is in [`crate::service`]. Both commands may be run again at any time.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use super::super::app::App;
use super::super::arguments::agent::{AgentInstall, AgentUninstall};
use crate::child_environment::scrub;
use crate::config::environment::Environment;
use crate::config::paths::Paths;
use crate::exit::{Exit, Failure};
use crate::service::files::{self, Found, Written};
use crate::service::{self, Plan, ServiceError, Step};

/// Writes the files and, if the manager is there, starts the agent.
pub(super) fn install(app: &App, command: &AgentInstall) -> Result<Exit, Failure> {
    let plan = plan(&app.environment)?;
    if command.dry_run {
        show(app, &plan);
        return Ok(Exit::Ok);
    }
    // All are looked at before any is written: half an installation would be worse than none.
    for file in &plan.files {
        if files::find(&file.path, file.encoding)? == Found::Foreign {
            return Err(ServiceError::Foreign { path: file.path.clone() }.into());
        }
    }
    let mut written = Vec::new();
    for file in &plan.files {
        let change = files::write(file)?;
        app.printer.say(&format!("{} {}", word(change), file.path.display()));
        written.push((file.path.as_path(), change));
    }
    let changed = written.iter().any(|(_, change)| *change != Written::Unchanged);
    let started = start(app, &plan, changed)?;
    let left_out = service::left_out(&app.environment);
    if !left_out.is_empty() {
        app.printer.say(&format!(
            "the agent will not see {}: secrets have no place in a service's file, and settings for every agent \
             belong into config.toml",
            left_out.join(", ")
        ));
    }
    for advice in &plan.advice {
        app.printer.say(&format!("note: {advice}"));
    }
    if app.printer.json {
        let files: Vec<Value> = written
            .iter()
            .map(|(path, change)| json!({ "path": path.to_string_lossy(), "change": word(*change) }))
            .collect();
        app.printer.document(&json!({
            "schema": 1,
            "manager": plan.manager,
            "files": files,
            "started": started,
            "left_out": left_out,
        }));
    }
    Ok(Exit::Ok)
}

/// Stops the agent and removes what `install` wrote, and nothing else.
pub(super) fn uninstall(app: &App, command: &AgentUninstall) -> Result<Exit, Failure> {
    let plan = plan(&app.environment)?;
    let mut ours = Vec::new();
    for file in &plan.files {
        match files::find(&file.path, file.encoding)? {
            Found::Ours(_) => ours.push(file),
            Found::Foreign => {
                app.printer
                    .say(&format!("left alone, because bursar did not write it: {}", file.path.display()));
            }
            Found::Nothing => {}
        }
    }
    if ours.is_empty() {
        app.printer.say("nothing is installed");
    } else if command.dry_run {
        for file in &ours {
            app.printer.say(&format!("would remove {}", file.path.display()));
        }
    } else {
        for step in &plan.end {
            let _done_or_not_there = run(step, &app.environment);
        }
        for file in &ours {
            files::remove(file)?;
            app.printer.say(&format!("removed {}", file.path.display()));
        }
        for link in &plan.links {
            for file in &ours {
                files::remove_link(link, &file.path)?;
            }
        }
        if plan.manager == "systemd" {
            for step in &plan.announce {
                let _manager_may_be_absent = run(step, &app.environment);
            }
        }
    }
    if app.printer.json {
        let removed: Vec<_> = ours.iter().map(|file| file.path.to_string_lossy()).collect();
        app.printer.document(&json!({
            "schema": 1,
            "manager": plan.manager,
            "removed": removed,
            "dry_run": command.dry_run,
        }));
    }
    Ok(Exit::Ok)
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        Self::of(Exit::Error, &error).hint(error.hint())
    }
}

fn plan(environment: &Environment) -> Result<Plan, Failure> {
    Ok(service::plan(environment, &Paths::resolve(environment)?)?)
}

/// The files as they would be, each under its path, and the commands that would be run.
fn show(app: &App, plan: &Plan) {
    let steps = || plan.announce.iter().chain(&plan.begin).map(Step::line);
    if app.printer.json {
        let files: Vec<Value> = plan
            .files
            .iter()
            .map(|file| json!({ "path": file.path.to_string_lossy(), "text": file.text }))
            .collect();
        app.printer.document(&json!({
            "schema": 1,
            "manager": plan.manager,
            "files": files,
            "commands": steps().collect::<Vec<_>>(),
        }));
        return;
    }
    for file in &plan.files {
        app.printer.data(&format!("--- {}\n{}", file.path.display(), file.text));
    }
    app.printer.say("would then run:");
    for line in steps() {
        app.printer.say(&format!("  {line}"));
    }
}

/// Starts the agent through the manager; whether there was a manager to do so.
fn start(app: &App, plan: &Plan, changed: bool) -> Result<bool, Failure> {
    let announced = plan.announce.iter().all(|step| succeeded(step, &app.environment));
    if !announced {
        app.printer.say(&format!("{} does not answer here; in a login session of yours, run:", plan.manager));
        for step in plan.announce.iter().chain(&plan.begin) {
            app.printer.say(&format!("  {}", step.line()));
        }
        return Ok(false);
    }
    if changed {
        for step in &plan.renew {
            let _nothing_may_run = run(step, &app.environment);
        }
    }
    for step in &plan.begin {
        let output = run(step, &app.environment);
        let why = match output {
            Ok(output) if output.status.success() => continue,
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        let mut failure = Failure::new(Exit::Error, format!("`{}` failed", step.line()));
        failure.causes.extend(why.lines().map(str::to_owned));
        return Err(
            failure.hint("see `bursar agent logs`, mend the cause and run `bursar agent install` again")
        );
    }
    app.printer.say("the agent runs now, and from every login on");
    Ok(true)
}

fn succeeded(step: &Step, environment: &Environment) -> bool {
    run(step, environment).is_ok_and(|output| output.status.success())
}

fn run(step: &Step, environment: &Environment) -> std::io::Result<Output> {
    let mut command = Command::new(&step.program);
    // bursar's own command needs no key either: it only speaks to the agent.
    scrub(&mut command, environment);
    // A plain folder: the one of the caller may be gone.
    command.args(&step.arguments).stdin(Stdio::null()).current_dir(Path::new("/")).output()
}

fn word(change: Written) -> &'static str {
    match change {
        Written::Created => "created",
        Written::Updated => "updated",
        Written::Unchanged => "unchanged",
    }
}
