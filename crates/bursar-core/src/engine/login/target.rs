//! Who is meant by a URL: an issuer, or a protected resource such as an MCP server that says who issues its tokens
//! (RFC 9728 §5, MCP authorization specification).
//!
//! What the URL itself leads to was named by the person. Everything a resource names is a stranger's idea: it is asked
//! through the address guard, unless it is on the host the person named.

use http::StatusCode;

use super::DiscoveryError;
use crate::engine::Engine;
use crate::engine::broker::HandOut;
use crate::engine::proving::ProofWish;
use crate::oauth::challenge::ResourceHint;
use crate::oauth::metadata::ServerMetadata;
use crate::oauth::proof::{FIELD, nonce_of_resource, token_hash};
use crate::oauth::protected_resource::{ResourceMetadata, well_known_urls};
use crate::oauth::scope::Scope;
use crate::oauth::url::{EndpointUrl, Issuer, is_loopback};
use crate::ports::upstream::{Body, Request, Response, SendLimits, UrlOrigin};
use crate::provider::{Endpoint, IdentitySource, Provider, ProviderId};
use crate::secret::Secret;

/// What a URL leads to.
#[derive(Clone, Debug)]
pub struct Discovered {
    /// Who issues the tokens, its scopes those to ask for.
    pub provider: Provider,
    /// The same in its own words.
    pub server: ServerMetadata,
    /// What the tokens are for, where that is more than the issuer itself.
    pub resource: Option<DiscoveredResource>,
}

/// A protected resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveredResource {
    /// Where it is, as it was asked for.
    pub url: String,
    /// What tokens for it are asked for by (RFC 8707); `None` where it does not say, as before MCP 2025-06-18.
    pub indicator: Option<String>,
    /// Whether it takes only tokens that are bound to a key (RFC 9449).
    pub wants_bound_tokens: bool,
}

/// What is known of a server before anybody asks it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// Which of a resource's issuers to log in to.
    pub issuer: Option<&'a Issuer>,
    /// What the resource answered to somebody's request.
    pub challenge: Option<&'a ResourceHint>,
    /// Somebody vouches for PKCE at a server that does not announce it, or publishes nothing at all.
    pub has_pkce: bool,
}

/// A URL, and how it was written: issuers are compared by their text.
struct Asked<'a> {
    url: EndpointUrl,
    written: &'a str,
    known: Known<'a>,
}

impl Engine {
    /// Finds out what the URL that is `written` is, and who issues the tokens for it.
    pub async fn discover_target(
        &self,
        written: &str,
        known: Known<'_>,
    ) -> Result<Discovered, DiscoveryError> {
        let url = &Asked { url: EndpointUrl::parse(written)?, written, known };
        if let Some(challenge) = known.challenge {
            return self.of_resource(url, Some(challenge)).await;
        }
        // Cheap for an issuer, and what a resource that wants a token answers to everything.
        let refusal = self.refusal(look(&url.url)).await;
        if refusal.is_some() {
            return self.of_resource(url, refusal.as_ref()).await;
        }
        let error = match self.as_issuer(url).await {
            Ok(found) => return Ok(found),
            Err(error @ DiscoveryError::Unreachable { .. }) => return Err(error),
            Err(error) => error,
        };
        // Some MCP servers mind only those who speak to them; a well-known document alone is enough too.
        let refusal = self.refusal(greeting(&url.url)).await;
        if refusal.is_none() && !error.is_absence() {
            return Err(error);
        }
        match self.of_resource(url, refusal.as_ref()).await {
            Err(DiscoveryError::NoResourceMetadata { .. } | DiscoveryError::Silent { .. }) => Err(error),
            // Without a refusal, what is at the root of the host may be about others there.
            Err(DiscoveryError::Resource(_)) if refusal.is_none() => Err(error),
            found => found,
        }
    }

