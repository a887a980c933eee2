//! Passkeys: added in a session, used once an answer, refused for good when there is a copy.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::executor::block_on;

use super::stage::Stage;
use crate::engine::issuer::authorize::SignedIn;
use crate::engine::issuer::exchange::Source;
use crate::engine::issuer::own_pages::Sender;
use crate::engine::issuer::passkeys::{ADDING, PasskeyChangeError, PasskeySignIn, PasskeySignInError};
use crate::engine::issuer::records::passkey::Passkey;
use crate::oauth::url::Issuer;
use crate::passkey::tests::Authenticator;
use crate::passkey::{PasskeyError, Registration};
use crate::ports::document::Document as _;
use crate::ports::store::EventQuery;
use crate::secret::Secret;

#[test]
fn a_passkey_signs_its_owner_in_and_says_how() {
    let stage = Stage::new();
    let mut authenticator = ours();
    let passkey = add(&stage, &authenticator).unwrap();
    assert_eq!(passkey.name, "Telephone");
    authenticator.counter = 2;
    let user = sign_in(&stage, &authenticator, "ticket").unwrap();
    assert_eq!(user.0, stage.user.id);
    assert_eq!(user.1, ["pop", "user", "mfa"]);
    let known = block_on(stage.server.passkeys(&stage.user.id)).unwrap();
    assert!(known[0].used_at.is_some() && known[0].counter == 2);
}

#[test]
fn an_answer_counts_once() {
    let stage = Stage::new();
    let mut authenticator = ours();
    authenticator.counter = 0;
    add(&stage, &authenticator).unwrap();
    // Those that do not count, and those that do: what is sent again is no copy.
    for (counter, page) in [(0, "ticket"), (6, "a second")] {
        authenticator.counter = counter;
        assert!(sign_in(&stage, &authenticator, page).is_ok());
        let again = sign_in(&stage, &authenticator, page);
        assert!(matches!(again, Err(PasskeySignInError::Answered)), "{again:?}");
    }
    assert_eq!(block_on(stage.server.passkeys(&stage.user.id)).unwrap()[0].copied_at, None);
    let other_page = sign_in_answering(&stage, &authenticator, "another", "a third");
    assert!(
        matches!(other_page, Err(PasskeySignInError::Passkey(PasskeyError::Challenge))),
        "{other_page:?}"
    );
}

#[test]
fn a_copied_passkey_opens_nothing_any_more() {
    let stage = Stage::new();
    let mut authenticator = ours();
    add(&stage, &authenticator).unwrap();
    authenticator.counter = 9;
    assert!(sign_in(&stage, &authenticator, "one").is_ok());
    authenticator.counter = 3;
    let copy = sign_in(&stage, &authenticator, "two");
    assert!(matches!(copy, Err(PasskeySignInError::Copied)), "{copy:?}");
    // Which of the two is the owner's, nobody knows.
    authenticator.counter = 10;
    let owner = sign_in(&stage, &authenticator, "three");
    assert!(matches!(owner, Err(PasskeySignInError::Copied)), "{owner:?}");
    assert!(block_on(stage.server.passkeys(&stage.user.id)).unwrap()[0].copied_at.is_some());
    let query = EventQuery { after: 0, subject: None, limit: 1000 };
    let events = block_on(stage.server.store().events(stage.server.space(), query)).unwrap().value;
    assert!(events.iter().any(|event| event.event.name == "passkey.copied"));
}

#[test]
fn a_passkey_is_its_owners_alone() {
    let stage = Stage::new();
    let authenticator = ours();
    let passkey = add(&stage, &authenticator).unwrap();
    let other = stage.another("bob");
    let again = add(&other, &authenticator);
    assert!(matches!(again, Err(PasskeyChangeError::Known)), "{again:?}");
    assert!(!block_on(stage.server.rename_passkey(&other.user.id, &passkey.key(), "mine")).unwrap());
    assert!(!block_on(stage.server.remove_passkey(&other.user.id, &passkey.key())).unwrap());
    for claimed in [other.user.id.as_bytes(), b""] {
        let claimed = brought(&stage, &authenticator, "ticket", "ticket", claimed);
        assert!(matches!(claimed, Err(PasskeySignInError::Unknown)), "{claimed:?}");
    }
    block_on(stage.server.set_user_disabled(&stage.user.id, true)).unwrap();
    let disabled = sign_in(&stage, &authenticator, "later");
    assert!(matches!(disabled, Err(PasskeySignInError::Unknown)), "{disabled:?}");
}

#[test]
fn the_page_must_be_of_this_session_and_in_time() {
    let stage = Stage::new();
    let authenticator = ours();
    let ticket = ticket(&stage, &stage.signed_in());
    let other = add_with(&stage.another("bob"), &authenticator, &ticket);
    assert!(matches!(other, Err(PasskeyChangeError::Stale)), "{other:?}");
    stage.pass(31 * 60);
    let late = add_with(&stage, &authenticator, &ticket);
    assert!(matches!(late, Err(PasskeyChangeError::Stale)), "{late:?}");
    let foreign = Authenticator::new("as.test", "https://evil.test");
    let refused = add(&stage, &foreign);
    assert!(matches!(refused, Err(PasskeyChangeError::Passkey(PasskeyError::Origin { .. }))), "{refused:?}");
}

