//! Why a login does not begin, in the API's own words: what is missing is named as a member of the request.

use bursar_core::engine::login::DiscoveryError;
use bursar_core::provider::VariableError;
use http::StatusCode;

use super::refusal::Refusal;
use crate::exit::{Exit, Failure};
use crate::login_plan::{PlanError, TargetError, of_registration};
use crate::logins::BeginError;
use crate::loopback::CallbackError;

impl From<BeginError> for Refusal {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::TooMany => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_logins", error.to_string())
                    .hint("finish or delete some of those that GET /v1/logins lists")
            }
            BeginError::Target(error) => of_target(error).into(),
            BeginError::Plan(error) => of_plan(error).into(),
            BeginError::Secret(error) => Failure::of(Exit::Usage, &error).hint(error.hint()).into(),
            BeginError::Callback(error) => {
                // Another login may have it for a moment.
                let taken = matches!(error, CallbackError::PortTaken { .. });
                Failure::of(if taken { Exit::Unavailable } else { Exit::Error }, &error)
                    .hint("set another `login.callback_port`, or choose the way `device` or `paste`")
                    .into()
            }
            BeginError::OnlyPasted { .. } => {
                Failure::of(Exit::Usage, &error).hint("choose the way `paste`").into()
            }
            BeginError::Refused(failure) => failure.into(),
        }
    }
}

fn of_target(error: TargetError) -> Failure {
    match error {
        TargetError::Entry(_) => {
            Failure::of(Exit::Usage, &error).hint("correct the entry; docs/providers.md explains every key")
        }
        TargetError::Unknown { near: Some(ref near), .. } => Failure::of(Exit::Usage, &error)
            .hint(format!("did you mean `{near}`? any other issuer works by its URL")),
        TargetError::Discovery(DiscoveryError::Url(_)) | TargetError::Unknown { .. } => {
            Failure::of(Exit::Usage, &error)
                .hint("name a provider of the catalogue, or an issuer as `https://HOST`")
        }
        TargetError::Discovery(error) => error.into(),
        TargetError::Store(error) => error.into(),
    }
}

fn of_plan(error: PlanError) -> Failure {
    let hint = match &error {
        PlanError::Store(_) => String::new(),
        PlanError::Variable(VariableError::Missing { name, example }) => {
            format!("give `variables` a member `{name}`, such as `{example}`")
        }
        PlanError::Variable(_) => {
            "give the members of `variables` the names and forms the provider wants".to_owned()
        }
        PlanError::NoVariables { .. } => "leave `variables` out".to_owned(),
        PlanError::Scope(_) => "give `scopes` one scope an element".to_owned(),
        PlanError::Resource(_) => "give `resource` absolute URLs".to_owned(),
        PlanError::NoClient { provider } => {
            format!("register a native app at {}, then give its id as `client_id`", provider.display_name())
        }
        PlanError::NoSecret { .. } => "give it as `client_secret`".to_owned(),
        PlanError::Registration(_) => "register a client by hand, then give its id as `client_id`".to_owned(),
        PlanError::Callback(_) => "set another `login.callback_port`".to_owned(),
        PlanError::AlreadyGranted { .. } => "ask the resource's operator what it really wants".to_owned(),
        PlanError::NotByDevice { provider, .. } => {
            format!("choose another way; with a code it gives: {}", provider.device.allowed_scopes.join(", "))
        }
    };
    match error {
        PlanError::Store(error) => error.into(),
        PlanError::Registration(error) => of_registration(*error, &hint),
        error => Failure::of(Exit::Usage, &error).hint(hint),
    }
}
