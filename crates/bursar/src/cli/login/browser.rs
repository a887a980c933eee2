//! The login that comes back by itself: a listener on loopback, and the address to open (RFC 8252 §7.3).

use bursar_core::engine::login::{LoggedIn, LoginPlan};

use super::{out_of_time, patience, same_login};
use crate::browser::{has_display, open};
use crate::cli::app::App;
use crate::cli::arguments::LoginCommand;
use crate::config::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::login_plan::{listen, refused};
use crate::loopback::CallbackError;

pub(super) async fn log_in(app: &App, command: &LoginCommand, plan: &LoginPlan) -> Result<LoggedIn, Failure> {
    let (callback, redirect_uri) = listen(plan, command.port, app.config.login.callback_port)
        .await
        .map_err(|error| not_listening(&error))?;
    let pending = app.engine.begin_authorization(plan, &redirect_uri).await?;

    app.printer.say(&format!("Log in to {} at\n\n  {}\n", plan.provider.display_name(), pending.url()));
    let stay_closed = command.no_browser || app.config.login.no_browser;
    if !stay_closed && let Err(error) = open(pending.url(), &app.environment) {
        app.printer.say(&format!("{error}: open the address yourself"));
    }
    if let Some(tunnel) = tunnel(&app.environment, &redirect_uri) {
        app.printer.say(&tunnel);
    }
    app.printer.say("waiting for the browser to come back (Ctrl-C cancels)");

    let limit = patience(app, command);
    let query = callback.wait(limit, &*app.engine.ports().clock).await.map_err(|error| match error {
        CallbackError::TimedOut { limit } => {
            let hint = format!(
                "log in again; if the browser cannot reach this machine, run {}",
                same_login(plan, command, "--paste")
            );
            out_of_time(limit, "no answer came from the browser", &hint)
        }
        other => not_listening(&other),
    })?;
    app.engine.finish_authorization(plan, pending, query.expose()).await.map_err(refused)
}

fn not_listening(error: &CallbackError) -> Failure {
    match error {
        CallbackError::PortTaken { .. } => Failure::of(Exit::Usage, error)
            .hint("choose another with `--port PORT`, or end the program that uses it"),
        CallbackError::Bind { .. } | CallbackError::TimedOut { .. } => {
            Failure::of(Exit::Error, error).hint(error.hint())
        }
    }
}

/// How a browser on the other end of an SSH connection reaches the listener.
fn tunnel(environment: &Environment, redirect_uri: &str) -> Option<String> {
    if has_display(environment) {
        return None;
    }
    // Client address and port, then the address and port of this side.
    let host = environment.text("SSH_CONNECTION")?.split_whitespace().nth(2)?;
    let port = url::Url::parse(redirect_uri).ok()?.port()?;
    Some(format!(
        "from another machine, first run there: `ssh -L {port}:127.0.0.1:{port} {host}`\n\
         (or log in with `--paste`)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_ssh_the_tunnel_to_this_machine_is_named() {
        let remote = Environment::from_pairs([("SSH_CONNECTION", "203.0.113.9 51122 198.51.100.7 22")]);
        let tunnel = tunnel(&remote, "http://127.0.0.1:4711/callback").unwrap();
        assert!(tunnel.contains("`ssh -L 4711:127.0.0.1:4711 198.51.100.7`"), "{tunnel}");
        assert_eq!(super::tunnel(&Environment::default(), "http://127.0.0.1:4711/callback"), None);
    }
}
