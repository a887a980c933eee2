//! Every page there is, once: for what holds for all of them, and for pictures.

use std::time::Duration;

use bursar_core::engine::issuer::passkeys::PasskeyQuestion;
use bursar_core::engine::issuer::records::grant::AgreedBefore;
use bursar_core::engine::issuer::records::passkey::Passkey;
use bursar_core::oauth::scope::Scope as Granted;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::pages::{
    Account, App, Client, CodeFailed, Consent, DeviceCode, DeviceConfirmation, DeviceEnd, Foreign, Form,
    Landing, Look, NewPasskey, Notice, Notification, Origin, Page, PasskeyFailed, PasskeyForm, PasskeyOwner,
    PasswordChange, PasswordFailed, PasswordReset, Person, Problem, ResetFailed, Resource, Scope, Session,
    SetUp, SetUpFailed, SignIn, SignInFailed, SignOut, SignedIn, SignedOut, Trouble,
};

/// Under its name, with `text` wherever strangers or users may write.
#[expect(clippy::too_many_lines, reason = "every page there is, once")]
pub(super) fn every_page(look: &Look, text: &str) -> Vec<(&'static str, Page)> {
    let foreign = Foreign::new(text);
    let form = |action| Form { action, ticket: "sealed.ticket" };
    let id = Url::parse("https://app.example/client.json").unwrap();
    let back = Url::parse("https://app.example/callback").unwrap();
    let local = Url::parse("http://localhost:3000/callback").unwrap();
    let site = Client { name: Some(foreign), origin: Origin::Site(&id) };
    let unverified = Client { name: Some(foreign), origin: Origin::Unverified };
    let registered = Client { name: Some(foreign), origin: Origin::Registered };
    let person = Person { name: foreign, leave: form("/logout") };
    let resources = [
        Resource { name: Some(foreign), address: Foreign::address("https://api.example/mcp") },
        Resource { name: None, address: Foreign::address(text) },
    ];
    let scopes = [
        Scope { name: "openid".into(), description: None, tools: Vec::new() },
        Scope {
            name: "files:read".into(),
            description: Some(foreign),
            tools: vec!["list_files".into(), foreign],
        },
        Scope { name: foreign, description: None, tools: vec![foreign; 23] },
        Scope { name: "offline_access".into(), description: None, tools: Vec::new() },
    ];
    let sign_in = SignIn {
        form: form("/login"),
        username: None,
        failed: None,
        client: Some(site),
        redirect_uri: Some(&back),
        passkey: None,
        reset: Some("/reset"),
    };
    let question = PasskeyQuestion {
        relying_party: "localhost".to_owned(),
        challenge: "Y2hhbGxlbmdl".to_owned(),
        algorithms: [-7, -8, -257],
        known: vec!["a25vd24".to_owned()],
    };
    let passkey = |action| PasskeyForm { form: form(action), question: &question, script: SCRIPT };
    let failed = |failed| SignIn { username: Some(foreign), failed: Some(failed), ..sign_in };
    let consent = Consent {
        form: form("/consent"),
        client: site,
        redirect_uri: &back,
        resources: &resources,
        scopes: &scopes,
        offline: true,
        before: &AgreedBefore::Nothing,
        person,
    };
    let more = AgreedBefore::Some(vec![Granted::parse("openid").unwrap()]);
    let code = DeviceCode { form: form("/oauth/device"), user_code: None, failed: None };
    let code_failed = |failed| DeviceCode { user_code: Some(foreign), failed: Some(failed), ..code };
    let confirmation = DeviceConfirmation {
        form: form("/oauth/device"),
        user_code: "BCDF-GHJK".into(),
        client: registered,
        asked_from: Some(foreign),
        resources: &resources,
        scopes: &scopes,
        offline: true,
        person,
    };
    let problem = Problem {
        status: StatusCode::BAD_REQUEST,
        headline: "This address is not registered",
        sentence: "The application asked to send the answer to an address it did not register.".into(),
        sentence_language: None,
        hint: Some(foreign),
        link: None,
        values: &[("redirect_uri", Foreign::address(text))],
        correlation_id: "01j9x3k2m4",
        retry_after: None,
    };
    let sign_out = SignOut {
        form: form("/oauth/end_session"),
        person: foreign,
        client: Some(site),
        redirect_uri: Some(&back),
    };
    let since = Timestamp::from_second(1_800_000_000).unwrap();
    let kept = |copied_at| Passkey {
        credential: "Y3JlZGVudGlhbA".to_owned(),
        user: "usr_1".to_owned(),
        name: text.to_owned(),
        key: String::new(),
        counter: 1,
        is_backed_up: true,
        created_at: since,
        used_at: copied_at,
        copied_at,
    };
    let passkeys = [kept(None), kept(Some(since))];
    let app = |client| App {
        key: "grant",
        client,
        resources: resources.to_vec(),
        scopes: scopes.to_vec(),
        since,
        changed: since + SignedDuration::from_hours(1),
    };
    let apps = [app(Some(site)), app(Some(unverified)), app(Some(registered)), app(None)];
    let session = |is_this, user_agent| Session {
        id: "session",
        is_this,
        user_agent,
        address: Some("192.0.2.7"),
        since,
    };
    let firefox = Foreign::new("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
    let sessions = [session(true, Some(firefox)), session(false, Some(foreign)), session(false, None)];
    let account = Account {
        person,
        path: "/account",
        ticket: "sealed.ticket",
        notice: Some(Notice::Welcome),
        apps: &apps,
        sessions: &sessions,
        password_since: Some(since),
        passkeys: Some(&passkeys),
    };
    let bare = Account {
        notice: Some(Notice::OnlyWay),
        apps: &[],
        sessions: &sessions[..1],
        password_since: None,
        passkeys: None,
        ..account
    };
    let change =
        PasswordChange { form: form("/account/password"), username: foreign, back: "/account", failed: None };
    let wait = PasswordFailed::TooMany(Duration::from_mins(5));
    let reset = PasswordReset { form: form("/reset"), username: Some(foreign), failed: None };
    let new_passkey = NewPasskey {
        passkey: passkey("/account/passkeys/new"),
        owner: PasskeyOwner { id: "usr_1", username: foreign, name: foreign },
        back: "/account",
        failed: None,
    };
    let set_up = SetUp { form: form("/set-up"), username: None, failed: None };
    let set_up_again = SetUp { username: Some(foreign), failed: Some(SetUpFailed::NotGood), ..set_up };
    vec![
        ("account", account.page(look)),
        ("account-bare", bare.page(look)),
        ("password", change.page(look)),
        ("password-wrong", PasswordChange { failed: Some(PasswordFailed::Wrong), ..change }.page(look)),
        ("password-too-many", PasswordChange { failed: Some(wait), ..change }.page(look)),
        ("reset", reset.page(look)),
        ("reset-not-good", PasswordReset { failed: Some(ResetFailed::NotGood), ..reset }.page(look)),
        ("reset-done", Notification::PasswordSet { sign_in: "/account" }.page(look)),
        ("new-passkey", new_passkey.page(look)),
        ("new-passkey-known", NewPasskey { failed: Some(PasskeyFailed::Known), ..new_passkey }.page(look)),
        ("new-passkey-impossible", Notification::NoPasskeys { back: "/account" }.page(look)),
        ("set-up", set_up.page(look)),
        ("set-up-not-good", set_up_again.page(look)),
        ("set-up-elsewhere", Notification::SetUpElsewhere.page(look)),
        ("set-up-done", Notification::SetUpDone { sign_in: "/account" }.page(look)),
        ("problem-lost", Trouble::LostPage { beginning: None }.page(look, "01j9x3k2m4")),
        ("problem-lost-here", Trouble::LostPage { beginning: Some("/account") }.page(look, "01j9x3k2m4")),
        (
            "problem-no-page",
            Trouble::NoPage { status: StatusCode::NOT_FOUND, account: "/account" }.page(look, "01j9x3k2m4"),
        ),
        ("problem-unavailable", Trouble::Unavailable.page(look, "01j9x3k2m4")),
        ("sign-in-passkey", SignIn { passkey: Some(passkey("/login/passkey")), ..sign_in }.page(look)),
        ("sign-in-copied", failed(SignInFailed::PasskeyCopied).page(look)),
        ("sign-in", sign_in.page(look)),
        ("sign-in-unverified", SignIn { client: Some(unverified), ..sign_in }.page(look)),
        ("sign-in-alone", SignIn { client: None, redirect_uri: None, ..sign_in }.page(look)),
        ("sign-in-mismatch", failed(SignInFailed::Mismatch).page(look)),
        ("sign-in-too-many", failed(SignInFailed::TooMany(Duration::from_mins(5))).page(look)),
        ("sign-in-busy", failed(SignInFailed::Busy).page(look)),
        ("consent", consent.page(look)),
        ("consent-more", Consent { before: &more, ..consent }.page(look)),
        ("consent-changed", Consent { before: &AgreedBefore::ToAnotherForm, ..consent }.page(look)),
        ("consent-local", Consent { client: unverified, redirect_uri: &local, ..consent }.page(look)),
        (
            "consent-bare",
            Consent { client: registered, resources: &[], scopes: &[], offline: false, ..consent }.page(look),
        ),
        ("device-code", code.page(look)),
        ("device-code-unknown", code_failed(CodeFailed::Unknown).page(look)),
        ("device-code-too-many", code_failed(CodeFailed::TooMany(Duration::from_secs(1))).page(look)),
        ("device-confirmation", confirmation.page(look)),
        ("device-allowed", DeviceEnd::Allowed.page(look)),
        ("device-denied", DeviceEnd::Denied.page(look)),
        ("device-expired", DeviceEnd::Expired.page(look)),
        ("problem", problem.page(look)),
        ("problem-bare", Problem { hint: None, values: &[], ..problem }.page(look)),
        ("landing", Landing::Done.page(look)),
        ("landing-failed", Landing::Failed.page(look)),
        ("landing-nothing", Landing::Nothing.page(look)),
        ("signed-in", SignedIn { person }.page(look)),
        ("sign-out", sign_out.page(look)),
        ("signed-out", SignedOut { sign_in: "/account" }.page(look)),
    ]
}

/// Where the script of passkeys is.
pub(super) const SCRIPT: &str = "/oauth/passkeys.js";
