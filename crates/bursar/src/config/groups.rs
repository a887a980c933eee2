//! Tables that the user names or counts: `[providers.NAME]`, `[gateway.routes.NAME]`, `[[rules]]`. The other half of the
//! table in `keys`, followed by the same parsing, `config show` and `config reference`.

use super::keys::{Form, Key};

/// Tables with the same keys.
#[derive(Debug)]
pub(super) struct Group {
    /// Where they are in the file: a section, or a key of a section.
    pub(super) path: &'static str,
    pub(super) shape: Shape,
    /// Whether keys can also be set by environment variables.
    pub(super) in_environment: bool,
    pub(super) keys: &'static [Key],
    /// One sentence or two for the manual.
    pub(super) doc: &'static str,
}

/// How the tables are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `[path.NAME]`
    Named,
    /// `[[path]]`, counted from 1.
    List,
}

impl Group {
    /// The heading of one of its tables, as one writes it.
    pub(super) fn heading(&self) -> String {
        match self.shape {
            Shape::Named => format!("[{}.NAME]", self.path),
            Shape::List => format!("[[{}]]", self.path),
        }
    }

    /// The path of the table `name`; of a list, `name` is its number.
    pub(super) fn table(&self, name: &str) -> String {
        match self.shape {
            Shape::Named => format!("{}.{name}", self.path),
            Shape::List => format!("{}[{name}]", self.path),
        }
    }

    /// The section it belongs to, the empty one for the top of the file, and its name there.
    pub(super) fn place(&self) -> (&'static str, &'static str) {
        self.path.rsplit_once('.').unwrap_or(("", self.path))
    }

    /// What the variables of its keys begin with, after `BURSAR_`.
    pub(super) fn variable_prefix(&self) -> String {
        format!("{}_", self.path.replace('.', "_").to_ascii_uppercase())
    }
}

/// `[providers.NAME]`
pub(super) const PROVIDERS: Group = Group {
    path: "providers",
    shape: Shape::Named,
    in_environment: true,
    keys: PROVIDER_KEYS,
    doc: "What you say about one provider. In variables, NAME is the provider's name in capitals, with `_` for `-` and \
          `.`.",
};

/// `[gateway.routes.NAME]`
pub(super) const ROUTES: Group = Group {
    path: "gateway.routes",
    shape: Shape::Named,
    in_environment: false,
    keys: ROUTE_KEYS,
    doc: "What the gateway passes on: `/gateway/NAME/…` goes to an upstream with the account's token in it. What is not \
          said comes from the provider's entry. Only in the file.",
};

/// `[[rules]]`
pub(super) const RULES: Group = Group {
    path: "rules",
    shape: Shape::List,
    in_environment: false,
    keys: RULE_KEYS,
    doc: "Which account a provider's bare name means, by where a command runs. The first rule for that provider whose \
          conditions all hold counts; what is typed and `BURSAR_ACCOUNT_<PROVIDER>` come before it, `bursar use` \
          after. Only in the file.",
};

/// All of them, in the order of the manual.
pub(super) const GROUPS: &[&Group] = &[&PROVIDERS, &ROUTES, &RULES];

/// The keys of a table `[providers.NAME]`.
const PROVIDER_KEYS: &[Key] = &[
    Key {
        section: "providers.NAME",
        name: "client_id",
        form: Form::Text,
        default: None,
        doc: "The client you registered at the provider.",
    },
    Key {
        section: "providers.NAME",
        name: "client_secret",
        form: Form::Secret,
        default: None,
        doc: "Its secret. Only in the environment: the file refuses it.",
    },
    Key {
        section: "providers.NAME",
        name: "client_secret_file",
        form: Form::Path,
        default: None,
        doc: "A file with its secret, mode 0600.",
    },
    Key {
        section: "providers.NAME",
        name: "client_secret_command",
        form: Form::Command,
        default: None,
        doc: "A program that prints its secret, with arguments, as a list. No shell is involved.",
    },
    Key {
        section: "providers.NAME",
        name: "scopes",
        form: Form::Words,
        default: None,
        doc: "The scopes to ask for instead of the entry's.",
    },
    Key {
        section: "providers.NAME",
        name: "proxy",
        form: Form::Proxy,
        default: None,
        doc: "The proxy for this provider; empty for none at all.",
    },
    Key {
        section: "providers.NAME",
        name: "vars",
        form: Form::Variables,
        default: None,
        doc: "Values for the entry's variables, such as a self-hosted host or a tenant.",
    },
];

