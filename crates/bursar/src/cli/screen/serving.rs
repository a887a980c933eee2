//! Until when variables of a shell serve, in words.

use bursar_core::lifecycle::reference::AccountReference;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::plain::plain;
use crate::account_view::time_words::both;

/// An account, the variables it fills, and the end of what is in them.
#[derive(Clone, Debug)]
pub(crate) struct Serving {
    /// The account.
    pub(crate) account: AccountReference,
    /// The variables.
    pub(crate) names: Vec<String>,
    /// The end of its access token; `None`: no known end.
    pub(crate) expires_at: Option<Timestamp>,
}

/// A line for every account that fills something.
pub(crate) fn serving(servings: &[Serving], now: Timestamp, zone: &TimeZone) -> Vec<String> {
    servings
        .iter()
        .filter(|serving| !serving.names.is_empty())
        .map(|serving| line(serving, now, zone))
        .collect()
}

fn line(serving: &Serving, now: Timestamp, zone: &TimeZone) -> String {
    let (names, several) = (serving.names.join(", "), serving.names.len() > 1);
    let account = plain(&serving.account.to_string());
    match serving.expires_at {
        Some(end) => {
            let (serve, them) = if several { ("serve", "them") } else { ("serves", "it") };
            format!("{names} of {account} {serve} until {}; set {them} anew then", both(end, now, zone))
        }
        None => format!("{names} of {account} {} no known end", if several { "have" } else { "has" }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{VIEWING, at, reference};
    use super::*;

    #[test]
    fn the_end_is_told_for_every_account_that_fills_something() {
        let servings = [
            (vec!["GH_TOKEN", "GITHUB_TOKEN"], Some(at("2026-11-21T15:30:00Z"))),
            (vec!["GITLAB_TOKEN"], Some(at("2026-11-21T16:05:00Z"))),
            (vec!["SLACK_TOKEN"], None),
            (vec![], None),
        ]
        .map(|(names, expires_at)| Serving {
            account: reference("github", "work"),
            names: names.into_iter().map(str::to_owned).collect(),
            expires_at,
        });
        insta::assert_snapshot!(serving(&servings, VIEWING.now, VIEWING.zone).join("\n"), @"
        GH_TOKEN, GITHUB_TOKEN of github:work serve until 2026-11-21 15:30:00 (in 25 minutes); set them anew then
        GITLAB_TOKEN of github:work serves until 2026-11-21 16:05:00 (in 1 hour); set it anew then
        SLACK_TOKEN of github:work has no known end
        ");
    }
}
