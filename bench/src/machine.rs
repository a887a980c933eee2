//! On what a figure was measured, and what else went on there.

use std::fs::read_to_string;
use std::thread::available_parallelism;

/// Cores, processor, kernel and load.
pub(crate) fn description() -> Vec<String> {
    let cores = available_parallelism().map_or(0, usize::from);
    let processors = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    vec![
        format!("{cores} cores ({})", model.map_or("unknown processor", |(_, model)| model)),
        format!("Linux {}", kernel.trim()),
        load("at the start"),
    ]
}

/// The load averages now.
pub(crate) fn load(when: &str) -> String {
    let averages = read_to_string("/proc/loadavg").unwrap_or_default();
    let averages: Vec<&str> = averages.split(' ').take(3).collect();
    format!("load {when}: {} (1, 5 and 15 minutes)", averages.join(" "))
}
