//! Where the browser is sent after a login, as the provider's rules and the caller's wishes allow.

use bursar_core::engine::login::LoginPlan;
use bursar_core::provider::{Provider, Redirect, RedirectHost};

use super::PlanError;
use crate::loopback::{Callback, CallbackError};

/// Listens for the browser, and says how the provider shall write the way back. The order of ports: the one asked for,
/// the one a provider compares literally, the configuration's general one.
pub(crate) async fn listen(
    plan: &LoginPlan,
    asked: Option<u16>,
    general: Option<u16>,
) -> Result<(Callback, String), CallbackError> {
    let rules = &plan.provider.client;
    let callback = Callback::bind(asked.or(fixed_port(plan)).or(general), &rules.redirect_path).await?;
    let redirect_uri = written_as(&callback.redirect_uri(), rules.redirect_host);
    Ok((callback, redirect_uri))
}

/// Where the browser is sent when a person carries the answer over: the provider's own page, or a loopback port at
/// which nobody listens.
pub(crate) async fn pasted_redirect(plan: &LoginPlan, asked: Option<u16>) -> Result<String, CallbackError> {
    let rules = &plan.provider.client;
    if let Some(page) = &rules.redirect_uri
        && !comes_back_by_itself(&plan.provider)
    {
        return Ok(page.clone());
    }
    if let Some(port) = asked.or(fixed_port(plan)) {
        let literal = format!("http://127.0.0.1:{port}{}", rules.redirect_path);
        return Ok(written_as(&literal, rules.redirect_host));
    }
    // A port that is free here is as good as any: it is the browser's machine that counts.
    let free = Callback::bind(None, &rules.redirect_path).await?;
    Ok(written_as(&free.redirect_uri(), rules.redirect_host))
}

/// Whether a listener on loopback may get the answer.
pub(crate) fn comes_back_by_itself(provider: &Provider) -> bool {
    !matches!(provider.client.redirect, Redirect::HttpsOnly | Redirect::Manual)
}

/// A provider that allows few scopes in this flow answers others with an error that does not say which.
pub(crate) fn refuse_scopes_of_other_flows(plan: &LoginPlan) -> Result<(), PlanError> {
    let allowed = &plan.provider.device.allowed_scopes;
    match plan.scopes.iter().find(|scope| !allowed.is_empty() && !allowed.contains(*scope)) {
        None => Ok(()),
        Some(scope) => {
            Err(PlanError::NotByDevice { scope: scope.clone(), provider: Box::new(plan.provider.clone()) })
        }
    }
}

fn fixed_port(plan: &LoginPlan) -> Option<u16> {
    let rules = &plan.provider.client;
    rules.redirect_port.filter(|_| rules.redirect == Redirect::LoopbackFixed)
}

/// Some providers know loopback only as `localhost`.
fn written_as(redirect_uri: &str, host: RedirectHost) -> String {
    redirect_uri.replacen(RedirectHost::Literal.as_str(), host.as_str(), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_is_written_where_the_provider_knows_no_other() {
        let uri = "http://127.0.0.1:4711/127.0.0.1";
        assert_eq!(written_as(uri, RedirectHost::Localhost), "http://localhost:4711/127.0.0.1");
        assert_eq!(written_as(uri, RedirectHost::Literal), uri);
    }
}
