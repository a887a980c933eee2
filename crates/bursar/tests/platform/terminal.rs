//! The passphrase prompt, at a pseudo-terminal.

use std::fs::File;
use std::io::{Read as _, Write as _};

use bursar::master_key::terminal::{TerminalError, ask_at};
use bursar_core::secret::Secret;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

/// Types after the prompt has come; gives back the answer and everything the screen showed.
fn typed(keys: &[u8]) -> (Result<Secret, TerminalError>, String) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap();
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
    let terminal = File::from(rustix::fs::open(name, flags, rustix::fs::Mode::empty()).unwrap());
    let before = tcgetattr(&terminal).unwrap().local_modes;
    assert!(before.contains(LocalModes::ECHO));
    let mut person = File::from(person);
    let (answer, mut screen) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask_at(&terminal, "Passphrase: "));
        let mut prompt = [0_u8; 12];
        person.read_exact(&mut prompt).unwrap();
        person.write_all(keys).unwrap();
        (asking.join().unwrap(), prompt.to_vec())
    });
    assert_eq!(tcgetattr(&terminal).unwrap().local_modes, before, "the terminal is as it was");
    drop(terminal);
    // The screen ends with an error once nobody has the terminal open.
    let _ = person.read_to_end(&mut screen);
    (answer, String::from_utf8(screen).unwrap())
}

#[test]
fn what_is_typed_arrives_and_is_not_shown() {
    let (answer, screen) = typed(b"hunter2 und \xc3\xa9\r");
    assert_eq!(answer.unwrap(), Secret::new("hunter2 und é"));
    assert_eq!(screen.trim_end(), "Passphrase:");
}

#[test]
fn the_usual_keys_edit() {
    let (answer, _) = typed("wrong\u{15}abcé\u{7f}\u{8}d\n".as_bytes());
    assert_eq!(answer.unwrap(), Secret::new("abd"));
}

#[test]
fn control_c_and_control_d_cancel() {
    for key in [3, 4] {
        let (answer, _) = typed(&[b'a', key]);
        assert!(matches!(answer, Err(TerminalError::Cancelled)));
    }
}

#[test]
fn a_file_is_no_terminal() {
    let file = tempfile::tempfile().unwrap();
    assert!(matches!(ask_at(&file, "Passphrase: "), Err(TerminalError::NoTerminal(_))));
}
