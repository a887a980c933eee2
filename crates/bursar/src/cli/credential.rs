//! `bursar credential`: tokens in the words that git, docker, kubectl and others expect, byte for byte.
//!
//! Each protocol has one file that runs it and one, pure and fuzzed, that reads and writes its words. Nothing here
//! prompts or opens a browser: the callers are programs.

mod api_key;
mod aws;
mod choice;
mod docker;
pub mod docker_words;
mod exec_credential;
mod git;
pub mod git_attributes;
mod google;
mod google_answer;
pub mod hosts;
mod identity_token;
mod kubectl;
mod mail;
mod program_name;
mod sasl;
pub mod security_token;
mod standard_input;
mod user_name;

pub(super) use self::program_name::by_program_name;
use super::app::App;
use super::arguments::credential::{CredentialCommand, CredentialProtocol};
use crate::exit::{Exit, Failure};

pub(super) async fn run(app: &App, command: &CredentialCommand) -> Result<Exit, Failure> {
    match &command.protocol {
        CredentialProtocol::Git(command) => git::run(app, command).await,
        CredentialProtocol::Docker(command) => docker::run(app, command).await,
        CredentialProtocol::Kubectl(command) => kubectl::run(app, command).await,
        CredentialProtocol::Aws(command) => aws::run(app, command).await,
        CredentialProtocol::Google(command) => google::run(app, command).await,
        CredentialProtocol::Xoauth2(command) => mail::xoauth2(app, command).await,
        CredentialProtocol::Oauthbearer(command) => mail::oauthbearer(app, command).await,
        CredentialProtocol::ApiKeyHelper(command) => api_key::run(app, command).await,
    }
}
