//! Which failures each group of operations can end with, as tables for the API's document.
//!
//! What makes a failure is [`super::refusal`]; here only its statuses are told.

use std::collections::BTreeMap;

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoResponses, ToSchema as _};

use super::wire::FailureDocument;

type Responses = BTreeMap<String, RefOr<Response>>;

/// Reads or writes records.
pub(super) struct UsesTheStore;

/// Has a body, and writes records.
pub(super) struct ChangesRecords;

/// Is about accounts that the caller names.
pub(super) struct NamesAccounts;

/// Is about an account the caller names, and has a body.
pub(super) struct ChangesAccounts;

/// Opens tokens.
pub(super) struct OpensTokens;

impl IntoResponses for UsesTheStore {
    fn responses() -> Responses {
        table(&STORE)
    }
}

impl IntoResponses for ChangesRecords {
    fn responses() -> Responses {
        table(&[&UNREADABLE[..], &BODY, &STORE].concat())
    }
}

impl IntoResponses for NamesAccounts {
    fn responses() -> Responses {
        table(&[&NAMED[..], &STORE].concat())
    }
}

impl IntoResponses for ChangesAccounts {
    fn responses() -> Responses {
        table(&[&NAMED[..], &BODY, &STORE].concat())
    }
}

impl IntoResponses for OpensTokens {
    fn responses() -> Responses {
        table(&[&NAMED[..], &BODY, &TOKENS, &STORE].concat())
    }
}

const NAMED: [(u16, &str); 2] =
    [(400, "The request cannot be understood, or more than one account is meant"), (404, "No such account")];
const UNREADABLE: [(u16, &str); 1] = [(400, "Something is missing or makes no sense")];
const BODY: [(u16, &str); 1] = [(413, "The request is too large")];
const TOKENS: [(u16, &str); 3] =
    [(403, "A rule says no"), (409, "A person has to log in"), (423, "The vault is locked")];
const STORE: [(u16, &str); 2] = [(500, "Something else went wrong"), (503, "Not now; try again")];

fn table(rows: &[(u16, &str)]) -> Responses {
    rows.iter().map(|(status, description)| (status.to_string(), failure(description).into())).collect()
}

/// A failure of the one form that all have.
pub(super) fn failure(description: &str) -> Response {
    let schema = Ref::from_schema_name(FailureDocument::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content("application/json", content).build()
}
