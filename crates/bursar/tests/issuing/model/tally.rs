//! What has happened how often.

/// What happened how often: a test in which nothing happens shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) begun: usize,
    pub(super) rotated: usize,
    pub(super) answered_again: usize,
    pub(super) replayed: usize,
    pub(super) dead_refreshes: usize,
    pub(super) honoured: usize,
    pub(super) dishonoured: usize,
    pub(super) failed: usize,
    pub(super) cut: usize,
    pub(super) overlapping: usize,
}

impl Tally {
    /// Every sort of thing must have happened.
    pub(super) fn assert_lively(&self, cases: usize) {
        let Self { begun, rotated, answered_again, replayed, .. } = *self;
        let Self { dead_refreshes, honoured, dishonoured, failed, cut, overlapping, .. } = *self;
        assert!(begun > cases * 3 / 4 && rotated > 2 * cases && honoured > 2 * cases, "{self:?}");
        assert!(overlapping > 10 * cases, "{self:?}");
        let rare = [answered_again, replayed, dead_refreshes, dishonoured, failed, cut];
        // Where servers have their own pace, no two runs are the same, and few cases have little of what is rare.
        assert!(rare.into_iter().all(|count| count > cases / 40), "{self:?}");
    }

    pub(super) fn add(&mut self, other: &Self) {
        let Self {
            begun,
            rotated,
            answered_again,
            replayed,
            dead_refreshes,
            honoured,
            dishonoured,
            failed,
            cut,
            overlapping,
        } = other;
        for (sum, more) in [
            (&mut self.begun, begun),
            (&mut self.rotated, rotated),
            (&mut self.answered_again, answered_again),
            (&mut self.replayed, replayed),
            (&mut self.dead_refreshes, dead_refreshes),
            (&mut self.honoured, honoured),
            (&mut self.dishonoured, dishonoured),
            (&mut self.failed, failed),
            (&mut self.cut, cut),
            (&mut self.overlapping, overlapping),
        ] {
            *sum += more;
        }
    }
}
