//! The files, read by those they are made for: systemd's own checker, and parsers of property lists and XML.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use bursar::service::{Starting, launchd, windows_task};

use super::{BOTH, units};
use crate::support::{Home, ended};

const MISSING: &str = "the program is there; run scripts/setup-tests";

/// What systemd complains about in the units of this folder.
fn complaints(home: &Home) -> String {
    let checked = Command::new("systemd-analyze")
        .args(["verify", "--user", "--man=no"])
        .args(BOTH.map(|name| units(home).join(name)))
        .env("HOME", home.beside(""))
        .env("XDG_RUNTIME_DIR", home.beside(""))
        .output()
        .expect(MISSING);
    // Some mistakes are only warned of.
    String::from_utf8_lossy(&checked.stderr).into_owned()
        + if checked.status.success() { "" } else { "refused" }
}

#[tokio::test(flavor = "multi_thread")]
async fn systemd_reads_the_units_without_a_complaint() {
    let home = Home::new();
    assert_eq!(home.run(&["agent", "install"]).await.code, 0);
    assert_eq!(complaints(&home), "");
    // The checker sees mistakes: without this the line above would prove nothing.
    let unit = units(&home).join(BOTH[0]);
    let text = std::fs::read_to_string(&unit).unwrap();
    std::fs::write(&unit, text.replace("Type=notify", "Type=nonsense")).unwrap();
    assert_ne!(complaints(&home), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn systemd_reads_units_of_hostile_places() {
    let home = Home::new();
    let folder = home.beside("a b/100%h/$HOME/it's \"q\" ; # é");
    std::fs::create_dir_all(&folder).unwrap();
    // The program's own path has everything that systemd takes at all.
    let place = home.beside("tools of $USER 50%");
    std::fs::create_dir_all(&place).unwrap();
    let program = place.join("bursar");
    std::fs::copy(env!("CARGO_BIN_EXE_bursar"), &program).unwrap();
    let mut command = tokio::process::Command::new(&program);
    command
        .args(["agent", "install"])
        .env_clear()
        .env("HOME", home.beside(""))
        .env("PATH", "/usr/bin:/bin")
        .env("BURSAR_HOME", folder.join("home"))
        .env("BURSAR_SOCKET", home.beside("s 5%.sock"));
    let installed = ended(&mut command).await;
    assert_eq!(installed.code, 0, "{installed}");
    assert_eq!(complaints(&home), "");
}

/// Feeds `text` to a Python program, which prints what it understood.
fn understood(program: &str, text: &[u8]) -> String {
    let mut python = Command::new("python3")
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect(MISSING);
    python.stdin.take().unwrap().write_all(text).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

fn hostile(program: &str) -> Starting {
    Starting {
        program: program.into(),
        variables: vec![("BURSAR_HOME", "/a & <b> \"c\" 'd' ]]> é".to_owned())],
        socket: None,
        log: Path::new("/logs & more/agent.log").to_owned(),
    }
}

#[test]
fn a_property_list_means_what_was_written() {
    let text = launchd::property_list(&hostile("/Applications/R&D <x> \"y\"/bursar")).unwrap();
    let program = "import json, plistlib, sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read()), sort_keys=True))";
    let understood: serde_json::Value = serde_json::from_str(&understood(program, text.as_bytes())).unwrap();
    assert_eq!(
        understood,
        serde_json::json!({
            "Label": "io.github.bursar.agent",
            "ProgramArguments": ["/Applications/R&D <x> \"y\"/bursar", "agent", "run"],
            "EnvironmentVariables": { "BURSAR_HOME": "/a & <b> \"c\" 'd' ]]> é" },
            "RunAtLoad": true,
            "KeepAlive": { "SuccessfulExit": false },
            "ProcessType": "Background",
            "Umask": 63,
            "ExitTimeOut": 60,
            "StandardOutPath": "/logs & more/agent.log",
            "StandardErrorPath": "/logs & more/agent.log",
        })
    );
}

#[test]
fn a_task_means_what_was_written() {
    let text = windows_task::definition(&hostile(r"C:\R&D <x>\it's\bursar.exe"), r"D&D\ada").unwrap();
    let bytes: Vec<u8> =
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let program = "
import sys, xml.etree.ElementTree as tree
space = '{http://schemas.microsoft.com/windows/2004/02/mit/task}'
root = tree.fromstring(sys.stdin.buffer.read())
for element in root.iter():
    if element.text and element.text.strip():
        print(element.tag.removeprefix(space) + '=' + element.text)
";
    let understood = understood(program, &bytes);
    for line in [
        r#"Arguments=--headless "C:\R&D <x>\it's\bursar.exe" agent run"#.to_owned(),
        r"UserId=D&D\ada".to_owned(),
        "LogonType=InteractiveToken".to_owned(),
        "DisallowStartIfOnBatteries=false".to_owned(),
        "StopIfGoingOnBatteries=false".to_owned(),
        "ExecutionTimeLimit=PT0S".to_owned(),
        "Hidden=true".to_owned(),
    ] {
        assert!(understood.lines().any(|found| found == line), "{line}\n{understood}");
    }
}
