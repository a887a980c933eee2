//! Which environment variables a command or a shell gets, and from which account. Pure but for [`decide`] and [`hand_out`].
//!
//! An account that stands before `--` sets what its provider's tools read; `--env NAME=ACCOUNT` sets one variable and
//! settles who sets it. Two accounts for one variable are an error: picking one silently would be the wrong account for
//! somebody.

use std::collections::BTreeMap;
use std::sync::Arc;

use bursar_core::engine::broker::HandOut;
use bursar_core::engine::broker::HandOutError;
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::lifecycle::refresh::Ask;
use bursar_core::provider::{Environment, EnvironmentValue};
use bursar_core::secret::Secret;
use jiff::SignedDuration;
use serde_json::Value;

use super::app::App;
use crate::child_environment::is_private;
use crate::exit::{Exit, Failure};

/// An account of the command line and the variables its provider's tools read.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) account: AccountReference,
    pub(super) environment: Environment,
}

/// One variable, the account it is filled from, and what of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) account: AccountReference,
    pub(super) what: EnvironmentValue,
}

/// A variable with its value; `None` when the account has no such thing.
pub(super) type Assigned = (String, Option<Secret>);

/// Which variables these accounts and `NAME=ACCOUNT` pairs set, without a token.
pub(super) async fn decide(
    app: &App,
    accounts: &[String],
    variables: &[(String, String)],
) -> Result<Vec<Assignment>, Failure> {
    for (name, _) in variables {
        check_name(name)?;
    }
    let mut wishes = Vec::new();
    for wanted in accounts {
        let account = app.resolve(wanted).await?;
        let provider = app.engine.provider(&account.reference.provider).await.map_err(HandOutError::from)?;
        wishes.push(Wish { account: account.reference, environment: provider.environment });
    }
    let mut named = Vec::new();
    for (name, wanted) in variables {
        named.push((name.clone(), app.resolve(wanted).await?.reference));
    }
    assignments(&wishes, &named)
}

/// What the accounts of `assignments` hand out, each once.
pub(super) async fn hand_out(
    app: &App,
    assignments: &[Assignment],
    min_valid: Option<SignedDuration>,
) -> Result<Vec<Arc<HandOut>>, Failure> {
    let mut references: Vec<&AccountReference> =
        assignments.iter().map(|assignment| &assignment.account).collect();
    references.sort_by_key(|reference| reference.key());
    references.dedup();
    let ask = Ask { min_valid, ..Ask::default() };
    let mut handed = Vec::new();
    for reference in references {
        handed.push(app.desk.hand_out(reference, &ask, app.config.refresh.wait.unsigned_abs()).await?);
    }
    Ok(handed)
}

/// Decides every variable.
pub(super) fn assignments(
    wishes: &[Wish],
    named: &[(String, AccountReference)],
) -> Result<Vec<Assignment>, Failure> {
    let mut decided: BTreeMap<&str, Assignment> = BTreeMap::new();
    for (name, account) in named {
        check_name(name)?;
        let what = EnvironmentValue::AccessToken;
        let assignment = Assignment { name: name.clone(), account: account.clone(), what };
        if let Some(other) = decided.insert(name, assignment)
            && other.account.key() != account.key()
        {
            return Err(Failure::new(
                Exit::Usage,
                format!("--env gives {name} to both {} and {account}", other.account),
            )
            .hint("give each variable to one account"));
        }
    }
    for wish in wishes {
        for (name, what) in &wish.environment {
            check_name(name)?;
            if named.iter().any(|(settled, _)| settled == name) {
                continue;
            }
            let assignment =
                Assignment { name: name.clone(), account: wish.account.clone(), what: what.clone() };
            if let Some(other) = decided.insert(name, assignment)
                && other.account.key() != wish.account.key()
            {
                return Err(contested(name, &other.account, &wish.account));
            }
        }
    }
    Ok(decided.into_values().collect())
}

fn contested(name: &str, one: &AccountReference, other: &AccountReference) -> Failure {
    Failure::new(Exit::Usage, format!("{one} and {other} both set {name}")).hint(format!(
        "say which with `--env {name}={one}`, or give one of them only a name of its own: leave it out before `--` and \
         write `--env MY_TOKEN={other}`"
    ))
}

