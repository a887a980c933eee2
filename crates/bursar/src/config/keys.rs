//! Every key of a fixed place: the table that parsing, `config show` and `config reference` follow. Those of the server
//! are in `server_keys`, those of the store in `store_keys`; keys of tables that the user names, such as `[providers.NAME]`, in `groups`.

use bursar_core::provider::duration::write_duration;
use jiff::SignedDuration;

use super::server_keys::SERVER_KEYS;
use super::store_keys::STORE_KEYS;

/// One key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// The TOML table; empty for the top of the file.
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    pub(super) form: Form,
    /// As it would be written in the environment; `None`: nothing unless set.
    pub(super) default: Option<&'static str>,
    pub(super) doc: &'static str,
}

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    /// Text to be shown in one line.
    Line,
    Proxy,
    Path,
    Duration,
    /// A duration between two, in seconds.
    Span {
        least: i64,
        most: i64,
    },
    Port,
    Number,
    Size,
    TimeOfDay,
    Loopback,
    Addresses,
    Networks,
    PublicUrl,
    Sandbox,
    /// A server that keeps records.
    StoreUrl,
    RedisUrl,
    /// What names of keys in Redis begin with.
    RedisPrefix,
    Flag,
    Choice(&'static [&'static str]),
    Words,
    Users,
    Colour,
    Hosts,
    Origins,
    Upstream,
    Account,
    Folder,
    Remote,
    Condition,
    Command,
    Variables,
    Secret,
}

impl Form {
    /// Completes "must be …".
    pub(super) fn description(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Line => "text of 1 to 200 characters in one line".to_owned(),
            Self::Proxy => {
                "a proxy, such as `http://proxy:3128` or `socks5h://proxy:1080`, or empty".to_owned()
            }
            Self::Path => "a path".to_owned(),
            Self::Duration => "a duration, such as `90s`, `5m`, `2h` or `1d`".to_owned(),
            Self::Span { least, most } => {
                let [least, most] = [least, most].map(|end| write_duration(SignedDuration::from_secs(end)));
                format!("a duration from `{least}` to `{most}`")
            }
            Self::Port => "a port number from 0 to 65535".to_owned(),
            Self::Number => "a whole number from 0 to 4294967295".to_owned(),
            Self::Size => "a size, such as `10MiB`, `512KiB` or a number of bytes".to_owned(),
            Self::TimeOfDay => "a time of day from `00:00` to `23:59`, such as `03:30`, or empty".to_owned(),
            Self::Loopback => {
                "an address of this machine with a port, such as `127.0.0.1:8791` or `[::1]:8791`".to_owned()
            }
            Self::Addresses => {
                "a list of addresses with ports, such as `127.0.0.1:8790` or `[::]:443`".to_owned()
            }
            Self::Networks => {
                "a list of addresses and networks, such as `10.0.0.7` or `10.0.0.0/8`".to_owned()
            }
            Self::StoreUrl => {
                "a URL that begins with `postgres://`, `redis://`, `rediss://` or `redis+unix://`, or empty"
                    .to_owned()
            }
            Self::RedisUrl => {
                "a URL that begins with `redis://`, `rediss://` or `redis+unix://`, or empty".to_owned()
            }
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Choice(choices) => format!("one of `{}`", choices.join("`, `")),
            Self::Words => "a list of words".to_owned(),
            Self::Users => {
                "a list of user names, mail addresses and domains such as `@example.com`, not empty"
                    .to_owned()
            }
            Self::Colour => "a colour of the form `#rrggbb`".to_owned(),
            Self::Hosts => "a list of host names, each with a port or without".to_owned(),
            Self::Origins => "a list of origins, such as `https://app.example.com`".to_owned(),
            Self::Upstream | Self::PublicUrl => {
                "an `https` URL, or an `http` URL of this machine, without user name, query and \
                               fragment"
                    .to_owned()
            }
            Self::Sandbox => "a sandbox's name: 1 to 63 of `a-z`, `0-9` and `-`".to_owned(),
            Self::RedisPrefix => "made of letters, digits, `-`, `_` and `.`".to_owned(),
            Self::Account => "a full reference, such as `google:work`".to_owned(),
            Self::Folder => "a folder, such as `~/work`, `/srv/*/acme` or `**/acme`".to_owned(),
            Self::Remote => "a remote, such as `github.com/acme` or `github.com/acme/web-*`".to_owned(),
            Self::Condition => "`NAME` or `NAME=VALUE`".to_owned(),
            Self::Command => "a program and its arguments, as a list".to_owned(),
            Self::Variables => "a table of texts".to_owned(),
            Self::Secret => "a secret".to_owned(),
        }
    }
}

