//! Arguments of a login by assertion.

use clap::{Args, ValueEnum};

/// What an assertion says (RFC 7523 §3).
#[derive(Debug, Default, Args)]
pub struct AssertionArguments {
    /// Who asserts; default: the client id. Without a key file: which of an MCP server's issuers to log in to
    #[arg(long, value_name = "NAME")]
    pub issuer: Option<String>,
    /// About whom; default: the issuer
    #[arg(long, value_name = "NAME", requires = "key_file")]
    pub subject: Option<String>,
    /// For whom; default: the token endpoint
    #[arg(long, value_name = "URL", requires = "key_file")]
    pub audience: Option<String>,
    /// Another claim, NAME=TEXT or NAME:=JSON; may be repeated
    #[arg(long = "claim", value_name = "CLAIM", value_parser = super::variable, requires = "key_file")]
    pub claims: Vec<(String, String)>,
    /// How the provider calls the key
    #[arg(long, value_name = "NAME", requires = "key_file")]
    pub key_id: Option<String>,
    /// How the key signs; a key of another kind is refused
    #[arg(long = "alg", value_enum, value_name = "ALGORITHM", requires = "key_file")]
    pub algorithm: Option<Algorithm>,
}

/// How a key signs (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Algorithm {
    /// RSA of 2048 bits or more
    #[value(name = "RS256")]
    Rs256,
    /// P-256
    #[value(name = "ES256")]
    Es256,
    /// Ed25519
    #[value(name = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    /// The value of `alg`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}
