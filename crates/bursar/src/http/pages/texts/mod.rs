//! Every word of the pages, in one place, one value a language.
//!
//! Sentences stand whole: no template puts words together, so that other languages can order theirs as they must.

mod english;
mod german;

use std::time::Duration;

use jiff::Timestamp;

pub(super) use self::english::ENGLISH;
pub(super) use self::german::GERMAN;

/// The words of one language; each field is told by its English words below.
#[derive(Debug)]
pub(super) struct Texts {
    /// BCP 47.
    pub(super) language: &'static str,

    pub(super) sign_in: &'static str,
    pub(super) sign_in_for: &'static str,
    pub(super) username: &'static str,
    pub(super) password: &'static str,
    pub(super) sign_in_mismatch: &'static str,
    pub(super) sign_in_busy: &'static str,
    /// With `{minutes}`.
    pub(super) too_many_minutes: &'static str,
    pub(super) too_many_soon: &'static str,

    pub(super) nameless: &'static str,
    pub(super) verified: &'static str,
    pub(super) unverified: &'static str,
    pub(super) unverified_meaning: &'static str,
    pub(super) registered: &'static str,

    pub(super) consent: &'static str,
    pub(super) who_asks: &'static str,
    pub(super) answer_goes_to: &'static str,
    pub(super) answer_to_this_computer: &'static str,
    pub(super) answer_to_application: &'static str,
    pub(super) answer_elsewhere: &'static str,
    pub(super) access_to: &'static str,
    pub(super) permissions: &'static str,
    pub(super) new_scope: &'static str,
    pub(super) tools: &'static str,
    /// With `{count}`.
    pub(super) more: &'static str,
    pub(super) asks_for_more: &'static str,
    pub(super) has_changed: &'static str,
    pub(super) no_permissions: &'static str,
    pub(super) offline: &'static str,
    pub(super) allow: &'static str,
    pub(super) deny: &'static str,
    pub(super) signed_in_as: &'static str,
    pub(super) not_you: &'static str,
    pub(super) scopes: &'static [(&'static str, &'static str)],

    pub(super) device_code: &'static str,
    pub(super) device_code_where: &'static str,
    pub(super) device_code_label: &'static str,
    pub(super) device_code_forgiving: &'static str,
    pub(super) device_code_unknown: &'static str,
    pub(super) proceed: &'static str,
    pub(super) device_confirmation: &'static str,
    pub(super) device_question: &'static str,
    pub(super) device_warning: &'static str,
    pub(super) device_compare: &'static str,
    pub(super) device_asked_from: &'static str,
    pub(super) device_allow: &'static str,
    pub(super) device_deny: &'static str,
    pub(super) device_allowed: &'static str,
    pub(super) device_allowed_next: &'static str,
    pub(super) device_denied: &'static str,
    pub(super) device_denied_next: &'static str,
    pub(super) device_expired: &'static str,
    pub(super) device_expired_next: &'static str,

    pub(super) what_helps: &'static str,
    pub(super) about: &'static str,
    pub(super) reference: &'static str,
    pub(super) reference_meaning: &'static str,

    pub(super) signed_in: &'static str,
    pub(super) signed_in_next: &'static str,
    pub(super) sign_out: &'static str,
    pub(super) sign_out_question: &'static str,
    pub(super) sign_out_meaning: &'static str,
    pub(super) sign_out_asked_by: &'static str,
    pub(super) stay: &'static str,
    pub(super) signed_out: &'static str,
    pub(super) signed_out_next: &'static str,
    pub(super) sign_in_again: &'static str,

    pub(super) sign_in_passkey: &'static str,
    pub(super) sign_in_or: &'static str,
    pub(super) passkey_cancelled: &'static str,
    pub(super) passkey_elsewhere: &'static str,
    pub(super) passkey_failed: &'static str,
    pub(super) passkey_refused: &'static str,
    pub(super) passkey_is_copied: &'static str,
    pub(super) forgotten: &'static str,

    pub(super) cannot_go_on: &'static str,
    pub(super) not_now: &'static str,
    pub(super) too_much: &'static str,
    pub(super) unavailable: &'static str,
    pub(super) page_lost: &'static str,
    pub(super) page_lost_why: &'static str,
    pub(super) page_lost_help: &'static str,
    pub(super) page_lost_here: &'static str,
    pub(super) begin_again: &'static str,
    pub(super) landed: &'static str,
    pub(super) landed_next: &'static str,
    pub(super) login_failed: &'static str,
    pub(super) login_failed_next: &'static str,
    pub(super) no_landing: &'static str,
    pub(super) no_landing_next: &'static str,
    pub(super) no_page: &'static str,
    pub(super) no_page_why: &'static str,
    pub(super) no_page_help: &'static str,
    pub(super) to_account: &'static str,
    pub(super) help_again: &'static str,
    pub(super) help_client: &'static str,
    pub(super) help_redirect: &'static str,

