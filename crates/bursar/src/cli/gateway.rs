//! `bursar gateway`: the gateway in the foreground, and the tokens of its callers.

mod tokens;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use futures::future::select;
use serde_json::json;
use tokio::net::TcpListener;

use super::app::App;
use super::arguments::gateway::{GatewayAction, GatewayCommand};
use super::printer::Printer;
use crate::desk::Desk;
use crate::exit::{Exit, Failure};
use crate::gateway::{DEFAULT_ADDRESS, Gateway, Limits, WayOut};
use crate::http::serving::{allow_many_descriptors, descriptors_for_connections};
use crate::system::TokioTasks;

pub(super) async fn run(app: &App, command: &GatewayCommand) -> Result<Exit, Failure> {
    match &command.action {
        Some(GatewayAction::Token(command)) => tokens::run(app, &command.action).await,
        None => serve_until_stopped(app, command).await,
    }
}

/// Is the gateway until a signal comes. Not a future: the signal ends it in order, and is no failure.
pub(super) fn serve(app: &App, command: &GatewayCommand) -> Result<Exit, Failure> {
    if let Err(error) = allow_many_descriptors() {
        tracing::warn!(%error, "few connections can be open at a time");
    }
    // A runtime whose tasks go on by themselves: what the engine began is waited for below.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Failure::of(Exit::Error, &error))?;
    let exit = runtime.block_on(serve_until_stopped(app, command));
    // A refresh under way saves its answer first.
    let exit = app.block_on(async |_| exit);
    runtime.shutdown_background();
    exit
}

async fn serve_until_stopped(app: &App, command: &GatewayCommand) -> Result<Exit, Failure> {
    let config = &app.config.gateway;
    if config.routes.is_empty() {
        return Err(Failure::new(Exit::Usage, "there is no route to serve")
            .hint("add a section `[gateway.routes.NAME]` with an `account` to config.toml"));
    }
    let way_out = WayOut::of(&app.environment, &app.config);
    let printer = Printer { json: app.printer.json };
    let notice = Arc::new(move |line: &str| printer.say(line));
    let limits = Limits::within(descriptors_for_connections());
    let gateway = Gateway::new(desk(app).await, config, way_out, limits, notice)?;
    let wanted = command.listen.or(config.listen).unwrap_or(DEFAULT_ADDRESS);
    let listener = TcpListener::bind(wanted).await.map_err(|error| cannot_listen(wanted, &error))?;
    let address = listener.local_addr().map_err(|error| cannot_listen(wanted, &error))?;
    let mut stop = Box::pin(TokioTasks::new().interrupted());
    // Signals are heard from the first look on: whoever reads the address may send one at once.
    if futures::poll!(stop.as_mut()).is_ready() {
        return Ok(Exit::Ok);
    }
    announce(app, address);
    let complaints = async {
        for failure in gateway.check().await {
            app.printer.failure(&failure);
        }
        std::future::pending::<()>().await;
    };
    select(pin!(gateway.serve(listener, stop)), pin!(complaints)).await;
    Ok(Exit::Ok)
}

/// Hands out by an engine that keeps tokens open for a moment, or as other commands do if only the agent has the key.
async fn desk(app: &App) -> Desk {
    let engine = app.engine.clone().with_shelf();
    let opens = match engine.recorded_key_source().await {
        Ok(Some(_)) => engine.unlock().await.is_ok(),
        // Where there is no vault there is no account; a store that fails now is told with each request.
        Ok(None) | Err(_) => true,
    };
    if opens { Desk::new(engine, app.config.rules.clone(), None) } else { app.desk.clone() }
}

fn announce(app: &App, address: SocketAddr) {
    let url = format!("http://{address}");
    if app.printer.json {
        let routes: Vec<&String> = app.config.gateway.routes.keys().collect();
        app.printer.document(&json!({ "schema": 1, "url": url, "routes": routes }));
    }
    app.printer.say(&format!("the gateway listens on {url}"));
    for name in app.config.gateway.routes.keys() {
        app.printer.say(&format!("  {url}/gateway/{name}/"));
    }
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Failure {
    let mut failure = Failure::new(Exit::Error, format!("cannot listen on {address}"));
    failure.causes.push(error.to_string());
    failure.hint("another gateway may run already, perhaps in the agent; choose an address with `--listen`")
}
