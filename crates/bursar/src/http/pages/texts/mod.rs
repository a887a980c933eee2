//! Every word of the pages, in one place, one value a language.
//!
//! Sentences stand whole: no template puts words together, so that other languages can order theirs as they must.

use std::time::Duration;

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
    pub(super) sign_in_stale: &'static str,
    pub(super) sign_in_busy: &'static str,
    /// With `{minutes}`.
    pub(super) too_many_minutes: &'static str,
    pub(super) too_many_soon: &'static str,

    pub(super) nameless: &'static str,
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
    pub(super) device_code_stale: &'static str,
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
}

impl Texts {
    /// What a scope allows, of those that every server knows (OIDC Core §5.4).
    pub(super) fn scope(&self, name: &str) -> Option<&'static str> {
        self.scopes.iter().find(|(known, _)| *known == name).map(|(_, words)| *words)
    }

    pub(super) fn too_many(&self, wait: Duration) -> String {
        match wait.as_secs().div_ceil(60) {
            0 | 1 => self.too_many_soon.to_owned(),
            minutes => self.too_many_minutes.replace("{minutes}", &minutes.to_string()),
        }
    }
}

/// English.
pub(super) static ENGLISH: Texts = Texts {
    language: "en",

    sign_in: "Sign in",
    sign_in_for: "to continue to",
    username: "User name",
    password: "Password",
    sign_in_mismatch: "That user name and password do not match. Check both and try again.",
    sign_in_stale: "This page was open for too long. Please sign in once more.",
    sign_in_busy: "The server is busy. Nothing is wrong with your password; try again in a moment.",
    too_many_minutes: "Too many attempts. Try again in about {minutes} minutes.",
    too_many_soon: "Too many attempts. Try again in a minute.",

    nameless: "An application without a name",
    unverified: "Not verified",
    unverified_meaning: "This application registered itself. Nobody has checked its name.",
    registered: "Registered here by an administrator",

    consent: "Allow access?",
    who_asks: "Who asks",
    answer_goes_to: "Where your answer goes",
    answer_to_this_computer: "This is a program on your computer. Allow it only if you have just started it yourself.",
    answer_to_application: "This is an application on your device. Allow it only if you have just started it yourself.",
    answer_elsewhere: "This is not the site that asks. Allow it only if you know both.",
    access_to: "It wants access to",
    permissions: "It will be able to",
    no_permissions: "It names no permissions. It will learn that you have an account here.",
    offline: "It keeps this access while you are away, until you withdraw it.",
    allow: "Allow",
    deny: "Deny",
    signed_in_as: "Signed in as",
    not_you: "Not you? Sign out",
    scopes: &[
        ("openid", "Know who you are here"),
        ("profile", "See your name and picture"),
        ("email", "See your e-mail address"),
        ("address", "See your postal address"),
        ("phone", "See your telephone number"),
        ("offline_access", "Keep this access while you are away"),
    ],

    device_code: "Connect a device",
    device_code_where: "Enter the code that your device or program shows.",
    device_code_label: "Code",
    device_code_forgiving: "Small letters and missing dashes are fine.",
    device_code_unknown: "No device waits under this code. Check it, or start again on the device for a new one.",
    device_code_stale: "This page was open for too long. Please enter the code once more.",
    proceed: "Continue",
    device_confirmation: "Connect this device?",
    device_question: "Did you start this yourself, on a device you have in front of you?",
    device_warning: "If somebody sent you this code, choose No: they would get into your account.",
    device_compare: "Your device must show this code",
    device_asked_from: "Asked from",
    device_allow: "Yes, allow",
    device_deny: "No, deny",
    device_allowed: "Device connected",
    device_allowed_next: "You can close this page and go on at your device.",
    device_denied: "Access denied",
    device_denied_next: "The device got nothing. You can close this page.",
    device_expired: "This code has expired",
    device_expired_next: "Start again on your device; it will show a new code.",

    what_helps: "What helps",
    about: "What it is about",
    reference: "Reference",
    reference_meaning: "If you run this server, this command tells you the full reason:",

    signed_in: "You are signed in",
    signed_in_next: "There is nothing to do here. You can go back to your application.",
    sign_out: "Sign out",
    sign_out_question: "Sign out?",
    sign_out_meaning: "Applications will ask you to sign in again. Access that you have allowed them stays.",
    sign_out_asked_by: "This was asked for by",
    stay: "Stay signed in",
    signed_out: "You are signed out",
    signed_out_next: "You can close this page.",
    sign_in_again: "Sign in again",
};

#[cfg(test)]
mod tests {
    use super::*;

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