    pub(super) account: &'static str,
    pub(super) apps: &'static str,
    pub(super) no_apps: &'static str,
    pub(super) app_since: &'static str,
    pub(super) app_changed: &'static str,
    pub(super) withdraw: &'static str,
    pub(super) apps_meaning: &'static str,
    pub(super) sessions: &'static str,
    pub(super) this_browser: &'static str,
    pub(super) session_since: &'static str,
    pub(super) session_from: &'static str,
    pub(super) unknown_browser: &'static str,
    pub(super) end_session: &'static str,
    pub(super) end_other_sessions: &'static str,
    pub(super) ways_in: &'static str,
    pub(super) password_set: &'static str,
    pub(super) no_password: &'static str,
    pub(super) change_password: &'static str,
    pub(super) set_password: &'static str,
    pub(super) passkeys_meaning: &'static str,
    pub(super) no_passkeys: &'static str,
    pub(super) passkeys_impossible: &'static str,
    pub(super) passkey_added: &'static str,
    pub(super) passkey_used: &'static str,
    pub(super) passkey_unused: &'static str,
    pub(super) passkey_copied: &'static str,
    pub(super) passkey_copied_meaning: &'static str,
    pub(super) passkey_name: &'static str,
    pub(super) rename: &'static str,
    pub(super) remove: &'static str,
    pub(super) manage: &'static str,
    pub(super) add_passkey: &'static str,
    pub(super) app_removed: &'static str,

    pub(super) done_session: &'static str,
    pub(super) done_sessions: &'static str,
    pub(super) done_withdrawn: &'static str,
    pub(super) done_password: &'static str,
    pub(super) done_passkey: &'static str,
    pub(super) done_passkey_renamed: &'static str,
    pub(super) done_passkey_removed: &'static str,
    pub(super) done_welcome: &'static str,
    pub(super) failed_only_way: &'static str,

    pub(super) current_password: &'static str,
    pub(super) new_password: &'static str,
    pub(super) new_password_again: &'static str,
    pub(super) password_rule: &'static str,
    pub(super) passwords_differ: &'static str,
    pub(super) password_wrong: &'static str,
    pub(super) password_unfit: &'static str,
    pub(super) password_meaning: &'static str,
    pub(super) back_to_account: &'static str,

    pub(super) reset: &'static str,
    pub(super) reset_meaning: &'static str,
    pub(super) reset_code: &'static str,
    pub(super) reset_not_good: &'static str,
    pub(super) reset_done: &'static str,
    pub(super) reset_done_next: &'static str,

    pub(super) set_up: &'static str,
    pub(super) set_up_meaning: &'static str,
    pub(super) set_up_code: &'static str,
    pub(super) set_up_code_where: &'static str,
    pub(super) set_up_action: &'static str,
    pub(super) set_up_not_good: &'static str,
    pub(super) set_up_name_unfit: &'static str,
    pub(super) set_up_taken: &'static str,
    pub(super) set_up_elsewhere: &'static str,
    pub(super) set_up_elsewhere_help: &'static str,
    pub(super) set_up_done: &'static str,
    pub(super) set_up_done_help: &'static str,

    pub(super) new_passkey: &'static str,
    pub(super) new_passkey_meaning: &'static str,
    pub(super) new_passkey_name_hint: &'static str,
    pub(super) new_passkey_known: &'static str,
    pub(super) new_passkey_too_many: &'static str,
    pub(super) needs_script: &'static str,
}

impl Texts {
    /// What a scope allows, of those that every server knows (OIDC Core §5.4).
    pub(super) fn scope(&self, name: &str) -> Option<&'static str> {
        self.scopes.iter().find(|(known, _)| *known == name).map(|(_, words)| *words)
    }

    /// `text` with a time in it, to the minute: nobody needs more, and everybody can read it.
    pub(super) fn dated(text: &str, at: Timestamp) -> String {
        text.replace("{date}", &at.strftime("%Y-%m-%d %H:%M UTC").to_string())
    }

    pub(super) fn more(&self, count: usize) -> String {
        self.more.replace("{count}", &count.to_string())
    }

    pub(super) fn too_many(&self, wait: Duration) -> String {
        match wait.as_secs().div_ceil(60) {
            0 | 1 => self.too_many_soon.to_owned(),
            minutes => self.too_many_minutes.replace("{minutes}", &minutes.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_there_in_both_languages() {
        let (english, german) = (lines_of(&ENGLISH), lines_of(&GERMAN));
        assert_eq!(english.len(), german.len());
        assert!(english.len() > 150, "all fields are looked at");
        for ((name, original), (same, translated)) in english.iter().zip(&german) {
            assert_eq!(name, same);
            assert!(!translated.trim_matches('"').trim().is_empty(), "{name}");
            assert!(original != translated, "{name} is not translated: {original}");
            for placeholder in ["{date}", "{minutes}", "{count}"] {
                assert_eq!(original.contains(placeholder), translated.contains(placeholder), "{name}");
            }
        }
        for (scope, words) in ENGLISH.scopes {
            assert!(GERMAN.scope(scope).is_some_and(|other| other != *words), "{scope}");
        }
    }

    /// The fields with their texts, in order.
    fn lines_of(texts: &Texts) -> Vec<(String, String)> {
        let printed = format!("{texts:#?}");
        let fields = printed.lines().filter_map(|line| line.strip_prefix("    ")?.split_once(": "));
        let texts = fields.filter(|(_, text)| text.starts_with('"'));
        texts.map(|(name, text)| (name.to_owned(), text.trim_end_matches(',').to_owned())).collect()
    }

    #[test]
    fn waits_are_told_in_minutes() {
        let cases = [(0, ENGLISH.too_many_soon), (60, ENGLISH.too_many_soon)];
        for (seconds, expected) in cases {
            assert_eq!(ENGLISH.too_many(Duration::from_secs(seconds)), expected);
        }
        let long = ENGLISH.too_many(Duration::from_secs(61));
        assert_eq!(long, "Too many attempts. Try again in about 2 minutes.");
    }
}