/// The keys of a table `[gateway.routes.NAME]`.
const ROUTE_KEYS: &[Key] = &[
    Key {
        section: "gateway.routes.NAME",
        name: "account",
        form: Form::Text,
        default: None,
        doc: "The account, as one would type it. Never left out.",
    },
    Key {
        section: "gateway.routes.NAME",
        name: "upstream",
        form: Form::Upstream,
        default: None,
        doc: "Where requests go: scheme, host and the beginning of the path. Unset: the provider's API.",
    },
    Key {
        section: "gateway.routes.NAME",
        name: "inject",
        form: Form::Choice(&["header", "query", "basic"]),
        default: None,
        doc: "How the token is carried. Unset: as a header.",
    },
    Key {
        section: "gateway.routes.NAME",
        name: "name",
        form: Form::Text,
        default: None,
        doc: "The header, the query parameter, or the user name of `basic`. Unset: as the provider wants it.",
    },
    Key {
        section: "gateway.routes.NAME",
        name: "template",
        form: Form::Text,
        default: None,
        doc: "The header's value, in which `{token}` stands for the token. Unset: as the provider wants it.",
    },
    Key {
        section: "gateway.routes.NAME",
        name: "hosts",
        form: Form::Hosts,
        default: None,
        doc: "Hosts the route may reach besides the provider's.",
    },
];

/// The keys of a table `[[rules]]`.
const RULE_KEYS: &[Key] = &[
    Key {
        section: "rules",
        name: "account",
        form: Form::Account,
        default: None,
        doc: "The account. Never left out; a rule that names a missing one is an error, not passed over.",
    },
    Key {
        section: "rules",
        name: "directory",
        form: Form::Folder,
        default: None,
        doc: "Holds in this folder and below. `*` and `?` stand for letters of one name, `**` for any number of \
              folders.",
    },
    Key {
        section: "rules",
        name: "git_remote",
        form: Form::Remote,
        default: None,
        doc: "Holds in a Git work tree with a remote that is this or below it, however it is spelled: \
              `git@github.com:acme/web.git` is `github.com/acme/web`. `*`, `?` and `**` as above, letters of any \
              case, a port only if one is named here.",
    },
    Key {
        section: "rules",
        name: "environment",
        form: Form::Condition,
        default: None,
        doc: "Holds if the variable is set and not empty, or has this value.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_a_group_is_named_once_under_its_heading() {
        for group in GROUPS {
            for (place, key) in group.keys.iter().enumerate() {
                assert!(group.keys[..place].iter().all(|other| other.name != key.name), "{}", key.path());
                assert!(group.heading().contains(key.section), "{}", key.path());
                assert!(key.doc.ends_with('.') && !key.doc.contains("  "), "{}", key.path());
            }
        }
    }

    #[test]
    fn a_group_knows_how_its_tables_are_written() {
        let written: Vec<_> = GROUPS.iter().map(|group| group.heading()).collect();
        assert_eq!(written, ["[providers.NAME]", "[gateway.routes.NAME]", "[[rules]]"]);
        assert_eq!(ROUTES.place(), ("gateway", "routes"));
        assert_eq!((RULES.place(), RULES.table("2")), (("", "rules"), "rules[2]".to_owned()));
        assert_eq!(ROUTES.variable_prefix(), "GATEWAY_ROUTES_");
    }
}
