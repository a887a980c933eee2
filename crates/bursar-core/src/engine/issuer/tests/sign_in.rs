//! Signing in: who gets in, who is held back, and who is not held back with them.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::executor::block_on;
use futures::future::BoxFuture;

use super::stage::{Stage, person};
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::administration::users::UserError;
use crate::engine::issuer::exchange::Source;
use crate::engine::issuer::passwords::PasswordChangeError;
use crate::engine::issuer::records::user::{PasswordHash, User};
use crate::engine::issuer::rules::Rules;
use crate::engine::issuer::session_rules::AllowedUsers;
use crate::engine::issuer::sign_in::{Credentials, SignInError, SignedInNow};
use crate::oauth::url::Issuer;
use crate::ports::passwords::{Overloaded, Passwords};
use crate::ports::store::EventQuery;
use crate::secret::Secret;

const RIGHT: &str = "correct horse";
const HOME: &str = "192.0.2.7";
const ELSEWHERE: &str = "198.51.100.7";
const MINUTE: u64 = 60;

/// A server whose passwords count how often they are asked, and take as many as they are told.
struct Door {
    stage: Stage,
    server: AuthorizationServer,
    passwords: Arc<Counting>,
}

impl Door {
    fn new() -> Self {
        Self::with(|rules| rules)
    }

    fn with(change: impl FnOnce(Rules) -> Rules) -> Self {
        let stage = Stage::new();
        let passwords = Arc::new(Counting::default());
        let rules = change(Rules::of(Issuer::parse("https://as.test").unwrap()));
        let server = AuthorizationServer::new(stage.world.engine.clone(), rules, passwords.clone());
        Self { stage, server, passwords }
    }

    fn sign_in(&self, username: &str, password: &str, from: &str) -> Result<SignedInNow, SignInError> {
        self.sign_in_again(username, password, from, None)
    }

    fn sign_in_again(
        &self,
        username: &str,
        password: &str,
        from: &str,
        known_browser: Option<&Secret>,
    ) -> Result<SignedInNow, SignInError> {
        let credentials = Credentials { username, password: Secret::new(password), known_browser };
        block_on(self.server.sign_in(&credentials, &source(from)))
    }

    fn fail(&self, username: &str, from: &str, times: usize) {
        for _ in 0..times {
            let outcome = self.sign_in(username, "wrong", from);
            assert!(matches!(outcome, Err(SignInError::Wrong)), "{outcome:?}");
        }
    }

    #[track_caller]
    fn assert_locked(&self, username: &str, from: &str) -> u64 {
        match self.sign_in(username, RIGHT, from) {
            Err(SignInError::LockedFor(wait)) => wait.as_secs(),
            other => panic!("not held back: {other:?}"),
        }
    }

    fn is_signed_in(&self, signed_in: &SignedInNow) -> bool {
        block_on(self.server.session_of(&signed_in.cookie)).unwrap().is_some()
    }

    fn events(&self, name: &str) -> Vec<crate::ports::event::Event> {
        let query = EventQuery { after: 0, subject: None, limit: 100_000 };
        let store = &self.stage.world.store;
        let events = block_on(store.events(self.stage.world.engine.space(), query)).unwrap().value;
        events.into_iter().map(|stored| stored.event).filter(|event| event.name == name).collect()
    }
}

fn source(address: &str) -> Source {
    let address: IpAddr = address.parse().unwrap();
    Source { address: Some(address), user_agent: Some("Browser/1".to_owned()), ..Source::default() }
}

#[test]
fn the_right_password_signs_in_whatever_the_case_of_the_name() {
    let door = Door::new();
    for name in ["ada", "ADA"] {
        let signed_in = door.sign_in(name, RIGHT, HOME).unwrap();
        assert_eq!(signed_in.user.id, door.stage.user.id);
        assert!(door.is_signed_in(&signed_in));
    }
    let began = door.events("session.began");
    assert_eq!(began.last().unwrap().detail["user"], door.stage.user.id.as_str());
}

