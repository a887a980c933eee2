//! Client ids that say who the client is, so that nothing need be stored of those whom nobody ever uses.
//!
//! `dcr_` and, as base64url: one byte for the form, a code that only we can make, and what the client said of itself. The
//! same words make the same id, but for clients with a secret: theirs has a name of its own in it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::engine::issuer::administration::clients::CLIENT_SECRET_PREFIX;
use crate::engine::vault::derivation::Authenticator;
use crate::identifier::Identifier;
use crate::oauth::client_authentication::Method;
use crate::oauth::scope::Scope;
use crate::oauth::server::client_metadata::ClientMetadata;
use crate::oauth::server::redirect_uri::RegisteredRedirect;
use crate::secret::Secret;

/// What the id of every client begins with that registered itself.
pub const REGISTERED_PREFIX: &str = "dcr_";
/// What every token begins with that a client looks after its registration with.
pub const REGISTRATION_TOKEN_PREFIX: &str = "brg_";

/// Makes and reads such ids, and the secrets that follow from them.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientIds<'a>(pub(super) &'a Authenticator);

/// What an id says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Described {
    pub(super) metadata: ClientMetadata,
    /// When it was made, if the client has a secret.
    pub(super) made_at: Option<Timestamp>,
}

impl ClientIds<'_> {
    /// The id of whoever says this of itself. With `name`, of this one alone. `None`: it says too much.
    pub(super) fn describing(self, metadata: &ClientMetadata, name: Option<Identifier>) -> Option<String> {
        let said = canonical(metadata).to_string();
        let payload = match name {
            None => said.into_bytes(),
            Some(name) => [name.to_bytes().as_slice(), said.as_bytes()].concat(),
        };
        let form = if name.is_some() { NAMED } else { SHARED };
        let bytes = [[form].as_slice(), &self.code(form, &payload), &payload].concat();
        let id = format!("{REGISTERED_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
        (id.len() <= LONGEST_ID).then_some(id)
    }

    /// The id of whoever says this of itself, and more than an id can hold.
    pub(super) fn naming(self, metadata: &ClientMetadata) -> String {
        let code = self.0.code(&[b"stored\0", canonical(metadata).to_string().as_bytes()].concat());
        format!("{REGISTERED_PREFIX}{}", URL_SAFE_NO_PAD.encode(code))
    }

    /// What an id says; `None`: it is not ours.
    pub(super) fn read(self, id: &str) -> Option<Described> {
        if id.len() > LONGEST_ID {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(id.strip_prefix(REGISTERED_PREFIX)?).ok()?;
        let (&form, rest) = bytes.split_first()?;
        let (code, payload) = rest.split_at_checked(CODE)?;
        if !self.0.verifies(&message(form, payload), code) {
            return None;
        }
        let (name, said) = match form {
            SHARED => (None, payload),
            NAMED => payload.split_first_chunk::<16>().map(|(name, said)| (Some(*name), said))?,
            _ => return None,
        };
        let said: Map<String, Value> = serde_json::from_slice(said).ok()?;
        let metadata = ClientMetadata::from_object(&spelled_out(said)).ok()?;
        Some(Described { metadata, made_at: name.map(made_at) })
    }

    /// The secret of a client.
    pub(super) fn secret(self, id: &str) -> Secret {
        self.derived(CLIENT_SECRET_PREFIX, b"secret\0", id)
    }

    /// The token that a client looks after its registration with.
    pub(super) fn management_token(self, id: &str) -> Secret {
        self.derived(REGISTRATION_TOKEN_PREFIX, b"management\0", id)
    }

    fn derived(self, prefix: &str, purpose: &[u8], id: &str) -> Secret {
        let code = self.maker(id).code(&[purpose, id.as_bytes()].concat());
        Secret::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(code)))
    }

    /// The key that made an id: what follows from the id stays the same when another takes that key's place. Ids that do not
    /// say who the client is are given what follows from the key of today, and their records remember it.
    fn maker(self, id: &str) -> Authenticator {
        let made = |key: &Authenticator| ClientIds(key).read(id).is_some();
        self.0.each().find(made).unwrap_or_else(|| self.0.clone())
    }

    fn code(self, form: u8, payload: &[u8]) -> [u8; CODE] {
        let mut code = [0; CODE];
        code.copy_from_slice(&self.0.code(&message(form, payload))[..CODE]);
        code
    }
}

/// Tells one software from another, whatever port it listens on today.
pub(super) fn fingerprint(metadata: &ClientMetadata) -> String {
    URL_SAFE_NO_PAD.encode(&digest(&SHA256, canonical(metadata).to_string().as_bytes()).as_ref()[..16])
}

