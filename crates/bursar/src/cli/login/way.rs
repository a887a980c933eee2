//! How the person takes part: as asked for, else the best way that works where this runs.

use std::io::IsTerminal as _;

use bursar_core::provider::{Provider, Redirect};

use crate::browser::has_display;
use crate::cli::app::App;
use crate::cli::arguments::{LoginCommand, MachineGrant};
use crate::exit::{Exit, Failure};

/// The ways to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The browser comes back to a listener of ours.
    Browser,
    /// A code to enter elsewhere (RFC 8628).
    Device,
    /// The person carries the answer over.
    Paste,
    /// No person (RFC 6749 §4.4).
    ClientCredentials,
    /// A key that signs assertions (RFC 7523 §2.1).
    JwtBearer,
    /// A key that is simply there.
    Key,
}

/// What the choice depends on.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each set by name")]
struct Circumstances {
    /// Somebody said that no browser is to be opened, so one is at hand elsewhere.
    no_browser: bool,
    has_display: bool,
    has_device_flow: bool,
    /// Whether a person can type an answer.
    can_ask: bool,
    redirect: Redirect,
}

/// The way of this login. Says so when it is another than people expect.
pub(super) fn choose(app: &App, command: &LoginCommand, provider: &Provider) -> Result<Way, Failure> {
    if let Some(way) = asked_for(command) {
        return Ok(way);
    }
    let circumstances = Circumstances {
        no_browser: command.no_browser || app.config.login.no_browser,
        has_display: has_display(&app.environment),
        has_device_flow: provider.endpoints.device.is_some(),
        can_ask: std::io::stdin().is_terminal(),
        redirect: provider.client.redirect,
    };
    let Some((way, reason)) = by_circumstances(circumstances) else {
        return Err(Failure::new(Exit::Usage, "there is no browser here, and nobody to paste an answer")
            .hint("run it at a terminal, or give the pasted answer on stdin with `--paste`"));
    };
    if let Some(reason) = reason {
        app.printer.say(reason);
    }
    Ok(way)
}

fn asked_for(command: &LoginCommand) -> Option<Way> {
    match command.grant {
        Some(MachineGrant::ClientCredentials) => Some(Way::ClientCredentials),
        Some(MachineGrant::JwtBearer) => Some(Way::JwtBearer),
        None if command.api_key_file.is_some() => Some(Way::Key),
        None if command.device => Some(Way::Device),
        None if command.paste => Some(Way::Paste),
        None => None,
    }
}

fn by_circumstances(circumstances: Circumstances) -> Option<(Way, Option<&'static str>)> {
    let Circumstances { no_browser, has_display, has_device_flow, can_ask, redirect } = circumstances;
    if matches!(redirect, Redirect::HttpsOnly | Redirect::Manual) {
        return Some((
            Way::Paste,
            Some("this provider shows its answer on a page of its own: paste it here"),
        ));
    }
    if no_browser || has_display {
        return Some((Way::Browser, None));
    }
    if has_device_flow {
        return Some((Way::Device, Some("no browser can be opened here, so this is a login with a code")));
    }
    can_ask.then_some((Way::Paste, Some("no browser can be opened here, so the answer has to be pasted")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_follows_from_the_circumstances() {
        let local = Circumstances {
            no_browser: false,
            has_display: true,
            has_device_flow: true,
            can_ask: true,
            redirect: Redirect::LoopbackAnyPort,
        };
        let remote = Circumstances { has_display: false, ..local };
        let table = [
            (local, Some(Way::Browser)),
            (remote, Some(Way::Device)),
            (Circumstances { no_browser: true, ..remote }, Some(Way::Browser)),
            (Circumstances { can_ask: false, ..remote }, Some(Way::Device)),
            (Circumstances { has_device_flow: false, ..remote }, Some(Way::Paste)),
            (Circumstances { has_device_flow: false, can_ask: false, ..remote }, None),
            (Circumstances { redirect: Redirect::HttpsOnly, ..local }, Some(Way::Paste)),
            (Circumstances { redirect: Redirect::Manual, ..local }, Some(Way::Paste)),
        ];
        for (circumstances, way) in table {
            assert_eq!(by_circumstances(circumstances).map(|(way, _)| way), way, "{circumstances:?}");
        }
    }

    #[test]
    fn an_unexpected_way_is_explained() {
        let remote = Circumstances {
            no_browser: false,
            has_display: false,
            has_device_flow: true,
            can_ask: true,
            redirect: Redirect::LoopbackAnyPort,
        };
        let (_, reason) = by_circumstances(remote).unwrap();
        assert!(reason.unwrap().contains("no browser"));
    }
}