    /// Whether the resource at `url` refuses the token that was handed out altogether, whatever it is used for.
    pub async fn is_refused(&self, url: &EndpointUrl, handed: &HandOut) -> bool {
        let mut asked = [look(url), greeting(url)].into_iter().flatten();
        // The one that is refused without a token shows whether the token helps.
        let Some(request) = asked.next() else { return false };
        let mut request = request;
        if self.refusal(Ok(request.clone())).await.is_none() {
            match asked.next() {
                Some(greeting) => request = greeting,
                None => return false,
            }
        }
        let mut nonce = None;
        loop {
            let Some(fields) = self.presented(handed, request.method(), url, nonce.as_deref()).await else {
                return false;
            };
            let mut request = request.clone();
            request.headers_mut().extend(fields);
            let Ok(answer) = self.ports.upstream.send(request, self.general_limits()).await else {
                return false;
            };
            match nonce_of_resource(answer.status(), answer.headers()).filter(|_| nonce.is_none()) {
                Some(wanted) => nonce = Some(wanted),
                None => return answer.status() == StatusCode::UNAUTHORIZED,
            }
        }
    }

    /// The header fields that carry a token; `None`: it cannot be carried.
    async fn presented(
        &self,
        handed: &HandOut,
        method: &http::Method,
        url: &EndpointUrl,
        nonce: Option<&str>,
    ) -> Option<http::HeaderMap> {
        let field = Secret::new(format!("{} {}", handed.token_type, handed.token.expose()));
        let mut field = http::HeaderValue::from_str(field.expose()).ok()?;
        field.set_sensitive(true);
        let mut fields = http::HeaderMap::from_iter([(http::header::AUTHORIZATION, field)]);
        let wish = ProofWish { method: method.as_str(), url: url.as_url(), nonce };
        if let Some(proof) = self.prove(&handed.reference, &token_hash(&handed.token), &wish).await.ok()? {
            fields.insert(FIELD, http::HeaderValue::from_str(proof.expose()).ok()?);
        }
        Some(fields)
    }

    /// What a resource says when it wants a token.
    async fn refusal(&self, request: Result<Request, http::Error>) -> Option<ResourceHint> {
        let response = self.ports.upstream.send(request.ok()?, self.general_limits()).await.ok()?;
        (response.status() == StatusCode::UNAUTHORIZED)
            .then(|| ResourceHint::of(&response).unwrap_or_default())
    }

    async fn as_issuer(&self, url: &Asked<'_>) -> Result<Discovered, DiscoveryError> {
        let Ok(issuer) = Issuer::parse(url.written) else {
            return Err(DiscoveryError::NoMetadata { issuer: url.written.to_owned(), status: 404 });
        };
        let server = self.trusted_metadata(url, &issuer, UrlOrigin::Configured).await?;
        let provider = Provider::from_metadata(ProviderId::of_issuer(&server.issuer), &server);
        Ok(Discovered { provider, server, resource: None })
    }

    async fn of_resource(
        &self,
        url: &Asked<'_>,
        refusal: Option<&ResourceHint>,
    ) -> Result<Discovered, DiscoveryError> {
        let Some(metadata) = self.resource_metadata(url, refusal).await? else {
            return self.of_silent_resource(url, refusal).await;
        };
        let issuer = chosen(url, &metadata.authorization_servers)?;
        // Whoever names the issuer by hand vouches for it.
        let origin = match url.known.issuer {
            Some(_) => UrlOrigin::Configured,
            None => origin(url, issuer.as_url()),
        };
        let server = self.trusted_metadata(url, issuer, origin).await?;
        refuse_loopback(&server)?;
        let scope = scope_of(refusal).or(metadata.scopes_supported).unwrap_or_default();
        let mut provider = provider(url, &server, &scope);
        provider.guarded = origin == UrlOrigin::Stranger;
        let resource = DiscoveredResource {
            url: url.written.to_owned(),
            indicator: Some(metadata.resource),
            wants_bound_tokens: metadata.wants_bound_tokens,
        };
        Ok(Discovered { provider, server, resource: Some(resource) })
    }

