//! Arguments of `bursar jwt`.

use std::path::PathBuf;

use bursar_core::oauth::jose::Algorithm;
use bursar_core::provider::duration::parse_duration;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use jiff::SignedDuration;
use serde_json::Value;

/// `bursar jwt`
#[derive(Debug, Args)]
pub struct JwtCommand {
    /// What about them
    #[command(subcommand)]
    pub action: JwtAction,
}

/// What `bursar jwt` can do.
#[derive(Debug, Subcommand)]
pub enum JwtAction {
    /// Sign a token
    Mint(MintCommand),
    /// Tell whether a token is good, and if not, why
    Verify(VerifyCommand),
    /// Show what a token says, without believing it
    Decode(DecodeCommand),
}

/// `bursar jwt mint`
#[derive(Debug, Args)]
pub struct MintCommand {
    /// Sign with HS256 and the secret in this file, of at least 32 bytes; `-`
    /// reads stdin
    #[arg(long, value_name = "FILE", required_unless_present = "key_file", conflicts_with = "key_file")]
    pub secret_file: Option<PathBuf>,
    /// Sign with the private key in this file (PEM or JWK: Ed25519, P-256, RSA);
    /// `-` reads stdin
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// The name of the key in the token's header
    #[arg(long, value_name = "ID", requires = "key_file", value_parser = NonEmptyStringValueParser::new())]
    pub key_id: Option<String>,
    /// Who the token is about (sub)
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub subject: Option<String>,
    /// Who issues it (iss)
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub issuer: Option<String>,
    /// Whom it is for (aud); may be repeated
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub audience: Vec<String>,
    /// What else it says; NAME:=JSON for what is not text; may be repeated
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    pub claims: Vec<(String, Value)>,
    /// How long it is good
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "7d")]
    pub lifetime: SignedDuration,
    /// What kind of token its header says it is (typ)
    #[arg(long = "type", value_name = "TYPE", default_value = "JWT", value_parser = NonEmptyStringValueParser::new())]
    pub typ: String,
}

/// `bursar jwt verify`
#[derive(Debug, Args)]
pub struct VerifyCommand {
    /// The file with the token
    #[arg(default_value = "-", value_name = "FILE")]
    pub token: PathBuf,
    /// The secret it must be signed with (HS256), in a file
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present_any = ["key_file", "jwks"],
        conflicts_with_all = ["key_file", "jwks"]
    )]
    pub secret_file: Option<PathBuf>,
    /// The key it must be signed with, public or private, in a file (PEM or JWK)
    #[arg(long, value_name = "FILE", conflicts_with = "jwks")]
    pub key_file: Option<PathBuf>,
    /// The keys one of which it must be signed with: the URL or file of a JWK Set
    #[arg(long, value_name = "URL|FILE", requires = "algorithm")]
    pub jwks: Option<String>,
    /// How it must be signed: `EdDSA`, ES256, RS256 or HS256 [default: as its key
    /// does]
    #[arg(long, value_name = "NAME", value_parser = algorithm)]
    pub algorithm: Option<Algorithm>,
    /// Who must have issued it
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub issuer: Option<String>,
    /// Whom it must be for; needed if it says for whom it is
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub audience: Option<String>,
    /// A claim it must have; may be repeated
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub require: Vec<String>,
    /// What kind of token it must be (typ)
    #[arg(long = "type", value_name = "TYPE", value_parser = NonEmptyStringValueParser::new())]
    pub typ: Option<String>,
    /// How far clocks may differ
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "30s")]
    pub tolerance: SignedDuration,
}

/// `bursar jwt decode`
#[derive(Debug, Args)]
pub struct DecodeCommand {
    /// The file with the token
    #[arg(default_value = "-", value_name = "FILE")]
    pub token: PathBuf,
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    Algorithm::from_name(name).ok_or_else(|| "use EdDSA, ES256, RS256 or HS256".to_owned())
}

fn claim(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE, or as NAME:=JSON")?;
    let (name, value) = match name.strip_suffix(':') {
        Some(name) => {
            let json = serde_json::from_str(value);
            (name, json.map_err(|_| format!("what follows `{name}:=` is not JSON"))?)
        }
        None => (name, Value::String(value.to_owned())),
    };
    match name {
        "" => Err("the claim has no name".to_owned()),
        "sub" => Err("use `--subject`".to_owned()),
        "iss" => Err("use `--issuer`".to_owned()),
        "aud" => Err("use `--audience`".to_owned()),
        "exp" | "iat" => Err("use `--lifetime`: the times are those of the clock".to_owned()),
        name => Ok((name.to_owned(), value)),
    }
}
