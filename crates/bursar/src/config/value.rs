//! One value: as it was written, where, and as the form of its key has it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bursar_core::engine::sandboxes::SandboxName;
use bursar_core::provider::duration::parse_duration;
use bursar_core::secret::Secret;
use ipnet::IpNet;
use jiff::SignedDuration;
use jiff::civil::Time;

use super::forms;
use super::keys::{Form, Key};
use super::store_url::{StoreServer, StoreUrl};
use crate::context;
use crate::http::pages::brand::Colour;
use crate::server::PublicUrl;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody wrote it.
    Default,
    /// The configuration file.
    File {
        /// Its path.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Counted in characters from 1.
        column: usize,
    },
    /// An environment variable.
    Environment(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File { path, line, column } => write!(formatter, "{}:{line}:{column}", path.display()),
            Self::Environment(variable) => write!(formatter, "environment variable {variable}"),
        }
    }
}

/// As written. Variables and defaults are always text; the file knows more types.
#[derive(Clone, PartialEq)]
pub(super) enum Raw {
    Text(String),
    Flag(bool),
    Number(i64),
    Words(Vec<String>),
    Variables(BTreeMap<String, String>),
    /// Something no key can be, by its TOML name.
    Other(&'static str),
}

/// As meant.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Proxy(String),
    Path(PathBuf),
    Duration(SignedDuration),
    Port(u16),
    Number(u32),
    Size(u64),
    /// `None`: never.
    TimeOfDay(Option<Time>),
    Address(SocketAddr),
    Addresses(Vec<SocketAddr>),
    Networks(Vec<IpNet>),
    PublicUrl(PublicUrl),
    StoreUrl(StoreUrl),
    Flag(bool),
    Words(Vec<String>),
    Command(Vec<String>),
    Variables(BTreeMap<String, String>),
    Secret(Secret),
}

impl Value {
    /// Reads a value as its key's form has it; the error says what is wrong, after the key's name.
    ///
    /// `base` is where relative paths of the file start, `home` what `~/` stands for.
    pub(super) fn read(
        key: &Key,
        raw: &Raw,
        base: Option<&Path>,
        home: Option<&Path>,
    ) -> Result<Self, String> {
        let wrong = || format!("must be {}", key.form.description());
        match (key.form, raw) {
            (Form::Text, Raw::Text(text)) => Ok(Self::Text(text.clone())),
            (Form::Secret, Raw::Text(text)) if base.is_none() => Ok(Self::Secret(Secret::new(text.as_str()))),
            (Form::Secret, _) => Err(format!(
                "is a secret and does not belong in this file; use {0}_file, {0}_command or the environment",
                key.name
            )),
            (Form::Line, Raw::Text(text)) if forms::is_line(text) => Ok(Self::Text(text.clone())),
            (Form::Proxy, Raw::Text(text)) => forms::proxy(text).map(Self::Proxy).ok_or_else(wrong),
            (Form::Path, Raw::Text(text)) if !text.is_empty() => path(text, base, home).map(Self::Path),
            (Form::Duration, Raw::Text(text)) => {
                parse_duration(text).map(Self::Duration).map_err(|error| format!("is wrong: {error}"))
            }
            (Form::Span { least, most }, Raw::Text(text)) => match parse_duration(text) {
                Ok(duration) if (least..=most).contains(&duration.as_secs()) => Ok(Self::Duration(duration)),
                Ok(_) => Err(wrong()),
                Err(error) => Err(format!("is wrong: {error}")),
            },
            (Form::Duration | Form::Span { .. }, Raw::Number(number)) => {
                Err(format!("has no unit; write for example \"{number}s\" or \"{number}m\""))
            }
            (Form::Port, Raw::Number(number)) => u16::try_from(*number).map(Self::Port).map_err(|_| wrong()),
            (Form::Port, Raw::Text(text)) => text.parse().map(Self::Port).map_err(|_| wrong()),
            (Form::Number, Raw::Number(number)) => {
                u32::try_from(*number).map(Self::Number).map_err(|_| wrong())
            }
            (Form::Number, Raw::Text(text)) => text.parse().map(Self::Number).map_err(|_| wrong()),
            (Form::Size, Raw::Number(number)) => {
                forms::size(&number.to_string()).map(Self::Size).ok_or_else(wrong)
            }
            (Form::Size, Raw::Text(text)) => forms::size(text).map(Self::Size).ok_or_else(wrong),
            (Form::TimeOfDay, Raw::Text(text)) if text.is_empty() => Ok(Self::TimeOfDay(None)),
            (Form::TimeOfDay, Raw::Text(text)) => {
                forms::time_of_day(text).map(|time| Self::TimeOfDay(Some(time))).ok_or_else(wrong)
            }
            (Form::Loopback, Raw::Text(text)) => forms::loopback(text).map(Self::Address).ok_or_else(wrong),
            (Form::Addresses, raw) => {
                words(raw, |word| word.parse().ok()).map(Self::Addresses).ok_or_else(wrong)
            }
            (Form::Networks, raw) => words(raw, forms::network).map(Self::Networks).ok_or_else(wrong),
            (Form::PublicUrl, Raw::Text(text)) => {
                PublicUrl::parse(text).map(Self::PublicUrl).map_err(|_| wrong())
            }
            (Form::RedisPrefix, Raw::Text(text)) => forms::prefix(text).map(Self::Text).ok_or_else(wrong),
            (Form::Sandbox, Raw::Text(text)) if text.is_empty() || SandboxName::parse(text).is_ok() => {
                Ok(Self::Text(text.clone()))
            }
            // Nothing, so that the environment can take back what the file says.
            (Form::StoreUrl | Form::RedisUrl, Raw::Text(text)) if text.is_empty() => {
                Ok(Self::Text(String::new()))
            }
            (Form::StoreUrl, Raw::Text(text)) => StoreUrl::parse(text).map(Self::StoreUrl).ok_or_else(wrong),
            (Form::RedisUrl, Raw::Text(text)) => StoreUrl::parse(text)
                .filter(|url| url.server() == StoreServer::Redis)
                .map(Self::StoreUrl)
                .ok_or_else(wrong),
            (Form::Upstream, Raw::Text(text)) => forms::upstream(text).map(Self::Text).ok_or_else(wrong),
            (Form::Account, Raw::Text(text)) => forms::account(text).map(Self::Text).ok_or_else(wrong),
            (Form::Folder, Raw::Text(text)) if text.starts_with('~') && home.is_none() => {
                Err("uses ~, but HOME is not set".to_owned())
            }
            (Form::Folder, Raw::Text(text)) if context::is_folder_pattern(text) => {
                Ok(Self::Text(text.clone()))
            }
            (Form::Remote, Raw::Text(text)) if context::is_remote_pattern(text) => {
                Ok(Self::Text(text.clone()))
            }
            (Form::Condition, Raw::Text(text)) => forms::condition(text).map(Self::Text).ok_or_else(wrong),
            (Form::Flag, Raw::Flag(flag)) => Ok(Self::Flag(*flag)),
            (Form::Flag, Raw::Text(text)) => match text.as_str() {
                "true" | "1" | "yes" => Ok(Self::Flag(true)),
                "false" | "0" | "no" | "" => Ok(Self::Flag(false)),
                _ => Err(wrong()),
            },
            (Form::Choice(choices), Raw::Text(text)) if choices.contains(&text.as_str()) => {
                Ok(Self::Text(text.clone()))
            }
            (Form::Words, Raw::Words(words)) => Ok(Self::Words(words.clone())),
            (Form::Words, Raw::Text(text)) => Ok(Self::Words(split(text))),
            (Form::Users, raw) => words(raw, forms::user)
                // Whoever names nobody must not let everybody in.
                .filter(|users| !users.is_empty())
                .map(Self::Words)
                .ok_or_else(wrong),
            (Form::Colour, Raw::Text(text)) if text.parse::<Colour>().is_ok() => Ok(Self::Text(text.clone())),
            (Form::Hosts, raw) => words(raw, forms::host).map(Self::Words).ok_or_else(wrong),
            (Form::Origins, raw) => words(raw, forms::origin).map(Self::Words).ok_or_else(wrong),
            (Form::Command, Raw::Words(words)) if !words.is_empty() => Ok(Self::Command(words.clone())),
            (Form::Command, Raw::Text(text)) if base.is_none() && !text.trim().is_empty() => {
                Ok(Self::Command(text.split_whitespace().map(str::to_owned).collect()))
            }
            (Form::Variables, Raw::Variables(variables)) => Ok(Self::Variables(variables.clone())),
            (Form::Variables, Raw::Text(text)) => {
                let pairs = split(text);
                let pairs = pairs.iter().map(|pair| pair.split_once('='));
                let pairs = pairs.map(|pair| pair.map(|(name, value)| (name.to_owned(), value.to_owned())));
                pairs.collect::<Option<_>>().map(Self::Variables).ok_or_else(wrong)
            }
            (_, Raw::Other(found)) => Err(format!("{}, not {found}", wrong())),
            _ => Err(wrong()),
        }
    }

