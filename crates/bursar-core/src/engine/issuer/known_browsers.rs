//! Browsers in which somebody has signed in before: a sealed cookie that opens nothing, and only keeps the mistakes of others
//! from counting against its owner.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::AuthorizationServer;
use super::refusal::IssueError;
use crate::secret::Secret;

/// How long such a cookie is kept: browsers keep none for more than 400 days.
pub const KNOWN_BROWSER_AGE: SignedDuration = SignedDuration::from_hours(24 * 365);

/// What the cookie says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownBrowser {
    /// Names the browser.
    pub(super) id: String,
    /// Who signed in there, the latest last.
    pub(super) users: Vec<String>,
    /// It says nothing from then on.
    pub(super) until: Timestamp,
}

impl AuthorizationServer {
    /// The browser that shows this cookie, if it is one of ours and still counts.
    pub(super) async fn known_browser(
        &self,
        cookie: Option<&Secret>,
    ) -> Result<Option<KnownBrowser>, IssueError> {
        let Some(cookie) = cookie.filter(|cookie| cookie.expose().len() <= LONGEST_COOKIE) else {
            return Ok(None);
        };
        let browser = self.opened_ticket::<KnownBrowser>(KNOWN_BROWSER, cookie).await?;
        Ok(browser.filter(|browser| browser.until > self.now()))
    }

    /// The cookie of a browser in which `user` has signed in now.
    pub(super) async fn remembering(
        &self,
        browser: Option<KnownBrowser>,
        user: &str,
    ) -> Result<Secret, IssueError> {
        let (id, mut users) =
            browser.map_or_else(|| (self.new_name(), Vec::new()), |browser| (browser.id, browser.users));
        users.retain(|known| known != user);
        users.push(user.to_owned());
        let users = users.split_off(users.len().saturating_sub(MOST_USERS));
        let until = self.now().saturating_add(KNOWN_BROWSER_AGE).unwrap_or(Timestamp::MAX);
        let cookie = self.sealed_ticket(KNOWN_BROWSER, &KnownBrowser { id, users, until }).await?;
        Ok(Secret::new(cookie))
    }
}

const KNOWN_BROWSER: &str = "known-browser";
/// A family at one computer.
const MOST_USERS: usize = 8;
/// Eight users make some 600 bytes.
const LONGEST_COOKIE: usize = 2048;