impl Key {
    /// `section.name`.
    pub(super) fn path(&self) -> String {
        if self.section.is_empty() { self.name.to_owned() } else { format!("{}.{}", self.section, self.name) }
    }

    /// Its environment variable.
    pub(super) fn variable(&self) -> String {
        format!("BURSAR_{}", self.path().replace('.', "_").to_ascii_uppercase())
    }
}

/// The sections, in the order of the manual, each with one sentence.
pub(super) const SECTIONS: &[(&str, &str)] = &[
    ("", "Keys at the top of the file."),
    ("vault", "Where the master key is kept."),
    (
        "store",
        "Where everything is kept: for PostgreSQL see `docs/operations/postgres.md`, for Redis \
         `docs/operations/redis.md`. All nodes that share a store need the same master key. Commands and servers read this \
         when they start.",
    ),
    ("network", "How providers are reached."),
    ("refresh", "When tokens are refreshed."),
    ("status", "When `status` and `check` warn."),
    ("login", "How people log in."),
    ("cleanup", "What `cleanup` removes."),
    ("agent", "How the agent behaves."),
    ("gateway", "What the gateway listens to, and whom it answers."),
    (
        "server",
        "Where the server listens, and what it is known by. A running server takes up changes of this and the following \
         sections when it is started again, but for the certificate, which it reads again by itself.",
    ),
    (
        "lifetimes",
        "How long what the server issues lives. What has been issued keeps the end it was issued with.",
    ),
    ("tokens", "How the server signs what it issues, and what it asks of proofs."),
    ("registration", "Clients that bring themselves."),
    ("sign_in", "Who may sign in, and how."),
    ("sessions", "Session tokens, by which an application knows who is signed in."),
    ("housekeeping", "What the server removes by itself."),
    ("brand", "How the server's pages look."),
];

/// Every key outside the groups, in the order of the manual.
pub(super) fn every_key() -> impl Iterator<Item = &'static Key> + Clone {
    KEYS.iter().chain(STORE_KEYS).chain(SERVER_KEYS)
}

/// Variables that other authorization servers are told lifetimes by, each with our key; in seconds, or with a unit. They
/// may be meant for another program: what is wrong with one is the server's business only.
pub(super) const ADOPTED_VARIABLES: &[(&str, &str)] = &[
    ("OAUTH_AUTH_CODE_TTL", "lifetimes.authorization_code"),
    ("OAUTH_ACCESS_TOKEN_TTL", "lifetimes.access_token"),
    ("OAUTH_REFRESH_TOKEN_TTL", "lifetimes.refresh_token"),
    ("OAUTH_EXTERNAL_TOKEN_TTL", "lifetimes.external_token"),
];

