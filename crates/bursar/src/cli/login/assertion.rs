//! The login of a service that signs assertions (RFC 7523 §2.1), Google's service accounts among them.
//!
//! The command line wins, then the key's file, then what an earlier login of the same account asserted.

use bursar_core::engine::login::{KeyedAssertion, LoggedIn, LoginError, LoginPlan};
use bursar_core::lifecycle::account::LoginMethod;
use bursar_core::oauth::jwt_bearer::{Assertion, ExtraClaims, ReservedClaim, ServiceAccount, signing_key};
use bursar_core::secret::Secret;
use serde_json::Value;

use super::plan::read_private;
use crate::cli::app::App;
use crate::cli::arguments::LoginCommand;
use crate::cli::arguments::assertion::Algorithm;
use crate::exit::{Exit, Failure};
use crate::login_plan::refused;

pub(super) async fn log_in(app: &App, command: &LoginCommand, plan: &LoginPlan) -> Result<LoggedIn, Failure> {
    let Some(path) = &command.key_file else {
        return Err(Failure::new(Exit::Usage, "a login by assertion needs a private key")
            .hint("add `--key-file FILE` (PEM, JWK or a Google service account; mode 0600)"));
    };
    let text = read_private(app, path).await?;
    let earlier = earlier(app, plan).await?;
    let claims = claims(command, earlier.as_ref())?;
    let settled = Settled { command, plan, earlier, claims };
    let (plan, keyed) = match ServiceAccount::read(&text) {
        Some(file) => {
            let file = file.map_err(|error| {
                Failure::of(Exit::Usage, &error).hint("make a key of the type JSON for a service account")
            })?;
            settled.by_service_account(file)?
        }
        None => settled.by_key_alone(text)?,
    };
    let refused_login = |error: LoginError| {
        let is_refused = matches!(error, LoginError::Refused { .. });
        let failure = refused(error);
        if is_refused {
            failure.hint("check the key and its id, issuer, subject and audience; nothing was stored")
        } else {
            failure
        }
    };
    app.engine.login_by_assertion(&plan, keyed).await.map_err(refused_login)
}

/// Everything but the key.
struct Settled<'a> {
    command: &'a LoginCommand,
    plan: &'a LoginPlan,
    earlier: Option<Assertion>,
    claims: ExtraClaims,
}

