//! `[[rules]]`: which account a provider's name means, and where.

use bursar_core::provider::Catalogue;

use super::error::ConfigError;
use super::meaning::RuleConfig;
use super::settings::TableValues;

pub(super) fn read(mut table: TableValues, catalogue: &Catalogue) -> Result<RuleConfig, ConfigError> {
    let Some(account) = table.text("account") else {
        let place = table.origin.clone();
        return Err(table.wrong(
            "account",
            place,
            "is missing; say which account, such as `github-app:work`",
        ));
    };
    let rule = RuleConfig {
        account: with_provider_id(&account, catalogue)?,
        directory: table.text("directory"),
        git_remote: table.text("git_remote"),
        environment: table.text("environment"),
    };
    if rule.directory.is_none() && rule.git_remote.is_none() && rule.environment.is_none() {
        return Err(ConfigError::BadValue {
            place: table.origin,
            key: table.path,
            detail:
                "has no condition: add `directory`, `git_remote` or `environment`; an account for everywhere \
                     is chosen with `bursar use`"
                    .to_owned(),
        });
    }
    Ok(rule)
}

/// The same reference with the provider's id for its alias: accounts have ids only.
fn with_provider_id(account: &str, catalogue: &Catalogue) -> Result<String, ConfigError> {
    let Some((provider, nickname)) = account.split_once(':') else {
        return Ok(account.to_owned());
    };
    // Reading an entry costs more than looking at a list of names.
    if catalogue.names().contains(&provider) {
        return Ok(account.to_owned());
    }
    let found = catalogue.find(provider)?;
    Ok(found.map_or_else(|| account.to_owned(), |found| format!("{}:{nickname}", found.id)))
}
