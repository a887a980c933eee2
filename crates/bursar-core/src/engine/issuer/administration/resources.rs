//! Resources: the APIs tokens are for.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::records::resource::{RESOURCE, Resource, TokenFormat};
use crate::engine::issuer::refusal::IssueError;
use crate::engine::issuer::rules::LONGEST_ACCESS;
use crate::oauth::jose::Algorithm;
use crate::oauth::scope::Scope;
use crate::oauth::server::resource::{ResourceError as AddressError, ResourceIndicator};
use crate::oauth::server::resource_metadata::{ChallengeScheme, ResourceChallenge, well_known_url};
use crate::oauth::server::server_metadata::WellKnown;
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::store::{Commit, Expected, Page, StoreError};

/// Why a resource was not added or changed.
#[derive(Debug, thiserror::Error)]
pub enum ResourceError {
    /// Its address cannot be one.
    #[error("the resource's address is not acceptable")]
    Address(#[from] AddressError),
    /// Tokens for it would pass for tokens for this server.
    #[error("the address is this server's own")]
    IsThisServer,
    /// A scope that cannot be asked for.
    #[error("`{name}` cannot be a scope: printable ASCII without blanks, quotes and backslashes can")]
    Scope {
        /// As it was given, cut to a printable length.
        name: String,
    },
    /// A scope that means something to this server.
    #[error("`{name}` is kept for this server's own administration")]
    ReservedScope {
        /// The scope.
        name: String,
    },
    /// A tool that cannot be called so.
    #[error("`{name}` cannot be a tool: 1 to {LONGEST_TOOL} characters without blanks can")]
    Tool {
        /// As it was given, cut to a printable length.
        name: String,
    },
    /// A tool that nobody could be allowed to use.
    #[error("the tool `{tool}` needs `{scope}`, which is no scope of this resource")]
    ScopeOfTool {
        /// The tool.
        tool: String,
        /// As it was given, cut to a printable length.
        scope: String,
    },
    /// Tokens that end before they arrive, or long after they should.
    #[error("access tokens live between 1 s and {} h", LONGEST_ACCESS.as_hours())]
    Lifetime,
    /// Only this server could verify its tokens.
    #[error("access tokens are signed with EdDSA, ES256 or RS256, or are opaque")]
    Format,
    /// A client that cannot ask, because it is not there or proves nothing.
    #[error("`{client}` is no client that proves itself, so it cannot ask about tokens")]
    Introspector {
        /// The client's id as it was given.
        client: String,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be decided now.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

/// What a resource tells clients that come without a token (RFC 9728 §5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Where its metadata is.
    pub metadata_url: String,
    /// Whether this server answers there; else the resource must, or must pass requests on.
    pub is_served_here: bool,
    /// The value of its `WWW-Authenticate` header.
    pub challenge: String,
}

impl AuthorizationServer {
    /// Adds a resource. `false`: there is one at this address already.
    pub async fn add_resource(&self, resource: &Resource) -> Result<bool, ResourceError> {
        let address = ResourceIndicator::parse(&resource.url)?;
        self.check_resource(&address, resource).await?;
        if self.resource(&with_other_end(&resource.url)).await?.is_some() {
            return Ok(false);
        }
        let batch = self.change(Event::new(self.now(), "resource.added", resource.url.clone()));
        let batch = document::put(batch, resource, Expected::Absent)?;
        Ok(matches!(self.store().commit(batch).await?.value, Commit::Done(_)))
    }

    /// The resource whose metadata is asked for at `path` of this server (RFC 9728 §3.1), as it is written in its record.
    pub async fn resource_described_at(
        &self,
        path: &str,
        query: Option<&str>,
    ) -> Result<Option<Arc<Resource>>, IssueError> {
        let asked = path.strip_prefix(WellKnown::ProtectedResource.path()).unwrap_or_default();
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let origin = self.rules().issuer.as_url().origin().ascii_serialization();
        // A resource at this origin, behind the same proxy, or one whose whole address follows the well-known place.
        let candidates = [
            format!("{origin}{asked}{query}"),
            format!("{origin}{asked}/{query}"),
            format!("{}{query}", asked.trim_start_matches('/')),
        ];
        for url in candidates {
            if let Some(found) = self.within.known.resource(&url).await? {
                return Ok(Some(found.document));
            }
        }
        Ok(None)
    }

    /// The resource at this address.
    pub async fn resource(&self, url: &str) -> Result<Option<Stored<Resource>>, IssueError> {
        Ok(document::get::<Resource>(self.store(), self.space(), url).await?.value)
    }

    /// Resources in the order of their addresses: at most `limit`, after the one at `after`.
    pub async fn resources(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Stored<Resource>>, StoreError> {
        let page = Page { after: after.map(str::to_owned), limit };
        let records = self.store().list(self.space(), &RESOURCE, page).await?.value;
        records.iter().map(document::decode).collect()
    }

    /// Changes a resource; its address and age stay as they are, whatever `change` does. Tokens that were issued for it
    /// stay as they are too. `None`: there is none at this address.
    pub async fn update_resource(
        &self,
        url: &str,
        change: &(dyn Fn(&mut Resource) + Send + Sync),
    ) -> Result<Option<Resource>, ResourceError> {
        loop {
            let Some(Stored { document: old, version }) = self.resource(url).await? else { return Ok(None) };
            let mut wanted = old.clone();
            change(&mut wanted);
            let resource = Resource { url: old.url.clone(), created_at: old.created_at, ..wanted };
            if resource == old {
                return Ok(Some(resource));
            }
            self.check_resource(&ResourceIndicator::parse(url)?, &resource).await?;
            let batch = self.change(Event::new(self.now(), "resource.changed", url));
            let batch = document::put(batch, &resource, Expected::Version(version))?;
            match self.store().commit(batch).await?.value {
                Commit::Done(_) => return Ok(Some(resource)),
                Commit::Conflict { .. } => self.within.known.doubt(RESOURCE.name, url),
            }
        }
    }

    /// Removes a resource: nothing is issued for it any more. Access tokens that were stay good until their end. `false`:
    /// there is none at this address.
    pub async fn remove_resource(&self, url: &str) -> Result<bool, IssueError> {
        loop {
            let Some(stored) = self.resource(url).await? else { return Ok(false) };
            let event = Event::new(self.now(), "resource.removed", url);
            let batch = self.change(event).delete(&RESOURCE, url, stored.version);
            match self.store().commit(batch).await?.value {
                Commit::Done(_) => return Ok(true),
                Commit::Conflict { .. } => self.within.known.doubt(RESOURCE.name, url),
            }
        }
    }

    /// What the resource tells clients that come without a token.
    pub fn announcement(&self, resource: &Resource) -> Result<Announcement, AddressError> {
        let metadata_url = well_known_url(&ResourceIndicator::parse(&resource.url)?);
        let scopes: Vec<&str> = resource.scopes.keys().map(String::as_str).collect();
        let scope = Scope::parse(&scopes.join(" ")).ok();
        let scheme = if resource.requires_proof {
            ChallengeScheme::Dpop(&PROOF_ALGORITHMS)
        } else {
            ChallengeScheme::Bearer
        };
        let challenge = ResourceChallenge {
            scheme,
            resource_metadata: Some(&metadata_url),
            scope: scope.as_ref(),
            refusal: None,
        };
        let challenge = challenge.to_text();
        let origin = self.rules().issuer.as_url().origin().ascii_serialization();
        let is_served_here = metadata_url.starts_with(&format!("{origin}/"));
        Ok(Announcement { metadata_url, is_served_here, challenge })
    }

    async fn check_resource(
        &self,
        address: &ResourceIndicator,
        resource: &Resource,
    ) -> Result<(), ResourceError> {
        let issuer = ResourceIndicator::parse(self.rules().issuer.as_str());
        if issuer.is_ok_and(|issuer| issuer.names_same(address)) {
            return Err(ResourceError::IsThisServer);
        }
        for name in resource.scopes.keys() {
            check_scope(name)?;
        }
        check_tools(resource)?;
        let shortest = SignedDuration::from_secs(1);
        if resource.access_lifetime.is_some_and(|lifetime| !(shortest..=LONGEST_ACCESS).contains(&lifetime)) {
            return Err(ResourceError::Lifetime);
        }
        if let TokenFormat::Jwt(algorithm) = resource.format
            && !Algorithm::ASYMMETRIC.contains(&algorithm)
        {
            return Err(ResourceError::Format);
        }
        for client in &resource.introspectors {
            let known = self.client(client).await?.map(|client| client.document);
            if !known.is_some_and(|known| known.removed_at.is_none() && known.is_confidential()) {
                return Err(ResourceError::Introspector { client: client.clone() });
            }
        }
        Ok(())
    }
}

fn check_scope(name: &str) -> Result<(), ResourceError> {
    // A text with a blank in it is two of them, and an empty one none.
    if !Scope::parse(name).is_ok_and(|scope| scope.iter().eq([name])) {
        return Err(ResourceError::Scope { name: told(name) });
    }
    if name.starts_with(RESERVED_PREFIX) {
        return Err(ResourceError::ReservedScope { name: name.to_owned() });
    }
    Ok(())
}

fn check_tools(resource: &Resource) -> Result<(), ResourceError> {
    for (tool, scopes) in &resource.tools {
        let is_blank = |character: char| character.is_whitespace() || character.is_control();
        if !(1..=LONGEST_TOOL).contains(&tool.chars().count()) || tool.contains(is_blank) {
            return Err(ResourceError::Tool { name: told(tool) });
        }
        if let Some(scope) = scopes.iter().find(|scope| !resource.scopes.contains_key(*scope)) {
            return Err(ResourceError::ScopeOfTool { tool: tool.clone(), scope: told(scope) });
        }
    }
    Ok(())
}

fn told(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(LONGEST_TOLD).collect()
}

/// The same address with the slash that stands alone after the host, or without it.
fn with_other_end(url: &str) -> String {
    url.strip_suffix('/').map_or_else(|| format!("{url}/"), str::to_owned)
}

/// Of every scope of administration.
const RESERVED_PREFIX: &str = "bursar:";
const LONGEST_TOLD: usize = 80;
/// What the Model Context Protocol advises (MCP 2025-11-25, Tool Names).
const LONGEST_TOOL: usize = 128;
/// Algorithms of proofs, as the server takes them (RFC 9449 §5.1).
const PROOF_ALGORITHMS: [&str; 3] = ["ES256", "EdDSA", "RS256"];
