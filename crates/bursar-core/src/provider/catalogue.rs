//! All known providers by name: the embedded entries, and the user's own on top of them.
//!
//! An embedded entry is parsed when somebody asks for it and not before, because most commands need one provider or
//! none. How a user's file is read is in `overlay.rs`.

use super::nearest::nearest;
use super::overlay::{CatalogueError, Overlay, OverlayFile, parse_table, read_embedded};
use super::{Provider, check};

/// The embedded entries and the user's.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    overlays: Vec<Overlay>,
}

impl Catalogue {
    /// The entries that come with the program; costs nothing until one is asked for.
    pub fn embedded() -> Self {
        Self::default()
    }

    /// The same catalogue with the user's files on top: an entry of a known id replaces or, with `extends`, changes
    /// the embedded one.
    ///
    /// Every file is checked right away, so that a mistake is told when it is made and not when it is needed.
    pub fn with_overlay(files: Vec<OverlayFile>) -> Result<Self, CatalogueError> {
        let mut catalogue = Self::embedded();
        for file in files {
            let overlay = Overlay::read(file)?;
            if let Some(other) = catalogue.overlays.iter().find(|other| other.id == overlay.id) {
                return Err(CatalogueError::Duplicate {
                    file: overlay.file,
                    id: overlay.id,
                    other: other.file.clone(),
                });
            }
            catalogue.overlays.push(overlay);
        }
        for overlay in &catalogue.overlays {
            catalogue.find(&overlay.id)?;
        }
        Ok(catalogue)
    }

    /// The provider with this id or alias; ids come before aliases, the user's entries before the embedded ones.
    pub fn find(&self, name: &str) -> Result<Option<Provider>, CatalogueError> {
        if let Some(overlay) = self.overlay(name) {
            let table = self.merged(overlay, 0)?;
            let provider: Provider = table.try_into().map_err(|error: toml::de::Error| {
                CatalogueError::Merged { file: overlay.file.clone(), message: error.message().to_owned() }
            })?;
            check::check(&provider)
                .map_err(|fault| CatalogueError::Fault { file: overlay.file.clone(), fault })?;
            return Ok(Some(provider));
        }
        embedded_entry(name).map(|entry| read_embedded(entry.id, entry.text)).transpose()
    }

    /// Every id, in order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = EMBEDDED.iter().map(|entry| entry.id).collect();
        names.extend(self.overlays.iter().map(|overlay| overlay.id.as_str()));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The known name nearest to `name`, aliases included.
    pub fn suggest(&self, name: &str) -> Option<&str> {
        let aliases = EMBEDDED.iter().flat_map(|entry| entry.aliases.iter().copied());
        let own = self.overlays.iter().flat_map(|overlay| overlay.aliases.iter().map(String::as_str));
        let known = self.names().into_iter().chain(aliases).chain(own);
        // A file that extends a misspelt name counts under that name; it is no suggestion.
        nearest(&name.to_ascii_lowercase(), known.filter(|candidate| *candidate != name))
    }

    fn overlay(&self, name: &str) -> Option<&Overlay> {
        let with_id = |id: &str| self.overlays.iter().find(|overlay| overlay.id == id);
        with_id(name).or_else(|| match embedded_entry(name) {
            Some(entry) if entry.id == name => None,
            entry => self
                .overlays
                .iter()
                .find(|overlay| overlay.aliases.iter().any(|alias| alias == name))
                // The alias of an embedded entry that an overlay changes.
                .or_else(|| with_id(entry?.id)),
        })
    }

    /// The overlay's own keys over those of what it extends.
    fn merged(&self, overlay: &Overlay, depth: usize) -> Result<toml::Table, CatalogueError> {
        let Some(base) = &overlay.extends else {
            return Ok(overlay.table.clone());
        };
        if depth == DEEPEST {
            return Err(CatalogueError::Circular { file: overlay.file.clone() });
        }
        // An entry that extends its own id means the embedded one.
        let other = self.overlay(base).filter(|other| other.id != overlay.id);
        let mut table = if let Some(other) = other {
            self.merged(other, depth + 1)?
        } else {
            let entry = embedded_entry(base).ok_or_else(|| CatalogueError::UnknownBase {
                file: overlay.file.clone(),
                base: base.clone(),
                nearest: self.suggest(base).map(str::to_owned),
            })?;
            parse_table(entry.id, entry.text)?
        };
        if overlay.table.get("id").is_some_and(|id| Some(id) != table.get("id")) {
            // A new entry does not answer to the names of the one it was made from.
            table.remove("aliases");
        }
        merge(&mut table, &overlay.table);
        Ok(table)
    }
}

