//! The misbehaving provider as a program, for tests of other processes and for trying things by hand.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use jiff::SignedDuration;
use misbehaving_provider::{Behaviour, MisbehavingProvider, ReusePolicy};
use tokio::sync::oneshot;

/// An OAuth authorization server that misbehaves on request; controlled through /control/ on the same port.
#[derive(Debug, Parser)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// JSON file with the switches to change; what it leaves out keeps its default.
    #[arg(long, value_name = "FILE")]
    behaviour: Option<PathBuf>,
    /// How long access tokens live, for example 4s, 1h.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    access_lifetime: Option<Duration>,
    /// What happens to spent refresh tokens: harmless, grace:SECONDS, until-successor-used, reject, revoke-family.
    #[arg(long, value_name = "POLICY")]
    reuse: Option<ReusePolicy>,
    /// Stop when standard input closes, so that no provider outlives the test that started it.
    #[arg(long)]
    until_stdin_closes: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(io::stderr(), "misbehaving-provider: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(arguments: &Arguments) -> io::Result<()> {
    let provider = MisbehavingProvider::start_on(arguments.listen, behaviour(arguments)?).await?;
    let mut stdout = io::stdout();
    writeln!(stdout, "issuer={}", provider.issuer())?;
    stdout.flush()?;
    let stdin_closed = arguments.until_stdin_closes.then(stdin_closed);
    ended(stdin_closed).await?;
    provider.stop().await;
    Ok(())
}

fn behaviour(arguments: &Arguments) -> io::Result<Behaviour> {
    let mut behaviour = match &arguments.behaviour {
        Some(path) => serde_json::from_slice(&std::fs::read(path)?)?,
        None => Behaviour::default(),
    };
    if let Some(lifetime) = arguments.access_lifetime {
        behaviour.token.access_lifetime = lifetime;
    }
    if let Some(reuse) = arguments.reuse {
        behaviour.token.reuse = reuse;
    }
    Ok(behaviour)
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration: SignedDuration = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    Duration::try_from(duration).map_err(|error| error.to_string())
}

/// Reads standard input to its end in a thread that nobody waits for: a runtime would not stop before the read does.
fn stdin_closed() -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = io::stdin().lock().read_to_end(&mut Vec::new());
        // The receiver is gone when a signal came first.
        let _ = sender.send(());
    });
    receiver
}

async fn ended(stdin_closed: Option<oneshot::Receiver<()>>) -> io::Result<()> {
    let stdin = async {
        match stdin_closed {
            Some(closed) => drop(closed.await),
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = stdin => Ok(()),
        outcome = signalled() => outcome,
    }
}

#[cfg(unix)]
async fn signalled() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        outcome = tokio::signal::ctrl_c() => outcome,
    }
}

#[cfg(not(unix))]
async fn signalled() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
