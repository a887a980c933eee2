//! Variables as code of a shell: every value a literal, whatever is in it.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::cli::arguments::shell::Shell;
use crate::exit::{Exit, Failure};

/// One variable and what becomes of it.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Setting {
    /// A name of letters, digits and `_`.
    pub(in crate::cli) name: String,
    /// Its new value; `None`: it goes.
    pub(in crate::cli) value: Option<Zeroizing<String>>,
    /// Whether programs started from the shell see it.
    pub(in crate::cli) exported: bool,
}

impl Setting {
    /// A variable for programs.
    pub(in crate::cli) fn exported(name: &str, value: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            value: value.map(|value| Zeroizing::new(value.to_owned())),
            exported: true,
        }
    }

    /// A variable of the shell alone.
    pub(in crate::cli) fn internal(name: &str, value: &str) -> Self {
        Self { exported: false, ..Self::exported(name, Some(value)) }
    }
}

/// What `shell` has to run. A value with a control character is refused: none belongs into a token, and not every
/// shell, terminal and pipe leaves it as it is.
pub(in crate::cli) fn code(shell: Shell, settings: &[Setting]) -> Result<Zeroizing<String>, Failure> {
    for setting in settings {
        if setting.value.as_ref().is_some_and(|value| value.chars().any(is_refused)) {
            let message = format!("the value of {} has a control character in it", setting.name);
            return Err(Failure::new(Exit::Error, message)
                .hint("hand it over without a shell, for example with `bursar exec ACCOUNT -- COMMAND`"));
        }
    }
    if shell == Shell::Nushell {
        return Ok(for_nushell(settings));
    }
    let mut code = Zeroizing::new(String::new());
    for setting in settings {
        // No line depends on the next, and each is complete before its `;`: some shells join lines on the way.
        let line = Zeroizing::new(line(shell, setting));
        let _always = writeln!(code, "{};", line.as_str());
    }
    Ok(code)
}

fn line(shell: Shell, setting: &Setting) -> String {
    let (name, value) = (setting.name.as_str(), setting.value.as_ref().map(|value| value.as_str()));
    match (shell, value) {
        (Shell::Fish, Some(value)) => {
            let scope = if setting.exported { "-gx" } else { "-g" };
            format!("set {scope} {name} {}", fish(value))
        }
        (Shell::Fish, None) => format!("set -e {name}"),
        (Shell::PowerShell, Some(value)) => {
            let scope = if setting.exported { "env" } else { "global" };
            format!("${scope}:{name} = {}", powershell(value))
        }
        (Shell::PowerShell, None) => {
            format!("Remove-Item -LiteralPath Env:{name} -ErrorAction SilentlyContinue")
        }
        (_, Some(value)) => {
            let export = if setting.exported { "export " } else { "" };
            format!("{export}{name}={}", posix(value))
        }
        (_, None) => format!("unset -v {name}"),
    }
}

