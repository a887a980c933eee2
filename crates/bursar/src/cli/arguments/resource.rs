//! Arguments of `bursar resource`.

use bursar_core::provider::duration::parse_duration;
use clap::{ArgAction, Args, Subcommand, ValueEnum};
use jiff::SignedDuration;

/// `bursar resource`
#[derive(Debug, Args)]
pub struct ResourceCommand {
    /// What about them
    #[command(subcommand)]
    pub action: ResourceAction,
}

/// What `bursar resource` can do.
#[derive(Debug, Subcommand)]
pub enum ResourceAction {
    /// Add an API that takes tokens of this server
    Add(AddResourceCommand),
    /// List the resources
    List,
    /// Show one resource
    Show(NamedResource),
    /// Change a resource; what is not named stays as it is
    Update(UpdateResourceCommand),
    /// Remove a resource: nothing is issued for it any more
    Remove(NamedResource),
    /// Print what the resource must answer to clients without a token
    Challenge(NamedResource),
}

/// A resource by its address.
#[derive(Debug, Args)]
pub struct NamedResource {
    /// Its address
    #[arg(value_name = "URL")]
    pub url: String,
}

/// `bursar resource add`
#[derive(Debug, Args)]
pub struct AddResourceCommand {
    /// Its address, as clients will write it, such as `https://x.example/mcp`
    #[arg(value_name = "URL")]
    pub url: String,
    /// A scope it knows, with words for the consent page; may be repeated
    #[arg(long = "scope", value_name = "NAME[=DESCRIPTION]", value_parser = scope)]
    pub scopes: Vec<(String, String)>,
    /// An MCP tool and a scope it needs, for the consent page; may be repeated
    #[arg(long = "tool", value_name = "TOOL=SCOPE", value_parser = tool)]
    pub tools: Vec<(String, String)>,
    /// What people call it
    #[arg(long)]
    pub name: Option<String>,
    /// How its access tokens look [default: as `tokens.access_format` has it]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// How long its access tokens live, such as 5m [default: as all others]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub lifetime: Option<SignedDuration>,
    /// A client that may ask about its tokens, by id; may be repeated
    #[arg(long = "introspector", value_name = "CLIENT")]
    pub introspectors: Vec<String>,
    /// Let in only clients that prove a key (RFC 9449)
    #[arg(long)]
    pub dpop: bool,
}

/// `bursar resource update`
#[derive(Debug, Args)]
pub struct UpdateResourceCommand {
    /// Its address
    #[arg(value_name = "URL")]
    pub url: String,
    /// A scope it knows, instead of all before; may be repeated
    #[arg(long = "scope", value_name = "NAME[=DESCRIPTION]", value_parser = scope)]
    pub scopes: Option<Vec<(String, String)>>,
    /// An MCP tool and a scope it needs, instead of all before; empty: none
    #[arg(long = "tool", value_name = "TOOL=SCOPE", value_parser = tool_or_none)]
    pub tools: Option<Vec<Option<(String, String)>>>,
    /// What people call it; empty: nothing
    #[arg(long)]
    pub name: Option<String>,
    /// How its access tokens look
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// How long its access tokens live; 0s: as all others
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub lifetime: Option<SignedDuration>,
    /// A client that may ask about its tokens, instead of all before; empty: none
    #[arg(long = "introspector", value_name = "CLIENT")]
    pub introspectors: Option<Vec<String>>,
    /// Whether only clients that prove a key are let in
    #[arg(long, value_name = "BOOL", action = ArgAction::Set)]
    pub dpop: Option<bool>,
}

/// How access tokens look, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JWT with ECDSA, which everybody can verify
    Es256,
    /// JWT with Ed25519, the quickest
    Eddsa,
    /// JWT with RSA, the oldest
    Rs256,
    /// Says nothing to anybody but this server
    Opaque,
}

/// Most scopes are known by a word; some are better explained.
fn scope(text: &str) -> Result<(String, String), String> {
    let (name, description) = text.split_once('=').unwrap_or((text, ""));
    if name.is_empty() {
        Err("write it as NAME or NAME=DESCRIPTION".to_owned())
    } else {
        Ok((name.to_owned(), description.to_owned()))
    }
}

fn tool(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((tool, scope)) if !tool.is_empty() && !scope.is_empty() => {
            Ok((tool.to_owned(), scope.to_owned()))
        }
        _ => Err("write it as TOOL=SCOPE, once for each scope that the tool needs".to_owned()),
    }
}

fn tool_or_none(text: &str) -> Result<Option<(String, String)>, String> {
    if text.is_empty() { Ok(None) } else { tool(text).map(Some) }
}
