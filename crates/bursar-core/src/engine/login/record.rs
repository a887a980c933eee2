//! The end of every login: whose tokens are these, what is the account called, and one commit.

use jiff::Timestamp;

use super::exchange::Exchanged;
use super::{LoginError, LoginPlan};
use crate::engine::Engine;
use crate::engine::broker::HandOutError;
use crate::engine::credentials::Credentials;
use crate::engine::providers::refresh_policy;
use crate::engine::records::ProviderDefinition;
use crate::lifecycle::account::{
    AccessFacts, Account, ClientFacts, Generation, Identity, LoginMethod, RefreshFacts, Standing,
};
use crate::lifecycle::reference::{AccountReference, Nickname};
use crate::oauth::token::TokenSet;
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::store::{Commit, Expected, StoreError};
use crate::secret::{Sealed, Secret};

/// A completed login.
#[derive(Debug)]
pub struct LoggedIn {
    /// The account as stored.
    pub account: Account,
    /// Whether it existed before.
    pub renewed: bool,
}

impl Engine {
    /// Stores the tokens of a login, unless that would overwrite somebody else's.
    pub(super) async fn record(
        &self,
        plan: &LoginPlan,
        method: LoginMethod,
        exchanged: Exchanged,
        redirect_uri: Option<String>,
        nonce: Option<&Secret>,
    ) -> Result<LoggedIn, LoginError> {
        let identity = self.identity(plan, method, &exchanged, nonce).await?;
        let incarnation = self.incarnation().await?.id;
        let credentials = Credentials {
            access: Some(exchanged.tokens.access_token.clone()),
            refresh: exchanged.tokens.refresh_token.clone(),
            identity_token: exchanged.tokens.id_token.clone(),
            client_secret: plan.client_secret.clone(),
            assertion_key: exchanged.assertion.as_ref().map(|keyed| keyed.key.clone()),
            proof_key: exchanged.proof_key.clone(),
            ..Credentials::default()
        };
        loop {
            let reference = self.place(plan, identity.as_ref()).await?;
            let existing = self.existing(&reference).await?;
            refuse_other_identity(&reference, existing.as_ref(), identity.as_ref())?;
            let now = self.now();
            let mut account = new_account(plan, method, &exchanged, reference, identity.clone(), now);
            account.sealed = self.seal(&account.reference.key(), &credentials).await?;
            account.redirect_uri.clone_from(&redirect_uri);
            account.incarnation.clone_from(&incarnation);
            let expected = if let Some(stored) = &existing {
                account.generation = stored.document.generation.next();
                account.reference = stored.document.reference.clone();
                account.paused = stored.document.paused;
                Expected::Version(stored.version)
            } else {
                self.room_for_account().await??;
                Expected::Absent
            };
            if let Commit::Done(_) = self.store_login(plan, &account, expected).await? {
                return Ok(LoggedIn { account, renewed: existing.is_some() });
            }
        }
    }

    async fn store_login(
        &self,
        plan: &LoginPlan,
        account: &Account,
        expected: Expected,
    ) -> Result<Commit, StoreError> {
        let event = Event::new(account.logged_in_at, "account.logged_in", account.reference.to_string())
            .with("method", serde_json::to_value(account.method).unwrap_or_default());
        let mut batch = document::put(self.batch(), account, expected)?.event(event);
        if let Some(issuer) = &plan.issuer {
            let definition = ProviderDefinition {
                provider: plan.provider.clone(),
                issuer: issuer.clone(),
                resource_server: plan.resource_server.clone(),
                discovered_at: account.logged_in_at,
            };
            let id = plan.provider.id.as_str();
            let known = document::get::<ProviderDefinition>(&*self.ports.store, &self.space, id).await?.value;
            let expected = known.map_or(Expected::Absent, |stored| Expected::Version(stored.version));
            batch = document::put(batch, &definition, expected)?;
        }
        Ok(self.ports.store.commit(batch).await?.value)
    }

    async fn existing(&self, reference: &AccountReference) -> Result<Option<Stored<Account>>, LoginError> {
        match self.account(reference).await {
            Ok(stored) => Ok(Some(stored)),
            Err(HandOutError::NoSuchAccount { .. }) => Ok(None),
            Err(HandOutError::Store(error)) => Err(error.into()),
            Err(other) => Err(LoginError::Request { detail: other.to_string() }),
        }
    }

