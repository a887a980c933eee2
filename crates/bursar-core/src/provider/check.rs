//! What the types alone cannot say about an entry: that its parts go together.

use super::{Pattern, Provider, Redirect};

/// The first thing that is wrong with an entry, as a sentence without its end.
pub(super) fn check(provider: &Provider) -> Result<(), String> {
    variables(provider)?;
    headers(provider)?;
    environment(provider)?;
    if let Some(code) = provider.errors.statuses.keys().find(|code| !is_status(code)) {
        return Err(format!("`errors.statuses` has the key `{code}`, which is not a status code"));
    }
    if !provider.client.redirect_path.starts_with('/') {
        return Err("`client.redirect_path` does not start with `/`".to_owned());
    }
    if provider.client.redirect == Redirect::LoopbackFixed && provider.client.redirect_port.is_none() {
        return Err("`client.redirect` is `loopback_fixed` but there is no `client.redirect_port`".to_owned());
    }
    if !provider.api.header_template.contains("{token}") {
        return Err("`api.header_template` has no `{token}`".to_owned());
    }
    if provider.token_response.roots.is_empty() {
        return Err("`token_response.roots` is empty; the answer itself is `\"\"`".to_owned());
    }
    Ok(())
}

fn variables(provider: &Provider) -> Result<(), String> {
    for (place, endpoint) in provider.endpoints.declared() {
        for name in endpoint.variables() {
            // The one variable that is known without being declared: revocation by path needs it.
            if place == "revoke" && name == "client_id" && !endpoint.has_in_host(&name) {
                continue;
            }
            let Some(variable) = provider.variables.get(&name) else {
                return Err(format!(
                    "the endpoint `{place}` uses the variable `{name}`, which `[variables]` does not declare"
                ));
            };
            if variable.pattern == Pattern::Segment && endpoint.has_in_host(&name) {
                return Err(format!(
                    "the variable `{name}` stands in the host of `{place}` but has the pattern `segment`"
                ));
            }
        }
    }
    Ok(())
}

fn headers(provider: &Provider) -> Result<(), String> {
    let all = provider
        .token_request
        .headers
        .iter()
        .chain(&provider.revoke.headers)
        .chain(&provider.api.extra_headers);
    for (name, value) in all {
        if http::HeaderName::try_from(name).is_err() || http::HeaderValue::try_from(value).is_err() {
            return Err(format!("`{name}` is not a header that can be sent"));
        }
    }
    if http::HeaderValue::try_from(&provider.token_request.accept).is_err() {
        return Err("`token_request.accept` is not a header value".to_owned());
    }
    if http::HeaderName::try_from(&provider.api.header).is_err() {
        return Err("`api.header` is not a header name".to_owned());
    }
    Ok(())
}

fn environment(provider: &Provider) -> Result<(), String> {
    let is_name = |name: &str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
    };
    match provider.environment.keys().find(|name| !is_name(name)) {
        Some(name) => Err(format!("`{name}` is not the name of an environment variable")),
        None => Ok(()),
    }
}

fn is_status(code: &str) -> bool {
    http::StatusCode::from_bytes(code.as_bytes()).is_ok()
}
