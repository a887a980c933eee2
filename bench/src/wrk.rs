//! The load: `wrk` with one thread on a core of its own.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::running::{LOAD_CORE, pinned};

/// What it found.
#[derive(Debug)]
pub(crate) struct Found {
    /// Answers per second.
    pub(crate) rate: f64,
    /// Half of the answers came sooner.
    pub(crate) median: Duration,
    /// Of a hundred answers, 99 came sooner.
    pub(crate) p99: Duration,
}

/// Asks for `url` as a caller of the gateway would, and fails unless every answer is good.
pub(crate) fn run(url: &str, token: &str, connections: usize, time: Duration) -> Result<Found> {
    let mut command = pinned(LOAD_CORE, "/usr/bin/wrk");
    command.args(["-t1", "--latency", "-c", &connections.to_string()]);
    command.args(["-d", &format!("{}s", time.as_secs().max(1))]);
    command.args(["-H", &format!("Authorization: Bearer {token}"), url]);
    let output = command.stdin(Stdio::null()).output().context("wrk cannot be started")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "wrk failed: {said}{}", String::from_utf8_lossy(&output.stderr));
    let is_good = !said.contains("Non-2xx") && !said.contains("Socket errors");
    ensure!(is_good, "not every answer was good: {said}");
    let after = |word: &str| {
        let line = said.lines().find_map(|line| line.trim().strip_prefix(word));
        line.map(str::trim).with_context(|| format!("wrk does not tell {word}: {said}"))
    };
    Ok(Found {
        rate: after("Requests/sec:")?.parse()?,
        median: time_of(after("50%")?)?,
        p99: time_of(after("99%")?)?,
    })
}

fn time_of(text: &str) -> Result<Duration> {
    let units = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0)];
    let found = units.into_iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?, size)));
    let (number, size) = found.with_context(|| format!("not a time: {text}"))?;
    Ok(Duration::try_from_secs_f64(number.parse::<f64>()? * size)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_unit() {
        let read = |text| time_of(text).unwrap();
        assert_eq!(read("57.00us"), Duration::from_micros(57));
        assert_eq!(read("1.50ms"), Duration::from_micros(1500));
        assert_eq!(read("2.00s"), Duration::from_secs(2));
        assert!(time_of("soon").is_err());
    }
}
