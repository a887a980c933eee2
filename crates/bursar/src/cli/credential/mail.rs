//! `bursar credential xoauth2` and `oauthbearer`: what a mail client sends to log in.

use std::io::Write as _;
use std::sync::Arc;

use bursar_core::engine::broker::HandOut;
use bursar_core::lifecycle::refresh::Ask;
use bursar_core::secret::Secret;

use super::sasl;
use crate::cli::app::App;
use crate::cli::arguments::credential::MailCredential;
use crate::exit::{Exit, Failure};

pub(super) async fn xoauth2(app: &App, command: &MailCredential) -> Result<Exit, Failure> {
    if command.host.is_some() || command.port.is_some() {
        return Err(Failure::new(Exit::Usage, "XOAUTH2 names no server")
            .hint("leave `--host` and `--port` out, or use `oauthbearer`"));
    }
    let handed = hand_out(app, command).await?;
    print(app, command, sasl::xoauth2(&user(command, &handed)?, &handed.token))
}

pub(super) async fn oauthbearer(app: &App, command: &MailCredential) -> Result<Exit, Failure> {
    let handed = hand_out(app, command).await?;
    let user = user(command, &handed)?;
    print(app, command, sasl::oauthbearer(&user, command.host.as_deref(), command.port, &handed.token))
}

async fn hand_out(app: &App, command: &MailCredential) -> Result<Arc<HandOut>, Failure> {
    let account = app.resolve(&command.account).await?;
    app.desk.hand_out(&account.reference, &Ask::default(), app.config.refresh.wait.unsigned_abs()).await
}

fn user(command: &MailCredential, handed: &HandOut) -> Result<String, Failure> {
    let known = || handed.identity.as_ref().map(|identity| identity.label.clone());
    command.user.clone().or_else(known).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("whose mailbox {} opens is not known", handed.reference))
            .hint("say it with `--user NAME`")
    })
}

fn print(
    app: &App,
    command: &MailCredential,
    words: Result<Secret, sasl::WordsError>,
) -> Result<Exit, Failure> {
    let words = words.map_err(|error| Failure::of(Exit::Error, &error))?;
    if command.raw {
        print_raw(&words);
    } else {
        app.printer.data(&format!("{}\n", sasl::encoded(&words).expose()));
    }
    Ok(Exit::Ok)
}

/// For programs that encode it themselves. No line end, which would become part of it; and not by the printer, which takes
/// control characters out of what is not a terminal's.
fn print_raw(words: &Secret) {
    let mut out = std::io::stdout().lock();
    let _gone = out.write_all(words.expose().as_bytes()).and_then(|()| out.flush());
}
