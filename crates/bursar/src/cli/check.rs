//! `bursar check`: the exit code says how the accounts are doing; words about the bad ones go to stderr.

use bursar_core::engine::broker::HandOutError;
use bursar_core::engine::probe::Probe;
use bursar_core::lifecycle::reference::AccountReference;
use serde_json::{Value, json};

use super::app::App;
use super::arguments::CheckCommand;
use super::screen::status_screen::one_line;
use super::shown_accounts::{self, say_that_there_are_none};
use crate::account_view::AccountView;
use crate::exit::{Exit, Failure};

pub(super) async fn run(app: &App, command: &CheckCommand) -> Result<Exit, Failure> {
    let read = || shown_accounts::read(app, command.account.as_deref(), app.warn(command.warn));
    let mut shown = read().await?;
    let mut answers = Vec::new();
    if command.live {
        // Side by side: one provider that does not answer must not hold up the rest.
        let asked = shown.views.iter().map(async |view| (view.reference.clone(), probe(app, view).await));
        answers = futures::future::join_all(asked).await;
        // Asking may have refreshed a token, or found out that a login is over.
        shown = read().await?;
    }
    let answer_about = |reference: &AccountReference| {
        answers.iter().find(|(asked, _)| asked == reference).and_then(|(_, answer)| answer.as_ref())
    };
    let mut codes = vec![shown.exit().code()];
    let mut elements = Vec::new();
    for view in &shown.views {
        let answer = answer_about(&view.reference);
        codes.extend(answer.map(Probed::exit_code));
        tell(app, view, answer);
        elements.push(element(view, answer));
    }
    if app.printer.json {
        app.printer.document(&json!(elements));
    } else if shown.views.is_empty() {
        say_that_there_are_none(app);
    }
    Ok(Exit::Code(worst(&codes)))
}

/// What came of asking a provider.
#[derive(Debug)]
enum Probed {
    Answered(Probe),
    /// There was no token to ask with.
    NoToken(Failure),
}

impl Probed {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Answered(Probe::Accepted) => Exit::Ok.code(),
            Self::Answered(Probe::Refused { .. }) => Exit::LoginRequired.code(),
            Self::Answered(Probe::Unknown { .. }) => Exit::Unavailable.code(),
            Self::NoToken(failure) => failure.exit.code(),
        }
    }

    /// The word for programs, and why.
    fn describe(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Answered(Probe::Accepted) => ("accepted", None),
            Self::Answered(Probe::Refused { detail }) => ("refused", Some(detail)),
            Self::Answered(Probe::Unknown { detail }) => ("unknown", Some(detail)),
            Self::NoToken(failure) => ("no_token", Some(&failure.message)),
        }
    }
}

/// Asks the provider about one account; `None` if it is withheld, and so is not in use.
async fn probe(app: &App, view: &AccountView) -> Option<Probed> {
    match app.engine.probe(&view.reference, app.config.refresh.wait.unsigned_abs()).await {
        Ok(probe) => Some(Probed::Answered(probe)),
        Err(HandOutError::Paused { .. }) => None,
        Err(error) => Some(Probed::NoToken(error.into())),
    }
}

fn tell(app: &App, view: &AccountView, probed: Option<&Probed>) {
    if view.state.exit_code() != 0 {
        app.printer.say(&one_line(view));
    }
    let Some((word, Some(why))) = probed.map(Probed::describe) else { return };
    let told = match word {
        "refused" => format!("the provider refuses its token: {why}"),
        "unknown" => format!("the provider could not be asked: {why}"),
        // The state has said the same already.
        _ if view.state.exit_code() != 0 => return,
        _ => why.to_owned(),
    };
    app.printer.say(&format!("{}: {told}", view.reference));
}

fn element(view: &AccountView, probed: Option<&Probed>) -> Value {
    let mut element = view.to_json();
    if let Some((word, why)) = probed.map(Probed::describe) {
        element["live"] = json!({"outcome": word, "detail": why});
    }
    element
}

/// The order in which a person should hear of them; any other code is a problem of its own and comes first.
fn worst(codes: &[u8]) -> u8 {
    let severity = |code: u8| match code {
        0 => 0,
        9 => 1,
        5 => 2,
        4 => 3,
        _ => 4,
    };
    codes.iter().copied().max_by_key(|code| severity(*code)).unwrap_or(0)
}
