//! The API that a provider's access tokens open.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::endpoint::Endpoint;

/// Where and how access tokens are used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Api {
    /// The bases of the API's URLs.
    pub base_urls: Vec<Endpoint>,
    /// The header that carries the token.
    pub header: String,
    /// Its value; `{token}` stands for the token.
    pub header_template: String,
    /// Fixed further headers.
    pub extra_headers: BTreeMap<String, String>,
    /// Answer headers that tell the remaining budget.
    pub rate_limit_headers: Vec<String>,
    /// The only hosts the token may be sent to; `*.example.com` means every host below, an empty list means those of
    /// `base_urls`.
    pub hosts: Vec<String>,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            base_urls: Vec::new(),
            header: "Authorization".to_owned(),
            header_template: "Bearer {token}".to_owned(),
            extra_headers: BTreeMap::new(),
            rate_limit_headers: Vec::new(),
            hosts: Vec::new(),
        }
    }
}