    /// A resource without metadata: a protected issuer, or, as MCP had it in 2025-03-26, one with its own authorization server
    /// at the root of its host, which need not publish anything either.
    async fn of_silent_resource(
        &self,
        url: &Asked<'_>,
        refusal: Option<&ResourceHint>,
    ) -> Result<Discovered, DiscoveryError> {
        let wanted = url.known.issuer;
        if wanted.is_none() {
            match self.as_issuer(url).await {
                Err(error) if error.is_absence() => {}
                found => return found,
            }
        }
        let root = url.url.as_url().origin().ascii_serialization();
        let issuer = wanted.cloned().or_else(|| Issuer::parse(&root).ok());
        let nothing = || DiscoveryError::Silent { url: url.written.to_owned() };
        let issuer = issuer.ok_or_else(nothing)?;
        let server = match self.trusted_metadata(url, &issuer, UrlOrigin::Configured).await {
            Err(error) if error.is_absence() && wanted.is_none() => {
                // What is only supposed promises no PKCE, so somebody has to vouch for it; and something has to want a token.
                let is_supposed = url.known.has_pkce && refusal.is_some();
                let usual = is_supposed.then(|| ServerMetadata::unpublished(issuer));
                usual.flatten().ok_or_else(nothing)?
            }
            server => server?,
        };
        let provider = provider(url, &server, &scope_of(refusal).unwrap_or_default());
        // Whoever names the issuer by hand gets tokens for this resource, and for nothing else.
        let indicator = wanted.map(|_| url.written.to_owned());
        let url = url.written.to_owned();
        let resource = Some(DiscoveredResource { url, indicator, wants_bound_tokens: false });
        Ok(Discovered { provider, server, resource })
    }

    /// What an issuer says, which must promise PKCE unless somebody vouches for it.
    async fn trusted_metadata(
        &self,
        url: &Asked<'_>,
        issuer: &Issuer,
        origin: UrlOrigin,
    ) -> Result<ServerMetadata, DiscoveryError> {
        let server = self.server_metadata(issuer, origin).await?;
        if !url.known.has_pkce {
            server.require_pkce()?;
        }
        Ok(server)
    }

    /// The resource's own words; `None` if it has none anywhere.
    async fn resource_metadata(
        &self,
        url: &Asked<'_>,
        refusal: Option<&ResourceHint>,
    ) -> Result<Option<ResourceMetadata>, DiscoveryError> {
        let named = refusal.and_then(|refusal| refusal.resource_metadata.as_deref());
        let named = named.and_then(|named| EndpointUrl::parse(named).ok());
        for place in named.into_iter().chain(well_known_urls(&url.url)) {
            let limits = SendLimits { origin: origin(url, place.as_url()), ..self.general_limits() };
            let Ok(request) = get(&place) else { continue };
            let Ok(response) = self.ports.upstream.send(request, limits).await else { continue };
            if response.status().is_success() && is_object(&response) {
                return Ok(Some(ResourceMetadata::read(response.body().expose(), &url.url)?));
            }
        }
        Ok(None)
    }
}

fn scope_of(refusal: Option<&ResourceHint>) -> Option<Scope> {
    refusal.and_then(|refusal| refusal.scope.clone())
}

/// The provider that stands for one resource: its accounts are for nothing else, so they are called after it.
fn provider(url: &Asked<'_>, server: &ServerMetadata, scope: &Scope) -> Provider {
    let mut provider = Provider::from_metadata(ProviderId::of_resource(&url.url), server);
    // MCP: the scopes of the challenge, else those of the resource, else none; the issuer's own are about something else.
    provider.authorize.default_scopes = scope.iter().map(str::to_owned).collect();
    let is_known = |scopes: &Vec<String>| scopes.iter().any(|scope| scope == "offline_access");
    if !server.scopes_supported.as_ref().is_some_and(is_known) {
        provider.authorize.offline_scope = None;
    }
    // Its tokens are for the resource: the issuer's userinfo endpoint has no business with them.
    provider.identity.source = IdentitySource::IdToken;
    provider.api.base_urls = Endpoint::parse(url.url.as_str()).into_iter().collect();
    provider
}