#[test]
fn every_failure_is_told_alike_and_asks_the_passwords_once() {
    let door = Door::new();
    let disabled = block_on(door.server.add_user(person("eve"), Some(Secret::new(RIGHT)))).unwrap();
    assert!(block_on(door.server.set_user_disabled(&disabled.id, true)).unwrap());
    block_on(door.server.add_user(person("without"), None)).unwrap();
    let long = "x".repeat(5000);
    for (name, password, reason) in [
        ("nobody", RIGHT, "unknown_user"),
        ("ada", "wrong", "wrong_password"),
        ("ada", "", "wrong_password"),
        ("ada", long.as_str(), "wrong_password"),
        ("eve", RIGHT, "disabled"),
        ("without", "", "no_password"),
        ("", "", "unknown_user"),
    ] {
        let before = door.passwords.asked.load(Ordering::SeqCst);
        let outcome = door.sign_in(name, password, HOME);
        assert!(matches!(outcome, Err(SignInError::Wrong)), "{name}: {outcome:?}");
        assert_eq!(door.passwords.asked.load(Ordering::SeqCst), before + 1, "{name}");
        let event = door.events("sign_in.failed").pop().unwrap();
        assert_eq!(event.detail["reason"], reason, "{name}");
        assert_eq!(event.detail["address"], HOME);
        assert_eq!(event.detail["user_agent"], "Browser/1");
    }
}

#[test]
fn what_was_typed_never_reaches_the_log() {
    let door = Door::new();
    let _failed = door.sign_in("my-password-by-mistake", "hunter2-secret", HOME);
    let _failed = door.sign_in("ada", "hunter2-secret", HOME);
    let _in = door.sign_in("ada", RIGHT, HOME);
    let query = EventQuery { after: 0, subject: None, limit: 1000 };
    let events = block_on(door.stage.world.store.events(door.stage.world.engine.space(), query)).unwrap();
    let text =
        serde_json::to_string(&events.value.into_iter().map(|it| it.event).collect::<Vec<_>>()).unwrap();
    for typed in ["my-password-by-mistake", "hunter2-secret", RIGHT] {
        assert!(!text.contains(typed), "{typed}");
    }
}

#[test]
fn five_failures_hold_back_the_user_in_that_network_and_nobody_elsewhere() {
    let door = Door::new();
    block_on(door.server.add_user(person("bob"), Some(Secret::new(RIGHT)))).unwrap();
    door.fail("ada", HOME, 5);
    let asked = door.passwords.asked.load(Ordering::SeqCst);
    let wait = door.assert_locked("ada", HOME);
    assert!((1..=15 * MINUTE).contains(&wait), "{wait}");
    assert!(door.assert_locked("ada", "192.0.2.99") > 0, "a neighbour");
    assert_eq!(door.passwords.asked.load(Ordering::SeqCst), asked, "the password was not looked at");
    assert!(door.sign_in("ada", RIGHT, ELSEWHERE).is_ok(), "the user elsewhere");
    assert!(door.sign_in("bob", RIGHT, HOME).is_ok(), "another user there");
    door.stage.pass(wait);
    assert!(door.sign_in("ada", RIGHT, HOME).is_ok(), "after the wait that was told");
}

#[test]
fn unknown_names_are_held_back_just_as_known_ones() {
    let door = Door::new();
    door.fail("nobody", HOME, 5);
    door.fail("ada", HOME, 5);
    assert_eq!(door.assert_locked("nobody", HOME), door.assert_locked("ada", HOME));
}

#[test]
fn pauses_grow_while_failures_go_on() {
    let door = Door::new();
    let mut waits = Vec::new();
    for _ in 0..4 {
        door.fail("ada", HOME, 5);
        let wait = door.assert_locked("ada", HOME);
        waits.push(wait);
        door.stage.pass(wait);
    }
    assert!(waits[0] <= 15 * MINUTE, "{waits:?}");
    assert!((15 * MINUTE..=120 * MINUTE).contains(&waits[1]), "{waits:?}");
    assert!((120 * MINUTE..=24 * 60 * MINUTE).contains(&waits[3]), "{waits:?}");
    assert!(door.sign_in("ada", RIGHT, HOME).is_ok(), "after the wait that was told");
}

#[test]
fn successes_do_not_count_and_wipe_nothing() {
    let door = Door::new();
    for _ in 0..200 {
        assert!(door.sign_in("ada", RIGHT, HOME).is_ok());
    }
    door.fail("ada", HOME, 4);
    assert!(door.sign_in("ada", RIGHT, HOME).is_ok());
    door.fail("ada", HOME, 1);
    assert!(door.assert_locked("ada", HOME) > 0);
}

