//! Which endpoint answers which call.

use crate::answer::Answer;
use crate::fault::Endpoint;
use crate::state::Exchange;

mod authorize;
pub(crate) mod control;
mod device;
mod introspect;
mod metadata;
mod register;
mod resource;
mod revoke;
mod token;
mod userinfo;

/// Processes one call completely; no fault can interrupt it half-way.
pub(crate) fn process(endpoint: Endpoint, exchange: &mut Exchange<'_>) -> Answer {
    let allowed: &[&str] = match endpoint {
        Endpoint::Metadata | Endpoint::Authorize | Endpoint::Device | Endpoint::Jwks | Endpoint::Resource => {
            &["GET"]
        }
        Endpoint::Userinfo => &["GET", "POST"],
        Endpoint::Revoke => &["POST", "DELETE"],
        Endpoint::Token | Endpoint::DeviceAuthorization | Endpoint::Introspect | Endpoint::Register => {
            &["POST"]
        }
    };
    if !allowed.contains(&exchange.request.method()) {
        return Answer::empty(405).with_header("allow", allowed.join(", "));
    }
    match endpoint {
        Endpoint::Metadata => metadata::answer(exchange),
        Endpoint::Authorize => authorize::answer(exchange),
        Endpoint::Token => token::answer(exchange),
        Endpoint::DeviceAuthorization => device::authorization(exchange),
        Endpoint::Device => device::page(exchange),
        Endpoint::Revoke => revoke::answer(exchange),
        Endpoint::Introspect => introspect::answer(exchange),
        Endpoint::Userinfo => userinfo::answer(exchange),
        Endpoint::Jwks => metadata::jwks(exchange),
        Endpoint::Register => register::answer(exchange),
        Endpoint::Resource => resource::answer(exchange),
    }
}
