//! Tokens that live shorter than the provider's description says: nothing breaks, but somebody at the provider decided so.

use bursar_core::lifecycle::account::{AccessFacts, Account};
use bursar_core::provider::Provider;
use bursar_core::provider::duration::write_duration;
use jiff::SignedDuration;

use super::finding::Finding;

/// One finding for each account whose tokens live clearly shorter than declared; nothing if none does.
pub(super) fn check(chosen: &[&Account], providers: &[Provider]) -> Vec<Finding> {
    let of = |account: &Account| providers.iter().find(|provider| provider.id == account.reference.provider);
    chosen.iter().filter_map(|account| shorter(account, of(account)?)).collect()
}

fn shorter(account: &Account, provider: &Provider) -> Option<Finding> {
    let access = account.access.as_ref().and_then(AccessFacts::lifetime);
    let refresh = account
        .refresh
        .as_ref()
        .and_then(|refresh| Some(refresh.expires_at?.duration_since(refresh.issued_at)));
    let found = [
        ("access", access, provider.lifetimes.access),
        ("refresh", refresh, provider.lifetimes.refresh_absolute),
    ];
    let said: Vec<String> =
        found.into_iter().filter_map(|(kind, lives, declared)| differs(kind, lives?, declared?)).collect();
    if said.is_empty() {
        return None;
    }
    Some(Finding::warn(
        NAME,
        format!("{}: {}", account.reference, said.join("; ")),
        "nothing breaks: bursar goes by what the provider answers. Ask the provider's administrator whether it is \
         meant, and expect more refreshes; the catalogue's figure can be corrected in `providers_dir`",
    ))
}

/// Providers that spread their tokens' ends, and the time a call takes, are no news.
fn differs(kind: &str, lives: SignedDuration, declared: SignedDuration) -> Option<String> {
    let news = lives < declared * 4 / 5;
    news.then(|| {
        format!(
            "its {kind} token lives {}, the catalogue says {}",
            write_duration(lives),
            write_duration(declared)
        )
    })
}

const NAME: &str = "lifetimes";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clearly_shorter_lives_are_news() {
        let minutes = SignedDuration::from_mins;
        assert_eq!(differs("access", minutes(60), minutes(60)), None);
        assert_eq!(differs("access", minutes(49), minutes(60)), None);
        assert_eq!(differs("access", minutes(90), minutes(60)), None);
        assert_eq!(
            differs("access", minutes(5), minutes(60)).as_deref(),
            Some("its access token lives 5m, the catalogue says 1h")
        );
    }
}