#[test]
fn a_known_browser_is_held_back_by_its_own_mistakes_alone() {
    let door = Door::new();
    let known = door.sign_in("ada", RIGHT, HOME).unwrap().known_browser;
    door.fail("ada", HOME, 5);
    assert!(door.assert_locked("ada", HOME) > 0);
    let again = door.sign_in_again("ada", RIGHT, HOME, Some(&known)).unwrap();
    assert!(door.is_signed_in(&again));
    for _ in 0..5 {
        let outcome = door.sign_in_again("ada", "wrong", ELSEWHERE, Some(&known));
        assert!(matches!(outcome, Err(SignInError::Wrong)));
    }
    let outcome = door.sign_in_again("ada", RIGHT, ELSEWHERE, Some(&known));
    assert!(matches!(outcome, Err(SignInError::LockedFor(_))), "{outcome:?}");
    assert!(door.sign_in("ada", RIGHT, ELSEWHERE).is_ok(), "without it as before");
}

#[test]
fn a_cookie_speaks_for_those_who_signed_in_there_only_and_only_if_it_is_ours() {
    let door = Door::new();
    block_on(door.server.add_user(person("bob"), Some(Secret::new(RIGHT)))).unwrap();
    let bobs = door.sign_in("bob", RIGHT, ELSEWHERE).unwrap().known_browser;
    let both = door.sign_in_again("ada", RIGHT, ELSEWHERE, Some(&bobs)).unwrap().known_browser;
    door.fail("ada", HOME, 5);
    let forged = Secret::new(format!("{}x", both.expose()));
    for other in [&bobs, &forged, &Secret::new(""), &Secret::new("x".repeat(9000))] {
        let outcome = door.sign_in_again("ada", RIGHT, HOME, Some(other));
        assert!(matches!(outcome, Err(SignInError::LockedFor(_))), "{outcome:?}");
    }
    assert!(door.sign_in_again("ada", RIGHT, HOME, Some(&both)).is_ok());
    door.stage.pass(366 * 24 * 3600);
    door.fail("ada", HOME, 5);
    let outcome = door.sign_in_again("ada", RIGHT, HOME, Some(&both));
    assert!(matches!(outcome, Err(SignInError::LockedFor(_))), "a year later: {outcome:?}");
}

#[test]
fn a_user_who_is_tried_from_everywhere_is_slowed_down_and_not_locked() {
    let door = Door::new();
    let known = door.sign_in("ada", RIGHT, HOME).unwrap().known_browser;
    for network in 0..50 {
        door.fail("ada", &format!("203.0.{network}.1"), 1);
    }
    // The first one takes the turn.
    door.fail("ada", "203.0.100.1", 1);
    let wait = door.assert_locked("ada", ELSEWHERE);
    assert!(wait <= 20, "{wait}");
    assert!(door.sign_in_again("ada", RIGHT, ELSEWHERE, Some(&known)).is_ok(), "where they are known");
    door.stage.pass(wait);
    assert!(door.sign_in("ada", RIGHT, ELSEWHERE).is_ok(), "and elsewhere after a moment");
}

#[test]
fn a_network_that_fails_for_many_users_is_held_back_and_a_busy_one_is_not() {
    let door = Door::new();
    for number in 0..150 {
        let name = format!("user{number}");
        block_on(door.server.add_user(person(&name), Some(Secret::new(RIGHT)))).unwrap();
        // A whole company behind one address: everybody mistypes once.
        door.fail(&name, HOME, 1);
        assert!(door.sign_in(&name, RIGHT, HOME).is_ok(), "{name}");
    }
    let known = door.sign_in("ada", RIGHT, ELSEWHERE).unwrap().known_browser;
    for number in 0..100 {
        door.fail(&format!("user{number}"), ELSEWHERE, 1);
    }
    assert!(door.assert_locked("user149", ELSEWHERE) > 0);
    assert!(door.sign_in("user149", RIGHT, HOME).is_ok(), "elsewhere");
    assert!(door.sign_in_again("ada", RIGHT, ELSEWHERE, Some(&known)).is_ok(), "where they are known");
}

#[test]
fn many_at_once_are_not_more_than_one_after_the_other() {
    let door = Door::new();
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| door.sign_in("ada", "wrong", HOME));
        }
    });
    assert!(door.passwords.asked.load(Ordering::SeqCst) <= 5);
}

