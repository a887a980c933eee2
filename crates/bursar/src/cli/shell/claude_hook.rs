//! Settings for Claude Code: whenever a session starts, `bursar check` looks at the accounts.
//!
//! Claude Code runs the commands of a `SessionStart` hook; when one ends with code 2, it shows the person what the
//! command said on stderr and goes on. Any other code than 0 is told as a broken hook.

use serde_json::{Value, json};

/// The settings to merge into `~/.claude/settings.json`; for one account or provider, or for all.
pub(in crate::cli) fn settings(account: Option<&str>) -> Value {
    let check = match account {
        // The command runs in a POSIX shell on every system.
        Some(account) => format!("bursar check -- '{}'", account.replace('\'', r"'\''")),
        None => "bursar check".to_owned(),
    };
    json!({
        "hooks": {
            "SessionStart": [{
                "matcher": "startup|resume",
                "hooks": [{"type": "command", "command": format!("{check} || exit 2"), "timeout": TIMEOUT}],
            }],
        },
    })
}

/// In seconds. `check` reads the store and asks nobody, so this only matters on a disk that hangs.
const TIMEOUT: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn command(account: Option<&str>) -> String {
        settings(account)["hooks"]["SessionStart"][0]["hooks"][0]["command"].as_str().unwrap().to_owned()
    }

    #[test]
    fn one_account_is_quoted_and_none_means_all() {
        assert_eq!(command(None), "bursar check || exit 2");
        assert_eq!(command(Some("claude:it's")), r"bursar check -- 'claude:it'\''s' || exit 2");
    }
}
