//! What a sandbox begins with: clients, resources and users from one document. Whatever is there already stays as it is, so
//! that a seed can be sown again after it was interrupted.

use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::administration::clients::NewClient;
use bursar_core::ports::random::unguessable;
use bursar_core::secret::Secret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::clients::NewClientBody;
use super::documents::{AddedClientDocument, ResourceDocument, UserDocument};
use super::failures::{of_user, unacceptable};
use super::resources::{self, NewResourceBody};
use super::users::UserFacts;
use crate::exit::Failure;
use crate::http::refusal::Refusal;

/// What shall be there.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedBody {
    /// Clients; one that is called like one of these (`client_name`) is left as it is.
    #[serde(default)]
    clients: Vec<NewClientBody>,
    /// Resources. Those who introspect are named by id, or as clients of this seed are called.
    #[serde(default)]
    resources: Vec<NewResourceBody>,
    /// Users.
    #[serde(default)]
    users: Vec<SeededUserBody>,
}

impl SeedBody {
    /// Reads what a file says.
    ///
    /// # Errors
    /// What is wrong, and with which client, resource or user.
    pub(crate) fn read(seed: &Value) -> Result<Self, String> {
        Self::deserialize(seed).map_err(|error| {
            fault::<NewClientBody>(seed, ("clients", "client", "/metadata/client_name"))
                .or_else(|| fault::<NewResourceBody>(seed, ("resources", "resource", "/url")))
                .or_else(|| fault::<SeededUserBody>(seed, ("users", "user", "/username")))
                .unwrap_or_else(|| error.to_string())
        })
    }
}

/// The first thing of a list that cannot be read: the list, what one of it is, and where one says how it is called.
fn fault<T: DeserializeOwned>(seed: &Value, (list, kind, name): (&str, &str, &str)) -> Option<String> {
    seed.get(list)?.as_array()?.iter().enumerate().find_map(|(index, one)| {
        let error = T::deserialize(one).err()?;
        let name = one.pointer(name).and_then(Value::as_str).map(|name| quoted(kind, name));
        let which = name.unwrap_or_else(|| numbered(kind, index));
        Some(format!("{which}: {error}"))
    })
}

/// A user of a seed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeededUserBody {
    /// What they type to sign in.
    username: String,
    /// Their password; absent: one is made and told once.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Secret>,
    /// Whether they cannot sign in with a password at all.
    #[serde(default)]
    without_password: bool,
    /// What is said of them.
    #[serde(default)]
    said: UserFacts,
}

/// What was added.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SeededDocument {
    /// Version of this document.
    schema: u32,
    /// Clients, with their secrets.
    pub(crate) clients: Vec<AddedClientDocument>,
    /// Resources.
    pub(crate) resources: Vec<ResourceDocument>,
    /// Users, with passwords that were made for them.
    pub(crate) users: Vec<SeededUserDocument>,
    /// What was there already, by name or address.
    pub(crate) existing: Vec<String>,
}

/// A user of a seed, as they are now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SeededUserDocument {
    /// The user.
    #[serde(flatten)]
    pub(crate) user: UserDocument,
    /// The password that was made for them; absent: none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

/// Adds to `server` what `seed` says.
///
/// # Errors
/// What the seed says makes no sense, which is found out before anything is added; or something else keeps a part of it
/// from being added, and what was added before stays.
pub(super) async fn sow(server: &AuthorizationServer, seed: SeedBody) -> Result<SeededDocument, Refusal> {
    let wishes = seed.clients.iter().enumerate().map(wish).collect::<Result<Vec<NewClient>, _>>()?;
    let resource = |body: &NewResourceBody| {
        body.wish(server).map_err(|refusal| refusal.about(&quoted("resource", body.url())))
    };
    let mut resources = seed.resources.iter().map(resource).collect::<Result<Vec<_>, _>>()?;
    let mut seeded = SeededDocument {
        schema: 1,
        clients: Vec::new(),
        resources: Vec::new(),
        users: Vec::new(),
        existing: Vec::new(),
    };
    let mut known = clients_by_name(server).await?;
    for wish in wishes {
        let name = wish.metadata.client_name.clone().unwrap_or_default();
        if known.iter().any(|(known, _)| *known == name) {
            seeded.existing.push(name);
            continue;
        }
        let added = server.add_client(wish).await;
        let (client, secret) = added.map_err(|error| Refusal::from(error).about(&quoted("client", &name)))?;
        known.push((name, client.id.clone()));
        seeded.clients.push(AddedClientDocument::new(&client, secret.as_ref()));
    }
    for resource in &mut resources {
        for introspector in &mut resource.introspectors {
            if let Some((_, id)) = known.iter().find(|(name, _)| name == introspector) {
                introspector.clone_from(id);
            }
        }
        if server.add_resource(resource).await? {
            seeded.resources.push(resources::document(server, resource));
        } else {
            seeded.existing.push(resource.url.clone());
        }
    }
    for body in seed.users {
        let SeededUserBody { username, password, without_password, said } = body;
        if server.user_named(&username).await?.is_some() {
            seeded.existing.push(username);
            continue;
        }
        let made = (password.is_none() && !without_password)
            .then(|| unguessable(&*server.engine().ports().random).expose().to_owned());
        let password = password.or_else(|| made.clone().map(Secret::new));
        let called = quoted("user", &username);
        let added = server.add_user(said.of(username), password).await;
        let user = added.map_err(|error| of_user(error).about(&called))?;
        seeded.users.push(SeededUserDocument { user: UserDocument::from(&user), password: made });
    }
    Ok(seeded)
}

/// The same for the command line.
///
/// # Errors
/// As of [`sow`].
pub(crate) async fn sow_here(
    server: &AuthorizationServer,
    seed: SeedBody,
) -> Result<SeededDocument, Failure> {
    sow(server, seed).await.map_err(Refusal::into_failure)
}

/// A client as it is wanted; what is wrong with it is told of it alone.
fn wish((index, body): (usize, &NewClientBody)) -> Result<NewClient, Refusal> {
    let Some(name) = body.name().filter(|name| !name.is_empty()) else {
        return Err(unacceptable("it needs a `client_name`").about(&numbered("client", index)));
    };
    body.wish().map_err(|refusal| refusal.about(&quoted("client", name)))
}

/// A thing without a name.
fn numbered(kind: &str, index: usize) -> String {
    format!("{kind} {} of the seed", index + 1)
}

/// A thing by its name, which may be any text.
fn quoted(kind: &str, name: &str) -> String {
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(SHOWN).collect();
    format!("{kind} `{name}`")
}

/// Clients that are there, by what they are called, with their ids.
async fn clients_by_name(server: &AuthorizationServer) -> Result<Vec<(String, String)>, Refusal> {
    let (mut named, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = server.clients(after.as_deref(), PAGE).await?;
        after = page.last().filter(|_| page.len() == PAGE).map(|client| client.document.id.clone());
        let living = page.into_iter().map(|client| client.document);
        let living = living.filter(|client| client.removed_at.is_none());
        named.extend(living.filter_map(|client| Some((client.metadata.client_name?, client.id))));
        if after.is_none() {
            return Ok(named);
        }
    }
}

const PAGE: usize = 256;
/// Names that are longer are told by their beginning.
const SHOWN: usize = 60;
