//! `bursar rebuild`: saves what is readable of a damaged store, and tells what was lost.
//!
//! It works on the file itself: everything else needs a store that opens.

use std::collections::BTreeSet;
use std::path::Path;

use bursar_core::engine::records::{
    AccountUse, DataKey, DefaultAccount, LoginMark, ProviderDefinition, RefreshLease, Revocation,
};
use bursar_core::lifecycle::account::Account;
use bursar_core::ports::clock::Clock as _;
use bursar_core::ports::document::{self, Document};
use bursar_core::ports::event::Event;
use bursar_core::ports::store::{Batch, CommitId, EventQuery, Page, SandboxId, Space, Store, StoreError};
use bursar_store::sqlite::salvage::SalvageReport;
use futures::executor::block_on;
use serde_json::json;

use super::printer::Printer;
use super::screen::rebuild_screen::{Rebuilt, Traces, trace_key};
use crate::config::Config;
use crate::config::environment::Environment;
use crate::config::paths::Paths;
use crate::exit::{Exit, Failure};
use crate::system::{SystemClock, SystemRandom};
use crate::wiring;

pub(super) fn run(environment: &Environment, printer: &Printer) -> Result<Exit, Failure> {
    let paths = Paths::resolve(environment)?;
    paths.prepare(false)?;
    let file = &paths.database();
    // A configuration with a mistake in it is no reason to leave a damaged file alone.
    if let Ok(config) = Config::load(environment, &paths)
        && config.store.database.is_some()
    {
        return Err(Failure::new(Exit::Usage, "the store is on a server, and only files are rebuilt here")
            .hint("let the server's own tools mend it, or restore a backup into an empty database"));
    }
    if !file.exists() {
        return Ok(nothing_to_do(printer, file, "is not there yet; the first login makes it"));
    }
    match read_everything(&paths) {
        Ok(()) => return Ok(nothing_to_do(printer, file, "is sound; nothing to rebuild")),
        Err(StoreError::Damaged(detail)) => printer.say(&format!("{} is damaged: {detail}", file.display())),
        Err(error) => return Err(error.into()),
    }
    let report = wiring::salvage_embedded_store(&paths)?;
    let rebuilt = examine(&paths, report)?;
    if printer.json {
        printer.document(&rebuilt.to_json());
    } else {
        printer.data(&rebuilt.render());
    }
    Ok(if rebuilt.login_again.is_empty() && rebuilt.secrets_open { Exit::Ok } else { Exit::LoginRequired })
}

fn nothing_to_do(printer: &Printer, file: &Path, why: &str) -> Exit {
    if printer.json {
        printer.document(&json!({"schema": 1, "rebuilt": false, "file": file.display().to_string()}));
    } else {
        printer.say(&format!("{} {why}", file.display()));
    }
    Exit::Ok
}

/// Reads every record there is, so that damage in a corner nobody has visited shows too.
fn read_everything(paths: &Paths) -> Result<(), StoreError> {
    let store = &*wiring::open_embedded_store(paths)?;
    block_on(async {
        store.backup(&mut std::io::sink()).await?;
        // What can be read must also mean something.
        list::<DataKey>(store, &Space::System).await?;
        traces(store).await.map(|_| ())
    })
}

/// Looks into the new store for what the old one must have held.
fn examine(paths: &Paths, report: SalvageReport) -> Result<Rebuilt, StoreError> {
    let store = &*wiring::open_embedded_store(paths)?;
    let (garbled, traces, keys) = block_on(async {
        let garbled = remove_garbled(store).await?;
        let mut traces = traces(store).await?;
        let accounts = garbled.iter().filter(|record| record.kind == Account::KIND.name);
        traces.pointed_to.splice(0..0, accounts.map(|record| record.key.clone()));
        let keys = list::<DataKey>(store, &Space::System).await?.len();
        Ok::<_, StoreError>((garbled, traces, keys))
    })?;
    let total = report.recovered.values().sum::<u64>().saturating_sub(garbled.len() as u64);
    let accounts = traces.accounts;
    let meaningless =
        garbled.iter().map(|record| format!("{} `{}`: makes no sense any more", record.kind, record.key));
    Ok(Rebuilt {
        file: paths.database(),
        accounts,
        others: total.saturating_sub(accounts),
        secrets_open: accounts == 0 || keys > 0,
        events: report.events,
        moved_to: report.moved_to,
        lost: report.lost.into_iter().chain(meaningless).collect(),
        login_again: traces.lost_logins(),
    })
}

