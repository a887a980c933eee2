//! `bursar token`: one access token on stdout, nothing else.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use bursar_core::engine::broker::HandOut;
use bursar_core::engine::proving::ProofWish;
use bursar_core::lifecycle::refresh::Ask;
use bursar_core::oauth::proof::{TOKEN_TYPE, token_hash};
use bursar_core::oauth::url::EndpointUrl;
use bursar_core::secret::Secret;
use serde_json::json;

use super::app::App;
use super::arguments::handing_out::TokenCommand;
use super::expect::expect;
use crate::exit::{Exit, Failure};

pub(super) async fn run(app: &App, command: &TokenCommand) -> Result<Exit, Failure> {
    let account = app.resolve(&command.account).await?;
    let reference = &account.reference;
    // Before a refresh is spent on it, and below again: the account may be another one by then.
    expect(reference, account.identity.as_ref(), &command.expect)?;
    let unchecked = command.no_check || app.environment.flag("BURSAR_SKIP_PREFLIGHT");
    let handed = if unchecked && command.rejected_file.is_none() {
        app.desk.hand_out_unchecked(reference).await?
    } else {
        let rejected = command.rejected_file.as_deref().map(read_secret).transpose()?;
        let ask = Ask {
            min_valid: command.min_valid,
            rejected: rejected.map(|token| token.fingerprint()),
            ..Ask::default()
        };
        app.desk.hand_out(reference, &ask, patience(app, command)).await?
    };
    expect(&handed.reference, handed.identity.as_ref(), &command.expect)?;
    let proof = proof(app, command, &handed).await?;
    print(app, command, &handed, proof.as_ref());
    Ok(Exit::Ok)
}

/// The proof for the request that was named, if one was and its token needs one.
async fn proof(app: &App, command: &TokenCommand, handed: &HandOut) -> Result<Option<Secret>, Failure> {
    let Some([method, url]) = command.dpop.as_deref() else { return Ok(None) };
    let unusable = |what: String| {
        Failure::new(Exit::Usage, what).hint("write `--dpop POST https://mcp.example.com/mcp`")
    };
    let method = method.to_ascii_uppercase();
    if http::Method::from_bytes(method.as_bytes()).is_err() {
        return Err(unusable("the method after `--dpop` is none of HTTP".to_owned()));
    }
    let address = EndpointUrl::parse(url).map_err(|error| unusable(error.to_string()))?;
    if !handed.token_type.eq_ignore_ascii_case(TOKEN_TYPE) {
        return Ok(None);
    }
    let nonce = command.dpop_nonce.as_deref();
    let wish = ProofWish { method: &method, url: address.as_url(), nonce };
    app.desk.prove(&handed.reference, &token_hash(&handed.token), &wish).await
}

/// A secret from a file, or from stdin for `-`; a line end at its end does not belong to it.
pub(super) fn read_secret(path: &Path) -> Result<Secret, Failure> {
    let mut text = zeroize::Zeroizing::new(String::new());
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map_err(|error| {
        Failure::of(Exit::Usage, &error).hint(format!("check the file `{}`", path.display()))
    })?;
    let secret = Secret::new(text.trim_end_matches(['\r', '\n']));
    if secret.is_empty() {
        return Err(Failure::new(Exit::Usage, format!("`{}` is empty", path.display())));
    }
    Ok(secret)
}

fn patience(app: &App, command: &TokenCommand) -> Duration {
    if command.no_wait {
        Duration::ZERO
    } else {
        command.wait.unwrap_or(app.config.refresh.wait).unsigned_abs()
    }
}

fn print(app: &App, command: &TokenCommand, handed: &HandOut, proof: Option<&Secret>) {
    let token = handed.token.expose();
    if app.printer.json {
        let mut document = json!({
            "schema": 1,
            "ref": handed.reference.to_string(),
            "provider": handed.reference.provider.as_str(),
            "account": handed.reference.nickname.as_str(),
            "identity": handed.identity.as_ref().map(|identity| &identity.label),
            "access_token": token,
            "token_type": handed.token_type,
            "scope": handed.scope.to_string(),
            "expires_at": handed.expires_at.map(|end| format!("{end:.0}")),
            "seconds_left": handed.remaining(app.now()).map(|left| left.as_secs()),
        });
        if let Some(proof) = proof {
            document["dpop_proof"] = proof.expose().into();
        }
        app.printer.document(&document);
    } else if command.header || command.dpop.is_some() {
        app.printer.data(&format!("Authorization: {} {token}\n", handed.token_type));
        if let Some(proof) = proof {
            app.printer.data(&format!("DPoP: {}\n", proof.expose()));
        }
    } else {
        app.printer.data(&format!("{token}\n"));
    }
}