#[test]
fn what_could_not_be_checked_does_not_count() {
    let door = Door::new();
    door.passwords.is_full.store(true, Ordering::SeqCst);
    for _ in 0..20 {
        let outcome = door.sign_in("ada", RIGHT, HOME);
        assert!(matches!(outcome, Err(SignInError::Overloaded(_))), "{outcome:?}");
    }
    door.passwords.is_full.store(false, Ordering::SeqCst);
    assert!(door.sign_in("ada", RIGHT, HOME).is_ok());
}

#[test]
fn only_listed_users_sign_in_where_there_is_a_list() {
    let listed = |names: &[&str]| {
        let names = AllowedUsers::new(names.iter().map(|name| (*name).to_owned()));
        Door::with(|rules| Rules { allowed_users: names, ..rules })
    };
    assert!(listed(&["ADA"]).sign_in("ada", RIGHT, HOME).is_ok());
    let door = listed(&["bob"]);
    let outcome = door.sign_in("ada", RIGHT, HOME);
    assert!(matches!(outcome, Err(SignInError::Wrong)), "{outcome:?}");
    // A session from before the list was written.
    let cookie =
        block_on(door.stage.server.begin_session(&door.stage.user, &["pwd"], &Source::default())).unwrap();
    assert!(block_on(door.stage.server.session_of(&cookie)).unwrap().is_some());
    assert!(block_on(door.server.session_of(&cookie)).unwrap().is_none());
}

#[test]
fn a_list_lets_in_whom_it_names_and_nobody_else() {
    let ada = User { email: Some("Ada@Example.com".to_owned()), ..person("Ada") };
    let allowed = |names: &[&str], user: &User| {
        AllowedUsers::new(names.iter().map(|name| (*name).to_owned())).contains(user)
    };
    assert!(allowed(&[], &ada));
    assert!(allowed(&[" "], &ada), "an empty line names nobody");
    for names in [["ada"], ["ADA "], ["ada@example.com"], ["@example.com"]] {
        assert!(allowed(&names, &ada), "{names:?}");
    }
    for names in [["bob"], ["ad"], ["a@example.com"], ["@ample.com"], ["@example.org"], ["example.com"]] {
        assert!(!allowed(&names, &ada), "{names:?}");
    }
    let unverified = User { email_verified: false, ..ada.clone() };
    assert!(!allowed(&["ada@example.com"], &unverified));
    assert!(!allowed(&["@example.com"], &unverified));
    let pretender = User { email: None, ..person("ada@example.com") };
    assert!(!allowed(&["ada@example.com"], &pretender));
}

#[test]
fn a_password_is_hashed_anew_when_the_way_of_hashing_has_changed() {
    let door = Door::new();
    door.passwords.is_old.store(true, Ordering::SeqCst);
    let before = block_on(door.server.user(&door.stage.user.id)).unwrap().unwrap().document;
    let signed_in = door.sign_in("ada", RIGHT, HOME).unwrap();
    let after = block_on(door.server.user(&door.stage.user.id)).unwrap().unwrap().document;
    assert_ne!(before.password, after.password);
    assert_eq!(before.password_changed_at, after.password_changed_at);
    assert!(door.is_signed_in(&signed_in));
    door.passwords.is_old.store(false, Ordering::SeqCst);
    assert!(door.sign_in("ada", RIGHT, HOME).is_ok());
}

#[test]
fn a_changed_password_ends_the_other_sessions() {
    let door = Door::new();
    let (one, other) = (door.sign_in("ada", RIGHT, HOME).unwrap(), door.sign_in("ada", RIGHT, HOME).unwrap());
    door.stage.pass(1);
    let signed_in = block_on(door.server.session_of(&one.cookie)).unwrap().unwrap();
    let change = |current: &str, new: &str| {
        block_on(door.server.change_password(
            &signed_in,
            Secret::new(current),
            Secret::new(new),
            &source(HOME),
        ))
    };
    let wrong = change("wrong", "another horse");
    assert!(matches!(wrong, Err(PasswordChangeError::Wrong)), "{wrong:?}");
    let short = change(RIGHT, "short");
    assert!(matches!(short, Err(PasswordChangeError::User(UserError::Password))), "{short:?}");
    assert!(door.is_signed_in(&other), "nothing has changed yet");
    let cookie = change(RIGHT, "another horse").unwrap();
    assert!(!door.is_signed_in(&one));
    assert!(!door.is_signed_in(&other));
    assert!(block_on(door.server.session_of(&cookie)).unwrap().is_some());
    assert!(matches!(door.sign_in("ada", RIGHT, HOME), Err(SignInError::Wrong)));
    assert!(door.sign_in("ada", "another horse", HOME).is_ok());
}

