//! The login whose answer a person carries over: the browser is anywhere, its last address is pasted here.

use std::io::{BufRead as _, IsTerminal as _};

use bursar_core::engine::login::{LoggedIn, LoginPlan};
use bursar_core::secret::Secret;
use futures::channel::oneshot;
use zeroize::Zeroizing;

use super::{patience, within};
use crate::browser::{has_display, open};
use crate::cli::app::App;
use crate::cli::arguments::LoginCommand;
use crate::exit::{Exit, Failure};
use crate::login_plan::{pasted_redirect, refused};

pub(super) async fn log_in(app: &App, command: &LoginCommand, plan: &LoginPlan) -> Result<LoggedIn, Failure> {
    let redirect_uri = pasted_redirect(plan, command.port)
        .await
        .map_err(|error| Failure::of(Exit::Error, &error).hint(error.hint()))?;
    let pending = app.engine.begin_authorization(plan, &redirect_uri).await?;
    app.printer.say(&format!("Log in to {} at\n\n  {}\n", plan.provider.display_name(), pending.url()));
    let page_of_its_own = plan.provider.client.redirect_uri.is_some();
    if page_of_its_own {
        let stay_closed = command.paste || command.no_browser || app.config.login.no_browser;
        if !stay_closed && has_display(&app.environment) && open(pending.url(), &app.environment).is_err() {
            app.printer.say("no browser could be started: open the address yourself");
        }
        app.printer.say("then paste what the last page shows, or its whole address, and press Enter");
    } else {
        app.printer
            .say("the last page will not load; copy its whole address, paste it here, and press Enter");
    }
    if std::io::stdin().is_terminal() {
        app.printer.say("paste:");
    }
    let hint = "log in again, and paste the address right after the browser has stopped";
    let pasted = within(app, patience(app, command), "nothing was pasted", hint, line()).await?;
    app.engine.finish_pasted(plan, pending, pasted.expose()).await.map_err(refused)
}

/// One line of stdin, which may be a pipe.
async fn line() -> Result<Secret, Failure> {
    let (sender, receiver) = oneshot::channel();
    // A thread of its own, because nothing can end a read of a terminal: it ends with the process.
    std::thread::spawn(move || {
        let mut text = Zeroizing::new(String::with_capacity(LONGEST));
        let read = std::io::stdin().lock().read_line(&mut text);
        // The login may have run out of time.
        let _late = sender.send(read.map(|_| Secret::new(text.trim())));
    });
    match receiver.await {
        Ok(Ok(line)) if !line.is_empty() => Ok(line),
        Ok(Err(error)) => Err(Failure::of(Exit::Usage, &error).hint(NOTHING)),
        _ => Err(Failure::new(Exit::Usage, "nothing was pasted; nothing was stored").hint(NOTHING)),
    }
}

/// So that a usual address never makes the text move in memory and leave a copy behind.
const LONGEST: usize = 16 * 1024;

const NOTHING: &str = "run it at a terminal, or give the address on stdin";
