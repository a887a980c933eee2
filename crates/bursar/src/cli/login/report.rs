//! What is told after a login: who, under which name, and what ends when.

use bursar_core::engine::login::{LoggedIn, LoginPlan};
use bursar_core::lifecycle::account::{Account, Renewal};
use bursar_core::lifecycle::deadlines::{access_expires_at, grant_expires_at};
use bursar_core::oauth::proof::TOKEN_TYPE;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::app::App;
use crate::cli::printer::{GOOD, WARN, paint};
use crate::cli::screen::plain::plain;
use crate::cli::shown_accounts;
use crate::exit::{Exit, Failure};

pub(super) async fn tell(
    app: &App,
    plan: &LoginPlan,
    logged_in: &LoggedIn,
    had_vault: bool,
) -> Result<Exit, Failure> {
    if !had_vault {
        tell_of_new_vault(app).await?;
    }
    let account = &logged_in.account;
    app.printer.say(&format!("{} {}", paint("[OK]", GOOD), headline(logged_in)));
    for line in deadlines(account, &TimeZone::system()) {
        app.printer.say(&format!("     {line}"));
    }
    if plan.binds_tokens && !account.token_type.eq_ignore_ascii_case(TOKEN_TYPE) {
        let provider = &account.reference.provider;
        app.printer.say(&format!("{}: {provider} {UNBOUND}", paint("note", WARN)));
    }
    if app.printer.json {
        let shown = shown_accounts::read(app, Some(&account.reference.to_string()), app.warn(None)).await?;
        if let Some(view) = shown.views.first() {
            app.printer.document(&view.to_json());
        }
    } else {
        app.printer.say(&format!("     next: `bursar token {}`", account.reference));
    }
    Ok(Exit::Ok)
}

/// The first login makes the vault; its owner should know what opens it before they need to.
async fn tell_of_new_vault(app: &App) -> Result<(), Failure> {
    let Some(recorded) = app.engine.recorded_key_source().await? else { return Ok(()) };
    let choice = app.keys.choice(&recorded)?;
    let (place, origin) = (choice.backend.name(), choice.origin);
    app.printer.say(&format!("A vault was made for your tokens. What opens it: {place} ({origin})"));
    if let Some(notice) = app.keys.take_notice() {
        app.printer.say(&format!("{}: {notice}", paint("note", WARN)));
    }
    Ok(())
}

fn headline(logged_in: &LoggedIn) -> String {
    let account = &logged_in.account;
    let again = if logged_in.renewed { " again" } else { "" };
    let who = account.identity.as_ref().map_or_else(String::new, |identity| {
        // A provider chooses this text, and a terminal obeys control characters.
        let label = plain(&identity.label);
        format!(" as {label}")
    });
    format!("Logged in to {}{who}{again}; account {}", account.reference.provider, account.reference)
}

fn deadlines(account: &Account, zone: &TimeZone) -> Vec<String> {
    let access = access_expires_at(account).map(|end| local(end, zone));
    match account.renewal() {
        Renewal::None => vec![access.map_or_else(
            || "it has no known end, and cannot be refreshed".to_owned(),
            |end| format!("it ends on {end} and cannot be refreshed"),
        )],
        Renewal::ClientCredentials | Renewal::JwtBearer => vec![access.map_or_else(
            || "the access token has no known end".to_owned(),
            |end| format!("the access token ends on {end}; the next one is fetched by itself"),
        )],
        Renewal::RefreshToken => {
            let first = access.map_or_else(
                || "the access token has no known end".to_owned(),
                |end| format!("the access token ends on {end}; it is refreshed before"),
            );
            let grant =
                grant_expires_at(account).map(|end| format!("the login itself ends on {}", local(end, zone)));
            std::iter::once(first).chain(grant).collect()
        }
    }
}

fn local(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Whoever has wished for it must not believe that it is so.
const UNBOUND: &str = "does not bind tokens to a key; these are bearer tokens, good for whoever has them";
