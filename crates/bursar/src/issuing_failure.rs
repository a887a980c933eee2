//! What each error of the authorization server's administration means for the person at the keyboard.

use std::error::Error;

use bursar_core::engine::issuer::administration::clients::ClientError;
use bursar_core::engine::issuer::administration::first_code::FirstCodeError;
use bursar_core::engine::issuer::administration::quotas::QuotaReached;
use bursar_core::engine::issuer::administration::resources::ResourceError;
use bursar_core::engine::issuer::administration::users::UserError;
use bursar_core::engine::issuer::refusal::IssueError;
use bursar_core::engine::sandboxes::SandboxError;

use crate::exit::{Exit, Failure};

impl From<IssueError> for Failure {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Store(error) => error.into(),
            IssueError::Vault(error) => error.into(),
            IssueError::Refused(_) => Self::of(Exit::Denied, &error),
            IssueError::Overloaded(_) | IssueError::TooMany { .. } | IssueError::Elsewhere(_) => {
                Self::of(Exit::Unavailable, &error).hint("try again in a moment")
            }
            IssueError::Signing => Self::of(Exit::Error, &error).hint("run `bursar doctor`"),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let hint = match error {
            ClientError::Store(error) => return error.into(),
            ClientError::Issue(error) => return error.into(),
            ClientError::Full(_) => return full(&error),
            ClientError::Metadata(_) => "see `bursar client add --help`",
            ClientError::MustRotate => "bind its tokens to a key as well, with `--dpop`",
            ClientError::LooksAfterItself { .. } => {
                "change it where it comes from, or remove it with `bursar client remove`"
            }
            ClientError::HasNoSecret { .. } => "see how it proves itself with `bursar client show`",
        };
        usage(&error, hint)
    }
}

impl From<ResourceError> for Failure {
    fn from(error: ResourceError) -> Self {
        let hint = match error {
            ResourceError::Store(error) => return error.into(),
            ResourceError::Issue(error) => return error.into(),
            ResourceError::Address(_) => "write it as clients will, such as https://mcp.example.com/mcp",
            ResourceError::IsThisServer => "give the API an address of its own",
            ResourceError::Scope { .. } | ResourceError::ReservedScope { .. } => {
                "choose another name, such as notes:read"
            }
            ResourceError::Tool { .. } => "name it as `tools/list` of the resource does",
            ResourceError::ScopeOfTool { .. } => {
                "name all its scopes with --scope beside its tools, or correct the tool"
            }
            ResourceError::Lifetime => "choose a short one, such as 15m",
            ResourceError::Format => "choose one of es256, eddsa, rs256 and opaque",
            ResourceError::Introspector { .. } => {
                "name the id of a confidential client; see `bursar client list`"
            }
        };
        usage(&error, hint)
    }
}

impl From<UserError> for Failure {
    fn from(error: UserError) -> Self {
        let hint = match error {
            UserError::Store(error) => return error.into(),
            UserError::Issue(error) => return error.into(),
            UserError::Full(_) => return full(&error),
            UserError::Overloaded(_) => {
                return Self::of(Exit::Unavailable, &error).hint("try again in a moment");
            }
            UserError::Exists { .. } => "choose another name, or see who it is with `bursar user show`",
            UserError::WasUsed { .. } => "choose another name, or free this one with `bursar user free`",
            UserError::Name { .. } => "choose a name such as ada",
            UserError::Password => "choose a longer one; a sentence is easy to remember",
        };
        usage(&error, hint)
    }
}

impl From<FirstCodeError> for Failure {
    fn from(error: FirstCodeError) -> Self {
        match error {
            FirstCodeError::User(error) => error.into(),
            FirstCodeError::Store(error) => error.into(),
            FirstCodeError::Issue(error) => error.into(),
            FirstCodeError::NotGood => {
                Self::of(Exit::Denied, &error).hint("start the server again for a new code")
            }
            FirstCodeError::NotFirst => Self::of(Exit::Denied, &error)
                .hint("ask them, or run `bursar user add NAME --admin` on the server's machine"),
        }
    }
}

impl From<SandboxError> for Failure {
    fn from(error: SandboxError) -> Self {
        let hint = match error {
            SandboxError::Store(error) => return error.into(),
            SandboxError::Vault(error) => return error.into(),
            SandboxError::Exists { .. } => "choose another name, or empty it with `bursar sandbox reset`",
            SandboxError::HostIsTaken { .. } => "see whose it is with `bursar sandbox list`",
            SandboxError::Lifetime => "say how long it shall live, such as 1h",
        };
        usage(&error, hint)
    }
}

impl From<QuotaReached> for Failure {
    fn from(error: QuotaReached) -> Self {
        full(&error)
    }
}

fn full(error: &(dyn Error + 'static)) -> Failure {
    Failure::of(Exit::Denied, error).hint("remove some, or make a sandbox with larger quotas")
}

fn usage(error: &(dyn Error + 'static), hint: &str) -> Failure {
    Failure::of(Exit::Usage, error).hint(hint)
}