/// The one that was asked for, else the only one.
fn chosen<'a>(url: &Asked<'a>, known: &'a [Issuer]) -> Result<&'a Issuer, DiscoveryError> {
    let wanted = url.known.issuer;
    let (url, issuers) = (url.written.to_owned(), || known.iter().map(ToString::to_string).collect());
    match (wanted, known) {
        (Some(wanted), known) => {
            let same = |issuer: &&Issuer| {
                issuer.as_str().trim_end_matches('/') == wanted.as_str().trim_end_matches('/')
            };
            let other =
                || DiscoveryError::OtherIssuer { url, wanted: wanted.to_string(), issuers: issuers() };
            if known.is_empty() { Ok(wanted) } else { known.iter().find(same).ok_or_else(other) }
        }
        (None, [only]) => Ok(only),
        (None, []) => Err(DiscoveryError::NoResourceMetadata { url }),
        (None, _) => Err(DiscoveryError::SeveralIssuers { url, issuers: issuers() }),
    }
}

/// Whose idea `named` is, when a person named `url`. A resource on this machine may name others on it.
fn origin(url: &Asked<'_>, named: &url::Url) -> UrlOrigin {
    let is_near = is_loopback(url.url.as_url()) && is_loopback(named);
    if is_near || url.url.as_url().host() == named.host() {
        UrlOrigin::Configured
    } else {
        UrlOrigin::Stranger
    }
}

/// A server elsewhere has no business on this machine: its endpoints get codes and secrets, and requests of ours reach
/// what strangers cannot.
fn refuse_loopback(server: &ServerMetadata) -> Result<(), DiscoveryError> {
    if is_loopback(server.issuer.as_url()) {
        return Ok(());
    }
    let endpoints = [
        ("authorization_endpoint", &server.authorization_endpoint),
        ("token_endpoint", &server.token_endpoint),
        ("registration_endpoint", &server.registration_endpoint),
        ("revocation_endpoint", &server.revocation_endpoint),
        ("userinfo_endpoint", &server.userinfo_endpoint),
        ("introspection_endpoint", &server.introspection_endpoint),
        ("device_authorization_endpoint", &server.device_authorization_endpoint),
        ("jwks_uri", &server.jwks_uri),
    ];
    let here =
        |endpoint: &Option<EndpointUrl>| endpoint.as_ref().is_some_and(|url| is_loopback(url.as_url()));
    match endpoints.iter().find(|(_, endpoint)| here(endpoint)) {
        Some((endpoint, _)) => {
            Err(DiscoveryError::PointsHere { issuer: server.issuer.to_string(), endpoint })
        }
        None => Ok(()),
    }
}

/// A web page in the place of metadata is no metadata.
fn is_object(response: &Response) -> bool {
    response.body().expose().trim_ascii_start().starts_with(b"{")
}

fn get(url: &EndpointUrl) -> Result<Request, http::Error> {
    http::Request::get(url.as_str()).header(http::header::ACCEPT, "application/json").body(Body::default())
}

/// A look at what is there. Not asking for a stream of events keeps a server without guard from opening one that never ends.
fn look(url: &EndpointUrl) -> Result<Request, http::Error> {
    get(url)
}

/// How MCP clients begin.
fn greeting(url: &EndpointUrl) -> Result<Request, http::Error> {
    http::Request::post(url.as_str())
        .header(http::header::ACCEPT, "application/json, text/event-stream")
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(Body::new(GREETING))
}

const GREETING: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bursar","version":"0"}}}"#;

#[cfg(test)]
mod tests;
