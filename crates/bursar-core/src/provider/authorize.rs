//! What a provider wants in the authorization request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The authorization request (RFC 6749 §4.1.1) of one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Authorize {
    /// What stands between two scopes.
    pub scope_separator: char,
    /// The name of the scope parameter.
    pub scope_parameter: String,
    /// The scopes asked for when the user names none.
    pub default_scopes: Vec<String>,
    /// The scope that makes the provider issue a refresh token; added to whatever the user names.
    pub offline_scope: Option<String>,
    /// Further scope parameters with their scopes, such as `user_scope`.
    pub extra_scopes: BTreeMap<String, Vec<String>>,
    /// Fixed further parameters.
    pub parameters: BTreeMap<String, String>,
    /// Other names for standard parameters, standard name first; an empty name leaves the parameter out.
    pub rename: BTreeMap<String, String>,
    /// Proof key for code exchange (RFC 7636).
    pub proof_key: ProofKey,
    /// The `response_mode` to ask for.
    pub response_mode: Option<String>,
    /// The `prompt` value without which a second login brings no refresh token.
    pub prompt_for_refresh: Option<String>,
    /// The name of the code in the redirect.
    pub code_parameter: String,
    /// Whether the provider promises to name itself in the redirect (RFC 9207); an answer without `iss` is refused then.
    pub issuer_in_answer: bool,
}

impl Default for Authorize {
    fn default() -> Self {
        Self {
            scope_separator: ' ',
            scope_parameter: "scope".to_owned(),
            default_scopes: Vec::new(),
            offline_scope: None,
            extra_scopes: BTreeMap::new(),
            parameters: BTreeMap::new(),
            rename: BTreeMap::new(),
            proof_key: ProofKey::default(),
            response_mode: None,
            prompt_for_refresh: None,
            code_parameter: "code".to_owned(),
            issuer_in_answer: false,
        }
    }
}

impl Authorize {
    /// The fixed parameters of the request: `parameters`, the prompt, the response mode and the further scopes.
    pub fn extra(&self) -> Vec<(String, String)> {
        let mut extra: Vec<(String, String)> =
            self.parameters.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let separator = self.scope_separator.to_string();
        extra.extend(self.extra_scopes.iter().map(|(name, scopes)| (name.clone(), scopes.join(&separator))));
        for (name, value) in [("prompt", &self.prompt_for_refresh), ("response_mode", &self.response_mode)] {
            if let Some(value) = value
                && !self.parameters.contains_key(name)
            {
                extra.push((name.to_owned(), value.clone()));
            }
        }
        extra
    }

    /// The scopes to ask for: those `wanted`, else the default ones, and always the one for refresh tokens.
    pub fn scopes(&self, wanted: &[String]) -> Vec<String> {
        let chosen = if wanted.is_empty() { &self.default_scopes } else { wanted };
        let mut scopes: Vec<String> = Vec::new();
        for scope in chosen.iter().chain(&self.offline_scope) {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        scopes
    }
}

/// What a provider does with proof keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofKey {
    /// It refuses requests without one.
    Required,
    /// It checks one that is sent, or ignores it; sent always.
    #[default]
    Supported,
    /// It fails when one is sent; never sent.
    Broken,
}

impl ProofKey {
    /// Whether to send a challenge.
    pub fn is_sent(self) -> bool {
        self != Self::Broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_for_refresh_tokens_is_always_asked_for_once() {
        let authorize = Authorize {
            default_scopes: vec!["openid".to_owned()],
            offline_scope: Some("offline_access".to_owned()),
            ..Authorize::default()
        };
        assert_eq!(authorize.scopes(&[]), ["openid", "offline_access"]);
        assert_eq!(authorize.scopes(&["a".to_owned(), "offline_access".to_owned()]), ["a", "offline_access"]);
    }

    #[test]
    fn fixed_parameters_win_over_the_prompt() {
        let mut authorize = Authorize {
            prompt_for_refresh: Some("consent".to_owned()),
            response_mode: Some("query".to_owned()),
            ..Authorize::default()
        };
        assert_eq!(
            authorize.extra(),
            [("prompt".to_owned(), "consent".to_owned()), ("response_mode".to_owned(), "query".to_owned())]
        );
        authorize.parameters.insert("prompt".to_owned(), "select_account".to_owned());
        assert!(authorize.extra().contains(&("prompt".to_owned(), "select_account".to_owned())));
        assert_eq!(authorize.extra().len(), 2);
    }
}
