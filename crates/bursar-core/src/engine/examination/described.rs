//! Metadata of a server that may be wrong: as it was found, each member judged when it is used (RFC 8414 §2).

use serde_json::Value;

use crate::oauth::url::EndpointUrl;

/// The document of an authorization server.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub(super) issuer: String,
    pub(super) document: Value,
}

impl Described {
    /// An endpoint that tokens may be sent to.
    pub(super) fn endpoint(&self, name: &str) -> Option<EndpointUrl> {
        EndpointUrl::parse(self.document[name].as_str()?).ok()
    }

    /// Whether the list called `name` has this word.
    pub(super) fn lists(&self, name: &str, word: &str) -> bool {
        self.document[name].as_array().is_some_and(|list| list.iter().any(|known| known == word))
    }

    /// A switch; off when it is not said.
    pub(super) fn says(&self, name: &str) -> bool {
        self.document[name] == Value::Bool(true)
    }
}