impl Settled<'_> {
    /// With Google's file: the scope is a claim, and no other client has anything to do with it.
    fn by_service_account(mut self, file: ServiceAccount) -> Result<(LoginPlan, KeyedAssertion), Failure> {
        let mut plan = self.plan.clone();
        if self.command.client_id.is_none() {
            plan.client_id.clear();
            plan.client_secret = None;
        }
        if !plan.scopes.is_empty() {
            self.claims.add("scope", plan.scopes.join(" ")).map_err(|error| refused_claim(&error))?;
        }
        if !self.claims.has("scope") {
            return Err(Failure::new(Exit::Usage, "a service account has no scopes of its own")
                .hint("name one, such as `--scope https://www.googleapis.com/auth/cloud-platform`"));
        }
        let arguments = &self.command.assertion;
        let key_id = arguments.key_id.as_deref().or(file.private_key_id.as_deref());
        let algorithm = self.algorithm(&file.private_key, key_id)?.0;
        let audience = match arguments.audience.clone().or_else(|| file.token_uri.clone()) {
            Some(audience) => audience,
            None => self.token_endpoint()?,
        };
        let subject = arguments.subject.clone().or_else(|| self.earlier.and_then(|earlier| earlier.subject));
        let issuer = arguments.issuer.clone().unwrap_or(file.client_email);
        let key_id = key_id.map(str::to_owned);
        let assertion = Assertion { issuer, subject, audience, key_id, algorithm, claims: self.claims };
        Ok((plan, KeyedAssertion { assertion, key: file.private_key }))
    }

    /// With a key alone.
    fn by_key_alone(self, key: Secret) -> Result<(LoginPlan, KeyedAssertion), Failure> {
        let arguments = &self.command.assertion;
        let (algorithm, key_id) = self.algorithm(&key, arguments.key_id.as_deref())?;
        let known = self.earlier.as_ref();
        let client = Some(&self.plan.client_id).filter(|id| !id.is_empty());
        let issuer = arguments.issuer.as_ref().or(known.map(|known| &known.issuer)).or(client);
        let Some(issuer) = issuer.cloned() else {
            return Err(Failure::new(Exit::Usage, "nobody says who asserts")
                .hint("add `--issuer NAME`: what the provider knows the key's owner by"));
        };
        let subject =
            arguments.subject.clone().or_else(|| known?.subject.clone()).or_else(|| Some(issuer.clone()));
        let audience = match arguments.audience.clone().or_else(|| known.map(|known| known.audience.clone()))
        {
            Some(audience) => audience,
            None => self.token_endpoint()?,
        };
        let assertion = Assertion { issuer, subject, audience, key_id, algorithm, claims: self.claims };
        Ok((self.plan.clone(), KeyedAssertion { assertion, key }))
    }

    /// How the key signs and what it is called, if it can sign at all and is of the kind that was asked for.
    fn algorithm(&self, key: &Secret, key_id: Option<&str>) -> Result<(String, Option<String>), Failure> {
        let key = signing_key(key, key_id).map_err(|error| {
            Failure::of(Exit::Usage, &error).hint("name a file with one private key, as PEM or JWK")
        })?;
        let found = key.algorithm();
        match self.command.assertion.algorithm.map(Algorithm::name) {
            Some(asked) if asked != found => {
                Err(Failure::new(Exit::Usage, format!("the key signs with {found}, not with {asked}"))
                    .hint("name another key, or leave `--alg` out"))
            }
            _ => Ok((found.to_owned(), key.key_id().map(str::to_owned))),
        }
    }

    /// RFC 7523 §3, item 3: the usual audience.
    fn token_endpoint(&self) -> Result<String, Failure> {
        let endpoint = self.plan.provider.endpoints.token.as_ref().and_then(|endpoint| endpoint.url().ok());
        endpoint.map(|url| url.to_string()).ok_or_else(|| {
            Failure::new(Exit::Usage, "the provider has no token endpoint")
                .hint("choose another provider, or see docs/providers.md")
        })
    }
}

/// What the account asserts that this login renews: the one of that name, else the provider's only one.
async fn earlier(app: &App, plan: &LoginPlan) -> Result<Option<Assertion>, Failure> {
    let overview = app.engine.overview().await?;
    let mut siblings = overview.accounts.into_iter().filter(|account| {
        let is_named = plan.nickname.as_ref().is_none_or(|nickname| {
            account.reference.nickname.as_str().eq_ignore_ascii_case(nickname.as_str())
        });
        account.reference.provider == plan.provider.id && account.method == LoginMethod::JwtBearer && is_named
    });
    let first = siblings.next();
    Ok(first.filter(|_| siblings.next().is_none()).and_then(|account| account.assertion))
}

fn claims(command: &LoginCommand, earlier: Option<&Assertion>) -> Result<ExtraClaims, Failure> {
    let given = &command.assertion.claims;
    if given.is_empty() {
        return Ok(earlier.map(|earlier| earlier.claims.clone()).unwrap_or_default());
    }
    let mut claims = ExtraClaims::default();
    for (name, text) in given {
        let (name, value) = match name.strip_suffix(':') {
            None => (name.as_str(), Value::String(text.clone())),
            Some(name) => {
                let value = serde_json::from_str(text).map_err(|_| {
                    Failure::new(
                        Exit::Usage,
                        format!("the value of the claim `{}` is no JSON", name.escape_debug()),
                    )
                    .hint("write text as `--claim NAME=TEXT`, anything else as `--claim NAME:=JSON`")
                })?;
                (name, value)
            }
        };
        claims.add(name, value).map_err(|error| refused_claim(&error))?;
    }
    Ok(claims)
}

fn refused_claim(error: &ReservedClaim) -> Failure {
    Failure::of(Exit::Usage, error)
        .hint("use `--issuer`, `--subject` and `--audience`; times and id come by themselves")
}
