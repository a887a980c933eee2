//! One file for each kind of program. The name of this module makes them run two at a time.

mod conformance;
mod conformance_as_client;
mod examination;
mod login_by_url;
mod model_context_protocol;
mod oauth_libraries;
mod openid_connect_crate;
