use crate::pages::driver::Browser;
use crate::pages::place::{PASSWORD, Place};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_allowed_is_listed_and_taken_back() {
    let place = Place::start().await;
    let client = place.client("Notebook").await;
    Browser::run(async |browser| {
        browser.open(&place.request(&client, "read")).await;
        browser.sign_in(PASSWORD).await;
        browser.click("button[value=allow]").await;
        browser.reads("Client").await;
        browser.open(&place.at("/account")).await;
        browser.reads("Notebook").await;
        browser.reads("Read your notes").await;
        browser.click("form[action='/account/apps'] button").await;
        browser.reads("The access was withdrawn.").await;
        browser.reads("No application has access to your account.").await;
        assert!(place.run(&["grant", "list"]).await.trim().is_empty());
        browser.open(&place.request(&client, "read")).await;
        browser.reads("Allow access?").await;
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_elsewhere_are_seen_and_ended() {
    let place = Place::start().await;
    Browser::run(async |elsewhere| {
        elsewhere.open_account(&place).await;
        Browser::run(async |browser| {
            browser.open_account(&place).await;
            browser.reads("This browser").await;
            browser.reads("Chrome, Linux").await;
            browser.click("form[action='/account/sessions'] button").await;
            browser.reads("That session has ended.").await;
        })
        .await;
        elsewhere.open(&place.at("/account")).await;
        elsewhere.reads("Forgotten your password?").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_is_changed_by_who_knows_it_and_reset_by_a_code() {
    let place = Place::start().await;
    Browser::run(async |browser| {
        browser.open_account(&place).await;
        browser.open(&place.at("/account/password")).await;
        let change = async |current: &str, new: &str, again: &str| {
            browser.fill("#current", current).await;
            browser.fill("#new", new).await;
            browser.fill("#again", again).await;
            browser.click("form button.main").await;
        };
        change("a wrong password", "a new password", "a new password").await;
        browser.reads("The current password is not the right one.").await;
        change(PASSWORD, "a new password", "another password").await;
        browser.reads("are not the same").await;
        change(PASSWORD, "a new password", "a new password").await;
        browser.reads("Your password was changed").await;
        browser.sign_out().await;

        let code = place.reset_code("ada").await;
        browser.open(&place.at("/reset")).await;
        let reset = async |code: &str| {
            browser.fill("#username", "ada").await;
            browser.fill("#code", code).await;
            browser.fill("#new", "a third password").await;
            browser.fill("#again", "a third password").await;
            browser.click("form button.main").await;
        };
        reset("BCDFG-HJKLM-NPQRS-TVWXZ").await;
        browser.reads("This code is not good for this user name").await;
        reset(&code.to_lowercase()).await;
        browser.reads("Your password is set").await;
        browser.click("main a").await;
        browser.sign_in("a third password").await;
        browser.reads("Your account").await;
        browser.open(&place.at("/reset")).await;
        reset(&code).await;
        browser.reads("This code is not good for this user name").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_server_is_set_up_in_a_browser_once() {
    let place = Place::empty().await;
    Browser::run(async |browser| {
        browser.open(&place.at("/set-up")).await;
        let set_up = async |code: &str| {
            browser.fill("#code", code).await;
            browser.fill("#username", "boss").await;
            browser.fill("#new", PASSWORD).await;
            browser.fill("#again", PASSWORD).await;
            browser.click("form button.main").await;
        };
        set_up("bfc_guess").await;
        browser.reads("This code is not good").await;
        set_up(&place.first_code()).await;
        browser.reads("You are the first administrator").await;
        browser.open(&place.at("/set-up")).await;
        browser.reads("This server is set up").await;
        assert!(place.run(&["user", "list"]).await.contains("admin"));
    })
    .await;
}

#[tokio::test]
async fn nobody_is_set_up_or_resets_through_a_proxy_or_another_page() {
    let place = Place::empty().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let forwarded = http.get(place.at("/set-up")).header("x-forwarded-for", "192.0.2.1");
    let answer = forwarded.send().await.unwrap();
    assert_eq!(answer.status(), 403);
    assert!(answer.text().await.unwrap().contains("on its own machine"));
    let form = "ticket=x&code=x&username=ada&new=correct+horse&again=correct+horse";
    for path in ["/set-up", "/reset", "/account/password", "/account/apps", "/account/passkeys/new"] {
        let post = http.post(place.at(path)).header("content-type", "application/x-www-form-urlencoded");
        let answer = post.body(form).send().await.unwrap();
        let is_own = path.starts_with("/account");
        let text = answer.text().await.unwrap();
        assert!(text.contains(if is_own { "action=\"/login\"" } else { "no longer good" }), "{path}: {text}");
    }
}

#[tokio::test]
async fn a_code_for_a_password_is_written_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::start().await;
    let refused = place.home.run(&["user", "reset-password", "ada"]).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{refused}");
    let code = place.reset_code("ada").await;
    let mode = place.home.beside("reset").metadata().unwrap().permissions().mode();
    assert_eq!((code.len(), mode & 0o777), (23, 0o600));
    let unknown = place.home.run(&["user", "reset-password", "bob", "--output", "x"]).await;
    assert!(unknown.stderr.contains("there is no user `bob`"), "{unknown}");
}
