//! Who is meant, and what to type instead where nobody is.

use bursar_core::engine::login::{DiscoveryError, Known};
use bursar_core::oauth::url::Issuer;

use crate::cli::app::App;
use crate::cli::arguments::LoginCommand;
use crate::exit::{Exit, Failure};
use crate::login_plan::{Target, TargetError};

pub(super) async fn find(app: &App, wanted: &str, known: Known<'_>) -> Result<Target, Failure> {
    let target = Target::find(&app.engine, wanted, known).await.map_err(|error| told(app, error))?;
    if target.is_resource() || (known.issuer.is_none() && known.challenge.is_none()) {
        return Ok(target);
    }
    let option = if known.issuer.is_some() { "--issuer" } else { "--challenge-file" };
    Err(Failure::new(Exit::Usage, format!("`{option}` is for MCP servers, which `{wanted}` is not"))
        .hint("leave it out; who asserts belongs to `--key-file`"))
}

/// Which of a resource's issuers is meant; with a key file the option says who asserts.
pub(super) fn issuer(command: &LoginCommand) -> Result<Option<Issuer>, Failure> {
    let written = command.assertion.issuer.as_deref().filter(|_| command.key_file.is_none());
    written.map(Issuer::parse).transpose().map_err(|error| {
        Failure::of(Exit::Usage, &error)
            .hint("name an issuer by its URL, `--issuer https://HOST`; who asserts belongs to `--key-file`")
    })
}

fn told(app: &App, error: TargetError) -> Failure {
    match error {
        TargetError::Entry(_) => Failure::of(Exit::Usage, &error)
            .hint("correct the entry; docs/providers.md explains every key"),
        TargetError::Discovery(DiscoveryError::Url(_)) => Failure::of(Exit::Usage, &error).hint(
            "name an issuer as `https://HOST`, or a provider of the catalogue; plain http works on loopback only",
        ),
        TargetError::Unknown { ref wanted, ref near } => {
            Failure::of(Exit::Usage, &error).hint(nearest(app, wanted, near.as_deref()))
        }
        TargetError::Discovery(error) => error.into(),
        TargetError::Store(error) => error.into(),
    }
}

fn nearest(app: &App, wanted: &str, near: Option<&str>) -> String {
    let catalogue = &app.engine.ports().catalogue;
    let by_url = "any other issuer works by its URL: `bursar login https://ISSUER`";
    if let Some((provider, nickname)) = wanted.split_once(':')
        && catalogue.find(provider).is_ok_and(|found| found.is_some())
    {
        return format!("run `bursar login {provider} --as {nickname}`");
    }
    if let Some(near) = near {
        return format!("did you mean `bursar login {near}`? {by_url}");
    }
    let looks_like_a_host = wanted.contains('.') && url::Host::parse(wanted).is_ok();
    if looks_like_a_host {
        return format!("an issuer is named by its URL: `bursar login https://{wanted}`");
    }
    format!("known are {}; {by_url}", catalogue.names().join(", "))
}
