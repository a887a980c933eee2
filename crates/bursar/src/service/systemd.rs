//! Linux: two units of the user's own systemd (systemd.service(5), systemd.socket(5)).
//!
//! The socket unit lets systemd listen from the first moment of the session, so that callers wait for the agent instead
//! of missing it; the service unit starts it at login and again after a crash.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{Encoding, MARK, Plan, ServiceError, ServiceFile, Starting, Step, plain, plain_text};
use crate::config::environment::Environment;

/// The units, where the user's manager looks for them, and its commands.
pub fn plan(starting: &Starting, environment: &Environment) -> Result<Plan, ServiceError> {
    let folder = folder(environment)?;
    let file =
        |name: &str, text: String| ServiceFile { path: folder.join(name), text, encoding: Encoding::Utf8 };
    let manager = |words: &str| Step::new("systemctl", ["--user"].into_iter().chain(words.split(' ')));
    let both = format!("{SOCKET} {SERVICE}");
    Ok(Plan {
        manager: MANAGER,
        files: vec![file(SOCKET, socket_unit(starting)?), file(SERVICE, service_unit(starting)?)],
        announce: vec![manager("daemon-reload")],
        // The agent of somebody's terminal would keep the place; systemd's own must not run on an old text.
        renew: vec![
            Step::new(starting.program.clone(), ["agent", "stop"]),
            manager(&format!("stop {SERVICE} {SOCKET}")),
        ],
        begin: vec![manager(&format!("enable --now {both}"))],
        end: vec![manager(&format!("disable --now {SERVICE} {SOCKET}"))],
        links: vec![
            folder.join("sockets.target.wants").join(SOCKET),
            folder.join("default.target.wants").join(SERVICE),
        ],
        advice: vec![LINGER.to_owned()],
    })
}

/// The service unit.
pub fn service_unit(starting: &Starting) -> Result<String, ServiceError> {
    let program = program(&starting.program)?;
    let mut variables = String::new();
    for (name, value) in &starting.variables {
        // Writing to a String cannot fail.
        let _ =
            writeln!(variables, "Environment={}", quoted(&format!("{name}={}", plain_text(MANAGER, value)?)));
    }
    // Filters that would also bind the commands which print client secrets (interpreters that compile at run time,
    // sandboxes of their own) are left out, and so are those that only the system's manager can set up.
    Ok(format!(
        "# {MARK}
# Changes made here are lost; make them with `systemctl --user edit {SERVICE}`.
[Unit]
Description=bursar agent, keeps OAuth tokens fresh
Documentation=https://github.com/bursar/bursar
Requires={SOCKET}
After={SOCKET}

[Service]
Type=notify
ExecStart={program} agent run
{variables}Restart=on-failure
RestartSec=1s
# A refresh under way saves its answer first; it takes at most 50 s.
TimeoutStopSec=60s
KillMode=mixed
UMask=0077
LimitCORE=0
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK

[Install]
WantedBy=default.target
Also={SOCKET}
"
    ))
}

/// The socket unit.
pub fn socket_unit(starting: &Starting) -> Result<String, ServiceError> {
    let place = match &starting.socket {
        // `%t` is the session's runtime folder.
        None => "%t/bursar/agent.sock".to_owned(),
        Some(path) => listened(path)?,
    };
    Ok(format!(
        "# {MARK}
# Changes made here are lost; make them with `systemctl --user edit {SOCKET}`.
[Unit]
Description=Socket of the bursar agent
Documentation=https://github.com/bursar/bursar

[Socket]
ListenStream={place}
SocketMode=0600
DirectoryMode=0700
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
"
    ))
}

const MANAGER: &str = "systemd";
const SERVICE: &str = "bursar-agent.service";
const SOCKET: &str = "bursar-agent.socket";

const LINGER: &str = "it ends with your last login session; to have it run from boot, also without you, run \
                      `loginctl enable-linger`";

/// `sun_path` of unix(7) has 108 bytes, the last of them zero.
const LONGEST_SOCKET: usize = 107;

fn folder(environment: &Environment) -> Result<PathBuf, ServiceError> {
    let absolute = |name: &str| environment.path(name).filter(|path| path.is_absolute());
    let config = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
    Ok(config.ok_or(ServiceError::NoHome)?.join("systemd/user"))
}

/// The first word of a command line. systemd takes no quotes and backslashes in it, however they are escaped.
fn program(path: &Path) -> Result<String, ServiceError> {
    let text = plain(MANAGER, path)?;
    if text.contains(['"', '\'', '\\']) {
        let path = text.to_owned();
        return Err(ServiceError::Unwritable { manager: MANAGER, what: "quotes or backslashes", path });
    }
    // The colon switches variables off, which a dollar sign would begin; older versions do not know it.
    let colon = if text.contains('$') { ":" } else { "" };
    Ok(format!("{colon}{}", quoted(text)))
}