/// Refuses names that are no names, and names under which a value becomes code, a library or a key.
pub(super) fn check_name(name: &str) -> Result<(), Failure> {
    let mut letters = name.chars();
    let is_name = letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if !is_name {
        return Err(Failure::new(
            Exit::Usage,
            format!("`{}` cannot be a variable's name", name.escape_debug()),
        )
        .hint("use letters, digits and `_`, for example `--env API_TOKEN=google:work`"));
    }
    let upper = name.to_ascii_uppercase();
    let refused = REFUSED_VARIABLES.contains(&upper.as_str())
        || REFUSED_PREFIXES.iter().any(|prefix| upper.starts_with(prefix))
        || is_private(&upper);
    if refused {
        return Err(Failure::new(
            Exit::Denied,
            format!("{name} is never set to a token: it changes what programs load or run"),
        )
        .hint("choose another name with `--env NAME=ACCOUNT`"));
    }
    Ok(())
}

impl Assignment {
    /// The variable with its value out of what was handed out.
    pub(super) fn value(self, handed: &[Arc<HandOut>]) -> Assigned {
        let source = handed.iter().find(|handed| handed.reference.key() == self.account.key());
        let value = source.and_then(|source| pick(source, &self.what));
        if value.is_none() {
            tracing::debug!(variable = self.name, account = %self.account, what = %self.what, "nothing to set");
        }
        (self.name, value)
    }
}

fn pick(source: &HandOut, what: &EnvironmentValue) -> Option<Secret> {
    match what {
        EnvironmentValue::AccessToken => Some(source.token.clone()),
        EnvironmentValue::IdToken => source.identity_token.clone(),
        EnvironmentValue::Identity => {
            source.identity.as_ref().map(|identity| Secret::new(identity.label.as_str()))
        }
        EnvironmentValue::Kept(path) => kept(&source.kept, path),
    }
}

/// Fields are kept under their whole path, or as the objects the provider sent.
fn kept(fields: &serde_json::Map<String, Value>, path: &str) -> Option<Secret> {
    let nested = || {
        let mut names = path.split('.');
        let first = fields.get(names.next()?)?;
        names.try_fold(first, |value, name| value.get(name))
    };
    match fields.get(path).or_else(nested)? {
        Value::String(text) => Some(Secret::new(text.as_str())),
        Value::Number(number) => Some(Secret::new(number.to_string())),
        _ => None,
    }
}

/// Variables that shells, interpreters and loaders act upon. A provider chooses a token's text, so it must never
/// land where a text is a search path, a program or an option.
const REFUSED_VARIABLES: &[&str] = &[
    "PATH",
    "IFS",
    "ENV",
    "BASH_ENV",
    "BASHOPTS",
    "SHELLOPTS",
    "SHELL",
    "CDPATH",
    "PS4",
    "PROMPT_COMMAND",
    "ZDOTDIR",
    "HOME",
    "BURSAR_HOME",
    "TMPDIR",
    "NODE_OPTIONS",
    "NODE_PATH",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PYTHONINSPECT",
    "PERL5LIB",
    "PERL5OPT",
    "PERL5DB",
    "PERLLIB",
    "RUBYLIB",
    "RUBYOPT",
    "LUA_PATH",
    "LUA_CPATH",
    "LUA_INIT",
    "CLASSPATH",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "LOCPATH",
    "NLSPATH",
    "HOSTALIASES",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_EXTERNAL_DIFF",
    "GIT_PROXY_COMMAND",
    "GIT_EXEC_PATH",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "BROWSER",
];

/// Whole families: the dynamic loaders of Linux and macOS, functions that bash imports, Git's configuration.
const REFUSED_PREFIXES: &[&str] = &["LD_", "DYLD_", "BASH_FUNC_", "GIT_CONFIG"];

#[cfg(test)]
mod tests {
    use bursar_core::lifecycle::reference::Nickname;
    use bursar_core::provider::ProviderId;
    use serde_json::json;

    use super::*;

    fn reference(text: &str) -> AccountReference {
        let (provider, nickname) = text.split_once(':').unwrap();
        AccountReference {
            provider: ProviderId::parse(provider).unwrap(),
            nickname: Nickname::parse(nickname).unwrap(),
        }
    }

