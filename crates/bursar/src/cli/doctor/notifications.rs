//! Whether a notification would appear on this desktop, asked of its notification service (the freedesktop.org
//! Desktop Notifications Specification).

use bursar_core::ports::clock::Clock;

use super::finding::Finding;
use crate::config::environment::Environment;

/// Asks, and shows nothing. Where there is no desktop, none is missed.
pub(super) async fn check(environment: &Environment, clock: &dyn Clock) -> Finding {
    let desktop = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| environment.text(name).is_some());
    told(bus::ask(environment, clock).await, desktop)
}

/// What the desktop says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux is asked"))]
enum Answer {
    /// This service shows them.
    Shown(String),
    /// This service keeps them back.
    Suppressed(String),
    /// Nobody does this on the bus.
    NoService,
    /// There is no session bus to ask on.
    NoBus,
    /// The bus, or the service, says nothing.
    Silent,
    /// Not asked on this system.
    #[cfg_attr(all(target_os = "linux", not(test)), expect(dead_code, reason = "Linux is asked"))]
    Unknown,
}

fn told(answer: Answer, desktop: bool) -> Finding {
    const LATER: &str = "until then, look with `bursar status`";
    match answer {
        Answer::Shown(service) => Finding::ok(NAME, format!("notifications appear, shown by {service}")),
        Answer::Suppressed(service) => Finding::warn(
            NAME,
            format!("{service} keeps notifications back: Do Not Disturb is on"),
            format!("switch Do Not Disturb off, or make an exception for bursar; {LATER}"),
        ),
        Answer::NoService | Answer::NoBus if !desktop => {
            Finding::ok(NAME, "there is no desktop here, so nothing pops up; `bursar check` tells scripts")
        }
        Answer::NoService => Finding::warn(
            NAME,
            "nothing on this desktop shows notifications",
            format!("start a notification service, such as dunst, mako or the desktop's own; {LATER}"),
        ),
        Answer::NoBus => Finding::warn(
            NAME,
            "there is a display, but no D-Bus session bus, so no notification can be sent",
            format!("log in to the desktop as this user, or set DBUS_SESSION_BUS_ADDRESS; {LATER}"),
        ),
        Answer::Silent => Finding::warn(
            NAME,
            "the notification service does not answer",
            format!("start it, or the desktop, again; {LATER}"),
        ),
        Answer::Unknown => {
            Finding::ok(NAME, "whether notifications are kept back is not known; see the system's settings")
        }
    }
}

const NAME: &str = "notifications";

#[cfg(target_os = "linux")]
mod bus {
    use std::time::Duration;

    use bursar_core::ports::clock::Clock;
    use futures::future::{Either, select};
    use zbus::{Connection, OwnedVariant};

    use super::Answer;
    use crate::config::environment::Environment;

    pub(super) async fn ask(environment: &Environment, clock: &dyn Clock) -> Answer {
        let Some(address) = address(environment) else { return Answer::NoBus };
        match select(std::pin::pin!(conversation(&address)), clock.sleep(LIMIT)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Answer::Silent,
        }
    }

    /// The session bus: as named, or where every login session has it.
    fn address(environment: &Environment) -> Option<String> {
        if let Some(address) = environment.text("DBUS_SESSION_BUS_ADDRESS") {
            return Some(address.to_owned());
        }
        let bus = environment.path("XDG_RUNTIME_DIR")?.join("bus");
        bus.exists().then(|| format!("unix:path={}", bus.display()))
    }

    async fn conversation(address: &str) -> Answer {
        let builder = zbus::connection::Builder::address(address);
        let Ok(connection) = builder.build().await else { return Answer::NoBus };
        match has_owner(&connection).await {
            Ok(true) => {}
            // A service that is started when the first notification comes is as good as one that runs.
            Ok(false) => {
                return match is_activatable(&connection).await {
                    Ok(true) => Answer::Shown("a service that starts when needed".to_owned()),
                    Ok(false) => Answer::NoService,
                    Err(_) => Answer::Silent,
                };
            }
            Err(_) => return Answer::Silent,
        }
        let Ok(service) = service(&connection).await else { return Answer::Silent };
        // Services without that property never keep anything back, or do not tell.
        match inhibited(&connection).await {
            Ok(true) => Answer::Suppressed(service),
            Ok(false) | Err(_) => Answer::Shown(service),
        }
    }

