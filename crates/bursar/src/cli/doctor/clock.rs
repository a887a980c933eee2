//! Whether this computer's clock is right, judged by the `Date` of the answers that came anyway.

use bursar_core::provider::duration::write_duration;
use jiff::SignedDuration;

use super::finding::Finding;

/// `skews`: how far the other clocks are ahead of ours.
pub(super) fn check(mut skews: Vec<SignedDuration>) -> Option<Finding> {
    skews.sort_unstable();
    // The middle one: a single provider with a wrong clock says nothing about ours.
    let ahead = *skews.get(skews.len() / 2)?;
    if ahead.abs() <= TOLERATED {
        return Some(Finding::ok(NAME, "this computer's clock agrees with the providers'"));
    }
    let direction = if ahead.is_positive() { "behind" } else { "ahead of" };
    let what = format!("this computer's clock is {} {direction} the providers'", write_duration(ahead.abs()));
    Some(Finding::warn(NAME, what, "set it by the network, on Linux with `timedatectl set-ntp true`"))
}

const NAME: &str = "clock";

/// Identity tokens and assertions are refused when they are some minutes off; a minute leaves time to notice.
const TOLERATED: SignedDuration = SignedDuration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_all_answers_decides() {
        let judged = |seconds: &[i64]| {
            let skews = seconds.iter().copied().map(SignedDuration::from_secs).collect();
            check(skews).map(|finding| finding.what)
        };
        assert_eq!(judged(&[]), None);
        for fine in [&[0][..], &[60], &[-60], &[0, 0, 9000], &[-9000, 1, 2]] {
            assert_eq!(
                judged(fine).as_deref(),
                Some("this computer's clock agrees with the providers'"),
                "{fine:?}"
            );
        }
        let behind = "this computer's clock is 5m behind the providers'";
        assert_eq!(judged(&[300, 300, 0]).as_deref(), Some(behind));
        let ahead = "this computer's clock is 1m1s ahead of the providers'";
        assert_eq!(judged(&[-61]).as_deref(), Some(ahead));
    }
}
