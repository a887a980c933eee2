//! Which account is meant. Pure: from what was written and the overview to one account, or the candidates.

use super::accounts::Overview;
use crate::lifecycle::account::Account;
use crate::lifecycle::reference::AccountReference;

/// Why an account was chosen, for `which`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The reference was written out.
    Reference,
    /// The nickname, identity or id is unique.
    UniqueName,
    /// The environment names it.
    Environment,
    /// It is the provider's default.
    Default,
    /// It is the provider's only account.
    OnlyAccount,
}

impl Choice {
    /// The reason in words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Reference => "named by its reference",
            Self::UniqueName => "the only account with that nickname or identity",
            Self::Environment => "named by the environment",
            Self::Default => "the provider's default account",
            Self::OnlyAccount => "the provider's only account",
        }
    }
}

/// No single account is meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// Nothing matches.
    #[error("account '{wanted}' not found")]
    NotFound {
        /// What was written.
        wanted: String,
        /// Accounts it may have been meant for.
        near: Vec<AccountReference>,
    },
    /// More than one matches.
    #[error("'{wanted}' fits {} accounts", candidates.len())]
    Ambiguous {
        /// What was written.
        wanted: String,
        /// The accounts it fits.
        candidates: Vec<AccountReference>,
    },
}

impl Overview {
    /// The one account `wanted` means: a reference, a unique nickname or identity, or a provider's name.
    ///
    /// `environment` answers `BURSAR_ACCOUNT_<PROVIDER>` for a provider's name.
    pub fn select(
        &self,
        wanted: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(&Account, Choice), SelectionError> {
        if let Some(account) = self.by_reference(wanted) {
            return Ok((account, Choice::Reference));
        }
        let of_provider: Vec<&Account> =
            self.accounts.iter().filter(|account| account.reference.provider.as_str() == wanted).collect();
        if !of_provider.is_empty() {
            return self.of_provider(wanted, &of_provider, environment);
        }
        let (provider, name) = match wanted.split_once(':') {
            Some((provider, name)) => (Some(provider), name),
            None => (None, wanted),
        };
        for matches in [exactly as fn(&Account, &str) -> bool, by_prefix] {
            let candidates: Vec<&Account> = self
                .accounts
                .iter()
                .filter(|account| provider.is_none_or(|id| account.reference.provider.as_str() == id))
                .filter(|account| matches(account, name))
                .collect();
            match candidates.as_slice() {
                [] => {}
                [account] => return Ok((account, Choice::UniqueName)),
                _ => return Err(ambiguous(wanted, &candidates)),
            }
        }
        Err(self.not_found(wanted))
    }

    /// Every account `wanted` means: all of a provider, or the one.
    pub fn select_all(&self, wanted: &str) -> Result<Vec<&Account>, SelectionError> {
        let of_provider: Vec<&Account> =
            self.accounts.iter().filter(|account| account.reference.provider.as_str() == wanted).collect();
        if of_provider.is_empty() {
            return self.select(wanted, &|_| None).map(|(account, _)| vec![account]);
        }
        Ok(of_provider)
    }

    fn by_reference(&self, wanted: &str) -> Option<&Account> {
        let (provider, nickname) = wanted.split_once(':')?;
        let key = format!("{provider}:{}", nickname.to_lowercase());
        self.accounts.iter().find(|account| account.reference.key() == key)
    }

    fn of_provider<'a>(
        &'a self,
        wanted: &str,
        accounts: &[&'a Account],
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(&'a Account, Choice), SelectionError> {
        if let Some(named) = environment(wanted) {
            // Named but missing is an error: falling back would hand out somebody else's token.
            let reference = if named.contains(':') { named } else { format!("{wanted}:{named}") };
            let (account, _) = self.select(&reference, &|_| None)?;
            return Ok((account, Choice::Environment));
        }
        if let Some(default) =
            self.defaults.iter().find(|(provider, _)| provider.as_str() == wanted).map(|(_, account)| account)
            && let Some(account) = accounts.iter().find(|account| account.reference.key() == default.key())
        {
            return Ok((account, Choice::Default));
        }
        match accounts {
            [account] => Ok((account, Choice::OnlyAccount)),
            _ => Err(ambiguous(wanted, accounts)),
        }
    }

    fn not_found(&self, wanted: &str) -> SelectionError {
        let name = wanted.rsplit(':').next().unwrap_or(wanted).to_lowercase();
        let mut near: Vec<(usize, &Account)> = self
            .accounts
            .iter()
            .filter_map(|account| {
                let distance =
                    names(account).map(|candidate| distance(&candidate.to_lowercase(), &name)).min()?;
                (distance <= NEAR || names(account).any(|candidate| candidate.to_lowercase().contains(&name)))
                    .then_some((distance, account))
            })
            .collect();
        near.sort_by_key(|(distance, account)| (*distance, account.reference.key()));
        SelectionError::NotFound {
            wanted: wanted.to_owned(),
            near: near.into_iter().take(SHOWN).map(|(_, account)| account.reference.clone()).collect(),
        }
    }
}

fn ambiguous(wanted: &str, candidates: &[&Account]) -> SelectionError {
    SelectionError::Ambiguous {
        wanted: wanted.to_owned(),
        candidates: candidates.iter().map(|account| account.reference.clone()).collect(),
    }
}

fn names(account: &Account) -> impl Iterator<Item = &str> {
    let identity =
        account.identity.iter().flat_map(|identity| [identity.label.as_str(), identity.subject.as_str()]);
    [account.reference.nickname.as_str(), account.reference.provider.as_str()].into_iter().chain(identity)
}

fn exactly(account: &Account, name: &str) -> bool {
    account.reference.nickname.as_str().to_lowercase() == name.to_lowercase()
        || account
            .identity
            .as_ref()
            .is_some_and(|identity| identity.label.eq_ignore_ascii_case(name) || identity.subject == name)
}

fn by_prefix(account: &Account, name: &str) -> bool {
    let name = name.to_lowercase();
    account.reference.nickname.as_str().to_lowercase().starts_with(&name)
        || account.identity.as_ref().is_some_and(|identity| identity.label.to_lowercase().starts_with(&name))
}

/// Levenshtein distance in characters.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, from) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, to) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

/// Two slips of the finger.
const NEAR: usize = 2;
/// As many as one reads.
const SHOWN: usize = 5;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::lifecycle::account::Identity;
    use crate::lifecycle::reference::Nickname;
    use crate::lifecycle::sample;
    use crate::provider::ProviderId;

    /// (provider, nickname, e-mail address), the first of a provider being its default if `defaults` says so.
    fn overview(accounts: &[(&str, &str, &str)], defaults: &[(&str, &str)]) -> Overview {
        let reference = |provider: &str, nickname: &str| AccountReference {
            provider: ProviderId::parse(provider).unwrap(),
            nickname: Nickname::parse(nickname).unwrap(),
        };
        let account = |(provider, nickname, label): &(&str, &str, &str)| Account {
            reference: reference(provider, nickname),
            identity: Some(Identity { subject: format!("sub-{nickname}"), label: (*label).into() }),
            ..sample::account()
        };
        Overview {
            accounts: accounts.iter().map(account).collect(),
            last_used: BTreeMap::new(),
            defaults: defaults
                .iter()
                .map(|(provider, nickname)| {
                    (ProviderId::parse(provider).unwrap(), reference(provider, nickname))
                })
                .collect(),
        }
    }

    fn several() -> Overview {
        overview(
            &[
                ("google", "work", "ada@corp.example"),
                ("google", "home", "ada@home.example"),
                ("github-app", "Work", "ada"),
                ("gitlab", "default", "lovelace"),
            ],
            &[("google", "home")],
        )
    }

    fn chosen(overview: &Overview, wanted: &str) -> Result<(String, Choice), SelectionError> {
        overview.select(wanted, &|_| None).map(|(account, choice)| (account.reference.to_string(), choice))
    }

    #[test]
    fn one_account_is_meant_by_reference_nickname_identity_or_provider() {
        let overview = several();
        let table = [
            ("google:work", "google:work", Choice::Reference),
            ("google:WORK", "google:work", Choice::Reference),
            ("home", "google:home", Choice::UniqueName),
            ("ada@corp.example", "google:work", Choice::UniqueName),
            ("sub-home", "google:home", Choice::UniqueName),
            ("ada@ho", "google:home", Choice::UniqueName),
            ("google:ho", "google:home", Choice::UniqueName),
            ("google", "google:home", Choice::Default),
            ("gitlab", "gitlab:default", Choice::OnlyAccount),
        ];
        for (wanted, reference, choice) in table {
            assert_eq!(chosen(&overview, wanted), Ok((reference.to_owned(), choice)), "{wanted}");
        }
    }

    #[test]
    fn what_fits_several_is_never_guessed() {
        let overview = several();
        let Err(SelectionError::Ambiguous { candidates, .. }) = chosen(&overview, "work") else {
            panic!("two fit")
        };
        assert_eq!(candidates.len(), 2);
        let undecided = super::tests::overview(&[("google", "a", "a"), ("google", "b", "b")], &[]);
        assert!(matches!(chosen(&undecided, "google"), Err(SelectionError::Ambiguous { .. })));
    }

    #[test]
    fn what_fits_none_names_its_neighbours() {
        let Err(SelectionError::NotFound { near, .. }) = chosen(&several(), "google:wrok") else {
            panic!("none")
        };
        assert!(near.iter().any(|reference| reference.to_string() == "google:work"), "{near:?}");
        let Err(SelectionError::NotFound { near, .. }) = chosen(&several(), "zzzzzz") else { panic!("none") };
        assert!(near.is_empty());
    }

    #[test]
    fn the_environment_outranks_the_default_and_is_never_ignored() {
        let overview = several();
        let says = |name: &'static str| move |_: &str| Some(name.to_owned());
        let (account, choice) = overview.select("google", &says("work")).unwrap();
        assert_eq!((account.reference.to_string().as_str(), choice), ("google:work", Choice::Environment));
        assert!(overview.select("google", &says("gone-for-ever")).is_err(), "not the default instead");
        let (account, _) = overview.select("google:home", &says("work")).unwrap();
        assert_eq!(account.reference.to_string(), "google:home", "what is written out wins");
    }

    #[test]
    fn a_provider_means_all_its_accounts_where_all_are_wanted() {
        assert_eq!(several().select_all("google").unwrap().len(), 2);
        assert_eq!(several().select_all("home").unwrap().len(), 1);
        assert!(several().select_all("nobody").is_err());
    }
}
