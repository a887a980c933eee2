//! `bursar credential google`: the executable of a Google external account (workload identity federation).
//!
//! The `output_file` of such an account is never written: a token in a loose file outlives its login, and asking again
//! costs nothing here. Some libraries read standard error as part of the answer, so nothing is said there on success.

use super::google_answer::{TokenType, refusal, success, wanted};
use super::identity_token::proof;
use crate::cli::app::App;
use crate::cli::arguments::credential::GoogleCredential;
use crate::exit::{Exit, Failure};

pub(super) async fn run(app: &App, command: &GoogleCredential) -> Result<Exit, Failure> {
    match answer(app, command).await {
        Ok(answer) => {
            app.printer.data(&answer);
            Ok(Exit::Ok)
        }
        Err(failure) => {
            app.printer.data(&refusal(&failure));
            Err(failure)
        }
    }
}

async fn answer(app: &App, command: &GoogleCredential) -> Result<String, Failure> {
    check_mode(app)?;
    let token_type = match (command.id_token, command.jwt) {
        (true, _) => TokenType::IdToken,
        (_, true) => TokenType::Jwt,
        _ => wanted(app.environment.text("GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE")).ok_or_else(|| {
            Failure::new(Exit::Usage, "there are only identity tokens and other JWTs here")
                .hint("set `subject_token_type` to urn:ietf:params:oauth:token-type:id_token")
        })?,
    };
    let account = app.resolve(&command.account).await?;
    let shown = proof(app, &account.reference, command.access_token).await?;
    Ok(success(token_type, &shown.token, shown.expires_at))
}

/// Two things that libraries ask for and a program that only hands out does not do.
fn check_mode(app: &App) -> Result<(), Failure> {
    if app.environment.flag("GOOGLE_EXTERNAL_ACCOUNT_REVOKE") {
        return Err(Failure::new(Exit::Denied, "a library may not end a login").hint("use `bursar logout`"));
    }
    // An interactive caller leaves standard output to the terminal, and a token would be shown there.
    if app.environment.flag("GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE") {
        return Err(Failure::new(Exit::Denied, "an interactive caller would read the answer from a file")
            .hint("leave `interactive` out: nothing is ever asked here"));
    }
    Ok(())
}