/// A word between double quotes (systemd.syntax(7)); `%` would begin a specifier (systemd.unit(5)).
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '%' => quoted.push_str("%%"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// A socket's path is the rest of its line as it is, but for specifiers.
fn listened(path: &Path) -> Result<String, ServiceError> {
    let text = plain(MANAGER, path)?;
    if text.len() > LONGEST_SOCKET {
        return Err(ServiceError::LongSocket { most: LONGEST_SOCKET, path: path.to_owned() });
    }
    if text.ends_with('\\') || text.trim() != text {
        let (what, path) = ("a space or a backslash at an end", text.to_owned());
        return Err(ServiceError::Unwritable { manager: MANAGER, what, path });
    }
    Ok(text.replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starting(program: &str) -> Starting {
        Starting { program: program.into(), variables: Vec::new(), socket: None, log: "/log".into() }
    }

    #[test]
    fn the_socket_of_a_plain_installation() {
        insta::assert_snapshot!(socket_unit(&starting("/usr/bin/bursar")).unwrap(), @"
        # Written by `bursar agent install`; `bursar agent uninstall` removes it.
        # Changes made here are lost; make them with `systemctl --user edit bursar-agent.socket`.
        [Unit]
        Description=Socket of the bursar agent
        Documentation=https://github.com/bursar/bursar

        [Socket]
        ListenStream=%t/bursar/agent.sock
        SocketMode=0600
        DirectoryMode=0700
        RemoveOnStop=yes

        [Install]
        WantedBy=sockets.target
        ");
    }

    #[test]
    fn the_service_of_a_plain_installation() {
        insta::assert_snapshot!(service_unit(&starting("/usr/bin/bursar")).unwrap(), @r#"
        # Written by `bursar agent install`; `bursar agent uninstall` removes it.
        # Changes made here are lost; make them with `systemctl --user edit bursar-agent.service`.
        [Unit]
        Description=bursar agent, keeps OAuth tokens fresh
        Documentation=https://github.com/bursar/bursar
        Requires=bursar-agent.socket
        After=bursar-agent.socket

        [Service]
        Type=notify
        ExecStart="/usr/bin/bursar" agent run
        Restart=on-failure
        RestartSec=1s
        # A refresh under way saves its answer first; it takes at most 50 s.
        TimeoutStopSec=60s
        KillMode=mixed
        UMask=0077
        LimitCORE=0
        NoNewPrivileges=yes
        LockPersonality=yes
        RestrictRealtime=yes
        RestrictSUIDSGID=yes
        SystemCallArchitectures=native
        RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK

        [Install]
        WantedBy=default.target
        Also=bursar-agent.socket
        "#);
    }

    #[test]
    fn hostile_paths_are_escaped_where_systemd_can_read_them() {
        let mut hostile = starting("/opt/my tools/100%/$HOME/bürsar");
        hostile.variables = vec![("BURSAR_HOME", "/home/a \"b\" 'c' $HOME %h \\n".to_owned())];
        hostile.socket = Some("/run/100% mine/agent.sock".into());
        let (service, socket) = (service_unit(&hostile).unwrap(), socket_unit(&hostile).unwrap());
        let line =
            |text: &str, key: &str| text.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
        assert_eq!(
            line(&service, "ExecStart="),
            r#"ExecStart=:"/opt/my tools/100%%/$HOME/bürsar" agent run"#
        );
        assert_eq!(
            line(&service, "Environment="),
            r#"Environment="BURSAR_HOME=/home/a \"b\" 'c' $HOME %%h \\n""#
        );
        assert_eq!(line(&socket, "ListenStream="), "ListenStream=/run/100%% mine/agent.sock");
    }

    #[test]
    fn what_systemd_cannot_read_is_refused() {
        for program in ["/a\nExecStartPre=/bin/evil", "/a\"b", "/it's", "/a\\b", "/a\tb"] {
            let refused = service_unit(&starting(program)).unwrap_err();
            assert!(matches!(refused, ServiceError::Unwritable { .. }), "{program:?}: {refused}");
            assert!(!refused.to_string().contains('\n'), "{refused}");
        }
        let variable = Starting { variables: vec![("BURSAR_HOME", "/a\nb".to_owned())], ..starting("/b") };
        assert!(service_unit(&variable).is_err());
        for socket in ["/a\nb", "/a ", "/a\\"] {
            let starting = Starting { socket: Some(socket.into()), ..starting("/b") };
            assert!(socket_unit(&starting).is_err(), "{socket:?}");
        }
        let longest = |length: usize| Starting {
            socket: Some(format!("/{}", "a".repeat(length - 1)).into()),
            ..starting("/b")
        };
        assert!(socket_unit(&longest(107)).is_ok());
        assert!(matches!(socket_unit(&longest(108)), Err(ServiceError::LongSocket { .. })));
    }
}
