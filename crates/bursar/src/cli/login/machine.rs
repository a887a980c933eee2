//! Keys that are simply there: API keys, personal access tokens, setup tokens.

use bursar_core::engine::login::{LoggedIn, LoginPlan};
use bursar_core::provider::duration::parse_duration;
use bursar_core::secret::Secret;
use jiff::Timestamp;
use std::io::IsTerminal as _;
use std::path::Path;

use super::plan::read_private;
use crate::cli::app::App;
use crate::cli::arguments::LoginCommand;
use crate::exit::{Exit, Failure};
use crate::master_key::terminal;

/// Keeps the key that `--api-key-file` names.
pub(super) async fn keep_key(
    app: &App,
    command: &LoginCommand,
    plan: &LoginPlan,
) -> Result<LoggedIn, Failure> {
    let expires_at = command.expires.as_deref().map(|text| end(text, app.now())).transpose()?;
    let path = command.api_key_file.as_deref().unwrap_or(Path::new("-"));
    let key = if path == Path::new("-") && std::io::stdin().is_terminal() {
        asked(plan)?
    } else {
        read_private(app, path).await?
    };
    // It becomes part of a header: a second line would be a second header, or somebody's whole key ring.
    if key.expose().chars().any(|character| character.is_whitespace() || character.is_control()) {
        return Err(Failure::new(Exit::Usage, "the key contains white space or control characters")
            .hint("put the key alone into the file, on one line"));
    }
    Ok(app.engine.login_with_key(plan, key, expires_at).await?)
}

/// A person at the terminal is asked, without showing what is typed.
fn asked(plan: &LoginPlan) -> Result<Secret, Failure> {
    let key = terminal::ask(&format!("key for {}: ", plan.provider.display_name()))
        .map_err(|error| Failure::of(Exit::Usage, &error).hint("name a file with `--api-key-file FILE`"))?;
    if key.is_empty() {
        return Err(Failure::new(Exit::Usage, "no key was entered; nothing was stored")
            .hint("name a file with `--api-key-file FILE`"));
    }
    Ok(key)
}

/// A time (RFC 3339), or so long from now.
fn end(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let hint = "write it as `--expires 2027-01-31T00:00:00Z` or `--expires 90d`";
    let unreadable = || Failure::new(Exit::Usage, format!("`{}` is no time", text.escape_debug())).hint(hint);
    let end = if let Ok(end) = text.parse::<Timestamp>() {
        end
    } else {
        let lifetime = parse_duration(text).map_err(|_| unreadable())?;
        now.checked_add(lifetime).map_err(|_| unreadable())?
    };
    if end <= now {
        return Err(Failure::new(Exit::Usage, format!("the key has ended already, at {end:.0}")).hint(hint));
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_key_is_a_time_or_a_duration() {
        let now: Timestamp = "2026-11-21T14:00:00Z".parse().unwrap();
        let read = |text: &str| end(text, now).map(|end| format!("{end:.0}"));
        assert_eq!(read("90d").unwrap(), "2027-02-19T14:00:00Z");
        assert_eq!(read("2027-01-31T01:00:00+01:00").unwrap(), "2027-01-31T00:00:00Z");
        for bad in ["", "soon", "2027-01-31", "90", "2026-11-21T13:59:59Z", "0s"] {
            assert_eq!(read(bad).unwrap_err().exit, Exit::Usage, "{bad}");
        }
    }
}
