//! `bursar doctor --mcp URL`: plays real clients at somebody's server, and tells line by line what fails, why it matters and
//! what to change. Stores nothing; the lines themselves are in the core.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::engine::examination::{Examination, Given, Line, Outcome, Tools, Trip, Verdict};
use bursar_core::ports::clock::Clock;
use bursar_core::secret::Secret;

use super::finding::{self, INDENT, hanging};
use crate::browser;
use crate::cli::arguments::DoctorCommand;
use crate::cli::printer::Printer;
use crate::config::Config;
use crate::config::environment::Environment;
use crate::config::paths::Paths;
use crate::exit::{Exit, Failure};
use crate::loopback::Callback;
use crate::system::{SystemClock, SystemRandom};
use crate::wiring;

/// Examines the server at `url`. Exit 1 if a line fails.
pub(super) fn run(
    command: &DoctorCommand,
    url: &str,
    environment: &Environment,
    printer: &Printer,
) -> Result<Exit, Failure> {
    let config = Config::load(environment, &Paths::resolve(environment)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::of(Exit::Error, &error))?;
    let visit = Visit { command, environment, config: &config, printer, clock: Arc::new(SystemClock) };
    let lines = runtime.block_on(visit.examine(url));
    runtime.shutdown_background();
    Ok(tell(&lines?, printer))
}

fn tell(lines: &[Line], printer: &Printer) -> Exit {
    if printer.json {
        printer.document(&lines.iter().map(Line::document).collect());
    } else {
        printer.data(&lines.iter().map(text).collect::<String>());
    }
    let number = |verdict| lines.iter().filter(|line| line.verdict() == verdict).count();
    let (failures, untried) = (number(Verdict::Fail), number(Verdict::Untried));
    printer.say(&format!(
        "{} lines, {} to look at, {failures} failed, {untried} not tried",
        lines.len(),
        number(Verdict::Warn),
    ));
    if failures > 0 { Exit::Error } else { Exit::Ok }
}

/// For people: the tag, what was seen; below a broken line the rule, why it matters and what to change.
fn text(line: &Line) -> String {
    let tag = match line.verdict() {
        Verdict::Ok => finding::Verdict::Ok.tag(),
        Verdict::Warn => finding::Verdict::Warn.tag(),
        Verdict::Fail => finding::Verdict::Fail.tag(),
        Verdict::Untried => "[SKIP]".to_owned(),
    };
    let check = line.check;
    let mut text = hanging(&format!("{tag} "), INDENT, &format!("{}: {}", check.name, line.what()));
    if matches!(line.outcome, Outcome::Broken(_)) {
        let margin = " ".repeat(INDENT);
        text += &hanging(&margin, INDENT, &format!("({}) {}", check.rule, check.why));
        text += &hanging(&format!("{margin}-> "), INDENT + 3, check.remedy);
    }
    text
}

/// One run of the command.
struct Visit<'a> {
    command: &'a DoctorCommand,
    environment: &'a Environment,
    config: &'a Config,
    printer: &'a Printer,
    clock: Arc<dyn Clock>,
}

impl Visit<'_> {
    async fn examine(&self, url: &str) -> Result<Vec<Line>, Failure> {
        let upstream = wiring::outgoing(self.environment, &self.config.network, &self.clock);
        let tools = Tools { upstream: &*upstream, clock: &*self.clock, random: &SystemRandom, url: None };
        let mut examination = Examination::new(tools, url).map_err(|error| {
            Failure::of(Exit::Usage, &error).hint("name the MCP server's URL, such as https://host/mcp")
        })?;
        let callback = Callback::bind(self.config.login.callback_port, "/callback")
            .await
            .map_err(|error| Failure::of(Exit::Error, &error).hint(error.hint()))?;
        let given = Given {
            redirect_uri: callback.redirect_uri(),
            client_id: self.command.client_id.clone(),
            metadata_document: self.config.login.client_metadata_url.clone(),
        };
        examination.without_person(&given).await;
        if self.command.no_sign_in {
            examination.nobody_signed_in("it needs a person to sign in (`--no-sign-in`)");
            return Ok(examination.finish().await);
        }
        if let Some(trip) = examination.trip()
            && let Some(query) = self.sign_in(&trip, &callback, "Sign in at").await
        {
            examination.answered(trip, &query).await;
            // A thief's code has to be one that nobody else needs.
            if let Some(trip) = examination.trip()
                && let Some(query) = self.sign_in(&trip, &callback, "Once more, for a code to misuse:").await
            {
                examination.answered_again(trip, &query).await;
            }
        }
        examination.nobody_signed_in("nobody signed in");
        Ok(examination.finish().await)
    }

    /// Sends the person there and waits for the answer.
    async fn sign_in(&self, trip: &Trip, callback: &Callback, words: &str) -> Option<Secret> {
        self.printer.say(&format!("{words}\n\n  {}\n", trip.url()));
        let stay_closed = self.command.no_browser || self.config.login.no_browser;
        if !stay_closed && let Err(error) = browser::open(&trip.url(), self.environment) {
            self.printer.say(&format!("{error}: open the address yourself"));
        }
        let limit: Duration = self.command.timeout.unwrap_or(self.config.login.timeout).unsigned_abs();
        match callback.wait(limit, &*self.clock).await {
            Ok(query) => Some(query),
            Err(error) => {
                self.printer.say(&error.to_string());
                None
            }
        }
    }
}