#[test]
fn a_session_adds_passkeys_for_as_long_as_its_sign_in_is_fresh() {
    let stage = Stage::new();
    let signed_in = stage.signed_in();
    assert!(stage.server.may_add_passkeys(&signed_in));
    stage.pass(16 * 60);
    assert!(!stage.server.may_add_passkeys(&signed_in));
    // A page that was shown in time may be answered with patience, and the next one as well; but not for ever.
    stage.pass(28 * 60);
    let challenge = |ticket: &Secret| stage.server.passkey_question(ticket.expose()).unwrap().challenge;
    let added = |authenticator: &Authenticator| {
        let ticket = ticket(&stage, &signed_in);
        let (client_data, attestation) = authenticator.register(&challenge(&ticket));
        let registration = Registration { client_data: &client_data, attestation: &attestation };
        block_on(stage.server.add_passkey(&signed_in, &ticket, &registration, ""))
    };
    assert!(added(&ours()).is_ok());
    stage.pass(2 * 60);
    let mut another = ours();
    another.id = vec![9; 16];
    let late = added(&another);
    assert!(matches!(late, Err(PasskeyChangeError::Stale)), "{late:?}");
}

#[test]
fn the_only_way_to_sign_in_is_not_removed() {
    let stage = Stage::new().another("bob");
    let first = add(&stage, &ours()).unwrap();
    let only = block_on(stage.server.remove_passkey(&stage.user.id, &first.key()));
    assert!(matches!(only, Err(PasskeyChangeError::OnlyWay)), "{only:?}");
    let mut second = ours();
    second.id = vec![8; 16];
    add(&stage, &second).unwrap();
    let outcomes = block_on(futures::future::join(
        stage.server.remove_passkey(&stage.user.id, &first.key()),
        stage.server.remove_passkey(&stage.user.id, &Passkey::key_of(&URL_SAFE_NO_PAD.encode(&second.id))),
    ));
    assert!(
        matches!(
            &outcomes,
            (Ok(true), Err(PasskeyChangeError::OnlyWay)) | (Err(PasskeyChangeError::OnlyWay), Ok(true))
        ),
        "{outcomes:?}"
    );
    assert_eq!(block_on(stage.server.passkeys(&stage.user.id)).unwrap().len(), 1);
    block_on(stage.server.remove_user(&stage.user.id)).unwrap();
    assert!(block_on(stage.server.passkeys(&stage.user.id)).unwrap().is_empty());
}

#[test]
fn a_server_known_by_an_address_has_no_passkeys() {
    for address in ["https://192.0.2.7", "http://127.0.0.1:8790", "http://[::1]:8790"] {
        let stage = Stage::new().ruled(|rules| rules.issuer = Issuer::parse(address).unwrap());
        assert_eq!(stage.server.passkey_question("ticket"), None, "{address}");
    }
    let question = Stage::new().server.passkey_question("ticket").unwrap();
    assert_eq!((question.relying_party.as_str(), question.challenge.len()), ("as.test", 43));
}

fn ours() -> Authenticator {
    Authenticator::new("as.test", "https://as.test")
}

fn ticket(stage: &Stage, signed_in: &SignedIn) -> Secret {
    Secret::new(block_on(stage.server.form_ticket(ADDING, Sender::Person(signed_in))).unwrap())
}

fn add(stage: &Stage, authenticator: &Authenticator) -> Result<Passkey, PasskeyChangeError> {
    add_with(stage, authenticator, &ticket(stage, &stage.signed_in()))
}

fn add_with(
    stage: &Stage,
    authenticator: &Authenticator,
    ticket: &Secret,
) -> Result<Passkey, PasskeyChangeError> {
    let challenge = stage.server.passkey_question(ticket.expose()).unwrap().challenge;
    let (client_data, attestation) = authenticator.register(&challenge);
    let registration = Registration { client_data: &client_data, attestation: &attestation };
    block_on(stage.server.add_passkey(&stage.signed_in(), ticket, &registration, " Telephone\n"))
}

fn sign_in(
    stage: &Stage,
    authenticator: &Authenticator,
    ticket: &str,
) -> Result<(String, Vec<String>), PasskeySignInError> {
    sign_in_answering(stage, authenticator, ticket, ticket)
}

fn sign_in_answering(
    stage: &Stage,
    authenticator: &Authenticator,
    ticket: &str,
    answered: &str,
) -> Result<(String, Vec<String>), PasskeySignInError> {
    brought(stage, authenticator, ticket, answered, stage.user.id.as_bytes())
}

fn brought(
    stage: &Stage,
    authenticator: &Authenticator,
    ticket: &str,
    answered: &str,
    user_handle: &[u8],
) -> Result<(String, Vec<String>), PasskeySignInError> {
    let challenge = stage.server.passkey_question(answered).unwrap().challenge;
    let used = authenticator.sign(&challenge);
    let credential = URL_SAFE_NO_PAD.encode(&authenticator.id);
    let ticket = Secret::new(ticket);
    let brought = PasskeySignIn {
        ticket: &ticket,
        credential: &credential,
        user_handle,
        assertion: used.assertion(),
        known_browser: None,
    };
    let signed_in = block_on(stage.server.sign_in_with_passkey(&brought, &Source::default()))?;
    let session = block_on(stage.server.session_of(&signed_in.cookie)).unwrap().unwrap();
    Ok((signed_in.user.id, session.methods))
}
