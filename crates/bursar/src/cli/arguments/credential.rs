//! Arguments of `bursar credential`.

use bursar_core::provider::duration::parse_duration;
use clap::{Args, Subcommand};
use jiff::SignedDuration;

/// `bursar credential`
#[derive(Debug, Args)]
pub struct CredentialCommand {
    /// Whose words
    #[command(subcommand)]
    pub protocol: CredentialProtocol,
}

/// The protocols `bursar credential` speaks.
#[derive(Debug, Subcommand)]
pub enum CredentialProtocol {
    /// Be a credential helper of git
    Git(GitCredential),
    /// Be a credential helper of docker, podman and others
    Docker(DockerCredential),
    /// Be an exec plugin of kubectl
    Kubectl(KubectlCredential),
    /// Be a `credential_process` of the AWS tools
    Aws(AwsCredential),
    /// Be an executable of a Google external account
    Google(GoogleCredential),
    /// Print the SASL XOAUTH2 string for mail
    Xoauth2(MailCredential),
    /// Print the SASL OAUTHBEARER string for mail (RFC 7628)
    Oauthbearer(MailCredential),
    /// Print a token for Claude Code's `apiKeyHelper`
    ApiKeyHelper(ApiKeyCredential),
}

/// Whose token, and where it may go.
#[derive(Debug, Args)]
pub struct HostChoice {
    /// The account, such as gitlab:work; else the one whose provider has the host
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// A further host the token may go to, such as git.example.com:8443; may be repeated
    #[arg(long = "host", value_name = "HOST", requires = "account")]
    pub hosts: Vec<String>,
    /// The user name to answer, if the host wants a certain one
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
}

/// `bursar credential git`
#[derive(Debug, Args)]
pub struct GitCredential {
    /// Whose token
    #[command(flatten)]
    pub choice: HostChoice,
    /// Send the token as `Authorization: Bearer` if git can (2.46 or newer)
    #[arg(long)]
    pub bearer: bool,
    /// What git wants: get, store, erase or capability
    pub action: String,
}

/// `bursar credential docker`
#[derive(Debug, Args)]
pub struct DockerCredential {
    /// Whose token
    #[command(flatten)]
    pub choice: HostChoice,
    /// Say that the token is an identity token, by the user name `<token>`
    #[arg(long, conflicts_with = "username")]
    pub token_user: bool,
    /// What docker wants: get, store, erase or list
    pub action: String,
}

/// `bursar credential kubectl`
#[derive(Debug, Args)]
pub struct KubectlCredential {
    /// The account, such as google:work
    #[arg(long, value_name = "ACCOUNT")]
    pub account: String,
    /// Hand out the identity token instead of the access token
    #[arg(long)]
    pub id_token: bool,
}

/// `bursar credential aws`
#[derive(Debug, Args)]
pub struct AwsCredential {
    /// The account whose identity token is exchanged
    #[arg(long, value_name = "ACCOUNT")]
    pub account: String,
    /// The role to assume: `arn:aws:iam::ACCOUNT:role/NAME`
    #[arg(long, value_name = "ARN")]
    pub role_arn: String,
    /// The session's name in AWS's logs [default: the account's identity]
    #[arg(long, value_name = "NAME")]
    pub session_name: Option<String>,
    /// How long the keys shall live: 15m to 12h, as the role allows
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "1h")]
    pub duration: SignedDuration,
    /// The region whose STS is asked [default: `AWS_REGION`, else the global one]
    #[arg(long, value_name = "REGION", conflicts_with = "sts_endpoint")]
    pub region: Option<String>,
    /// The URL of another STS
    #[arg(long, value_name = "URL")]
    pub sts_endpoint: Option<String>,
    /// Exchange the access token instead of the identity token
    #[arg(long)]
    pub access_token: bool,
}

/// `bursar credential google`
#[derive(Debug, Args)]
pub struct GoogleCredential {
    /// The account whose token Google is shown
    #[arg(long, value_name = "ACCOUNT")]
    pub account: String,
    /// Show the access token instead of the identity token
    #[arg(long)]
    pub access_token: bool,
    /// Call it an identity token, whatever is asked for
    #[arg(long, conflicts_with = "jwt")]
    pub id_token: bool,
    /// Call it a JWT, whatever is asked for
    #[arg(long)]
    pub jwt: bool,
}

/// `bursar credential xoauth2` and `bursar credential oauthbearer`
#[derive(Debug, Args)]
pub struct MailCredential {
    /// The account, such as google:work
    pub account: String,
    /// The mailbox [default: the account's identity]
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// The mail server, for OAUTHBEARER
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// The mail server's port, for OAUTHBEARER
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Do not encode it with base64
    #[arg(long)]
    pub raw: bool,
}

/// `bursar credential api-key-helper`
#[derive(Debug, Args)]
pub struct ApiKeyCredential {
    /// The account, such as anthropic:work
    pub account: String,
    /// The token must be good for at least this long [default: as long as it is kept]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub min_valid: Option<SignedDuration>,
}
