//! `[gateway.routes.NAME]`: what the gateway passes on, checked as far as one can without a provider's entry.

use super::error::ConfigError;
use super::meaning::RouteConfig;
use super::settings::TableValues;

pub(super) fn read(mut table: TableValues) -> Result<RouteConfig, ConfigError> {
    let nameable = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    // It is one step of a path, and must not be one that leads elsewhere.
    if table.name.is_empty() || table.name.starts_with('.') || !table.name.chars().all(nameable) {
        return Err(ConfigError::BadValue {
            place: table.origin,
            key: table.path,
            detail: "must have a name of letters, digits, `-`, `_` and `.`".to_owned(),
        });
    }
    let places = ["account", "name", "template"].map(|name| table.place(name));
    let [account_place, name_place, template_place] = places;
    let route = RouteConfig {
        account: table.text("account").unwrap_or_default(),
        upstream: table.text("upstream"),
        inject: table.text("inject"),
        name: table.text("name"),
        template: table.text("template"),
        hosts: table.words("hosts").unwrap_or_default(),
    };
    let inject = route.inject.as_deref().unwrap_or("header");
    if route.account.trim().is_empty() {
        return Err(table.wrong("account", account_place, "must name an account, such as `github-app:work`"));
    }
    match (inject, &route.name) {
        ("query", None) => {
            return Err(table.wrong(
                "name",
                name_place,
                "must name the query parameter that carries the token",
            ));
        }
        ("header", Some(name)) if http::HeaderName::try_from(name).is_err() => {
            return Err(table.wrong("name", name_place, "must be the name of a header"));
        }
        (_, Some(name))
            if name.is_empty() || name.contains(|letter: char| letter == ':' || letter.is_control()) =>
        {
            return Err(table.wrong(
                "name",
                name_place,
                "must not be empty, nor have `:` or control characters",
            ));
        }
        _ => {}
    }
    if let Some(template) = &route.template {
        if inject != "header" {
            return Err(table.wrong("template", template_place, "is for headers only; leave it out"));
        }
        if template.matches("{token}").count() != 1 || http::HeaderValue::try_from(template).is_err() {
            return Err(table.wrong(
                "template",
                template_place,
                "must be a header's value with `{token}` in it once, such as `Bearer {token}`",
            ));
        }
    }
    Ok(route)
}
