//! `bursar serve`: the server in the foreground.

use serde_json::json;

use super::app;
use super::arguments::serve::ServeCommand;
use super::printer::Printer;
use crate::config::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::issuing::house;
use crate::server::{self, Ground, House, Opened, Wish};
use crate::wiring::Seams;

/// Is the server until a signal comes.
pub(super) fn run(
    command: &ServeCommand,
    environment: &Environment,
    printer: &Printer,
    seams: Seams,
) -> Result<Exit, Failure> {
    app::log_of_agent(environment, None)?;
    let wish = Wish {
        listen: command.listen.clone(),
        public_url: command.public_url.clone(),
        is_ephemeral: command.ephemeral,
    };
    server::run(environment, &wish, seams, furnish, |opened| tell(opened, printer))?;
    Ok(Exit::Ok)
}

async fn furnish(ground: &Ground) -> Result<House, Failure> {
    house(ground)
}

fn tell(opened: &Opened, printer: &Printer) {
    let Opened { urls, public_url, is_ephemeral } = opened;
    if printer.json {
        printer.document(&json!({
            "schema": 1, "urls": urls, "issuer": public_url.as_str(), "ephemeral": is_ephemeral,
        }));
    }
    for url in urls {
        printer.say(&format!("the server listens on {url}"));
    }
    printer.say(&format!("its issuer is {public_url}"));
    if *is_ephemeral {
        printer.say("everything is kept in memory, the keys too: it is gone when the server stops");
    }
}
