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
    /// The only account whose nickname or identity begins so.
    Beginning,
    /// The environment names it.
    Environment,
    /// A rule of the configuration names it.
    Rule {
        /// Which one, from 1.
        number: usize,
    },
    /// It is the provider's default.
    Default,
    /// It is the provider's only account.
    OnlyAccount,
    /// The only account whose tokens are for the URL.
    Address,
}

impl Choice {
    /// The reason in words.
    pub fn describe(self) -> String {
        match self {
            Self::Reference => "named by its reference".to_owned(),
            Self::UniqueName => "the only account with that nickname or identity".to_owned(),
            Self::Beginning => "the only account whose nickname or identity begins so".to_owned(),
            Self::Environment => "named by the environment".to_owned(),
            Self::Rule { number } => format!("named by rule {number} of the configuration"),
            Self::Default => "the provider's default account".to_owned(),
            Self::OnlyAccount => "the provider's only account".to_owned(),
            Self::Address => "the only account for that URL".to_owned(),
        }
    }
}

/// The account that somebody prefers for a provider's bare name, before the provider's default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preferred {
    /// A reference; of the environment also a nickname or an identity.
    pub account: String,
    /// [`Choice::Environment`] or [`Choice::Rule`].
    pub choice: Choice,
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
    /// `preferred` says what the environment or a rule means by a provider's name; that beats the provider's default, and
    /// is never passed over because it does not exist.
    pub fn select(
        &self,
        wanted: &str,
        preferred: &dyn Fn(&str) -> Option<Preferred>,
    ) -> Result<(&Account, Choice), SelectionError> {
        if let Some(account) = self.by_reference(wanted) {
            return Ok((account, Choice::Reference));
        }
        if !wanted.contains(':')
            && let Some(preferred) = preferred(wanted)
        {
            return self.preferred(wanted, &preferred);
        }
        let of_provider: Vec<&Account> =
            self.accounts.iter().filter(|account| account.reference.provider.as_str() == wanted).collect();
        if !of_provider.is_empty() {
            return self.of_provider(wanted, &of_provider);
        }
        let (provider, name) = match wanted.split_once(':') {
            Some((provider, name)) => (Some(provider), name),
            None => (None, wanted),
        };
        let ways =
            [(exactly as fn(&Account, &str) -> bool, Choice::UniqueName), (by_prefix, Choice::Beginning)];
        for (matches, choice) in ways {
            let candidates: Vec<&Account> = self
                .accounts
                .iter()
                .filter(|account| provider.is_none_or(|id| account.reference.provider.as_str() == id))
                .filter(|account| matches(account, name))
                .collect();
            match candidates.as_slice() {
                [] => {}
                [account] => return Ok((account, choice)),
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

    /// The account of `provider` that is preferred. Beginnings of names do not count here: nobody looks at what comes out.
    fn preferred(&self, provider: &str, preferred: &Preferred) -> Result<(&Account, Choice), SelectionError> {
        let name = &preferred.account;
        let whole = if is_of(name, provider) { name.clone() } else { format!("{provider}:{name}") };
        if let Some(account) = self.by_reference(&whole) {
            return Ok((account, preferred.choice));
        }
        let name = whole.strip_prefix(provider).and_then(|rest| rest.strip_prefix(':')).unwrap_or(name);
        let candidates: Vec<&Account> = self
            .accounts
            .iter()
            .filter(|account| account.reference.provider.as_str() == provider && exactly(account, name))
            .collect();
        match candidates.as_slice() {
            [] => Err(self.not_found(&whole)),
            [account] => Ok((account, preferred.choice)),
            _ => Err(ambiguous(&whole, &candidates)),
        }
    }

    fn of_provider<'a>(
        &'a self,
        wanted: &str,
        accounts: &[&'a Account],
    ) -> Result<(&'a Account, Choice), SelectionError> {
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

    pub(super) fn not_found(&self, wanted: &str) -> SelectionError {
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

/// Whether a name is a reference to an account of `provider`.
fn is_of(name: &str, provider: &str) -> bool {
    name.split_once(':').is_some_and(|(of, _)| of == provider)
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
            ("ada@ho", "google:home", Choice::Beginning),
            ("google:ho", "google:home", Choice::Beginning),
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

    fn says(account: &str, choice: Choice) -> impl Fn(&str) -> Option<Preferred> + use<> {
        let preferred = Preferred { account: account.to_owned(), choice };
        move |provider| (provider == "google").then(|| preferred.clone())
    }

    #[test]
    fn what_is_preferred_outranks_the_default_and_is_never_passed_over() {
        let overview = several();
        for choice in [Choice::Environment, Choice::Rule { number: 3 }] {
            for name in
                ["work", "google:work", "WORK", "ada@corp.example", "sub-work", "google:ada@corp.example"]
            {
                let (account, found) = overview.select("google", &says(name, choice)).unwrap();
                assert_eq!(
                    (account.reference.to_string().as_str(), found),
                    ("google:work", choice),
                    "{name}"
                );
            }
            for missing in
                ["gone", "google:gone", "wor", "google:wor", "github-app:Work", "gitlab:default", "ada", ""]
            {
                let refused = overview.select("google", &says(missing, choice));
                assert!(matches!(refused, Err(SelectionError::NotFound { .. })), "{missing}: {refused:?}");
            }
            let (account, _) = overview.select("google:home", &says("work", choice)).unwrap();
            assert_eq!(account.reference.to_string(), "google:home", "what is written out wins");
            let (account, _) = overview.select("gitlab", &says("work", choice)).unwrap();
            assert_eq!(account.reference.to_string(), "gitlab:default", "another provider is not meant");
        }
    }

    #[test]
    fn what_is_preferred_of_a_provider_without_accounts_is_missing_not_somebody_else_s() {
        let overview = overview(&[("okta", "google", "google@corp.example")], &[]);
        let refused = overview.select("google", &says("work", Choice::Environment));
        assert!(matches!(refused, Err(SelectionError::NotFound { wanted, .. }) if wanted == "google:work"));
    }

    proptest::proptest! {
        /// Whatever is preferred, written and there: the answer is of the provider that was asked for, and the one that was
        /// named, or none.
        #[test]
        fn never_somebody_else_s_account(
            accounts in proptest::collection::btree_set(("(google|github-app|okta)", "[ab]{1,2}"), 1..6),
            defaults in proptest::collection::vec(("(google|okta)", "[ab]{1,2}"), 0..2),
            preferred in proptest::option::of("((google|okta):)?[ab]{1,2}"),
            rule in proptest::bool::ANY,
        ) {
            let account = |(provider, nickname): &(String, String)| (provider.clone(), nickname.clone());
            let owned: Vec<(String, String)> = accounts.iter().map(account).collect();
            let rows: Vec<(&str, &str, &str)> =
                owned.iter().map(|(provider, nickname)| (provider.as_str(), nickname.as_str(), "x@y")).collect();
            let defaults: Vec<(&str, &str)> =
                defaults.iter().map(|(provider, nickname)| (provider.as_str(), nickname.as_str())).collect();
            let overview = super::tests::overview(&rows, &defaults);
            let choice = if rule { Choice::Rule { number: 1 } } else { Choice::Environment };
            let says = |provider: &str| {
                let account = preferred.clone().filter(|_| provider == "google")?;
                Some(Preferred { account, choice })
            };
            if let Ok((chosen, reason)) = overview.select("google", &says) {
                proptest::prop_assert_eq!(chosen.reference.provider.as_str(), "google");
                if let Some(named) = &preferred {
                    let name = named.strip_prefix("google:").unwrap_or(named);
                    proptest::prop_assert_eq!(chosen.reference.nickname.as_str(), name);
                    proptest::prop_assert_eq!(reason, choice);
                }
            }
        }
    }

    #[test]
    fn a_provider_means_all_its_accounts_where_all_are_wanted() {
        assert_eq!(several().select_all("google").unwrap().len(), 2);
        assert_eq!(several().select_all("home").unwrap().len(), 1);
        assert!(several().select_all("nobody").is_err());
    }
}
