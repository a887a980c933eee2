//! Reads the text of one catalogue entry, embedded or the user's, and tells mistakes with file, line and nearest key.
//!
//! An entry is either whole, or names another one in `extends` and states only what differs; `catalogue.rs` puts the
//! two together.

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::nearest::nearest;
use super::{Provider, check};

/// A file with one entry, as the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayFile {
    /// The name to show in errors.
    pub name: String,
    /// The TOML.
    pub text: String,
}

/// One entry of the user's, checked but not yet merged.
#[derive(Clone, Debug)]
pub(super) struct Overlay {
    pub(super) file: String,
    pub(super) id: String,
    pub(super) extends: Option<String>,
    pub(super) aliases: Vec<String>,
    /// Everything but `extends`.
    pub(super) table: toml::Table,
}

impl Overlay {
    pub(super) fn read(file: OverlayFile) -> Result<Self, CatalogueError> {
        let source = Source { file: &file.name, text: &file.text };
        let mut document = DeTable::parse(&file.text).map_err(|error| source.explain(&error))?;
        let extends = match document.get_mut().remove("extends") {
            None => None,
            Some(base) => match base.get_ref().as_str() {
                Some(name) => Some(name.to_owned()),
                None => return Err(source.meaning(base.span().start, "`extends` is the name of a provider")),
            },
        };
        if let Some(base) = &extends
            && !document.get_ref().contains_key("id")
        {
            let id = Spanned::new(0..0, DeValue::String(base.clone().into()));
            document.get_mut().insert(Spanned::new(0..0, "id".into()), id);
        }
        let provider = Provider::deserialize(toml::de::Deserializer::from(document))
            .map_err(|error| source.explain(&error))?;
        let mut table = parse_table(&file.name, &file.text)?;
        table.remove("extends");
        Ok(Self { id: provider.id.to_string(), extends, aliases: provider.aliases, table, file: file.name })
    }
}

/// An entry that comes with the program, read and checked.
pub(super) fn read_embedded(id: &'static str, text: &'static str) -> Result<Provider, CatalogueError> {
    let source = Source { file: id, text };
    let provider: Provider = toml::from_str(text).map_err(|error| source.explain(&error))?;
    check::check(&provider).map_err(|fault| CatalogueError::Fault { file: id.to_owned(), fault })?;
    Ok(provider)
}

/// The text as plain TOML values.
pub(super) fn parse_table(file: &str, text: &str) -> Result<toml::Table, CatalogueError> {
    text.parse().map_err(|error: toml::de::Error| Source { file, text }.explain(&error))
}

/// Why an entry of the catalogue cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// A key that does not exist.
    #[error("{file}:{line}: there is no key `{key}`{}", did_you_mean(nearest.as_deref()))]
    UnknownKey {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What was written.
        key: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// A word that is not among those that a key knows.
    #[error("{file}:{line}: `{word}` is not known here{}", did_you_mean(nearest.as_deref()))]
    UnknownWord {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What was written.
        word: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// The text is no TOML, or a value is not acceptable.
    #[error("{file}:{line}: {message}")]
    Value {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// The values of the file do not go together with those it extends.
    #[error("{file}: {message}")]
    Merged {
        /// The file.
        file: String,
        /// What is wrong.
        message: String,
    },
    /// The entry as a whole makes no sense.
    #[error("{file}: {fault}")]
    Fault {
        /// The file.
        file: String,
        /// What is wrong.
        fault: String,
    },
    /// What the file extends does not exist.
    #[error("{file}: there is no provider `{base}` to extend{}", did_you_mean(nearest.as_deref()))]
    UnknownBase {
        /// The file.
        file: String,
        /// What was written.
        base: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// Files extend each other in a circle.
    #[error("{file}: the chain of `extends` does not end")]
    Circular {
        /// One of the files.
        file: String,
    },
    /// Two files describe one provider.
    #[error("{file}: `{id}` is already described by {other}")]
    Duplicate {
        /// The second file.
        file: String,
        /// The provider.
        id: String,
        /// The first file.
        other: String,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |word| format!("; did you mean `{word}`?"))
}

struct Source<'a> {
    file: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn meaning(&self, position: usize, message: &str) -> CatalogueError {
        let line = self.line(position);
        CatalogueError::Value { file: self.file.to_owned(), line, message: message.to_owned() }
    }

    fn line(&self, position: usize) -> usize {
        1 + self.text.bytes().take(position).filter(|byte| *byte == b'\n').count()
    }

    /// Turns serde's words into ours. Its messages put the wrong word and then the known ones between backticks.
    fn explain(&self, error: &toml::de::Error) -> CatalogueError {
        let line = self.line(error.span().map_or(0, |span| span.start));
        let file = self.file.to_owned();
        let message = error.message();
        let mut quoted = message.split('`').skip(1).step_by(2);
        if message.starts_with("unknown field `") {
            let key = quoted.next().unwrap_or_default().to_owned();
            let nearest = nearest(&key, quoted).map(str::to_owned);
            CatalogueError::UnknownKey { file, line, key, nearest }
        } else if message.starts_with("unknown variant `") {
            let word = quoted.next().unwrap_or_default().to_owned();
            let nearest = nearest(&word, quoted).map(str::to_owned);
            CatalogueError::UnknownWord { file, line, word, nearest }
        } else {
            let message = message.trim_end().replace('\n', "; ");
            CatalogueError::Value { file, line, message }
        }
    }
}