    fn wish(account: &str, names: &[&str]) -> Wish {
        let environment =
            names.iter().map(|name| ((*name).to_owned(), EnvironmentValue::AccessToken)).collect();
        Wish { account: reference(account), environment }
    }

    fn decided(wishes: &[Wish], named: &[(&str, &str)]) -> Result<Vec<String>, Failure> {
        let named: Vec<_> =
            named.iter().map(|(name, account)| ((*name).to_owned(), reference(account))).collect();
        let assignments = assignments(wishes, &named)?;
        Ok(assignments
            .into_iter()
            .map(|assignment| format!("{}={}", assignment.name, assignment.account))
            .collect())
    }

    #[test]
    fn each_account_sets_what_its_provider_s_tools_read() {
        let wishes =
            [wish("github-app:work", &["GH_TOKEN", "GITHUB_TOKEN"]), wish("gitlab:me", &["GITLAB_TOKEN"])];
        assert_eq!(
            decided(&wishes, &[("MINE", "google:a")]).unwrap(),
            [
                "GH_TOKEN=github-app:work",
                "GITHUB_TOKEN=github-app:work",
                "GITLAB_TOKEN=gitlab:me",
                "MINE=google:a"
            ]
        );
    }

    #[test]
    fn two_accounts_for_one_variable_are_refused_until_env_settles_it() {
        let wishes = [wish("github-app:work", &["GH_TOKEN"]), wish("github-app:home", &["GH_TOKEN"])];
        let refused = decided(&wishes, &[]).unwrap_err();
        assert_eq!(refused.exit, Exit::Usage);
        assert_eq!(refused.message, "github-app:work and github-app:home both set GH_TOKEN");
        assert!(refused.hint.unwrap().contains("--env GH_TOKEN=github-app:work"));
        assert_eq!(
            decided(&wishes, &[("GH_TOKEN", "github-app:home")]).unwrap(),
            ["GH_TOKEN=github-app:home"]
        );
    }

    #[test]
    fn one_account_named_twice_is_no_conflict() {
        let wishes = [wish("github-app:work", &["GH_TOKEN"]), wish("github-app:Work", &["GH_TOKEN"])];
        assert_eq!(decided(&wishes, &[]).unwrap().len(), 1);
        let refused = decided(&[], &[("A", "github-app:work"), ("A", "github-app:home")]).unwrap_err();
        assert_eq!(refused.exit, Exit::Usage);
    }

    #[test]
    fn variables_that_programs_act_upon_are_refused() {
        for name in [
            "LD_PRELOAD",
            "LD_LIBRARY_PATH",
            "DYLD_INSERT_LIBRARIES",
            "PATH",
            "path",
            "IFS",
            "BASH_ENV",
            "ENV",
            "NODE_OPTIONS",
            "PYTHONPATH",
            "BASH_FUNC_ls",
            "BURSAR_MASTER_KEY",
            "BURSAR_PASSPHRASE_FILE",
        ] {
            assert_eq!(check_name(name).unwrap_err().exit, Exit::Denied, "{name}");
            assert!(decided(&[wish("x:y", &[name])], &[]).is_err(), "{name} of an entry");
        }
        for name in ["", "1A", "A-B", "A=B", "A B", "É", "A\n"] {
            assert_eq!(check_name(name).unwrap_err().exit, Exit::Usage, "{name:?}");
        }
        for name in ["GH_TOKEN", "_token", "LDAP_TOKEN", "ACCESS_TOKEN2"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn kept_fields_are_found_by_their_path() {
        let Value::Object(fields) =
            json!({"instance_url": "https://x.example", "team.id": "T1", "user": {"id": 7}})
        else {
            unreachable!("the value above is an object");
        };
        let found = |path: &str| kept(&fields, path).map(|secret| secret.expose().to_owned());
        assert_eq!(found("instance_url").as_deref(), Some("https://x.example"));
        assert_eq!(found("team.id").as_deref(), Some("T1"));
        assert_eq!(found("user.id").as_deref(), Some("7"));
        assert_eq!(found("user"), None);
        assert_eq!(found("absent.path"), None);
    }
}
