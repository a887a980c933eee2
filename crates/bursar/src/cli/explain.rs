//! `bursar explain`: why the authorization server refused a request, in words.

use bursar_core::engine::issuer::administration::refusals::NotedRefusal;

use super::administration::{server_of, value};
use super::app::App;
use super::arguments::grant::ExplainCommand;
use super::screen::table::sheet;
use crate::exit::{Exit, Failure};
use crate::http::administration::documents::RefusalDocument;

pub(super) async fn run(app: &App, command: &ExplainCommand) -> Result<Exit, Failure> {
    let server = server_of(app)?;
    let refusal = server.noted_refusal(command.id.trim()).await?.ok_or_else(|| unknown(&command.id))?;
    if app.printer.json {
        app.printer.document(&value(&RefusalDocument::from(&refusal)));
    } else {
        app.printer.data(&told(&refusal));
    }
    Ok(Exit::Ok)
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
        "ids are on error pages and in error answers of this server; of very many at once only some are kept, all are \
         in its log",
    )
}

const LONGEST_SHOWN: usize = 60;
