//! The user name that stands beside a token in HTTP Basic: most hosts take any, some want a certain one.

use super::hosts::Place;

/// The user name for a token at `place`.
pub(super) fn user_name(place: &Place) -> &'static str {
    TABLE.iter().find(|(hosts, _)| place.is_one_of(hosts.iter().copied())).map_or(USUAL, |(_, name)| name)
}

/// Whether a user name says only that a token follows, not whose it is.
pub(super) fn says_nothing(name: &str) -> bool {
    name == USUAL || name == DOCKER_TOKEN || TABLE.iter().any(|(_, special)| name == *special)
}

/// What GitLab, Gitea and Forgejo document.
const USUAL: &str = "oauth2";

/// What docker takes for the word that an identity token follows.
pub(super) const DOCKER_TOKEN: &str = "<token>";

/// What the hosts' own documents say.
const TABLE: &[(&[&str], &str)] = &[
    (&["github.com"], "x-access-token"),
    (&["bitbucket.org"], "x-token-auth"),
    (&["gcr.io", "*.gcr.io", "*.pkg.dev"], "oauth2accesstoken"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_get_the_name_they_want() {
        for (host, name) in [
            ("github.com", "x-access-token"),
            ("bitbucket.org", "x-token-auth"),
            ("eu.gcr.io", "oauth2accesstoken"),
            ("europe-docker.pkg.dev", "oauth2accesstoken"),
            ("gitlab.example.com", "oauth2"),
        ] {
            assert_eq!(user_name(&Place::new("https", host).unwrap()), name, "{host}");
            assert!(says_nothing(name));
        }
        assert!(!says_nothing("ada"));
    }
}