    async fn has_owner(connection: &Connection) -> zbus::Result<bool> {
        let answer = connection.call_method(Some(BUS), BUS_PATH, Some(BUS), "NameHasOwner", &(NAME,)).await?;
        let (owned,): (bool,) = answer.body().deserialize()?;
        Ok(owned)
    }

    async fn is_activatable(connection: &Connection) -> zbus::Result<bool> {
        let answer =
            connection.call_method(Some(BUS), BUS_PATH, Some(BUS), "ListActivatableNames", &()).await?;
        let (names,): (Vec<String>,) = answer.body().deserialize()?;
        Ok(names.iter().any(|name| name == NAME))
    }

    /// Its name and version.
    async fn service(connection: &Connection) -> zbus::Result<String> {
        let answer =
            connection.call_method(Some(NAME), PATH, Some(NAME), "GetServerInformation", &()).await?;
        let (name, _, version, _): (String, String, String, String) = answer.body().deserialize()?;
        let shown =
            |text: String| text.chars().filter(|letter| !letter.is_control()).take(40).collect::<String>();
        Ok(format!("{} {}", shown(name), shown(version)).trim().to_owned())
    }

    /// The property by which desktops tell that somebody asked for quiet.
    async fn inhibited(connection: &Connection) -> zbus::Result<bool> {
        let property = (NAME, "Inhibited");
        let answer = connection
            .call_method(Some(NAME), PATH, Some("org.freedesktop.DBus.Properties"), "Get", &property)
            .await?;
        let (value,): (OwnedVariant,) = answer.body().deserialize()?;
        Ok(bool::try_from(value).unwrap_or(false))
    }

    const NAME: &str = "org.freedesktop.Notifications";
    const PATH: &str = "/org/freedesktop/Notifications";
    const BUS: &str = "org.freedesktop.DBus";
    const BUS_PATH: &str = "/org/freedesktop/DBus";

    /// Services answer within milliseconds; nobody waits longer for a doctor.
    const LIMIT: Duration = Duration::from_secs(2);
}

#[cfg(not(target_os = "linux"))]
mod bus {
    use bursar_core::ports::clock::Clock;

    use super::Answer;
    use crate::config::environment::Environment;

    #[expect(clippy::unused_async, reason = "the same signature everywhere")]
    pub(super) async fn ask(_environment: &Environment, _clock: &dyn Clock) -> Answer {
        Answer::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn nothing_is_missed_where_there_is_no_desktop() {
        let service = || "dunst 1.9".to_owned();
        let table = [
            (Answer::Shown(service()), true, Verdict::Ok, "shown by dunst"),
            (Answer::Suppressed(service()), true, Verdict::Warn, "Do Not Disturb"),
            (Answer::NoService, true, Verdict::Warn, "nothing on this desktop"),
            (Answer::NoService, false, Verdict::Ok, "no desktop here"),
            (Answer::NoBus, true, Verdict::Warn, "no D-Bus session bus"),
            (Answer::NoBus, false, Verdict::Ok, "no desktop here"),
            (Answer::Silent, false, Verdict::Warn, "does not answer"),
            (Answer::Unknown, false, Verdict::Ok, "not known"),
        ];
        for (answer, desktop, verdict, words) in table {
            let finding = told(answer, desktop);
            assert_eq!(finding.verdict, verdict, "{finding:?}");
            assert!(finding.what.contains(words), "{finding:?}");
            assert_eq!(finding.remedy.is_some(), verdict != Verdict::Ok, "{finding:?}");
        }
    }
}
