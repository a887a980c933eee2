//! What each of many `PostgreSQL` servers would have to do if a billion grants were spread over them by sandbox: arithmetic on
//! what `growth` and `backends` find of one, and chance, the same in every run.

use crate::report::{Report, Table};

/// Prints the load of the busiest server for several numbers of servers, kinds of skew and ways to spread.
pub(crate) fn simulate(report: &mut Report) {
    let head = [
        "skew of sandboxes",
        "servers",
        "spread",
        "grants, mean",
        "grants, busiest",
        "times the mean",
        "refreshes/s, busiest, peak",
        "database, busiest",
    ];
    let title = format!(
        "{GRANTS} grants in {SANDBOXES} sandboxes; each refreshes every {} min for {} min a day, at the peak {PEAK} times \
         the mean; events kept {EVENT_DAYS} days",
        ACCESS / 60,
        USE / 60,
    );
    let mut table = Table::new(title, &head);
    for skew in SKEWS {
        let sizes = sizes(skew);
        for servers in SERVERS {
            for spread in [Spread::ByName, Spread::BySize] {
                let loads = spread.loads(&sizes, servers);
                let (mean, busiest) = (GRANTS / f64::from(servers), loads.into_iter().fold(0.0, f64::max));
                table.row(vec![
                    format!("{skew}"),
                    servers.to_string(),
                    spread.name().to_owned(),
                    format!("{:.1} M", mean / 1e6),
                    format!("{:.1} M", busiest / 1e6),
                    format!("{:.2}", busiest / mean),
                    format!("{:.0}", rate(busiest) * PEAK),
                    format!("{:.0} GB", bytes(busiest) / 1e9),
                ]);
            }
        }
        table.row(vec![
            format!("{skew}"),
            String::new(),
            "the largest sandbox alone".to_owned(),
            String::new(),
            format!("{:.1} M", sizes[0] / 1e6),
            String::new(),
            format!("{:.0}", rate(sizes[0]) * PEAK),
            format!("{:.0} GB", bytes(sizes[0]) / 1e9),
        ]);
    }
    report.table(table);
}

/// How sandboxes find their server.
#[derive(Clone, Copy)]
enum Spread {
    /// By chance, as a hash of the name decides: nobody keeps a list.
    ByName,
    /// The largest first, each to the server with the least: somebody keeps a list and looks at it.
    BySize,
}

impl Spread {
    fn name(self) -> &'static str {
        match self {
            Self::ByName => "by a hash of the name",
            Self::BySize => "by size",
        }
    }

    /// Grants on each server.
    fn loads(self, sizes: &[f64], servers: u32) -> Vec<f64> {
        let mut loads: Vec<f64> = (0..servers).map(|_| 0.0).collect();
        let mut chance = Chance(1);
        for size in sizes {
            let place = match self {
                Self::ByName => chance.below(servers),
                Self::BySize => least(&loads),
            };
            loads[place] += size;
        }
        loads
    }
}

fn least(loads: &[f64]) -> usize {
    let smaller = |one: &(usize, &f64), other: &(usize, &f64)| one.1.total_cmp(other.1);
    loads.iter().enumerate().min_by(smaller).map_or(0, |(place, _)| place)
}

/// Grants of each sandbox, the largest first (Zipf's law).
fn sizes(skew: f64) -> Vec<f64> {
    let weights: Vec<f64> = (1..=SANDBOXES).map(|rank| f64::from(rank).powf(-skew)).collect();
    let all: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| GRANTS * weight / all).collect()
}

/// Refreshes a second of so many grants, by the mean of a day.
fn rate(grants: f64) -> f64 {
    grants * f64::from(USE / ACCESS) / DAY
}

/// What so many grants fill in a database, with what their refreshes leave.
fn bytes(grants: f64) -> f64 {
    grants * BYTES_OF_GRANT + rate(grants) * DAY * (BYTES_OF_COMMIT + EVENT_DAYS * BYTES_OF_EVENT)
}

/// Splitmix64: enough for spreading.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u32) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::from(limit)).unwrap_or_default()
    }
}

const GRANTS: f64 = 1e9;
const SANDBOXES: u32 = 100_000;
/// Of alike ones, and of some that are much larger than most.
const SKEWS: [f64; 2] = [0.5, 1.0];
const SERVERS: [u32; 4] = [16, 64, 256, 1024];
/// How long access tokens live, in seconds, as it is unless somebody says otherwise.
const ACCESS: u32 = 15 * 60;
/// How long a client is used a day, in seconds.
const USE: u32 = 2 * 60 * 60;
/// People sleep at the same time.
const PEAK: f64 = 3.0;
const DAY: f64 = 86_400.0;
/// Grant and family with their indexes.
const BYTES_OF_GRANT: f64 = 1_900.0;
/// A line of the log of commits with its indexes, kept for a day.
const BYTES_OF_COMMIT: f64 = 170.0;
/// An event with its indexes.
const BYTES_OF_EVENT: f64 = 350.0;
/// As an installation of this size would have it, instead of ninety.
const EVENT_DAYS: f64 = 7.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_and_nobody_has_less_than_the_largest() {
        let sizes = sizes(1.0);
        for spread in [Spread::ByName, Spread::BySize] {
            let loads = spread.loads(&sizes, 64);
            assert!((loads.iter().sum::<f64>() / GRANTS - 1.0).abs() < 1e-6);
            assert!(loads.into_iter().fold(0.0, f64::max) >= sizes[0]);
        }
    }
}
