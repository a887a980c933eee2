//! `bursar explain`: why the authorization server refused a request, in words.

use std::time::Duration;

use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::administration::refusals::{GATHERED, NotedRefusal};
use bursar_core::identifier::Identifier;

use super::administration::{server_of, value};
use super::app::App;
use super::arguments::grant::ExplainCommand;
use super::screen::table::sheet;
use crate::exit::{Exit, Failure};
use crate::http::administration::documents::RefusalDocument;

pub(super) async fn run(app: &App, command: &ExplainCommand) -> Result<Exit, Failure> {
    let server = server_of(app).await?;
    let refusal = noted(app, &server, command.id.trim()).await?.ok_or_else(|| unknown(&command.id))?;
    if app.printer.json {
        app.printer.document(&value(&RefusalDocument::from(&refusal)));
    } else {
        app.printer.data(&told(&refusal));
    }
    Ok(Exit::Ok)
}

/// The refusal of this id. What a running server has refused just now it stores in a moment, which is waited for.
async fn noted(app: &App, server: &AuthorizationServer, id: &str) -> Result<Option<NotedRefusal>, Failure> {
    let started = app.now();
    let is_new = |id: Identifier| started.duration_since(id.made_at()).unsigned_abs() < LONGEST_WAIT;
    let may_come = id.parse().is_ok_and(is_new);
    loop {
        let refusal = server.noted_refusal(id).await?;
        let waited = app.now().duration_since(started).unsigned_abs();
        if refusal.is_some() || !may_come || waited > LONGEST_WAIT {
            return Ok(refusal);
        }
        app.engine.ports().clock.sleep(LOOK_AGAIN).await;
    }
}

fn told(refusal: &NotedRefusal) -> String {
    let address = refusal.address.map(|address| address.to_string());
    let from: Vec<&str> = [address.as_deref(), refusal.user_agent.as_deref()].into_iter().flatten().collect();
    let mut facts = vec![
        ("refused", format!("{} at {:.0}", refusal.endpoint, refusal.at)),
        ("client", refusal.client.clone().unwrap_or_default()),
        ("from", from.join(", ")),
        ("told", format!("{}: {}", refusal.code.as_str(), refusal.description)),
        ("reason", refusal.reason.clone()),
    ];
    if let Some(advice) = refusal.advice() {
        facts.push(("what helps", advice.to_owned()));
    }
    sheet(&facts)
}

fn unknown(id: &str) -> Failure {
    let shown: String = id.chars().filter(|character| !character.is_control()).take(LONGEST_SHOWN).collect();
    Failure::new(Exit::Error, format!("no refusal has the id `{shown}`")).hint(
        "ids are on error pages and in error answers of this server, and in their header `Bursar-Correlation-Id`; of very \
         many at once only some are kept",
    )
}

const LONGEST_SHOWN: usize = 60;
/// As long as refusals are gathered, and the writing.
const LONGEST_WAIT: Duration = GATHERED.saturating_add(Duration::from_secs(1));
const LOOK_AGAIN: Duration = Duration::from_millis(100);
