//! `bursar user reset-password`: a code that its user exchanges for a new password.

use std::io::IsTerminal as _;

use bursar_core::engine::issuer::AuthorizationServer;

use crate::cli::administration::user_called;
use crate::cli::app::App;
use crate::cli::arguments::user::ResetPasswordCommand;
use crate::config::private_file;
use crate::exit::{Exit, Failure};
use crate::http::administration::documents::reset_page;

pub(super) async fn run(
    app: &App,
    server: &AuthorizationServer,
    command: &ResetPasswordCommand,
) -> Result<Exit, Failure> {
    let user = user_called(server, &command.user).await?;
    if command.output.is_none() && !std::io::stdout().is_terminal() {
        return Err(Failure::new(Exit::Usage, "the code would be written where others may read it")
            .hint("run the command at a terminal, or name a new file with `--output FILE`"));
    }
    let code = server.issue_reset_code(&user.id).await?;
    let code = code.ok_or_else(|| Failure::new(Exit::Error, "the user was removed just now"))?;
    match &command.output {
        Some(path) => private_file::create(path, &code).map_err(|error| {
            Failure::of(Exit::Error, &error).hint("name a file that is not there yet, in a folder of yours")
        })?,
        None => app.printer.data(&format!("{}\n", code.expose())),
    }
    app.printer.say(&format!(
        "`{}` sets a password with this code at {} within the hour; give it to nobody else",
        user.username,
        reset_page(server)
    ));
    Ok(Exit::Ok)
}
