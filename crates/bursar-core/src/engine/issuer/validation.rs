//! Whether an access token is good now: ours, in time, and not ended early.

use jiff::SignedDuration;

use super::AuthorizationServer;
use super::minting::OPAQUE_TOKEN_PREFIX;
use super::records::grant::Ground;
use super::records::revoked::Subject;
use super::refusal::IssueError;
use crate::oauth::jose::{Claims, CompactToken, Times, read_object};
use crate::oauth::server::access_token::{self, AccessToken, Expected};
use crate::secret::{Sealed, Secret};

impl AuthorizationServer {
    /// What an access token says; `None`: it is none of ours, its time is over, or it was ended early.
    pub async fn valid_access_token(&self, shown: &Secret) -> Result<Option<AccessToken>, IssueError> {
        self.within.known.in_service().await?;
        let token = self.authentic_access_token(shown).await?;
        let Some(token) = token.filter(|token| self.within.known.honours(token.issued_at)) else {
            return Ok(None);
        };
        let mut subjects = vec![Subject::Token(&token.id), Subject::Client(&token.client_id)];
        subjects.extend(token.family.as_deref().map(Subject::Family));
        if let Some(ground) = &token.grant {
            let Some(ground) = Ground::parse(ground) else { return Ok(None) };
            subjects.push(Subject::User { id: &token.subject, epoch: ground.user_epoch });
            subjects.push(Subject::Grant(ground.grant));
        }
        let revoked = self.within.known.is_revoked(&subjects).await?;
        Ok(Some(token).filter(|_| !revoked))
    }

    async fn authentic_access_token(&self, shown: &Secret) -> Result<Option<AccessToken>, IssueError> {
        // Made by this clock, so judged by it to the second.
        let times = Times { tolerance: SignedDuration::ZERO, ..Times::default() };
        let expected =
            Expected { issuer: self.rules().issuer.as_str(), audience: None, now: self.now(), times };
        if let Some(sealed) = shown.expose().strip_prefix(OPAQUE_TOKEN_PREFIX) {
            let opened = self.secrets().await?.opaque.open(b"", &Sealed(sealed.to_owned()));
            let claims = opened.and_then(|bytes| read_object(&bytes).ok()).map(Claims::new);
            return Ok(claims.and_then(|claims| access_token::read(&claims, &expected).ok()));
        }
        let Ok(token) = CompactToken::parse(shown.expose()) else { return Ok(None) };
        let ring = self.ring().await?;
        let header = token.header();
        let Some(key) = ring.public().find(header.key_id.as_deref(), header.algorithm) else {
            return Ok(None);
        };
        Ok(access_token::verify(&token, key, &expected).ok())
    }
}
