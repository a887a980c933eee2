//! A client of the Secret Service (the freedesktop.org specification), the keychain of Linux desktops.
//!
//! It holds one small text per vault. The text crosses the session bus unencrypted, as with the tools that come with
//! the service: whoever can listen on a user's own bus can ask the service as well. Time limits: `keychain`.

use std::collections::HashMap;

use bursar_core::secret::Secret;
use futures::StreamExt as _;
use zbus::message::Type as MessageType;
use zbus::{Connection, MatchRule, Message, MessageStream, OwnedObjectPath, OwnedVariant, Variant};
use zeroize::Zeroizing;

use super::Interaction;
use super::keychain::KeychainFailure;

/// Reads the text of `entry`.
pub(super) async fn read(
    bus: Option<&str>,
    entry: &str,
    interaction: Interaction,
) -> Result<Secret, KeychainFailure> {
    let service = Service::connect(bus).await?;
    let item = service.find(entry, interaction).await?;
    let (secret,): ((OwnedObjectPath, Vec<u8>, Vec<u8>, String),) =
        service.call(&item, ITEM, "GetSecret", &(&service.session,)).await?;
    let bytes = Zeroizing::new(secret.2);
    let text = std::str::from_utf8(&bytes).map_err(|_| failed("the entry is not text"))?;
    Ok(Secret::new(text))
}

/// Writes the text of `entry`, replacing what was there.
pub(super) async fn store(
    bus: Option<&str>,
    entry: &str,
    text: &Secret,
    interaction: Interaction,
) -> Result<(), KeychainFailure> {
    let service = Service::connect(bus).await?;
    let collection = service.default_collection().await?;
    if service.is_locked(&collection).await? {
        service.unlock(&collection, interaction).await?;
    }
    let label = Variant::from("bursar: master key of a vault");
    let attributes = Variant::from(attributes(entry));
    let properties: HashMap<&str, &Variant<'_>> = HashMap::from([
        ("org.freedesktop.Secret.Item.Label", &label),
        ("org.freedesktop.Secret.Item.Attributes", &attributes),
    ]);
    let secret = (&service.session, Vec::<u8>::new(), text.expose().as_bytes(), "text/plain");
    let (item, prompt): (OwnedObjectPath, OwnedObjectPath) =
        service.call(&collection, COLLECTION, "CreateItem", &(properties, secret, true)).await?;
    if item.as_str() == NOTHING {
        service.prompt(&prompt, interaction).await?;
    }
    Ok(())
}

/// Removes `entry`.
pub(super) async fn remove(
    bus: Option<&str>,
    entry: &str,
    interaction: Interaction,
) -> Result<(), KeychainFailure> {
    let service = Service::connect(bus).await?;
    let item = service.find(entry, interaction).await?;
    let prompt: OwnedObjectPath = service.call(&item, ITEM, "Delete", &()).await?;
    if prompt.as_str() == NOTHING { Ok(()) } else { service.prompt(&prompt, interaction).await }
}

fn attributes(entry: &str) -> HashMap<&str, &str> {
    HashMap::from([
        ("xdg:schema", "org.freedesktop.Secret.Generic"),
        ("application", "bursar"),
        ("vault", entry),
    ])
}

/// A connection to the service with an open session.
struct Service {
    connection: Connection,
    session: OwnedObjectPath,
}

impl Service {
    async fn connect(bus: Option<&str>) -> Result<Self, KeychainFailure> {
        let bus = bus.ok_or_else(|| failed("there is no D-Bus session bus"))?;
        let connection =
            zbus::connection::Builder::address(bus).build().await.map_err(|error| told(&error))?;
        let mut service = Self { connection, session: OwnedObjectPath::default() };
        let plain = Variant::from("");
        let (_, session): (OwnedVariant, OwnedObjectPath) =
            service.call(SERVICE_PATH, SERVICE, "OpenSession", &("plain", plain)).await?;
        service.session = session;
        Ok(service)
    }

    /// The item of `entry`, unlocked.
    async fn find(&self, entry: &str, interaction: Interaction) -> Result<OwnedObjectPath, KeychainFailure> {
        type Found = (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>);
        let search = (attributes(entry),);
        let (unlocked, locked): Found = self.call(SERVICE_PATH, SERVICE, "SearchItems", &search).await?;
        if let Some(item) = unlocked.into_iter().next() {
            return Ok(item);
        }
        if let Some(item) = locked.into_iter().next() {
            self.unlock(&item, interaction).await?;
            return Ok(item);
        }
        // Some services do not tell what a locked collection holds.
        let collection = self.default_collection().await?;
        if !self.is_locked(&collection).await? {
            return Err(KeychainFailure::Absent);
        }
        self.unlock(&collection, interaction).await?;
        let (unlocked, _): Found = self.call(SERVICE_PATH, SERVICE, "SearchItems", &search).await?;
        unlocked.into_iter().next().ok_or(KeychainFailure::Absent)
    }

