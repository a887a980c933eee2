//! What a user or an answer must supply before a provider's URLs are complete: a tenant, a shop, a region, a host.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Provider;
use super::endpoint::EndpointError;

/// One variable of the endpoint templates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Variable {
    /// What the user is asked.
    pub question: Option<String>,
    /// The form a value must have.
    pub pattern: Pattern,
    /// The end every value must have, such as `.myshopify.com`.
    pub suffix: Option<String>,
    /// The only values there are; empty means any of the pattern.
    pub one_of: Vec<String>,
    /// The value when none is given.
    pub default: Option<String>,
    /// A value to show next to the question.
    pub example: Option<String>,
    /// Who knows the value.
    pub source: VariableSource,
    /// The parameter or path to read, for sources other than `ask`.
    pub field: Option<String>,
}

/// The form of a variable's value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// One part of a host name: letters, digits and inner `-`, at most 63 (RFC 1123 §2.1).
    #[default]
    Label,
    /// A whole host name or IPv4 address, with an optional `:port`.
    Host,
    /// One path segment of unreserved characters (RFC 3986 §2.3), never `.` or `..`.
    Segment,
}

/// Where the value of a variable comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableSource {
    /// The user, before the login.
    #[default]
    Ask,
    /// A parameter of the redirect that ends the login.
    CallbackParameter,
    /// A field of the token answer.
    TokenResponse,
    /// A field of the userinfo answer.
    Userinfo,
}

impl Variable {
    /// Whether `value` has the declared form; the error names the variable.
    fn check(&self, name: &str, value: &str) -> Result<(), VariableError> {
        let refuse = |reason| VariableError::Refused { name: name.to_owned(), reason };
        if !self.one_of.is_empty() && !self.one_of.iter().any(|known| known == value) {
            return Err(refuse(format!("it is one of {}", self.one_of.join(", "))));
        }
        if let Some(suffix) = &self.suffix
            && value.strip_suffix(suffix.as_str()).is_none_or(|label| !is_label(label))
        {
            return Err(refuse(format!("it is a name that ends in {suffix}")));
        }
        let fits = match self.pattern {
            Pattern::Label => is_label(value),
            Pattern::Host => is_host(value),
            Pattern::Segment => is_segment(value),
        };
        if fits { Ok(()) } else { Err(refuse(self.pattern.meaning().to_owned())) }
    }
}

impl Pattern {
    fn meaning(self) -> &'static str {
        match self {
            Self::Label => "it is one part of a host name, such as `example`",
            Self::Host => "it is a host name, such as `gitlab.example.com`",
            Self::Segment => "it is made of letters, digits, `-`, `.`, `_` and `~`",
        }
    }
}

impl Provider {
    /// The same provider with its variables filled in from `values` and the declared defaults.
    ///
    /// Variables that only an answer can tell stay open. A value is checked by its pattern, and the host of an endpoint
    /// is exactly what its template shows with the value in place.
    pub fn resolve(&self, values: &BTreeMap<String, String>) -> Result<Self, VariableError> {
        let known = self.variable_values(values)?;
        let mut provider = self.clone();
        for endpoint in provider.endpoints.declared_mut().chain(provider.api.base_urls.iter_mut()) {
            let filled = endpoint.fill(&self.variables, &known)?;
            if let Some(name) = endpoint.variables().iter().find(|name| endpoint.has_in_host(name))
                && self.variables.get(name).is_some_and(|variable| variable.pattern == Pattern::Segment)
            {
                return Err(VariableError::SegmentInHost(name.clone()));
            }
            *endpoint = filled;
        }
        for host in &mut provider.api.hosts {
            for (name, value) in &known {
                *host = host.replace(&format!("{{{name}}}"), value);
            }
        }
        Ok(provider)
    }

    fn variable_values(
        &self,
        values: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, VariableError> {
        if let Some(name) = values.keys().find(|name| !self.variables.contains_key(*name)) {
            return Err(VariableError::Unknown {
                name: name.clone(),
                known: self.variables.keys().cloned().collect(),
            });
        }
        let mut known = BTreeMap::new();
        for (name, variable) in &self.variables {
            let Some(value) = values.get(name).or(variable.default.as_ref()) else {
                if variable.source == VariableSource::Ask {
                    return Err(VariableError::Missing {
                        name: name.clone(),
                        example: variable.example.clone().unwrap_or_else(|| "…".to_owned()),
                    });
                }
                continue;
            };
            variable.check(name, value)?;
            known.insert(name.clone(), value.clone());
        }
        Ok(known)
    }
}

/// Why a provider's variables cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// A value the user must give is missing.
    #[error("the variable `{name}` has no value (for example `{example}`)")]
    Missing {
        /// The variable.
        name: String,
        /// A value to show.
        example: String,
    },
    /// The provider has no such variable.
    #[error("there is no variable `{name}`; the provider has: {}", known.join(", "))]
    Unknown {
        /// What was given.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The value does not have the declared form. The value itself is not repeated: it may be anything.
    #[error("the value of `{name}` is not acceptable: {reason}")]
    Refused {
        /// The variable.
        name: String,
        /// What is expected.
        reason: String,
    },
    /// The entry is wrong: a path segment must not decide about the host.
    #[error("the variable `{0}` stands in a host but has the pattern `segment`")]
    SegmentInHost(String),
    /// An endpoint is no URL with these values.
    #[error("an endpoint cannot be completed")]
    Endpoint(#[from] EndpointError),
}

fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_host(text: &str) -> bool {
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    host.len() <= 253
        && host.split('.').all(is_label)
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number.to_string() == port))
}

