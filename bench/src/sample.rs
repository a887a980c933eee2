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

    /// Adds all times of another.
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Half of the times are shorter.
    pub(crate) fn median(&self) -> Duration {
        self.quantile(50)
    }

    /// Of a hundred times, 95 are at most so long.
    pub(crate) fn p95(&self) -> Duration {
        self.quantile(95)
    }

    /// Of a hundred times, 99 are at most so long.
    pub(crate) fn p99(&self) -> Duration {
        self.quantile(99)
    }

    /// The shortest: what the work costs when nothing disturbs it.
    pub(crate) fn shortest(&self) -> Duration {
        self.quantile(0)
    }

    /// The longest.
    pub(crate) fn longest(&self) -> Duration {
        self.quantile(100)
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

/// Microseconds, for what is over at once.
pub(crate) fn microseconds(time: Duration) -> String {
    format!("{:.0} µs", time.as_secs_f64() * 1_000_000.0)
}

/// How many times `one` is of `other`.
pub(crate) fn times(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

/// Half of the numbers are smaller; nothing for none.
pub(crate) fn middle(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
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