    async fn default_collection(&self) -> Result<OwnedObjectPath, KeychainFailure> {
        let (path,): (OwnedObjectPath,) =
            self.call(SERVICE_PATH, SERVICE, "ReadAlias", &("default",)).await?;
        if path.as_str() == NOTHING {
            return Err(failed("it has no default collection"));
        }
        Ok(path)
    }

    async fn is_locked(&self, collection: &str) -> Result<bool, KeychainFailure> {
        let property = (COLLECTION, "Locked");
        let (value,): (OwnedVariant,) =
            self.call(collection, "org.freedesktop.DBus.Properties", "Get", &property).await?;
        bool::try_from(value).map_err(|_| failed("it does not say whether it is locked"))
    }

    async fn unlock(&self, object: &str, interaction: Interaction) -> Result<(), KeychainFailure> {
        // Asking to unlock may already show a window, and nobody may be there to see it.
        if interaction == Interaction::Never {
            return Err(KeychainFailure::Locked);
        }
        let objects = vec![zbus::ObjectPath::try_from(object).map_err(|error| told(&error))?];
        let (unlocked, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) =
            self.call(SERVICE_PATH, SERVICE, "Unlock", &(objects,)).await?;
        if unlocked.is_empty() { self.prompt(&prompt, interaction).await } else { Ok(()) }
    }

    /// Lets the service ask the person, and waits for the answer.
    async fn prompt(&self, prompt: &str, interaction: Interaction) -> Result<(), KeychainFailure> {
        if interaction == Interaction::Never || prompt == NOTHING {
            return Err(KeychainFailure::Locked);
        }
        // Listening starts before the question: the answer may come at once.
        let rule = MatchRule::builder()
            .msg_type(MessageType::Signal)
            .interface(PROMPT)
            .member("Completed")
            .path(prompt)
            .build()
            .map_err(|error| told(&error))?;
        let answers = MessageStream::for_match_rule(rule, &self.connection, None).await;
        let mut answers = answers.map_err(|error| told(&error))?;
        let () = self.call(prompt, PROMPT, "Prompt", &("",)).await?;
        let answer = answers.next().await.ok_or_else(|| failed("the bus went away"))?;
        let answer = answer.map_err(|error| told(&error))?;
        let (dismissed, _): (bool, OwnedVariant) = body(&answer)?;
        if dismissed { Err(KeychainFailure::Locked) } else { Ok(()) }
    }

    async fn call<Answer>(
        &self,
        object: &str,
        interface: &str,
        method: &str,
        arguments: &(impl serde::Serialize + zbus::DynamicType),
    ) -> Result<Answer, KeychainFailure>
    where
        Answer: serde::de::DeserializeOwned + zbus::Type,
    {
        let answer =
            self.connection.call_method(Some(NAME), object, Some(interface), method, arguments).await;
        match answer {
            Ok(answer) => body(&answer),
            Err(zbus::Error::MethodError(name, _, _)) if name.as_str() == IS_LOCKED => {
                Err(KeychainFailure::Locked)
            }
            Err(error) => Err(told(&error)),
        }
    }
}

fn body<Answer>(message: &Message) -> Result<Answer, KeychainFailure>
where
    Answer: serde::de::DeserializeOwned + zbus::Type,
{
    message.body().deserialize().map_err(|error| told(&error))
}

fn told(error: &zbus::Error) -> KeychainFailure {
    failed(&match error {
        zbus::Error::Connection(error, _) => format!("the session bus cannot be reached: {error}"),
        zbus::Error::FDO(error) if matches!(**error, zbus::fdo::Error::ServiceUnknown(_)) => {
            "no Secret Service runs in this session".to_owned()
        }
        other => other.to_string(),
    })
}

fn failed(detail: &str) -> KeychainFailure {
    KeychainFailure::Failed(detail.to_owned())
}

const NAME: &str = "org.freedesktop.secrets";
const SERVICE_PATH: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";
const IS_LOCKED: &str = "org.freedesktop.Secret.Error.IsLocked";

/// The path that stands for no object.
const NOTHING: &str = "/";