fn is_segment(text: &str) -> bool {
    (1..=200).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        && text != "."
        && text != ".."
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Endpoint, ProviderId};

    fn provider(template: &str, variable: Variable) -> Provider {
        let mut provider = Provider::new(ProviderId::parse("example").unwrap());
        provider.endpoints.token = Some(Endpoint::parse(template).unwrap());
        provider.variables.insert("place".to_owned(), variable);
        provider
    }

    fn resolved(provider: &Provider, value: &str) -> Result<String, VariableError> {
        let values = BTreeMap::from([("place".to_owned(), value.to_owned())]);
        provider.resolve(&values).map(|provider| provider.endpoints.token.unwrap().to_string())
    }

    #[test]
    fn values_fill_their_place() {
        let host =
            provider("https://{place}/token", Variable { pattern: Pattern::Host, ..Variable::default() });
        assert_eq!(resolved(&host, "git.example.com:8443").unwrap(), "https://git.example.com:8443/token");
        let label = provider("https://{place}.example.com/token", Variable::default());
        assert_eq!(resolved(&label, "one").unwrap(), "https://one.example.com/token");
        let segment = Variable { pattern: Pattern::Segment, ..Variable::default() };
        let segment = provider("https://example.com/{place}/token", segment);
        assert_eq!(resolved(&segment, "9f1c-2").unwrap(), "https://example.com/9f1c-2/token");
    }

    #[test]
    fn no_value_reaches_another_host() {
        let injections = [
            "evil.com/#",
            "evil.com/",
            "evil.com?",
            "evil.com\\",
            "a@evil.com",
            "evil.com:80:80",
            "evil.com:x",
            "evil.com:",
            "{place}",
            "",
            ".",
            "..",
            "-",
            "a b",
            "evil.com%2f",
            "é.com",
            "a\tb",
            "[::1]",
            "a..b",
        ];
        for pattern in [Pattern::Label, Pattern::Host] {
            let provider =
                provider("https://{place}.example.com/t", Variable { pattern, ..Variable::default() });
            for value in injections {
                assert!(resolved(&provider, value).is_err(), "{pattern:?} {value}");
            }
        }
        let segment = Variable { pattern: Pattern::Segment, ..Variable::default() };
        let path = provider("https://example.com/{place}/t", segment.clone());
        for value in ["a/b", "..", ".", "a?b", "a#b", "a%2fb", "", "@evil.com"] {
            assert!(resolved(&path, value).is_err(), "{value}");
        }
        let host = provider("https://{place}/t", segment);
        assert_eq!(resolved(&host, "evil.com"), Err(VariableError::SegmentInHost("place".to_owned())));
    }

    #[test]
    fn a_suffix_pins_the_domain() {
        let variable = Variable {
            pattern: Pattern::Host,
            suffix: Some(".myshopify.com".to_owned()),
            ..Variable::default()
        };
        let shop = provider("https://{place}/admin/oauth/access_token", variable);
        assert!(resolved(&shop, "one.myshopify.com").is_ok());
        for value in
            ["myshopify.com", "one.evil.com", "a.b.myshopify.com", ".myshopify.com", "evilmyshopify.com"]
        {
            assert!(resolved(&shop, value).is_err(), "{value}");
        }
    }

    #[test]
    fn only_declared_variables_with_values_or_defaults_resolve() {
        let variable = Variable { default: Some("common".to_owned()), ..Variable::default() };
        let tenant = provider("https://{place}.example.com/t", variable);
        assert!(tenant.resolve(&BTreeMap::new()).is_ok());
        let asked = provider("https://{place}.example.com/t", Variable::default());
        assert!(matches!(asked.resolve(&BTreeMap::new()), Err(VariableError::Missing { .. })));
        let values = BTreeMap::from([("other".to_owned(), "x".to_owned())]);
        assert!(matches!(tenant.resolve(&values), Err(VariableError::Unknown { .. })));
        let answered = Variable {
            source: VariableSource::TokenResponse,
            field: Some("dc".into()),
            ..Variable::default()
        };
        let answered = provider("https://{place}.example.com/t", answered);
        let token = answered.resolve(&BTreeMap::new()).unwrap().endpoints.token.unwrap();
        assert_eq!(token.url().unwrap_err(), EndpointError::Unresolved("place".to_owned()));
    }

    #[test]
    fn a_closed_list_admits_nothing_else() {
        let variable = Variable { one_of: vec!["eu".to_owned(), "us".to_owned()], ..Variable::default() };
        let region = provider("https://{place}.example.com/t", variable);
        assert!(resolved(&region, "eu").is_ok());
        assert!(resolved(&region, "cn").is_err());
    }
}
