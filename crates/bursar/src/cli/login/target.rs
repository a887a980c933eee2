//! Who is meant, and what to type instead where nobody is.

use crate::cli::app::App;
use crate::exit::{Exit, Failure};
use crate::login_plan::{Target, TargetError};

pub(super) async fn find(app: &App, wanted: &str) -> Result<Target, Failure> {
    Target::find(&app.engine, wanted).await.map_err(|error| told(app, error))
}

fn told(app: &App, error: TargetError) -> Failure {
    match error {
        TargetError::Entry(_) => Failure::of(Exit::Usage, &error)
            .hint("correct the entry; docs/providers.md explains every key"),
        TargetError::Issuer(_) => Failure::of(Exit::Usage, &error).hint(
            "name an issuer as `https://HOST`, or a provider of the catalogue; plain http works on loopback only",
        ),
        TargetError::Unknown { ref wanted, ref near } => {
            Failure::of(Exit::Usage, &error).hint(nearest(app, wanted, near.as_deref()))
        }
        TargetError::Discovery(error) => error.into(),
        TargetError::Earlier(error) => (*error).into(),
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
