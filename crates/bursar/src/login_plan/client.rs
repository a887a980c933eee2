//! Which client a login is made with: one that somebody named, else one that makes itself known to the server.
//!
//! The order is that of the MCP authorization specification: registered beforehand, by the URL of its metadata, registered
//! on the spot (RFC 7591), and otherwise nobody.

use bursar_core::engine::Engine;
use bursar_core::engine::login::ClientWanted;
use bursar_core::oauth::client_authentication::Method;
use bursar_core::provider::Redirect;

use super::{Draft, PlanError};
use crate::config::Config;
use crate::loopback::{Callback, CallbackError};

impl Draft {
    /// Is the client that was asked for, one that was used before, the provider's usual one, or one that is made now.
    /// `port`: where its answers shall come back to.
    pub(crate) async fn choose_client(
        &mut self,
        engine: &Engine,
        config: &Config,
        port: Option<u16>,
    ) -> Result<(), PlanError> {
        match self.choose_named_client(engine).await {
            Err(PlanError::NoClient { .. }) => {}
            chosen => return chosen,
        }
        let Some(found) = &self.discovered else { return Err(self.no_client()) };
        let page = config.login.client_metadata_url.as_ref();
        if let Some(page) = page.filter(|_| found.server.client_id_metadata_document_supported) {
            self.plan.client_id.clone_from(page);
            return Ok(());
        }
        if found.server.registration_endpoint.is_none() {
            return Err(self.no_client());
        }
        self.register(engine, port.or(config.login.callback_port)).await
    }

    /// The same where none can be made: a client that logs in alone is known to somebody.
    pub(crate) async fn choose_named_client(&mut self, engine: &Engine) -> Result<(), PlanError> {
        self.plan.client_id = self.named_client(engine).await?.ok_or_else(|| self.no_client())?;
        Ok(())
    }

    /// One that a person chose, now or earlier, or that anybody may use.
    async fn named_client(&self, engine: &Engine) -> Result<Option<String>, PlanError> {
        let chosen = self.asked_client.as_ref().or(self.config.client_id.as_ref());
        if let Some(id) = chosen.filter(|id| !id.is_empty()) {
            return Ok(Some(id.clone()));
        }
        let known = self.earlier.as_ref().map(|account| &account.client.id).filter(|id| !id.is_empty());
        let issuer = self.plan.issuer.as_deref().unwrap_or_default();
        let usual = self.plan.provider.client.id.clone();
        match known {
            Some(id) if !engine.is_registered(issuer, id).await? => Ok(Some(id.clone())),
            _ => Ok(usual.filter(|id| !id.is_empty())),
        }
    }

    fn no_client(&self) -> PlanError {
        PlanError::NoClient { provider: Box::new(self.plan.provider.clone()) }
    }

    /// Uses the client that the server registered before, or has one registered. Either is bound to one port, because some
    /// servers compare all of a redirect URI, against RFC 8252 §7.3.
    async fn register(&mut self, engine: &Engine, port: Option<u16>) -> Result<(), PlanError> {
        let Some(found) = &self.discovered else { return Ok(()) };
        let rules = &mut self.plan.provider.client;
        let before = engine.registered_redirect(found.server.issuer.as_str()).await?;
        let before = before.and_then(|uri| url::Url::parse(&uri).ok()?.port());
        let callback = free_port(port, before, &rules.redirect_path).await?;
        let redirect_uri = callback.redirect_uri();
        drop(callback);
        rules.redirect = Redirect::LoopbackFixed;
        rules.redirect_port = url::Url::parse(&redirect_uri).ok().and_then(|uri| uri.port());

        let mut wanted = ClientWanted { redirect_uri, anew: false };
        let told = |error| PlanError::Registration(Box::new(error));
        let is_new = engine.use_registered_client(&mut self.plan, found, &wanted).await.map_err(told)?;
        // Nobody would notice but a person in front of a page that leads nowhere.
        if !is_new && !engine.is_client_known(&self.plan, &wanted.redirect_uri).await {
            wanted.anew = true;
            engine.use_registered_client(&mut self.plan, found, &wanted).await.map_err(told)?;
        }
        // What a registered client proves itself with is in its record, not at the provider's entry.
        self.plan.provider.client.public |= self.plan.client_method() == Method::None;
        Ok(())
    }
}

/// The port that is wanted, else the one a client is registered with, else any.
async fn free_port(wanted: Option<u16>, before: Option<u16>, path: &str) -> Result<Callback, CallbackError> {
    if wanted.is_some() {
        return Callback::bind(wanted, path).await;
    }
    match Callback::bind(before, path).await {
        Err(CallbackError::PortTaken { .. }) => Callback::bind(None, path).await,
        bound => bound,
    }
}
