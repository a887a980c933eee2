//! How a provider wants to be asked for tokens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The token request (RFC 6749 §4.1.3, §6) of one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenRequest {
    /// The HTTP method.
    pub method: RequestMethod,
    /// Where the parameters go.
    pub format: BodyFormat,
    /// Fixed further parameters of every token request.
    pub parameters: BTreeMap<String, String>,
    /// Fixed further headers of every token request.
    pub headers: BTreeMap<String, String>,
    /// The `Accept` header.
    pub accept: String,
    /// Other names for standard parameters, standard name first; an empty name leaves the parameter out.
    pub rename: BTreeMap<String, String>,
    /// Whether the code's exchange repeats the redirect URI, as RFC 6749 §4.1.3 demands.
    pub include_redirect_uri: bool,
    /// Whether the code's exchange repeats the state, which some providers want.
    pub include_state: bool,
}

impl Default for TokenRequest {
    fn default() -> Self {
        Self {
            method: RequestMethod::default(),
            format: BodyFormat::default(),
            parameters: BTreeMap::new(),
            headers: BTreeMap::new(),
            accept: "application/json".to_owned(),
            rename: BTreeMap::new(),
            include_redirect_uri: true,
            include_state: false,
        }
    }
}

/// The HTTP method of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RequestMethod {
    /// What RFC 6749 §3.2 demands.
    #[default]
    Post,
    /// For the few that read only the query.
    Get,
    /// For revocation by deleting.
    Delete,
}

impl From<RequestMethod> for http::Method {
    fn from(method: RequestMethod) -> Self {
        match method {
            RequestMethod::Post => Self::POST,
            RequestMethod::Get => Self::GET,
            RequestMethod::Delete => Self::DELETE,
        }
    }
}

/// Where the parameters of a request go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyFormat {
    /// `application/x-www-form-urlencoded`, as RFC 6749 Appendix B demands.
    #[default]
    Form,
    /// A JSON object.
    Json,
    /// The query of the URL; RFC 6749 §2.3.1 forbids it, some providers know nothing else.
    Query,
}