    /// For people; secrets only as far as that they are there.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Proxy(proxy) => forms::masked(proxy),
            Self::Path(path) => path.display().to_string(),
            Self::Duration(duration) => bursar_core::provider::duration::write_duration(*duration),
            Self::Port(port) => port.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Size(size) => forms::write_size(*size),
            Self::TimeOfDay(time) => {
                time.map_or_else(String::new, |time| format!("{:02}:{:02}", time.hour(), time.minute()))
            }
            Self::Address(address) => address.to_string(),
            Self::Addresses(addresses) => list(addresses),
            Self::Networks(networks) => list(networks),
            Self::PublicUrl(url) => url.to_string(),
            Self::StoreUrl(url) => url.to_string(),
            Self::Flag(flag) => flag.to_string(),
            // Arguments may be secrets; the program is not.
            Self::Command(words) if words.len() > 1 => format!("{} …", words[0]),
            Self::Command(words) | Self::Words(words) => words.join(" "),
            Self::Variables(variables) => {
                let pairs = variables.iter().map(|(name, value)| format!("{name}={value}"));
                pairs.collect::<Vec<_>>().join(" ")
            }
            Self::Secret(_) => "(set)".to_owned(),
        }
    }
}

fn split(text: &str) -> Vec<String> {
    text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn list(values: &[impl fmt::Display]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// Every word of a list as `read` has it; `None` if one of them is wrong.
fn words<T>(raw: &Raw, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    match raw {
        Raw::Words(words) => words.iter().map(|word| read(word)).collect(),
        Raw::Text(text) => split(text).iter().map(|word| read(word)).collect(),
        _ => None,
    }
}

fn path(text: &str, base: Option<&Path>, home: Option<&Path>) -> Result<PathBuf, String> {
    if let Some(rest) = text.strip_prefix("~/") {
        return home.map(|home| home.join(rest)).ok_or_else(|| "uses ~, but HOME is not set".to_owned());
    }
    Ok(base.map_or_else(|| PathBuf::from(text), |base| base.join(text)))
}
