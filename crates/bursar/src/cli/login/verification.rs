//! Whether the login led to what the resource that asked for it takes.
//!
//! A resource that refuses every token, or wants more than its issuer gives, would otherwise send people round in circles:
//! refused, logged in, refused. What was stored stays, because the token may be good for what nobody asked about here.

use bursar_core::engine::login::{LoggedIn, LoginPlan};
use bursar_core::oauth::scope::Scope;
use bursar_core::oauth::url::EndpointUrl;

use crate::cli::app::App;
use crate::cli::printer::{WARN, paint};
use crate::exit::{Exit, Failure};

/// `needed`: the scope without which the resource has said that it does not go on.
pub(super) async fn verify(
    app: &App,
    plan: &LoginPlan,
    logged_in: &LoggedIn,
    needed: Option<&Scope>,
) -> Result<(), Failure> {
    let Some(url) = &plan.resource_server else { return Ok(()) };
    let account = &logged_in.account;
    let asked = Scope::from_answer(&plan.scopes.join(" "));
    let refused = asked.only(|scope| !account.scope.contains(scope));
    if !refused.is_empty() {
        app.printer.say(&format!("{}: {refused} was asked for and not granted", paint("note", WARN)));
    }
    let withheld = needed.map(|needed| needed.only(|scope| refused.contains(scope)));
    if let Some(withheld) = withheld.filter(|withheld| !withheld.is_empty()) {
        let issuer = plan.issuer.as_deref().unwrap_or_default();
        let message = format!("{issuer} does not grant {withheld}, without which {url} does not go on");
        return Err(Failure::new(Exit::Denied, message)
            .hint("logging in again changes nothing; ask whoever runs the issuer, or answer its questions otherwise"));
    }
    let Ok(address) = EndpointUrl::parse(url) else { return Ok(()) };
    let handed = app.desk.hand_out_unchecked(&account.reference).await?;
    if app.engine.is_refused(&address, &handed).await {
        let issuer = plan.issuer.as_deref().unwrap_or_default();
        return Err(Failure::new(
            Exit::Denied,
            format!("{url} refuses the token that {issuer} issued for it"),
        )
        .hint("logging in again changes nothing; tell the operator of the resource"));
    }
    Ok(())
}
