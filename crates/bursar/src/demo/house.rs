//! What is inside the demo's server: everything that `bursar serve` has, one user, and the sample behind it.

use std::collections::BTreeSet;
use std::sync::Arc;

use bursar_core::engine::issuer::records::resource::Resource;
use bursar_core::engine::issuer::records::user::User;
use bursar_core::ports::random::Random;
use bursar_core::ports::upstream::Upstream;
use bursar_core::secret::Secret;
use jiff::SignedDuration;

use super::sample::{self, Door, PATH, Sample, TOOLS};
use crate::config::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::issuing::{self, authorization_server};
use crate::server::{Ground, House};

/// Who can sign in.
#[derive(Clone, Debug)]
pub(crate) struct SampleUser {
    /// What they type.
    pub(crate) username: &'static str,
    /// Made up for this one run.
    pub(crate) password: Secret,
}

impl SampleUser {
    /// Somebody with a password that can be typed.
    pub(crate) fn new(random: &dyn Random) -> Self {
        let mut bytes = [0; PASSWORD_LETTERS];
        random.fill(&mut bytes);
        let letters: Vec<u8> =
            bytes.iter().map(|byte| ALPHABET[usize::from(*byte) % ALPHABET.len()]).collect();
        let groups: Vec<_> = letters.chunks(4).map(String::from_utf8_lossy).collect();
        Self { username: "ada", password: Secret::new(groups.join("-")) }
    }

    fn record(&self) -> User {
        User { name: Some("Ada Lovelace".to_owned()), ..User::called(self.username) }
    }
}

/// Furnishes a server with `user` and the sample, which fetches what it must know of its issuer by `upstream`.
///
/// # Errors
/// As [`issuing::house`], or one of both cannot be added.
pub(crate) async fn house(
    ground: &Ground,
    environment: &Environment,
    user: &SampleUser,
    upstream: Arc<dyn Upstream>,
) -> Result<House, Failure> {
    let issuer = ground.public_url.as_str();
    let server = authorization_server(&ground.engine, &ground.config, issuer)?;
    let resource = Resource {
        url: format!("{issuer}{PATH}"),
        name: Some("The demo's MCP server".to_owned()),
        scopes: TOOLS.iter().map(|tool| (tool.scope.to_owned(), tool.permission.to_owned())).collect(),
        tools: TOOLS
            .iter()
            .map(|tool| (tool.name.to_owned(), BTreeSet::from([tool.scope.to_owned()])))
            .collect(),
        format: server.rules().access_format,
        access_lifetime: Some(ACCESS_LIFETIME),
        introspectors: Vec::new(),
        requires_proof: false,
        created_at: server.now(),
    };
    server.add_resource(&resource).await?;
    server.add_user(user.record(), Some(user.password.clone())).await?;
    let metadata_url =
        server.announcement(&resource).map_err(|error| Failure::of(Exit::Error, &error))?.metadata_url;
    let clock = Arc::clone(&ground.engine.ports().clock);
    let door = Door::new(&resource.url, metadata_url, issuer, upstream, Arc::clone(&clock));
    let sample = Sample::new(door, clock, Arc::clone(&ground.engine.ports().random));
    let house = issuing::house(ground, environment).await?;
    Ok(House { router: house.router.merge(sample::router(sample)), ..house })
}

/// Short enough to wait for its end, and long enough that a busy machine comes through a step meanwhile.
const ACCESS_LIFETIME: SignedDuration = SignedDuration::from_secs(6);
/// Nobody guesses so many in the life of a demo.
const PASSWORD_LETTERS: usize = 16;
/// Thirty-two that are not taken for each other, so that a byte chooses evenly.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