fn message(form: u8, payload: &[u8]) -> Vec<u8> {
    [b"id\0", [form].as_slice(), payload].concat()
}

/// What counts of what a client says, in one order: nothing that follows from the rest, or that nothing depends on.
fn canonical(metadata: &ClientMetadata) -> Value {
    let mut metadata = metadata.clone();
    for redirects in [&mut metadata.redirect_uris, &mut metadata.post_logout_redirect_uris] {
        let without_port = redirects.iter().map(any_port);
        let mut sorted: Vec<RegisteredRedirect> = without_port.collect();
        sorted.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        sorted.dedup();
        *redirects = sorted;
    }
    metadata.grant_types.sort_unstable();
    metadata.scope = metadata.scope.as_ref().map(sorted);
    metadata.contacts.clear();
    metadata.software_version = None;
    metadata.application_type = None;
    let mut said = Map::new();
    for (name, value) in metadata.to_object() {
        let is_default = name == "token_endpoint_auth_method" && value == Method::None.registered_name();
        if name != "response_types" && !is_default {
            said.insert(short(&name).to_owned(), value);
        }
    }
    Value::Object(said)
}

fn spelled_out(said: Map<String, Value>) -> Map<String, Value> {
    let mut object: Map<String, Value> =
        said.into_iter().map(|(name, value)| (long(&name).to_owned(), value)).collect();
    let method = "token_endpoint_auth_method";
    if !object.contains_key(method) {
        object.insert(method.to_owned(), Method::None.registered_name().into());
    }
    object
}

/// Programs register with whichever port was free, and may come back with any other (RFC 8252 §7.3).
fn any_port(redirect: &RegisteredRedirect) -> RegisteredRedirect {
    let text = redirect.as_str();
    let shorter = text.split_once("://").filter(|_| redirect.is_loopback()).and_then(|(scheme, rest)| {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (host, port) = authority.rsplit_once(':')?;
        // The last colon of an address in brackets stands before no port.
        let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
        is_port.then(|| RegisteredRedirect::parse(&format!("{scheme}://{host}{rest}")).ok())?
    });
    shorter.filter(|shorter| shorter.matches(text)).unwrap_or_else(|| redirect.clone())
}

fn sorted(scope: &Scope) -> Scope {
    let text = scope.to_string();
    let mut tokens: Vec<&str> = text.split(' ').collect();
    tokens.sort_unstable();
    Scope::parse(&tokens.join(" ")).unwrap_or_else(|_| scope.clone())
}

