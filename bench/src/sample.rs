//! Times of one thing, and what is said about them.

use std::time::Duration;

/// Measured times; at least one.
#[derive(Debug, Default)]
pub(crate) struct Sample(Vec<Duration>);

impl Sample {
    /// Adds a time.
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// Half of the times are shorter.
    pub(crate) fn median(&self) -> Duration {
        self.quantile(50)
    }

    /// Of a hundred times, 99 are at most so long.
    pub(crate) fn p99(&self) -> Duration {
        self.quantile(99)
    }

    /// The shortest: what the work costs when nothing disturbs it.
    pub(crate) fn shortest(&self) -> Duration {
        self.quantile(0)
    }

    fn quantile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        sorted.get((last * percent).div_ceil(100)).copied().unwrap_or_default()
    }
}

/// Milliseconds, with the digits that mean something.
pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_taken_from_the_sorted_times() {
        let mut sample = Sample::default();
        for number in (1..=200).rev() {
            sample.add(Duration::from_millis(number));
        }
        assert_eq!(sample.shortest(), Duration::from_millis(1));
        assert_eq!(sample.median(), Duration::from_millis(101));
        assert_eq!(sample.p99(), Duration::from_millis(199));
    }
}
