//! `bursar jwt mint`: signs a token.

use bursar_core::oauth::jose::HmacKey;
use bursar_core::oauth::signing::SigningError;
use bursar_core::ports::clock::Clock as _;
use bursar_core::secret::Secret;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::inputs::Inputs;
use super::keys;
use crate::cli::arguments::jwt::MintCommand;
use crate::cli::printer::Printer;
use crate::exit::{Exit, Failure};
use crate::system::SystemClock;
use crate::wiring::Seams;

pub(super) fn run(command: &MintCommand, printer: &Printer, seams: Seams) -> Result<Exit, Failure> {
    let now = seams.clock.map_or_else(|| SystemClock.now(), |clock| clock.now());
    let end = now.saturating_add(command.lifetime).unwrap_or(Timestamp::MAX);
    if command.lifetime.as_secs() <= 0 {
        return Err(Failure::new(Exit::Usage, "a token that is over at once is good for nothing")
            .hint("give a `--lifetime` of at least 1s"));
    }
    let claims = claims(command, now, end)?;
    let token = signed(command, &claims)?;
    if printer.json {
        printer.document(&json!({
            "schema": 1, "token": token.expose(), "expires_at": format!("{end:.0}"), "claims": claims,
        }));
    } else {
        printer.data(&format!("{}\n", token.expose()));
    }
    Ok(Exit::Ok)
}

fn claims(command: &MintCommand, now: Timestamp, end: Timestamp) -> Result<Map<String, Value>, Failure> {
    let mut claims = Map::new();
    for (name, text) in [("iss", &command.issuer), ("sub", &command.subject)] {
        if let Some(text) = text {
            claims.insert(name.to_owned(), json!(text));
        }
    }
    match command.audience.as_slice() {
        [] => {}
        [one] => {
            claims.insert("aud".to_owned(), json!(one));
        }
        several => {
            claims.insert("aud".to_owned(), json!(several));
        }
    }
    for (name, value) in &command.claims {
        if claims.insert(name.clone(), value.clone()).is_some() {
            return Err(Failure::new(Exit::Usage, format!("the claim `{name}` is given twice"))
                .hint("give a list as NAME:='[\"one\", \"two\"]'"));
        }
    }
    claims.insert("iat".to_owned(), json!(now.as_second()));
    claims.insert("exp".to_owned(), json!(end.as_second()));
    Ok(claims)
}

fn signed(command: &MintCommand, claims: &Map<String, Value>) -> Result<Secret, Failure> {
    let inputs = Inputs::default();
    let failed = |error: SigningError| Failure::of(Exit::Error, &error);
    match (&command.secret_file, &command.key_file) {
        (Some(file), _) => secret(&inputs.private(file)?)?.sign(&command.typ, claims).map_err(failed),
        (None, Some(file)) => {
            let key = keys::private(&inputs.private(file)?, command.key_id.as_deref())?;
            key.sign(&command.typ, claims).map_err(failed)
        }
        (None, None) => Err(Failure::new(Exit::Usage, "there is nothing to sign with")
            .hint("give `--secret-file` or `--key-file`")),
    }
}

/// A secret for `HS256`.
pub(super) fn secret(text: &Secret) -> Result<HmacKey, Failure> {
    HmacKey::new(text).map_err(|error| {
        Failure::of(Exit::Usage, &error)
            .hint("make one with `openssl rand -base64 48`, and keep it in a file")
    })
}