#[test]
fn a_password_that_was_judged_a_moment_ago_does_not_undo_a_newer_one() {
    let door = Door::new();
    let open = door.sign_in("ada", RIGHT, HOME).unwrap();
    let signed_in = block_on(door.server.session_of(&open.cookie)).unwrap().unwrap();
    block_on(door.server.set_password(&door.stage.user.id, Some(Secret::new("given by admin")))).unwrap();
    let (current, new) = (Secret::new(RIGHT), Secret::new("another horse"));
    let outcome = block_on(door.server.change_password(&signed_in, current, new, &source(HOME)));
    assert!(matches!(outcome, Err(PasswordChangeError::Wrong)), "{outcome:?}");
    assert!(door.sign_in("ada", "given by admin", HOME).is_ok());
}

#[test]
fn an_open_session_does_not_help_to_guess_the_password() {
    let door = Door::new();
    let open = door.sign_in("ada", RIGHT, HOME).unwrap();
    let signed_in = block_on(door.server.session_of(&open.cookie)).unwrap().unwrap();
    let guess = |current: &str| {
        let (current, new) = (Secret::new(current), Secret::new("another horse"));
        block_on(door.server.change_password(&signed_in, current, new, &source(HOME)))
    };
    for _ in 0..5 {
        assert!(matches!(guess("wrong"), Err(PasswordChangeError::Wrong)));
    }
    let outcome = guess(RIGHT);
    assert!(matches!(outcome, Err(PasswordChangeError::Guess(_))), "{outcome:?}");
}

#[test]
fn an_administrator_sets_and_removes_passwords() {
    let door = Door::new();
    let before = door.sign_in("ada", RIGHT, HOME).unwrap();
    door.stage.pass(1);
    let id = &door.stage.user.id;
    assert!(block_on(door.server.set_password(id, Some(Secret::new("given by admin")))).unwrap());
    assert!(!door.is_signed_in(&before));
    assert!(door.sign_in("ada", "given by admin", HOME).is_ok());
    assert!(block_on(door.server.set_password(id, None)).unwrap());
    assert!(matches!(door.sign_in("ada", "given by admin", HOME), Err(SignInError::Wrong)));
    assert!(!block_on(door.server.set_password("usr_nobody", None)).unwrap());
}

#[test]
fn sessions_are_seen_and_ended_from_elsewhere() {
    let door = Door::new();
    let id = &door.stage.user.id;
    block_on(door.server.end_all_sessions(id, None)).unwrap();
    let first = door.sign_in("ada", RIGHT, HOME).unwrap();
    door.stage.pass(1);
    let second = door.sign_in("ada", RIGHT, ELSEWHERE).unwrap();
    let sessions = block_on(door.server.sessions(id)).unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0].address.as_deref(), Some(ELSEWHERE), "the latest first");
    let of_first = &sessions[1].id;
    assert!(!block_on(door.server.end_session_by_id("usr_other", of_first)).unwrap(), "another's");
    assert!(block_on(door.server.end_session_by_id(id, of_first)).unwrap());
    assert!(!block_on(door.server.end_session_by_id(id, of_first)).unwrap());
    assert!(!door.is_signed_in(&first));
    assert!(door.is_signed_in(&second));
    let third = door.sign_in("ada", RIGHT, HOME).unwrap();
    assert_eq!(block_on(door.server.end_all_sessions(id, Some(&sessions[0].id))).unwrap(), 1);
    assert!(door.is_signed_in(&second) && !door.is_signed_in(&third));
    assert_eq!(block_on(door.server.end_all_sessions(id, None)).unwrap(), 1);
    assert!(block_on(door.server.sessions(id)).unwrap().is_empty());
    assert_eq!(door.events("user.signed_out").len(), 3);
    assert_eq!(door.events("session.ended").len(), 4);
}

