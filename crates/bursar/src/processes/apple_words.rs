//! What the tools of macOS print. Compiled for tests on every system, because it is only text.

use jiff::civil::DateTime;

use super::Look;

/// Reads `ps -o stat=,lstart=`, which prints nothing for a number nobody has.
pub(super) fn from_ps(answer: &str) -> Look {
    let answer = answer.trim();
    if answer.is_empty() || answer.starts_with('Z') {
        return Look::Gone;
    }
    let words: Vec<&str> = answer.split_ascii_whitespace().skip(1).collect();
    let start = DateTime::strptime("%a %b %d %H:%M:%S %Y", words.join(" ")).ok();
    let seconds = start.and_then(|start| jiff::tz::TimeZone::UTC.to_timestamp(start).ok());
    seconds.and_then(|start| u64::try_from(start.as_second()).ok()).map_or(Look::Unclear, Look::Runs)
}

/// Finds the machine's identifier in what `ioreg` prints.
pub(super) fn platform_identifier(devices: &str) -> Option<String> {
    let line = devices.lines().find(|line| line.contains("\"IOPlatformUUID\""))?;
    let (_, value) = line.split_once('=')?;
    Some(value.trim().trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_apple_are_understood() {
        assert_eq!(from_ps("Ss   Sat Nov 21 14:54:31 2026    \n"), Look::Runs(1_795_272_871));
        assert_eq!(from_ps("S+   Sun Nov  1 04:05:06 2026\n"), Look::Runs(1_793_505_906));
        assert_eq!(from_ps("Z    Sat Nov 21 14:54:31 2026\n"), Look::Gone);
        assert_eq!(from_ps("\n"), Look::Gone);
        assert_eq!(from_ps("S somewhen"), Look::Unclear);
        let devices = "+-o Mac\n  {\n    \"IOPlatformUUID\" = \"8A7D-42\"\n  }\n";
        assert_eq!(platform_identifier(devices).as_deref(), Some("8A7D-42"));
        assert_eq!(platform_identifier("nothing"), None);
    }
}