/// Every key outside the groups, but for the server's and the store's.
const KEYS: &[Key] = &[
    Key {
        section: "",
        name: "providers_dir",
        form: Form::Path,
        default: None,
        doc: "A folder with your own provider entries (`*.toml`): new ones, or changes to built-in ones. Unset: \
              `providers` beside `config.toml`, if there is one.",
    },
    Key {
        section: "vault",
        name: "key",
        form: Form::Choice(&["keychain", "passphrase", "key_file"]),
        default: None,
        doc: "Where the master key is kept. Unset: where the vault was made with; a new vault takes the keychain, or \
              a key file if no keychain answers.",
    },
    Key {
        section: "vault",
        name: "key_file",
        form: Form::Path,
        default: None,
        doc: "The key file: 32 random bytes in base64, mode 0600. Unset: `master.key` beside the database.",
    },
    Key {
        section: "vault",
        name: "passphrase_file",
        form: Form::Path,
        default: None,
        doc: "A file with the passphrase, mode 0600. Unset: the terminal asks.",
    },
    Key {
        section: "network",
        name: "proxy",
        form: Form::Proxy,
        default: None,
        doc: "The proxy for everything; empty for none at all. Unset: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and \
              `NO_PROXY` decide.",
    },
    Key {
        section: "network",
        name: "timeout",
        form: Form::Duration,
        default: Some("30s"),
        doc: "The longest one call to a provider may take, from its name's resolution to the last byte.",
    },
    Key {
        section: "network",
        name: "ca_file",
        form: Form::Path,
        default: None,
        doc: "Certificates (PEM) trusted besides the system's, as companies and tests have them.",
    },
    Key {
        section: "refresh",
        name: "before",
        form: Form::Duration,
        default: None,
        doc: "How long before its end a token is refreshed. Unset: the provider's own lead, else 5 minutes; never \
              more than a third of the token's lifetime.",
    },
    Key {
        section: "refresh",
        name: "wait",
        form: Form::Duration,
        default: Some("30s"),
        doc: "How long a command waits while somebody else refreshes the same account.",
    },
    Key {
        section: "status",
        name: "warn",
        form: Form::Duration,
        default: Some("2h"),
        doc: "A token that nobody can refresh counts as expiring this long before its end.",
    },
    Key {
        section: "status",
        name: "warn_grant",
        form: Form::Duration,
        default: Some("3d"),
        doc: "A login counts as expiring this long before it ends for good.",
    },
    Key {
        section: "status",
        name: "interval",
        form: Form::Duration,
        default: Some("30m"),
        doc: "How often `status --watch` looks again.",
    },
    Key {
        section: "login",
        name: "timeout",
        form: Form::Duration,
        default: Some("5m"),
        doc: "How long a login waits for the browser.",
    },
    Key {
        section: "login",
        name: "callback_port",
        form: Form::Port,
        default: None,
        doc: "The port on 127.0.0.1 the browser comes back to. Unset or 0: any free one.",
    },
    Key {
        section: "login",
        name: "client_metadata_url",
        form: Form::Text,
        default: None,
        doc: "The https URL of a page with your client's metadata, with `http://127.0.0.1/callback` among its redirect \
              URIs: servers that take such a URL for a client id get it. Unset: a client is registered at each server.",
    },
    Key {
        section: "login",
        name: "no_browser",
        form: Form::Flag,
        default: Some("false"),
        doc: "Never open a browser; print the address instead.",
    },
    Key {
        section: "cleanup",
        name: "keep",
        form: Form::Duration,
        default: Some("7d"),
        doc: "How long an account that needs a new login is kept before `cleanup` removes it.",
    },
    Key {
        section: "agent",
        name: "on_demand",
        form: Form::Flag,
        default: Some("true"),
        doc: "Whether commands start the agent when it is not running.",
    },
    Key {
        section: "agent",
        name: "nightly",
        form: Form::TimeOfDay,
        default: None,
        doc: "When, by the clock on the wall, everything that ends soon is refreshed. Unset or empty: never at a \
              fixed time.",
    },
    Key {
        section: "agent",
        name: "nightly_ahead",
        form: Form::Duration,
        default: Some("12h"),
        doc: "What the nightly refresh takes in: access tokens that end within this time.",
    },
    Key {
        section: "gateway",
        name: "in_agent",
        form: Form::Flag,
        default: Some("true"),
        doc: "Whether the agent runs the gateway too, as soon as there is a route.",
    },
    Key {
        section: "gateway",
        name: "listen",
        form: Form::Loopback,
        default: Some("127.0.0.1:8791"),
        doc: "Where it listens. Port 0: any free one.",
    },
    Key {
        section: "gateway",
        name: "hosts",
        form: Form::Hosts,
        default: None,
        doc: "`Host` values it answers to, besides 127.0.0.1, [::1] and localhost with its port.",
    },
    Key {
        section: "gateway",
        name: "origins",
        form: Form::Origins,
        default: None,
        doc: "Web pages that may use it, by their origin. A request that names no origin needs none.",
    },
    Key {
        section: "gateway",
        name: "log",
        form: Form::Path,
        default: None,
        doc: "Where one line a request is written. Unset: nowhere.",
    },
    Key {
        section: "gateway",
        name: "log_size",
        form: Form::Size,
        default: Some("10MiB"),
        doc: "A log larger than this is put aside, and a new one is begun.",
    },
    Key {
        section: "gateway",
        name: "log_keep",
        form: Form::Number,
        default: Some("3"),
        doc: "How many logs put aside are kept.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_named_once_and_belongs_to_a_section() {
        let mut variables: Vec<String> = every_key().map(Key::variable).collect();
        variables.sort();
        variables.dedup();
        assert_eq!(variables.len(), every_key().count());
        for key in every_key() {
            assert!(SECTIONS.iter().any(|(section, _)| *section == key.section), "{}", key.path());
            assert!(key.doc.ends_with('.') && !key.doc.contains("  "), "{}", key.path());
        }
    }

    #[test]
    fn a_keys_variable_is_its_path_in_capitals() {
        let variables: Vec<_> = KEYS.iter().take(2).map(Key::variable).collect();
        assert_eq!(variables, ["BURSAR_PROVIDERS_DIR", "BURSAR_VAULT_KEY"]);
    }

    #[test]
    fn an_adopted_variable_is_of_a_key_there_is() {
        for (variable, path) in ADOPTED_VARIABLES {
            assert!(every_key().any(|key| key.path() == *path), "{variable}");
        }
    }
}
