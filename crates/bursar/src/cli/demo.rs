//! `bursar demo`: everything at once, on this machine, with nothing kept.

use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use serde_json::{Value, json};
use url::Url;

use super::arguments::demo::DemoCommand;
use super::printer::{GOOD, Printer, paint};
use super::screen::plain::wrapped;
use crate::browser;
use crate::config::Config;
use crate::config::environment::Environment;
use crate::config::paths::Paths;
use crate::demo::{PATH, SampleUser, Show, Step, Visitor, house};
use crate::exit::{Exit, Failure};
use crate::server::{self, Ground, Opened, Wish};
use crate::system::{SystemClock, SystemRandom};
use crate::wiring::{Seams, outgoing};

/// Plays the show, and is the server until a signal comes.
pub(super) fn run(
    command: &DemoCommand,
    environment: &Environment,
    printer: &Printer,
    seams: Seams,
) -> Result<Exit, Failure> {
    // An empty home of its own: what is configured and kept on this machine has no part in it, and loses nothing.
    let folder = tempfile::tempdir().map_err(|error| {
        Failure::of(Exit::Error, &error).hint("make room in the folder for temporary files")
    })?;
    let home = folder.path().display().to_string();
    let nobody = Environment::from_pairs([("BURSAR_HOME", home.as_str())]);
    let config = Config::load(&nobody, &Paths::resolve(&nobody)?)?;
    let clock: Arc<dyn Clock> = seams.clock.clone().unwrap_or_else(|| Arc::new(SystemClock));
    let user = SampleUser::new(&SystemRandom);

    let listen = command.listen.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let wish = Wish { listen: vec![listen], public_url: None, is_ephemeral: true };
    let upstream = outgoing(&nobody, &config.network, &clock);
    let furnish = async |ground: &Ground| house(ground, &nobody, &user, upstream).await;

    let is_over = Cell::new(false);
    let open_browser = |url: &Url| ask(url, environment, printer);
    server::run(&nobody, &wish, seams, furnish, async |opened| {
        let issuer = opened.public_url.as_str();
        let visitor = if command.browser { Visitor::Real(&open_browser) } else { Visitor::Played };
        if command.browser {
            tell_user(&user, printer);
        }
        let show = Show::new(issuer, &user, visitor, &config, &nobody, Arc::clone(&clock));
        let steps = RefCell::new(Vec::new());
        let tell = |step: Step| {
            if !printer.json {
                printer.data(&line(&step));
            }
            steps.borrow_mut().push(json!({ "name": step.name, "what": step.what }));
        };
        let played = Box::pin(show.play(&tell, &|left| tell_wait(left, printer))).await;
        is_over.set(true);
        if printer.json {
            printer.document(&document(opened, &user, played.is_ok(), &steps.borrow()));
        }
        played?;
        if command.once {
            return Ok(());
        }
        tell_end(opened, &user, printer);
        std::future::pending().await
    })?;
    if is_over.get() { Ok(Exit::Ok) } else { Err(Failure::new(Exit::Usage, "interrupted")) }
}

/// A step, its tag before it, in lines that every terminal has room for.
fn line(step: &Step) -> String {
    let text = wrapped(&step.what, WIDTH - INDENT.len()).join(&format!("\n{INDENT}"));
    format!("{} {text}\n", paint("[OK]", GOOD))
}

fn document(opened: &Opened, user: &SampleUser, holds: bool, steps: &[Value]) -> Value {
    let issuer = opened.public_url.as_str();
    json!({
        "schema": 1,
        "holds": holds,
        "steps": steps,
        "issuer": issuer,
        "resource": format!("{issuer}{PATH}"),
        "username": user.username,
    })
}

fn tell_wait(left: Duration, printer: &Printer) {
    printer.say(&format!("{INDENT}waiting {} s for the token to end …", left.as_secs_f64().ceil()));
}

/// Sends a person to the pages.
fn ask(url: &Url, environment: &Environment, printer: &Printer) {
    printer.say(&format!("\nOpen\n\n  {url}\n"));
    if let Err(error) = browser::open(url, environment) {
        printer.say(&format!("{error}: open the address yourself"));
    }
}

fn tell_end(opened: &Opened, user: &SampleUser, printer: &Printer) {
    let issuer = opened.public_url.as_str();
    printer.say(&format!(
        "\nAll of it held. The server stays open to look at: {issuer}\n\n  {issuer}/account\n"
    ));
    tell_user(user, printer);
    printer.say(&format!(
        "\nor log in yourself: `bursar login {issuer}{PATH}`\n\
         Nothing of it is kept. Ctrl-C ends it."
    ));
}

/// The password is the demo's own: it opens nothing else, and nothing at all after the demo.
fn tell_user(user: &SampleUser, printer: &Printer) {
    printer.say(&format!("  user name  {}\n  password   {}", user.username, user.password.expose()));
}

const WIDTH: usize = 80;
/// Under the words after `[OK] `.
const INDENT: &str = "     ";
