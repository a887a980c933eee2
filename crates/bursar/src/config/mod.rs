//! What the user told us before the command: environment, places of files, `config.toml`.
//!
//! Read in two steps: `environment` and `written` say what was written, `meaning` says what it means; `keys` is the one
//! table both follow, and `reference` prints the manual from. Nothing here talks to the network or the store.

mod catalogue;
pub mod environment;
mod error;
mod forms;
mod groups;
pub mod issuing;
mod keys;
pub mod meaning;
pub mod paths;
pub mod private_file;
mod provider_table;
mod reference;
mod route_table;
mod rule_table;
mod secret_keys;
pub mod secret_source;
mod server_keys;
mod settings;
pub mod store;
mod store_keys;
pub mod store_place;
pub mod store_url;
mod value;
mod written;

pub use self::error::ConfigError;
pub use self::meaning::Config;
pub use self::reference::{ShownKey, reference_markdown, show};
pub use self::value::Origin;
