//! Arguments of `bursar user`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::Value;

/// `bursar user`
#[derive(Debug, Args)]
pub struct UserCommand {
    /// What about them
    #[command(subcommand)]
    pub action: UserAction,
}

/// What `bursar user` can do.
#[derive(Debug, Subcommand)]
pub enum UserAction {
    /// Add a user and print their id
    Add(AddUserCommand),
    /// List the users
    List,
    /// Show one user
    Show(NamedUser),
    /// Change a user; what is not named stays as it is
    Update(UpdateUserCommand),
    /// Let a user sign in no more and end everything issued in their name
    Disable(NamedUser),
    /// Let a disabled user sign in again
    Enable(NamedUser),
    /// Give a user another password and end their sessions
    SetPassword(SetPasswordCommand),
    /// Make a code by which a user sets a password of their own, once, within the hour
    ResetPassword(ResetPasswordCommand),
    /// Remove all passkeys of a user who has lost them, or who did not add all of them
    ForgetPasskeys(NamedUser),
    /// Remove a user and end everything issued in their name
    Remove(NamedUser),
    /// Let a user name be used again that a removed user had
    Free(FreeNameCommand),
}

/// A user by name or id.
#[derive(Debug, Args)]
pub struct NamedUser {
    /// Their user name or id
    #[arg(value_name = "NAME")]
    pub user: String,
}

/// What is said of a user.
#[derive(Debug, Args)]
pub struct Said {
    /// Full name; empty: none
    #[arg(long)]
    pub name: Option<String>,
    /// E-mail address; empty: none
    #[arg(long)]
    pub email: Option<String>,
    /// Address of a picture; empty: none
    #[arg(long, value_name = "URL")]
    pub avatar_url: Option<String>,
    /// What applications call them, such as editor; empty: nothing
    #[arg(long)]
    pub role: Option<String>,
    /// What applications let them do; may be repeated; empty: nothing
    #[arg(long = "permission", value_name = "PERMISSION")]
    pub permissions: Option<Vec<String>>,
    /// A further claim for applications, such as seats=5, its value in JSON; may be repeated; an empty value: none
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    pub claims: Vec<(String, Option<Value>)>,
    /// Let clients change this server in their name
    #[arg(long)]
    pub admin: bool,
}

/// Where a password comes from.
#[derive(Debug, Args)]
pub struct PasswordSource {
    /// A file with the password, that nobody else can read; `-` reads stdin
    /// [default: asked at the terminal]
    #[arg(long, value_name = "FILE", conflicts_with = "no_password")]
    pub password_file: Option<PathBuf>,
    /// No password: they cannot sign in with one
    #[arg(long)]
    pub no_password: bool,
}

/// `bursar user add`
#[derive(Debug, Args)]
pub struct AddUserCommand {
    /// What they type to sign in
    #[arg(value_name = "NAME")]
    pub username: String,
    /// What is said of them
    #[command(flatten)]
    pub said: Said,
    /// Their password
    #[command(flatten)]
    pub password: PasswordSource,
}

/// `bursar user update`
#[derive(Debug, Args)]
pub struct UpdateUserCommand {
    /// Their user name or id
    #[arg(value_name = "NAME")]
    pub user: String,
    /// Another user name; the old one is kept for them
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// What is said of them
    #[command(flatten)]
    pub said: Said,
    /// Let nobody change this server in their name
    #[arg(long, conflicts_with = "admin")]
    pub no_admin: bool,
}

/// `bursar user set-password`
#[derive(Debug, Args)]
pub struct SetPasswordCommand {
    /// Their user name or id
    #[arg(value_name = "NAME")]
    pub user: String,
    /// Their password
    #[command(flatten)]
    pub password: PasswordSource,
}

/// `bursar user reset-password`
#[derive(Debug, Args)]
pub struct ResetPasswordCommand {
    /// Their user name or id
    #[arg(value_name = "NAME")]
    pub user: String,
    /// A new file for the code, that nobody else can read [default: the terminal]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `bursar user free`
#[derive(Debug, Args)]
pub struct FreeNameCommand {
    /// The user name
    #[arg(value_name = "NAME")]
    pub username: String,
}

fn claim(text: &str) -> Result<(String, Option<Value>), String> {
    let (name, value) = text.split_once('=').ok_or("write a claim as NAME=VALUE")?;
    let value = match value {
        "" => None,
        value => Some(serde_json::from_str(value).map_err(|_| {
            format!("the value of `{name}` is no JSON; write a text in quotes: '{name}=\"{value}\"'")
        })?),
    };
    Ok((name.to_owned(), value))
}
