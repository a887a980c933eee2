//! A store as a command line names it: a server's URL without its password, or a file.

use std::fmt;
use std::path::PathBuf;

use super::store_url::StoreUrl;

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorePlace {
    /// A file of this machine.
    File(PathBuf),
    /// A server. No password is in its URL: everybody on the machine can read what a command is started with.
    Server(StoreUrl),
}

impl StorePlace {
    /// Reads what was typed.
    ///
    /// # Errors
    /// It names no store, or holds a password.
    pub fn parse(text: &str) -> Result<Self, StorePlaceError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(StorePlaceError::Unknown);
            }
            let path = std::path::absolute(path).map_err(|_| StorePlaceError::Unknown)?;
            return Ok(Self::File(path));
        }
        let url = StoreUrl::parse(text).ok_or(StorePlaceError::Unknown)?;
        if url.has_password() { Err(StorePlaceError::Password) } else { Ok(Self::Server(url)) }
    }
}

impl fmt::Display for StorePlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(formatter, "sqlite:{}", path.display()),
            Self::Server(url) => url.fmt(formatter),
        }
    }
}

/// What was typed names no store that can be used. It is not repeated: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorePlaceError {
    /// Of no known form.
    #[error("write it as postgres://HOST/NAME, redis://HOST, rediss://HOST or sqlite:/PATH/bursar.db")]
    Unknown,
    /// With a password in it.
    #[error(
        "it holds a password, which everybody on this machine could read; put it into a file and name that with --password-file"
    )]
    Password,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_named_by_url_or_file() {
        for (text, shown) in [
            ("sqlite:/var/lib/bursar.db", "sqlite:/var/lib/bursar.db"),
            ("sqlite:///var/lib/bursar.db", "sqlite:/var/lib/bursar.db"),
            ("postgres://u@host/bursar", "postgres://u@host/bursar"),
            ("rediss://host:6380/1", "rediss://host:6380/1"),
        ] {
            assert_eq!(StorePlace::parse(text).unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn passwords_and_strangers_are_refused_without_being_repeated() {
        for text in ["postgres://u:geheim@host/bursar", "redis://:geheim@host", "redis+unix:///s?pass=geheim"]
        {
            let error = StorePlace::parse(text).unwrap_err();
            assert_eq!(error, StorePlaceError::Password, "{text}");
            assert!(!error.to_string().contains("geheim"));
        }
        for text in ["", "sqlite:", "mysql://geheim@host", "/var/lib/bursar.db", "host:5432"] {
            assert_eq!(StorePlace::parse(text), Err(StorePlaceError::Unknown), "{text}");
        }
    }
}
