//! The session's socket, open as long as the command runs.

use std::path::Path;
#[cfg(unix)]
use std::sync::Arc;

use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::secret::Secret;

use super::super::app::App;
use crate::exit::{Exit, Failure};
use crate::http::Told;
#[cfg(unix)]
use crate::http::serving::Hall;
#[cfg(unix)]
use crate::http::{SessionDoor, session_door};
#[cfg(unix)]
use crate::system::TokioTasks;

/// A socket that is listened to.
#[derive(Debug)]
pub(super) struct Door {
    #[cfg(unix)]
    listener: std::os::unix::net::UnixListener,
}

#[cfg(unix)]
impl Door {
    /// Listens at `path`, whose folder nobody else can look into.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let listen = || {
            let listener = std::os::unix::net::UnixListener::bind(path)?;
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            listener.set_nonblocking(true)?;
            Ok(Self { listener })
        };
        listen().map_err(|error: std::io::Error| {
            let mut failure = Failure::new(Exit::Error, format!("cannot listen at {}", path.display()));
            failure.causes.push(error.to_string());
            failure.hint("a socket's path has at most some 100 characters: set XDG_RUNTIME_DIR or BURSAR_HOME to a shorter one")
        })
    }

    /// Answers whoever shows `token`, for `accounts` only, and tells every token to `told` first. Never ends by itself.
    pub(super) async fn serve(&self, app: &App, accounts: &[AccountReference], token: Secret, told: Told) {
        let listener = self.listener.try_clone().and_then(tokio::net::UnixListener::from_std);
        let listener = match listener {
            Ok(listener) => listener,
            Err(error) => {
                app.printer.say(&format!("warning: the session's socket does not answer: {error}"));
                return;
            }
        };
        // Its connections end with the command: nobody waits for them, as one does for a refresh under way.
        let hall = Hall { clock: app.engine.ports().clock.clone(), tasks: Arc::new(TokioTasks::new()) };
        let sandbox = app.engine.sandbox();
        let door = SessionDoor { desk: app.desk.clone(), sandbox, accounts: accounts.into(), token, told };
        hall.serve(listener, session_door(door), std::future::pending()).await;
    }
}

#[cfg(not(unix))]
impl Door {
    pub(super) fn open(_path: &Path) -> Result<Self, Failure> {
        Err(Failure::new(Exit::Usage, "there are no session sockets on this system")
            .hint("use `--token-file NAME=ACCOUNT`"))
    }

    pub(super) async fn serve(
        &self,
        _app: &App,
        _accounts: &[AccountReference],
        _token: Secret,
        _told: Told,
    ) {
        std::future::pending().await
    }
}