#[test]
fn a_user_is_changed_and_keeps_what_is_not_theirs_to_change() {
    let door = Door::new();
    block_on(door.server.add_user(person("bob"), None)).unwrap();
    let id = &door.stage.user.id;
    let changed = block_on(door.server.update_user(id, &|user| {
        user.role = Some("admin".to_owned());
        user.username = "Countess".to_owned();
        user.id = "usr_forged".to_owned();
        user.disabled = true;
        user.password = Some(PasswordHash("forged".to_owned()));
    }));
    let changed = changed.unwrap().unwrap();
    assert_eq!((changed.id.as_str(), changed.disabled), (id.as_str(), false));
    assert_eq!(changed.role.as_deref(), Some("admin"));
    assert!(door.sign_in("countess", RIGHT, HOME).is_ok());
    assert!(matches!(door.sign_in("ada", RIGHT, HOME), Err(SignInError::Wrong)), "the old name");
    let taken = |name: &str| {
        let name = name.to_owned();
        block_on(door.server.update_user(id, &move |user| user.username = name.clone()))
    };
    assert!(matches!(taken("BOB"), Err(UserError::Exists { .. })));
    assert!(matches!(taken("a b"), Err(UserError::Name { .. })));
    let old = block_on(door.server.add_user(person("ada"), None));
    assert!(matches!(old, Err(UserError::Exists { .. })), "an old name is kept for its user: {old:?}");
    assert_eq!(taken("ada").unwrap().unwrap().username, "ada", "who may have it back");
    assert!(taken("ada").unwrap().is_some(), "no change at all");
    assert_eq!(block_on(door.server.update_user("usr_nobody", &|_| ())).unwrap(), None);
}

#[test]
fn a_removed_user_is_gone_and_their_name_is_not_given_away() {
    let door = Door::new();
    let tokens = door.stage.log_in();
    let signed_in = door.sign_in("ada", RIGHT, HOME).unwrap();
    let id = &door.stage.user.id;
    assert!(door.stage.is_good(&tokens.access_token));
    assert!(!block_on(door.server.free_user_name("ada")).unwrap(), "it is in use");
    assert!(block_on(door.server.remove_user(id)).unwrap());
    assert!(!block_on(door.server.remove_user(id)).unwrap());
    assert!(!door.is_signed_in(&signed_in));
    assert!(!door.stage.is_good(&tokens.access_token));
    assert!(door.stage.refresh(tokens.refresh_token.as_ref().unwrap()).is_err());
    assert!(matches!(door.sign_in("ada", RIGHT, HOME), Err(SignInError::Wrong)));
    let again = block_on(door.server.add_user(person("Ada"), None));
    assert!(matches!(again, Err(UserError::WasUsed { .. })), "{again:?}");
    assert!(block_on(door.server.free_user_name("ADA")).unwrap());
    let new = block_on(door.server.add_user(person("ada"), Some(Secret::new(RIGHT)))).unwrap();
    assert_ne!(new.id, *id);
    assert!(door.sign_in("ada", RIGHT, HOME).is_ok());
    let listed = block_on(door.server.users(None, 10)).unwrap();
    assert_eq!(listed.iter().map(|user| user.document.id.as_str()).collect::<Vec<_>>(), [new.id.as_str()]);
}

/// Hashes by writing backwards, and counts.
#[derive(Debug, Default)]
struct Counting {
    asked: AtomicUsize,
    is_full: AtomicBool,
    is_old: AtomicBool,
}

impl Passwords for Counting {
    fn hash(&self, password: Secret) -> BoxFuture<'_, Result<String, Overloaded>> {
        let mark = if self.is_old.load(Ordering::SeqCst) { "2" } else { "" };
        Box::pin(async move { Ok(format!("{}{mark}", password.expose().chars().rev().collect::<String>())) })
    }

    fn verifies<'a>(
        &'a self,
        password: Secret,
        hash: Option<&'a str>,
    ) -> BoxFuture<'a, Result<bool, Overloaded>> {
        Box::pin(async move {
            if self.is_full.load(Ordering::SeqCst) {
                return Err(Overloaded);
            }
            self.asked.fetch_add(1, Ordering::SeqCst);
            let hash = hash.map(|hash| hash.trim_end_matches('2'));
            Ok(hash.is_some_and(|hash| hash.chars().rev().eq(password.expose().chars())))
        })
    }

    fn is_outdated(&self, hash: &str) -> bool {
        self.is_old.load(Ordering::SeqCst) && !hash.ends_with('2')
    }
}