/// Puts `changes` over `table`: tables member by member, everything else whole.
fn merge(table: &mut toml::Table, changes: &toml::Table) {
    for (key, change) in changes {
        match (table.get_mut(key), change) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(changes)) => merge(inner, changes),
            _ => {
                table.insert(key.clone(), change.clone());
            }
        }
    }
}

/// An entry that comes with the program.
struct Embedded {
    id: &'static str,
    /// The same aliases as in the text, so that a lookup does not parse them all; a test compares.
    aliases: &'static [&'static str],
    text: &'static str,
}

fn embedded_entry(name: &str) -> Option<&'static Embedded> {
    EMBEDDED
        .iter()
        .find(|entry| entry.id == name)
        .or_else(|| EMBEDDED.iter().find(|entry| entry.aliases.contains(&name)))
}

/// Chains of `extends` longer than this are circles.
const DEEPEST: usize = 8;

const EMBEDDED: &[Embedded] = &[
    Embedded {
        id: "github-app",
        aliases: &["github"],
        text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../providers/github-app.toml")),
    },
    Embedded {
        id: "github-oauth-app",
        aliases: &["github-oauth"],
        text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../providers/github-oauth-app.toml")),
    },
    Embedded {
        id: "gitlab",
        aliases: &[],
        text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../providers/gitlab.toml")),
    },
    Embedded {
        id: "google",
        aliases: &["gcp"],
        text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../providers/google.toml")),
    },
    Embedded {
        id: "microsoft",
        aliases: &["azure", "entra"],
        text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../providers/microsoft.toml")),
    },
];

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::provider::{Reuse, RevokeForm};

    fn overlay(name: &str, text: &str) -> OverlayFile {
        OverlayFile { name: name.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn every_embedded_entry_is_whole() {
        let catalogue = Catalogue::embedded();
        let mut names = BTreeSet::new();
        for entry in EMBEDDED {
            let provider = catalogue.find(entry.id).unwrap().unwrap();
            assert_eq!(provider.id.as_str(), entry.id);
            assert_eq!(provider.aliases, entry.aliases, "{}", entry.id);
            for name in provider.aliases.iter().map(String::as_str).chain([entry.id]) {
                assert!(names.insert(name.to_owned()), "{name} is taken twice");
                assert_eq!(catalogue.find(name).unwrap().unwrap(), provider);
            }
            assert!(provider.verified_on.is_some(), "{} has no verified_on", entry.id);
            assert!(!provider.sources.is_empty() && provider.docs.is_some(), "{} has no sources", entry.id);
            assert!(!provider.name.is_empty() && !provider.environment.is_empty(), "{}", entry.id);
            assert_ne!(
                provider.refresh.reuse,
                Reuse::Undeclared,
                "{} does not say what reuse does",
                entry.id
            );
            let resolved = provider.resolve(&BTreeMap::new()).unwrap();
            for (name, endpoint) in resolved.endpoints.declared() {
                let url = endpoint.url_with(|variable| (variable == "client_id").then(|| "id".to_owned()));
                assert!(url.is_ok(), "{} {name}: {endpoint}", entry.id);
            }
            assert!(resolved.endpoints.authorize.is_some() && resolved.endpoints.token.is_some());
            assert!(
                resolved.endpoints.revoke.is_some() || resolved.revoke.form == RevokeForm::None,
                "{} does not say how it revokes",
                entry.id
            );
        }
    }

    #[test]
    fn names_are_sorted_and_mistyped_ones_corrected() {
        let catalogue = Catalogue::embedded();
        let names = catalogue.names();
        assert!(names.is_sorted() && names.contains(&"google"));
        assert_eq!(catalogue.suggest("gogle"), Some("google"));
        assert_eq!(catalogue.suggest("GitHub"), Some("github"));
        assert_eq!(catalogue.suggest("something-else"), None);
        assert_eq!(catalogue.find("gogle").unwrap(), None);
    }

    #[test]
    fn an_extension_changes_only_what_it_states() {
        let text =
            "extends = \"google\"\n[client]\nid = \"mine\"\n[authorize.parameters]\nhd = \"example.com\"\n";
        let catalogue = Catalogue::with_overlay(vec![overlay("google.toml", text)]).unwrap();
        let plain = Catalogue::embedded().find("google").unwrap().unwrap();
        let mut changed = catalogue.find("google").unwrap().unwrap();
        assert_eq!(catalogue.find("gcp").unwrap().as_ref(), Some(&changed));
        assert_eq!(changed.client.id.take().as_deref(), Some("mine"));
        assert_eq!(changed.authorize.parameters.remove("hd").as_deref(), Some("example.com"));
        assert_eq!(changed, plain);
    }

    #[test]
    fn an_extension_with_its_own_id_is_a_new_entry() {
        let text = "extends = \"github\"\nid = \"work\"\naliases = [\"job\"]\nrefresh_before = \"15m\"\n";
        let catalogue = Catalogue::with_overlay(vec![overlay("work.toml", text)]).unwrap();
        let work = catalogue.find("job").unwrap().unwrap();
        assert_eq!(work.id.as_str(), "work");
        assert_eq!(work.refresh_before, Some(jiff::SignedDuration::from_mins(15)));
        assert_eq!(catalogue.find("github").unwrap().unwrap().id.as_str(), "github-app");
        assert_eq!(catalogue.suggest("wrk"), Some("work"));
        assert!(catalogue.names().contains(&"work"));
    }

    #[test]
    fn extensions_build_on_extensions() {
        let files = vec![
            overlay("b.toml", "extends = \"a\"\nid = \"b\"\n[lifetimes]\naccess = \"10m\"\n"),
            overlay(
                "a.toml",
                "extends = \"gitlab\"\nid = \"a\"\nrefresh.reuse = { grace = { seconds = 10 } }\n",
            ),
        ];
        let entry = Catalogue::with_overlay(files).unwrap().find("b").unwrap().unwrap();
        assert_eq!(entry.refresh.reuse, Reuse::Grace { seconds: 10 });
        assert_eq!(entry.lifetimes.access, Some(jiff::SignedDuration::from_mins(10)));
    }

    #[test]
    fn a_whole_entry_needs_no_base() {
        let text = "id = \"own\"\n[endpoints]\ntoken = \"https://own.example.com/token\"\n";
        let catalogue = Catalogue::with_overlay(vec![overlay("own.toml", text)]).unwrap();
        let own = catalogue.find("own").unwrap().unwrap();
        assert_eq!(own.display_name(), "own");
        assert_eq!(own.environment.len(), 2);
    }

    #[test]
    fn mistakes_are_told_with_file_line_and_nearest_key() {
        let cases = [
            ("id = \"x\"\n[client]\nidd = \"y\"\n", "own.toml:3: there is no key `idd`; did you mean `id`?"),
            (
                "id = \"x\"\nenpoints = 1\n",
                "own.toml:2: there is no key `enpoints`; did you mean `endpoints`?",
            ),
            (
                "id = \"x\"\n[refresh]\nreuse = \"rejekt\"\n",
                "own.toml:3: `rejekt` is not known here; did you mean `reject`?",
            ),
            ("id = \"X\"\n", "own.toml:1: a provider name is made of a-z"),
            ("id = \"x\"\nrefresh_before = \"5\"\n", "own.toml:2: `5` has no unit"),
            ("name = \"x\"\n", "own.toml:1: missing field `id`"),
            ("id = \n", "own.toml:1: "),
            (
                "id = \"x\"\n[endpoints]\ntoken = \"http://example.com/t\"\n",
                "own.toml:3: the endpoint is not an acceptable URL",
            ),
            (
                "extends = \"gogle\"\n",
                "own.toml: there is no provider `gogle` to extend; did you mean `google`?",
            ),
            ("extends = 5\n", "own.toml:1: `extends` is the name of a provider"),
            (
                "id = \"x\"\n[endpoints]\ntoken = \"https://{host}/t\"\n",
                "own.toml: the endpoint `token` uses the variable `host`",
            ),
        ];
        for (text, expected) in cases {
            let error = Catalogue::with_overlay(vec![overlay("own.toml", text)]).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text:?}\n  got      {error}\n  expected {expected}");
        }
    }

    #[test]
    fn circles_and_doubles_are_refused() {
        let circle = vec![
            overlay("a.toml", "extends = \"b\"\nid = \"a\"\n"),
            overlay("b.toml", "extends = \"a\"\nid = \"b\"\n"),
        ];
        assert!(matches!(Catalogue::with_overlay(circle), Err(CatalogueError::Circular { .. })));
        let double = vec![overlay("a.toml", "id = \"a\"\n"), overlay("b.toml", "id = \"a\"\n")];
        assert!(matches!(Catalogue::with_overlay(double), Err(CatalogueError::Duplicate { .. })));
    }
}