/// POSIX shells: between single quotes only the single quote itself is special.
fn posix(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Fish knows two escapes between single quotes. A line end stands outside them as `\n`: fish splits what a command
/// prints at line ends.
fn fish(value: &str) -> String {
    let quoted: String = value
        .chars()
        .map(|character| match character {
            '\\' => r"\\".to_owned(),
            '\'' => r"\'".to_owned(),
            '\n' => r"'\n'".to_owned(),
            '\r' => r"'\r'".to_owned(),
            other => other.to_string(),
        })
        .collect();
    format!("'{quoted}'")
}

/// A sum of texts in ASCII: pipes change the encoding and the line ends of everything else, and to PowerShell four more
/// quotation marks are single quotes.
fn powershell(value: &str) -> String {
    let mut sum = "'".to_owned();
    for character in value.chars() {
        match character {
            '\'' => sum.push_str("''"),
            ' '..='~' => sum.push(character),
            other => {
                let _always = write!(sum, "' + [char]::ConvertFromUtf32({}) + '", u32::from(other));
            }
        }
    }
    sum.push('\'');
    sum
}

/// Nushell evaluates no text; it loads a record. It cannot take a variable away there, so that one becomes empty.
fn for_nushell(settings: &[Setting]) -> Zeroizing<String> {
    let exported = settings.iter().filter(|setting| setting.exported);
    let record: Map<String, Value> = exported
        .map(|setting| {
            let value = setting.value.as_ref().map_or("", |value| value.as_str());
            (setting.name.clone(), Value::from(value))
        })
        .collect();
    Zeroizing::new(format!("{}\n", Value::Object(record)))
}

fn is_refused(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\r' | '\t')
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    fn printed(shell: Shell, value: &str) -> String {
        code(shell, &[Setting::exported("T", Some(value))]).unwrap().to_string()
    }

    #[test]
    fn every_value_is_a_literal() {
        for (value, posix, fish, powershell) in [
            ("abc-1._~+/=", "'abc-1._~+/='", "'abc-1._~+/='", "'abc-1._~+/='"),
            ("", "''", "''", "''"),
            ("'", r"''\'''", r"'\''", "''''"),
            ("$(x)`y`%z%!", "'$(x)`y`%z%!'", "'$(x)`y`%z%!'", "'$(x)`y`%z%!'"),
            (r"a\'b\", r"'a\'\''b\'", r"'a\\\'b\\'", r"'a\''b\'"),
            ("\"; rm -rf ~ #", "'\"; rm -rf ~ #'", "'\"; rm -rf ~ #'", "'\"; rm -rf ~ #'"),
            ("a\nb", "'a\nb'", r"'a'\n'b'", "'a' + [char]::ConvertFromUtf32(10) + 'b'"),
            (
                "\t\r",
                "'\t\r'",
                "'\t'\\r''",
                "'' + [char]::ConvertFromUtf32(9) + '' + [char]::ConvertFromUtf32(13) + ''",
            ),
            // To PowerShell the right single quotation mark ends a text.
            (
                "a\u{2019}; x",
                "'a\u{2019}; x'",
                "'a\u{2019}; x'",
                "'a' + [char]::ConvertFromUtf32(8217) + '; x'",
            ),
            ("\u{1f511}", "'\u{1f511}'", "'\u{1f511}'", "'' + [char]::ConvertFromUtf32(128273) + ''"),
        ] {
            for shell in [Shell::Bash, Shell::Zsh, Shell::Sh] {
                assert_eq!(printed(shell, value), format!("export T={posix};\n"), "{shell:?}");
            }
            assert_eq!(printed(Shell::Fish, value), format!("set -gx T {fish};\n"));
            assert_eq!(printed(Shell::PowerShell, value), format!("$env:T = {powershell};\n"));
            let record: Value = serde_json::from_str(&printed(Shell::Nushell, value)).unwrap();
            assert_eq!(record["T"], value);
        }
    }

    #[test]
    fn what_powershell_and_nushell_are_given_is_one_line_and_powershell_s_is_ascii() {
        let value = "a\r\nb\u{2028}é\u{201a}'";
        for shell in [Shell::PowerShell, Shell::Nushell] {
            let printed = printed(shell, value);
            assert_eq!(printed.find('\n'), Some(printed.len() - 1), "{printed}");
        }
        assert!(printed(Shell::PowerShell, value).is_ascii());
    }

    #[test]
    fn control_characters_are_refused_and_the_value_stays_out_of_the_message() {
        for character in ['\0', '\u{1b}', '\u{7}', '\u{7f}', '\u{9b}'] {
            for shell in Shell::value_variants() {
                let settings = [Setting::exported("T", Some(&format!("hunter2{character}")))];
                let refused = code(*shell, &settings).unwrap_err();
                assert_eq!(refused.message, "the value of T has a control character in it");
            }
        }
    }

    #[test]
    fn a_variable_goes_or_stays_in_the_shell() {
        let settings = [Setting::exported("GONE", None), Setting::internal("mine", "x")];
        for (shell, expected) in [
            (Shell::Bash, "unset -v GONE;\nmine='x';\n"),
            (Shell::Sh, "unset -v GONE;\nmine='x';\n"),
            (Shell::Fish, "set -e GONE;\nset -g mine 'x';\n"),
            (
                Shell::PowerShell,
                "Remove-Item -LiteralPath Env:GONE -ErrorAction SilentlyContinue;\n$global:mine = 'x';\n",
            ),
            (Shell::Nushell, "{\"GONE\":\"\"}\n"),
        ] {
            assert_eq!(code(shell, &settings).unwrap().as_str(), expected);
        }
    }
}
