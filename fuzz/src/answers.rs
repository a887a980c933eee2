//! Answers as a hostile or broken server may give them.

use std::sync::LazyLock;

use bursar_core::ports::upstream::{Body, Response};
use bursar_core::provider::{Catalogue, OverlayFile, Provider};
use jiff::Timestamp;

/// When every answer arrives.
pub const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

/// An answer whose status the first byte chooses; the rest is its body.
pub fn answer(input: &[u8]) -> Option<Response> {
    let (&choice, body) = input.split_first()?;
    let status = STATUSES[usize::from(choice) % STATUSES.len()];
    http::Response::builder().status(status).body(Body::new(body)).ok()
}

/// The provider that a byte chooses: every embedded one, and entries with every format an answer can have.
pub fn provider(choice: u8) -> &'static Provider {
    &PROVIDERS[usize::from(choice) % PROVIDERS.len()]
}

static PROVIDERS: LazyLock<Vec<Provider>> = LazyLock::new(|| {
    let file = |(position, dialect): (usize, &&str)| OverlayFile {
        name: format!("{position}.toml"),
        text: format!(
            "id = \"dialect{position}\"\n[endpoints]\ntoken = \"https://as.example/token\"\n{dialect}"
        ),
    };
    let files = DIALECTS.iter().enumerate().map(file).collect();
    let catalogue = Catalogue::with_overlay(files).expect("the dialects are entries");
    let mut names: Vec<String> = (0..DIALECTS.len()).map(|position| format!("dialect{position}")).collect();
    names.extend(Catalogue::embedded().names().into_iter().map(str::to_owned));
    let found = names.iter().map(|name| catalogue.find(name).expect("a valid entry").expect("a known entry"));
    found.collect()
});

const STATUSES: [u16; 8] = [200, 201, 400, 401, 404, 429, 500, 503];

const DIALECTS: [&str; 9] = [
    "",
    "[token_response]\nformat = \"json\"\nroots = [\"authed_user\", \"\", \"data.0\"]\nok_path = \"ok\"\nkeep = [\"team.id\", \"instance_url\"]",
    "[token_response]\nformat = \"form\"\nscope_separator = \",\"\nexpiry = { unit = \"milliseconds\" }",
    "[token_response]\nerror_path = \"meta.code\"\nerror_description_path = \"meta.text\"\nexpiry = { unit = \"minutes\" }",
    "[token_response]\nexpiry = { field = \"expires_at\", unit = \"iso8601\" }",
    "[token_response]\nexpiry = { field = \"expires_at\", unit = \"epoch\", default_seconds = 60 }\nrefresh_expiry = [{ field = \"refresh_until\", unit = \"epoch\" }]",
    "[token_response]\nexpiry = { unit = \"jwt_exp\" }",
    "[token_response]\nexpiry = { unit = \"introspection\" }\npaths = { access_token = \"token.value\", refresh_token = \"token.next\" }",
    "[errors]\npermanent = [\"bad_verification_code\"]\n",
];
