//! The account that a URL means: the one that somebody logged in to by it, or that its tokens are for.

use std::collections::BTreeSet;

use super::Engine;
use super::accounts::ResolveError;
use super::records::ProviderDefinition;
use super::selection::{Choice, Preferred, SelectionError};
use crate::lifecycle::account::Account;
use crate::oauth::url::{EndpointUrl, masked};
use crate::ports::document;
use crate::provider::ProviderId;

impl Engine {
    /// The one account whose tokens are for `wanted`. Among several of one login, what is preferred and the default decide
    /// as they do for its name.
    pub(super) async fn resolve_address(
        &self,
        wanted: &str,
        preferred: &(dyn Fn(&str) -> Option<Preferred> + Sync),
    ) -> Result<(Account, Choice), ResolveError> {
        let Ok(url) = EndpointUrl::parse(wanted) else { return Err(nobody(wanted).into()) };
        let mut overview = self.overview().await?;
        let definitions =
            document::list::<ProviderDefinition>(&*self.ports.store, &self.space).await?.into_iter();
        let named_so: BTreeSet<ProviderId> = definitions
            .map(|stored| stored.document)
            .filter(|known| names(&url, known.resource_server.as_ref().unwrap_or(&known.issuer)))
            .map(|known| known.provider.id)
            .collect();
        overview.accounts.retain(|account| {
            named_so.contains(&account.reference.provider)
                || account.resource.iter().any(|resource| names(&url, resource))
        });
        let providers: BTreeSet<&ProviderId> =
            overview.accounts.iter().map(|account| &account.reference.provider).collect();
        match (overview.accounts.as_slice(), providers.first()) {
            ([], _) | (_, None) => Err(nobody(wanted).into()),
            // A preference is never passed over: what is preferred to the only account that fits is told below.
            ([account], Some(provider)) if preferred(provider.as_str()).is_none() => {
                Ok((account.clone(), Choice::Address))
            }
            (_, Some(provider)) if providers.len() == 1 => {
                let (account, choice) = overview.select(provider.as_str(), preferred)?;
                Ok((account.clone(), choice))
            }
            (accounts, _) => {
                let candidates = accounts.iter().map(|account| account.reference.clone()).collect();
                Err(SelectionError::Ambiguous { wanted: wanted.to_owned(), candidates }.into())
            }
        }
    }
}

/// Whether a text is this URL. Only the form of the URL does not count: a slash at the end of a path does.
fn names(url: &EndpointUrl, text: &str) -> bool {
    EndpointUrl::parse(text).is_ok_and(|named| named == *url)
}

fn nobody(wanted: &str) -> SelectionError {
    // Somebody may have copied a URL with a password in it.
    let wanted = url::Url::parse(wanted).map_or_else(|_| wanted.to_owned(), |url| masked(&url));
    SelectionError::NotFound { wanted, near: Vec::new() }
}
