//! `bursar jwt`: signs tokens, verifies them and shows what they say. Needs no store, and makes no file or folder.

mod inputs;
mod keys;
mod mint;
mod verify;

use bursar_core::oauth::jose;
use serde_json::{Value, json};

use self::inputs::Inputs;
use super::arguments::jwt::{DecodeCommand, JwtAction, JwtCommand};
use super::printer::Printer;
use crate::config::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::wiring::Seams;

pub(super) fn run(
    command: &JwtCommand,
    environment: &Environment,
    printer: &Printer,
    seams: Seams,
) -> Result<Exit, Failure> {
    match &command.action {
        JwtAction::Mint(command) => mint::run(command, printer, seams),
        JwtAction::Verify(command) => verify::run(command, environment, printer, seams),
        JwtAction::Decode(command) => decode(command, printer),
    }
}

fn decode(command: &DecodeCommand, printer: &Printer) -> Result<Exit, Failure> {
    let token = Inputs::default().token(&command.token)?;
    let decoded = jose::decode(token.expose()).map_err(|error| {
        Failure::of(Exit::Error, &error).hint("a JWT is three parts of base64url with dots between them")
    })?;
    let mut document = json!({ "header": decoded.header, "claims": decoded.claims });
    if printer.json {
        document["schema"] = json!(1);
        document["verified"] = json!(false);
    }
    printer.document(&document);
    printer.say("nothing of this was verified: anybody can write such a token");
    Ok(Exit::Ok)
}

/// A time in a claim, as people read it.
fn shown_time(claims: &serde_json::Map<String, Value>, name: &str) -> Option<String> {
    let seconds = claims.get(name)?.as_i64()?;
    Some(format!("{:.0}", jiff::Timestamp::from_second(seconds).ok()?))
}
