//! What every user of the machine, or the same user, can see of a running process.

/// Arguments and environment of a process; nothing if it is gone.
pub(super) fn visible(process: u32) -> Vec<(&'static str, Vec<u8>)> {
    let read = |file: &str| std::fs::read(format!("/proc/{process}/{file}")).unwrap_or_default();
    vec![("the arguments", read("cmdline")), ("the environment", read("environ"))]
}

/// Arguments alone, for a process whose environment holds a token on purpose.
pub(super) fn arguments(process: u32) -> Vec<u8> {
    std::fs::read(format!("/proc/{process}/cmdline")).unwrap()
}

/// The environment without some variables.
pub(super) fn environment_without(process: u32, left_out: &[&str]) -> Vec<u8> {
    let environment = std::fs::read(format!("/proc/{process}/environ")).unwrap();
    let is_left_out =
        |variable: &&[u8]| left_out.iter().any(|name| variable.starts_with(format!("{name}=").as_bytes()));
    environment
        .split(|byte| *byte == 0)
        .filter(|variable| !is_left_out(variable))
        .collect::<Vec<_>>()
        .join(&0)
}