fn made_at(name: [u8; 16]) -> Timestamp {
    let mut milliseconds = [0; 8];
    milliseconds[2..].copy_from_slice(&name[..6]);
    Timestamp::from_millisecond(i64::from_be_bytes(milliseconds)).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn short(name: &str) -> &str {
    SHORT_NAMES.iter().find(|(long, _)| *long == name).map_or(name, |(_, short)| short)
}

fn long(name: &str) -> &str {
    SHORT_NAMES.iter().find(|(_, short)| *short == name).map_or(name, |(long, _)| long)
}

/// Ids are part of addresses and of every token. What stands here is never given another meaning.
const SHORT_NAMES: [(&str, &str); 9] = [
    ("redirect_uris", "r"),
    ("client_name", "n"),
    ("client_uri", "u"),
    ("logo_uri", "l"),
    ("scope", "s"),
    ("grant_types", "g"),
    ("token_endpoint_auth_method", "a"),
    ("software_id", "i"),
    ("jwks_uri", "k"),
];
/// An access token carries it, and headers end at 8 KiB with many servers; widespread clients need 200 to 400.
const LONGEST_ID: usize = 1_000;
const CODE: usize = 16;
const SHARED: u8 = 1;
const NAMED: u8 = 2;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::vault::derivation::{Derivation, Purpose};
    use crate::memory::random::SeededRandom;
    use crate::ports::store::{SandboxId, Space};

    fn authenticator(sandbox: &str) -> Authenticator {
        let space = Space::Sandbox(SandboxId::parse(sandbox).unwrap());
        Derivation::for_test(1, &[1; 32]).authenticator(
            &space,
            Purpose::RegisteredClients,
            Timestamp::UNIX_EPOCH,
        )
    }

    fn metadata(others: &Value) -> ClientMetadata {
        let mut object = json!({
            "redirect_uris": ["http://localhost:1455/callback"], "client_name": "Editor",
            "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
        });
        for (name, value) in others.as_object().unwrap() {
            object[name] = value.clone();
        }
        ClientMetadata::from_object(object.as_object().unwrap()).unwrap()
    }

    #[test]
    fn an_id_says_what_was_said_and_forgeries_say_nothing() {
        let (ours, theirs) = (authenticator("a"), authenticator("b"));
        let ids = ClientIds(&ours);
        let said = metadata(&json!({ "scope": "write read", "jwks_uri": "https://a.test/keys" }));
        let id = ids.describing(&said, None).unwrap();
        let read = ids.read(&id).unwrap();
        assert_eq!(read.metadata.client_name.as_deref(), Some("Editor"));
        assert_eq!(read.metadata.redirect_uris[0].as_str(), "http://localhost/callback");
        assert_eq!(read.metadata.scope.as_ref().unwrap().to_string(), "read write");
        assert_eq!(read.metadata.grant_types, said.grant_types);
        assert_eq!(read.metadata.keys, said.keys);
        assert!(read.metadata.is_public());
        assert_eq!(read.made_at, None);
        assert_eq!(ids.describing(&read.metadata, None).as_ref(), Some(&id), "what is read says the same");
        assert_eq!(ClientIds(&theirs).read(&id), None, "another sandbox");
        for at in 0..id.len() {
            let mut forged = id.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(ids.read(&String::from_utf8(forged).unwrap()), None, "{at}");
        }
        for broken in ["", "dcr_", "dcr_AQ", &id[..id.len() - 1], &format!("{id}A"), &id[4..]] {
            assert_eq!(ids.read(broken), None, "{broken}");
        }
    }

    #[test]
    fn identical_software_is_one_and_clients_with_a_secret_are_each_their_own() {
        let key = authenticator("a");
        let (ids, random) = (ClientIds(&key), SeededRandom::new(1));
        let one = ids.describing(&metadata(&json!({})), None);
        for same in [
            json!({ "redirect_uris": ["http://localhost:60000/callback"] }),
            json!({ "grant_types": ["refresh_token", "authorization_code"], "contacts": ["a@b.test"] }),
            json!({ "software_version": "2", "application_type": "native", "unheard_of": 1 }),
            json!({ "redirect_uris": ["http://localhost:1/callback", "http://localhost:2/callback"] }),
        ] {
            assert_eq!(ids.describing(&metadata(&same), None), one, "{same}");
        }
        for other in [
            json!({ "redirect_uris": ["http://127.0.0.1:1455/callback"] }),
            json!({ "redirect_uris": ["http://localhost:1455/callback/"] }),
            json!({ "client_name": "editor" }),
            json!({ "grant_types": ["authorization_code"] }),
        ] {
            assert_ne!(ids.describing(&metadata(&other), None), one, "{other}");
            assert_ne!(fingerprint(&metadata(&other)), fingerprint(&metadata(&json!({}))), "{other}");
        }
        let confidential = metadata(&json!({ "token_endpoint_auth_method": "client_secret_post" }));
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let named = |random| ids.describing(&confidential, Some(Identifier::new(now, random))).unwrap();
        let (first, second) = (named(&random), named(&random));
        assert_ne!(first, second);
        assert_eq!(ids.read(&first).unwrap().made_at, Some(now));
        assert_eq!(ids.read(&first).unwrap().metadata.token_endpoint_auth_method, Method::Post);
        assert_ne!(ids.secret(&first), ids.secret(&second));
        assert_ne!(ids.secret(&first).expose()[4..], ids.management_token(&first).expose()[4..]);
    }

    #[test]
    fn only_the_port_of_this_machine_does_not_count() {
        for (text, without) in [
            ("http://localhost:1/cb", "http://localhost/cb"),
            ("http://[::1]:1/cb?a=b:2", "http://[::1]/cb?a=b:2"),
            ("http://[::1]/cb", "http://[::1]/cb"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("https://a.test:8443/cb", "https://a.test:8443/cb"),
            ("com.example.app:/cb", "com.example.app:/cb"),
        ] {
            assert_eq!(any_port(&RegisteredRedirect::parse(text).unwrap()).as_str(), without);
        }
    }

    #[test]
    fn who_says_too_much_has_no_such_id() {
        let key = authenticator("a");
        let ids = ClientIds(&key);
        let uris: Vec<String> =
            (0..20).map(|number| format!("https://a.test/callback/{number}/{}", "x".repeat(40))).collect();
        let long = metadata(&json!({ "redirect_uris": uris }));
        assert_eq!(ids.describing(&long, None), None);
        assert_eq!(ids.naming(&long), ids.naming(&long));
        assert_eq!(ids.naming(&long).len(), 47);
        assert_eq!(ids.read(&ids.naming(&long)), None);
    }
}
