//! The keys of the store: where everything is kept, and how to get in. A part of the table in `keys`.

use super::keys::{Form, Key};

/// Every key of the store, in the order of the manual.
pub(super) const STORE_KEYS: &[Key] = &[
    Key {
        section: "store",
        name: "database",
        form: Form::StoreUrl,
        default: None,
        doc: "The server that keeps everything, for any number of nodes: PostgreSQL or Redis. Unset or empty: the file \
              `bursar.db` of this machine. A server also understands `SESSION_PROVIDER` and `SESSION_REDIS_URL`, as long \
              as this is unset.",
    },
    Key {
        section: "store",
        name: "database_password",
        form: Form::Secret,
        default: None,
        doc: "The password for `database`, if it is not in the URL. Only in the environment: the file refuses it, as it \
              refuses URLs with passwords.",
    },
    Key {
        section: "store",
        name: "database_password_file",
        form: Form::Path,
        default: None,
        doc: "A file with the password, mode 0600.",
    },
    Key {
        section: "store",
        name: "database_password_command",
        form: Form::Command,
        default: None,
        doc: "A program that prints the password, with arguments, as a list. No shell is involved.",
    },
    Key {
        section: "store",
        name: "ephemeral",
        form: Form::RedisUrl,
        default: None,
        doc: "A Redis server for what may be lost (pushed requests, marks against replays, counters), beside `database` \
              for the rest. Unset or empty: everything is in one place.",
    },
    Key {
        section: "store",
        name: "ephemeral_password",
        form: Form::Secret,
        default: None,
        doc: "The password for `ephemeral`. Only in the environment.",
    },
    Key {
        section: "store",
        name: "ephemeral_password_file",
        form: Form::Path,
        default: None,
        doc: "A file with that password, mode 0600.",
    },
    Key {
        section: "store",
        name: "ephemeral_password_command",
        form: Form::Command,
        default: None,
        doc: "A program that prints that password.",
    },
    Key {
        section: "store",
        name: "ca_file",
        form: Form::Path,
        default: None,
        doc: "Certificates (PEM) of whoever signed those of Redis servers reached by `rediss://`. Unset: those the system \
              trusts. For PostgreSQL, `sslrootcert` in the URL says it.",
    },
    Key {
        section: "store",
        name: "redis_prefix",
        form: Form::RedisPrefix,
        default: Some("bursar"),
        doc: "What every key and channel in Redis begins with. Installations that share a database of Redis need one each; \
              it stays as it is as long as there are records.",
    },
    Key {
        section: "store",
        name: "trust_settings",
        form: Form::Flag,
        default: Some("false"),
        doc: "Whether a Redis server that hides its settings is believed to write every command to disk before it \
              answers.",
    },
    Key {
        section: "store",
        name: "accept_replicas",
        form: Form::Flag,
        default: Some("false"),
        doc: "Whether Redis may have replicas, although a failover to one can lose the last commits, and with them a \
              refresh token that its provider has already replaced.",
    },
];
