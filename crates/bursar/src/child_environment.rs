//! What a child process must not inherit: the key to everything.
//!
//! Everything that starts a child calls [`scrub`] first: browsers, commands that print secrets, hooks, `exec`.

use std::process::Command;

use crate::config::environment::Environment;

/// Removes the variables that open the vault, or hold a secret of a client or of sessions, from the child's environment.
pub fn scrub(command: &mut Command, environment: &Environment) {
    for name in environment.names().filter(|name| is_private(name)) {
        command.env_remove(name);
    }
}

/// Whether a variable is for bursar alone. Files and descriptors count too: the child runs as the same user.
pub fn is_private(name: &str) -> bool {
    name.starts_with("BURSAR_MASTER_KEY")
        || name.starts_with("BURSAR_PASSPHRASE")
        || name.starts_with("BURSAR_VAULT_")
        || name.starts_with("BURSAR_SESSIONS_")
        || (name.starts_with("BURSAR_PROVIDERS_") && name.ends_with("_CLIENT_SECRET"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_inherits_everything_but_the_keys() {
        let private = [
            "BURSAR_MASTER_KEY",
            "BURSAR_MASTER_KEY_FD",
            "BURSAR_MASTER_KEY_FILE",
            "BURSAR_PASSPHRASE_FILE",
            "BURSAR_VAULT_PASSPHRASE_FILE",
            "BURSAR_PROVIDERS_GITHUB_CLIENT_SECRET",
            "BURSAR_SESSIONS_SECRET",
            "BURSAR_SESSIONS_PREVIOUS_SECRET",
        ];
        let kept = ["PATH", "BURSAR_HOME", "BURSAR_SESSION", "BURSAR_PROVIDERS_GITHUB_CLIENT_ID"];
        let environment = Environment::from_pairs(private.iter().chain(&kept).map(|name| (*name, "hunter2")));
        let mut command = Command::new("true");
        scrub(&mut command, &environment);
        let removed: Vec<_> =
            command.get_envs().map(|(name, value)| (name.to_str().unwrap(), value)).collect();
        let mut expected = private.map(|name| (name, None));
        expected.sort_unstable();
        assert_eq!(removed, expected);
    }
}
