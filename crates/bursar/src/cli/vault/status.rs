//! `bursar vault status`: which keys there are, and how far a change of them is. Opens nothing and asks nobody.

use bursar_core::engine::sandboxes::SandboxName;
use bursar_core::engine::vault::rekeying::{Progress, Rekeying};
use serde_json::json;

use super::{no_vault, place};
use crate::cli::app::App;
use crate::exit::{Exit, Failure};
use crate::http::administration::documents::KeyChangeDocument;

pub(super) async fn run(app: &App) -> Result<Exit, Failure> {
    let facts = app.engine.vault_facts().await?.ok_or_else(no_vault)?;
    let choice = app.keys.choice(&facts.key_source)?;
    let changes = app.engine.rekeyings().await?;
    if app.printer.json {
        app.printer.document(&json!({
            "schema": 1,
            "key": choice.backend,
            "origin": choice.origin,
            "old_key_kept": facts.old_master_key,
            "data_key": facts.data_key,
            "made_at": facts.made_at,
            "changes": changes.iter().map(KeyChangeDocument::new).collect::<Vec<_>>(),
        }));
        return Ok(Exit::Ok);
    }
    let before = if facts.old_master_key { OLD_MASTER_KEY } else { "" };
    let changes: String = changes.iter().map(line).collect();
    let (place, number) = (place(&choice), facts.data_key);
    let text = format!("master key: {place}\n{before}data key:   number {number}\n{changes}");
    app.printer.data(&text);
    Ok(Exit::Ok)
}

fn line(change: &Rekeying) -> String {
    let whose = change.sandbox.as_ref().map_or("the installation", SandboxName::as_str);
    let pass = change.pass.as_ref();
    let what = match change.progress() {
        Progress::Announced => "announced to all that runs".to_owned(),
        Progress::Resealing => pass.map_or_else(String::new, |pass| {
            format!(
                "{} of {} records looked at, {} sealed anew",
                pass.looked_at, pass.records, change.resealed
            )
        }),
        Progress::Kept => {
            let until = change.kept_until().map_or_else(|| "a while".to_owned(), |until| until.to_string());
            match pass.map_or(0, |pass| pass.held_back) {
                0 => format!("all is sealed anew; the old key stays until {until}"),
                held => format!("{held} records still need the old key"),
            }
        }
    };
    format!("change:     {whose}, from number {} to {}: {what}\n", change.from, change.from + 1)
}

const OLD_MASTER_KEY: &str =
    "            the one before opens the vault too, until `bursar vault rotate --finish`\n";
