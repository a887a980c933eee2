//! What the user shall see (OIDC Core §3.1.2.1 `prompt`).

use super::AuthorizationRequestError;

/// One wish about what is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Prompt {
    /// Nothing at all: answer at once, or with an error.
    None,
    /// The sign-in, even to somebody who is signed in.
    Login,
    /// The consent, even if it was given before.
    Consent,
    /// The choice among accounts.
    SelectAccount,
}

impl Prompt {
    /// All of them, as announced in the server's metadata.
    pub const ALL: [Self; 4] = [Self::None, Self::Login, Self::Consent, Self::SelectAccount];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
        }
    }
}

/// The wishes of one request. `none` is never there with another one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PromptSet(Vec<Prompt>);

impl PromptSet {
    /// Reads words separated by spaces.
    ///
    /// # Errors
    /// A word is unknown, or `none` does not stand alone.
    pub fn parse(text: &str) -> Result<Self, AuthorizationRequestError> {
        let mut set = Self::default();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let prompt = Prompt::ALL.into_iter().find(|prompt| prompt.as_str() == word);
            let prompt = prompt.ok_or(AuthorizationRequestError::PromptUnknown)?;
            if !set.contains(prompt) {
                set.0.push(prompt);
            }
        }
        if set.contains(Prompt::None) && set.0.len() > 1 {
            return Err(AuthorizationRequestError::PromptNoneWithOthers);
        }
        Ok(set)
    }

    /// Whether `prompt` is wished.
    pub fn contains(&self, prompt: Prompt) -> bool {
        self.0.contains(&prompt)
    }

    /// Whether nothing is wished.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