/// A record whose content is not what its kind should have. Its key is stored apart and may well be right.
struct Garbled {
    kind: &'static str,
    key: String,
}

/// Removes what the store could read but nobody can understand: one such record makes every command fail. It stays in
/// the file that was set aside.
async fn remove_garbled(store: &dyn Store) -> Result<Vec<Garbled>, StoreError> {
    let personal = Space::Sandbox(SandboxId::personal());
    let mut garbled = Vec::new();
    remove_garbled_of::<DataKey>(store, &Space::System, &mut garbled).await?;
    remove_garbled_of::<Account>(store, &personal, &mut garbled).await?;
    remove_garbled_of::<AccountUse>(store, &personal, &mut garbled).await?;
    remove_garbled_of::<DefaultAccount>(store, &personal, &mut garbled).await?;
    remove_garbled_of::<ProviderDefinition>(store, &personal, &mut garbled).await?;
    remove_garbled_of::<Revocation>(store, &personal, &mut garbled).await?;
    remove_garbled_of::<RefreshLease>(store, &personal, &mut garbled).await?;
    remove_garbled_of::<LoginMark>(store, &personal, &mut garbled).await?;
    Ok(garbled)
}

async fn remove_garbled_of<T: Document>(
    store: &dyn Store,
    space: &Space,
    garbled: &mut Vec<Garbled>,
) -> Result<(), StoreError> {
    let mut page = Page::first(RECORDS_AT_ONCE);
    loop {
        let records = store.list(space, T::KIND, page.clone()).await?.value;
        let Some(last) = records.last() else { return Ok(()) };
        page.after = Some(last.key.clone());
        for record in records {
            let (key, version) = (record.key.clone(), record.version);
            if document::decode::<T>(&record).is_err() {
                let id = CommitId::new(SystemClock.now(), &SystemRandom);
                store.commit(Batch::new(space.clone(), id).delete(T::KIND, &key, version)).await?;
                garbled.push(Garbled { kind: T::KIND.name, key });
            }
        }
    }
}

async fn traces(store: &dyn Store) -> Result<Traces, StoreError> {
    let space = Space::Sandbox(SandboxId::personal());
    let accounts = list::<Account>(store, &space).await?;
    // Nobody points to these, but they must be readable all the same.
    list::<RefreshLease>(store, &space).await?;
    list::<LoginMark>(store, &space).await?;
    let revocations = list::<Revocation>(store, &space).await?;
    let given_up = revocations.iter().map(|revocation| &revocation.account.reference);
    let present = accounts.iter().map(|account| &account.reference);
    let defaults = list::<DefaultAccount>(store, &space).await?;
    let uses = list::<AccountUse>(store, &space).await?;
    let definitions = list::<ProviderDefinition>(store, &space).await?;
    Ok(Traces {
        accounts: accounts.len() as u64,
        accounted_for: present.chain(given_up).map(trace_key).collect::<BTreeSet<_>>(),
        // References keep the case people gave them, so they come last and win.
        pointed_to: uses
            .into_iter()
            .map(|used| used.account)
            .chain(defaults.into_iter().map(|default| default.account.to_string()))
            .collect(),
        events: events(store, &space).await?,
        issuers: definitions
            .into_iter()
            .map(|definition| (definition.provider.id.to_string(), definition.issuer))
            .collect(),
    })
}

async fn list<T: Document>(store: &dyn Store, space: &Space) -> Result<Vec<T>, StoreError> {
    Ok(document::list::<T>(store, space).await?.into_iter().map(|stored| stored.document).collect())
}

async fn events(store: &dyn Store, space: &Space) -> Result<Vec<Event>, StoreError> {
    let mut events = Vec::new();
    let mut after = 0;
    loop {
        let query = EventQuery { after, subject: None, limit: EVENTS_AT_ONCE };
        let page = store.events(space, query).await?.value;
        let Some(last) = page.last() else { return Ok(events) };
        after = last.id;
        // Years of refreshes are not kept in memory: only what tells which logins there were.
        let telling = page
            .into_iter()
            .map(|stored| stored.event)
            .filter(|event| event.name.starts_with("account.logged_"));
        events.extend(telling);
    }
}

const RECORDS_AT_ONCE: usize = 256;
/// A few hundred kilobytes.
const EVENTS_AT_ONCE: usize = 1000;