    /// What the account is called: as asked for; else the account of the same identity; else a free name.
    async fn place(
        &self,
        plan: &LoginPlan,
        identity: Option<&Identity>,
    ) -> Result<AccountReference, LoginError> {
        let provider = plan.provider.id.clone();
        if let Some(nickname) = &plan.nickname {
            return Ok(AccountReference { provider, nickname: nickname.clone() });
        }
        let overview = self.overview().await?;
        let siblings: Vec<&Account> =
            overview.accounts.iter().filter(|account| account.reference.provider == provider).collect();
        let same = |account: &&&Account| {
            identity.is_some()
                && account.identity.as_ref().map(|known| &known.subject) == identity.map(|new| &new.subject)
        };
        if let Some(account) = siblings.iter().find(same) {
            return Ok(account.reference.clone());
        }
        let nickname = match (siblings.as_slice(), identity) {
            ([], _) => Nickname::unnamed(),
            ([_], None) if siblings[0].identity.is_none() => siblings[0].reference.nickname.clone(),
            _ => free_nickname(identity, &siblings),
        };
        Ok(AccountReference { provider, nickname })
    }
}

fn refuse_other_identity(
    reference: &AccountReference,
    existing: Option<&Stored<Account>>,
    found: Option<&Identity>,
) -> Result<(), LoginError> {
    let Some(pinned) = existing.and_then(|stored| stored.document.identity.as_ref()) else { return Ok(()) };
    if found.is_some_and(|found| found.subject == pinned.subject) {
        return Ok(());
    }
    Err(LoginError::OtherIdentity {
        reference: reference.clone(),
        pinned: pinned.label.clone(),
        found: found.map_or_else(|| "nobody known".to_owned(), |identity| identity.label.clone()),
    })
}

fn new_account(
    plan: &LoginPlan,
    method: LoginMethod,
    exchanged: &Exchanged,
    reference: AccountReference,
    identity: Option<Identity>,
    now: Timestamp,
) -> Account {
    let tokens: &TokenSet = &exchanged.tokens;
    let client = match method {
        LoginMethod::ApiKey => String::new(),
        _ => plan.client_id.clone(),
    };
    let refresh = tokens.refresh_token.as_ref().map(|token| RefreshFacts {
        fingerprint: token.fingerprint(),
        issued_at: now,
        expires_at: tokens.refresh_expires_at,
        proven: false,
    });
    Account {
        reference,
        identity,
        method,
        client: ClientFacts { id: client, method: plan.client_method() },
        assertion: exchanged.assertion.as_ref().map(|keyed| keyed.assertion.clone()),
        variables: plan.variables.clone(),
        resource: plan.resource.clone(),
        redirect_uri: None,
        scope: tokens.scope.clone().unwrap_or_else(|| plan.scope(method)),
        token_type: tokens.token_type.clone(),
        logged_in_at: now,
        last_refreshed: None,
        generation: Generation(1),
        access: Some(AccessFacts {
            fingerprint: tokens.access_token.fingerprint(),
            issued_at: now,
            expires_at: tokens.access_expires_at,
        }),
        refresh,
        standing: Standing::Active,
        journal: None,
        paused: false,
        policy: refresh_policy(&plan.provider),
        clock_skew: exchanged.clock_skew,
        incarnation: String::new(),
        kept: tokens.kept.clone(),
        sealed: Sealed(String::new()),
    }
}

/// A name people recognise that no sibling has: the identity's, else a number.
fn free_nickname(identity: Option<&Identity>, siblings: &[&Account]) -> Nickname {
    let taken = |name: &str| {
        siblings.iter().any(|account| account.reference.nickname.as_str().eq_ignore_ascii_case(name))
    };
    let label = identity.map_or("account", |identity| identity.label.split('@').next().unwrap_or("account"));
    let base: String =
        label.chars().filter(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_')).take(40).collect();
    let base = if base.is_empty() { "account".to_owned() } else { base };
    let numbered = (2..).map(|number: u32| format!("{base}-{number}"));
    let name = std::iter::once(base.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(base);
    Nickname::parse(&name).unwrap_or_else(|_| Nickname::unnamed())
}
