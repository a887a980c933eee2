//! What holds for every page.

use axum::response::IntoResponse as _;
use http::{HeaderMap, StatusCode};

use super::brand::Brand;
use super::*;
use crate::http::pages;

/// Looked at in a browser too.
#[path = "../../../tests/pages/every_page.rs"]
mod every_page;

#[test]
fn every_page_has_one_heading_one_main_part_and_a_language() {
    for (name, page) in every_page(ORDINARY) {
        let html = page.html();
        for once in ["<h1>", "<main>", "<title>", "<html lang=\"en\">", "<meta name=\"viewport\"", "</html>"]
        {
            assert_eq!(html.matches(once).count(), 1, "{once} in {name}:\n{html}");
        }
        let (_, title) = html.split_once("<title>").unwrap();
        assert!(!title.starts_with(' ') && title.contains(" · bursar</title>"), "{name}");
    }
}

#[test]
fn no_page_has_script_or_loads_anything() {
    for (name, page) in every_page(ORDINARY) {
        // One of our own, where passkeys are used.
        let html = without_style(&page).replacen(SCRIPT, "", 1);
        let policy = header(page.clone().into_response().headers(), "content-security-policy");
        let may_run = policy.split("; ").find(|part| part.starts_with("script-src"));
        let expected = page.html().contains(SCRIPT).then_some("script-src 'self'");
        assert_eq!(may_run, expected, "{name}");
        for refused in
            ["<script", " on", "javascript:", "src=\"http", "<iframe", "<object", "@import", "url("]
        {
            let found =
                html.match_indices(refused).find(|(at, _)| refused != " on" || is_handler(&html[*at..]));
            assert_eq!(found, None, "{name}:\n{html}");
        }
        let references = html.match_indices("href=\"").map(|(at, start)| &html[at + start.len()..]);
        for reference in references {
            assert!(
                reference.starts_with("data:,\"") || reference.starts_with('/'),
                "{name}: {reference:.40}"
            );
        }
        assert!(!page.html().contains("url(") && !page.html().contains("@import"), "{name}");
    }
}

#[test]
fn a_page_in_german_says_so_and_has_no_english_words_of_ours() {
    let look = Look::default().in_language(Language::German);
    for (name, page) in every_page_of(&look, "Notizbuch") {
        let html = without_style(&page);
        assert!(html.contains("<html lang=\"de\">"), "{name}");
        // The sentence of this page is the test's own.
        let words = [" the ", "Sign in", "Password", "You ", " your "];
        let found = words.iter().find(|word| html.contains(**word) && !name.starts_with("problem"));
        assert_eq!(found, None, "{name}:\n{html}");
        assert_eq!(header(page.into_response().headers(), "vary"), "accept-language");
    }
}

#[test]
fn strangers_cannot_write_markup() {
    for hostile in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onfocus=alert(1) autofocus='",
        "</style></title></textarea><h1>Bank</h1>",
        "&lt;b&gt;",
        "{{ look.brand.name }}",
    ] {
        let ordinary = every_page("x");
        for ((name, page), (_, plain)) in every_page(hostile).into_iter().zip(ordinary) {
            let signs = |page: &Page| page.html().matches(['<', '>', '"', '\'']).count();
            assert_eq!(signs(&page), signs(&plain), "{hostile} in {name}:\n{}", without_style(&page));
            assert!(!page.html().contains(hostile) || hostile.starts_with('{'), "{hostile} in {name}");
        }
    }
}

#[test]
fn strangers_cannot_turn_or_hide_text() {
    let acting =
        ['\u{202e}', '\u{202d}', '\u{2066}', '\u{2069}', '\u{200f}', '\u{200b}', '\u{feff}', '\0', '\u{1b}'];
    let hostile = String::from_iter(acting);
    for (name, page) in every_page(&format!("moc.elgoog{hostile}x")) {
        assert!(!page.html().contains(acting), "{name}:\n{}", without_style(&page));
        let shown = page.html().matches(char::REPLACEMENT_CHARACTER).count();
        assert!(shown > 0 || !uses_foreign_text(name), "{name}");
    }
}

#[test]
fn strangers_cannot_fill_the_page() {
    let long = "a".repeat(100_000);
    for (name, page) in every_page(&long) {
        assert!(page.html().len() < 32_000, "{name}: {}", page.html().len());
    }
}

#[test]
fn every_form_is_posted_to_this_server_with_its_ticket() {
    for (name, page) in every_page(ORDINARY) {
        let html = page.html();
        let forms: Vec<&str> = html.split("<form").skip(1).collect();
        for form in &forms {
            let form = form.split("</form>").next().unwrap();
            assert!(form.contains("method=\"post\" action=\"/"), "{name}: {form}");
            assert!(
                form.contains("<input type=\"hidden\" name=\"ticket\" value=\"sealed.ticket\">"),
                "{name}: {form}"
            );
            assert!(form.contains("<button"), "{name}: {form}");
        }
        let policy = header(page.clone().into_response().headers(), "content-security-policy");
        assert_eq!(policy.contains("form-action 'none'"), forms.is_empty(), "{name}: {policy}");
    }
}

#[test]
fn every_field_has_a_label() {
    for (name, page) in every_page(ORDINARY) {
        for input in page.html().split("<input ").skip(1) {
            let input = input.split('>').next().unwrap();
            // Those that nobody sees, of which one is for password managers.
            if input.contains("type=\"hidden\"") || input.ends_with(" hidden") {
                continue;
            }
            let (_, id) = input.split_once("id=\"").unwrap();
            let id = id.split('"').next().unwrap();
            assert!(page.html().contains(&format!("<label for=\"{id}\">")), "{name}: {input}");
            assert!(input.contains("autocomplete="), "{name}: {input}");
        }
    }
}

#[test]
fn every_page_keeps_to_itself() {
    for (name, page) in every_page(ORDINARY) {
        let headers = page.into_response().headers().clone();
        let policy = header(&headers, "content-security-policy");
        for directive in
            ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "style-src 'sha256-"]
        {
            assert!(
                policy.split("; ").any(|part| part.starts_with(directive)),
                "{directive} on {name}: {policy}"
            );
        }
        assert!(!policy.contains("unsafe"), "{name}: {policy}");
        for (header_name, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(header(&headers, header_name), value, "{header_name} on {name}");
        }
        assert!(headers.contains_key("permissions-policy"), "{name}");
        // A popup that a web client opened must still be able to report to it.
        let is_own = ["signed-in", "account", "password", "reset", "new-passkey", "set-up"];
        let is_own = is_own.iter().any(|own| name.starts_with(own));
        assert_eq!(headers.contains_key("cross-origin-opener-policy"), is_own, "{name}");
    }
}

#[test]
fn policy_names_the_stylesheet_that_the_page_has() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    let brand = Brand { colour: "#aa00ff".parse().unwrap(), ..Brand::default() };
    for look in [Look::default(), Look::new(brand)] {
        let page = SignedOut { sign_in: "/account" }.page(&look);
        let style = page.html().split_once("<style>").unwrap().1.split_once("</style>").unwrap().0.to_owned();
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, style.as_bytes());
        let policy = header(page.into_response().headers(), "content-security-policy");
        assert!(policy.contains(&format!("style-src 'sha256-{}';", STANDARD.encode(hash))), "{policy}");
        // Parsers of HTML turn these into something else, and the hash would fit nothing.
        assert!(!style.contains(['\r', '\0']) && !style.contains("</"), "{style}");
    }
}

#[test]
fn only_places_that_were_checked_are_allowed_behind_a_form() {
    let policy = |page: Page| header(page.into_response().headers(), "content-security-policy");
    let pages = every_page(ORDINARY);
    let of = |name: &str| policy(pages.iter().find(|(known, _)| *known == name).unwrap().1.clone());
    assert!(of("consent").contains("; form-action 'self' https://app.example; "), "{}", of("consent"));
    assert!(of("consent-local").contains("; form-action 'self' http://localhost:3000; "));
    assert!(of("device-code").contains("; form-action 'self'; "));
    assert!(of("sign-in").contains("; form-action 'self' https://app.example; "));
}

#[test]
fn answers_that_are_no_success_say_so() {
    let expected = [
        ("sign-in", StatusCode::OK),
        ("sign-in-mismatch", StatusCode::BAD_REQUEST),
        ("sign-in-too-many", StatusCode::TOO_MANY_REQUESTS),
        ("sign-in-busy", StatusCode::SERVICE_UNAVAILABLE),
        ("device-code-unknown", StatusCode::BAD_REQUEST),
        ("device-expired", StatusCode::GONE),
        ("problem", StatusCode::BAD_REQUEST),
    ];
    let pages = every_page(ORDINARY);
    for (name, status) in expected {
        let page = pages.iter().find(|(known, _)| *known == name).unwrap().1.clone();
        assert_eq!(page.status(), status, "{name}");
        let waits = matches!(status.as_u16(), 429 | 503);
        assert_eq!(page.into_response().headers().contains_key("retry-after"), waits, "{name}");
    }
}

#[test]
fn refusals_in_the_words_of_the_protocol_are_read_aloud_as_english() {
    let refused = Trouble::Refused { sentence: "The scope is unknown.".into(), help: Help::Application };
    for (language, marked) in [(Language::English, false), (Language::German, true)] {
        let page = refused.page(&Look::default().in_language(language), "01j9x3k2m4");
        assert_eq!(page.html().contains("<p lang=\"en\"><bdi>The scope is unknown."), marked, "{language:?}");
    }
}

#[test]
fn consent_shows_what_cannot_be_invented_in_large_type() {
    let pages = every_page("Claimed name");
    let of = |name: &str| pages.iter().find(|(known, _)| *known == name).unwrap().1.html().to_owned();
    let consent = of("consent");
    assert!(consent.contains("<p class=\"proven\">app.example</p>"));
    assert!(consent.contains("<p class=\"claimed\"><bdi>Claimed name</bdi></p>"));
    assert!(!consent.contains("class=\"warning\""));
    let local = of("consent-local");
    assert!(local.contains("<p class=\"proven\">localhost:3000</p>"));
    assert!(local.contains("This is a program on your computer."));
    assert!(local.contains("Not verified"));
    // Told once, as a sentence, and never as a permission among others.
    assert_eq!(consent.matches("while you are away").count(), 1);
    assert!(!consent.contains("offline_access"));
    for decision in ["value=\"allow\"", "value=\"deny\""] {
        assert_eq!(consent.matches(decision).count(), 1);
    }
}

#[test]
fn consent_that_is_asked_for_again_says_why_and_what_is_new() {
    let pages = every_page(ORDINARY);
    let of = |name: &str| pages.iter().find(|(known, _)| *known == name).unwrap().1.html().to_owned();
    let more = of("consent-more");
    assert!(more.contains("Now it asks for more."));
    assert_eq!(more.matches(">New</strong>").count(), 2, "all but what was allowed before");
    assert!(of("consent-changed").contains("its name, its addresses or its keys are others"));
    assert!(!of("consent").contains(">New</strong>"));
}

#[test]
fn sign_in_is_what_password_managers_look_for() {
    let pages = every_page(ORDINARY);
    let page = &pages.iter().find(|(name, _)| *name == "sign-in-mismatch").unwrap().1;
    insta::assert_snapshot!(part(page, "<main>", "</main>"), @r#"
    <h1>Sign in</h1>
    <p class="for">to continue to
    <bdi class="claimed">Notebook</bdi>
    <span class="host">app.example</span>
    </p>
    <p class="problem" id="problem" role="alert">That user name and password do not match. Check both and try again.</p>
    <form method="post" action="/login">
    <input type="hidden" name="ticket" value="sealed.ticket">
    <label for="username">User name</label>
    <input id="username" name="username" value="Notebook" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="254" required aria-describedby="problem">
    <label for="password">Password</label>
    <input id="password" name="password" type="password" autocomplete="current-password" required autofocus aria-describedby="problem">
    <div class="choices"><button class="main">Sign in</button></div>
    </form>
    <p class="note foot"><a href="/reset">Forgotten your password?</a></p>
    "#);
}

#[test]
fn consent_reads_from_who_asks_to_the_decision() {
    let pages = every_page(ORDINARY);
    let page = &pages.iter().find(|(name, _)| *name == "consent-local").unwrap().1;
    insta::assert_snapshot!(part(page, "<main>", "</main>"), @r#"
    <h1>Allow access?</h1>
    <section class="part">
    <h2>Who asks</h2>
    <p class="claimed"><bdi>Notebook</bdi></p>
    <p class="note"><strong class="badge">Not verified</strong> This application registered itself, and calls itself by this name. Nobody has checked it.</p>
    </section>
    <section class="part">
    <h2>Where your answer goes</h2>
    <p class="proven">localhost:3000</p>
    <p class="warning">This is a program on your computer. Allow it only if you have just started it yourself.</p>
    </section>
    <section class="part">
    <h2>It wants access to</h2>
    <ul class="resources">
    <li><bdi class="name">Notebook</bdi><bdi class="address">https://api.example/mcp</bdi></li>
    <li><bdi class="address">Notebook</bdi></li>
    </ul>
    </section>
    <section class="part">
    <h2>It will be able to</h2>
    <ul class="scopes">
    <li><bdi>Know who you are here</bdi> <code>openid</code></li>
    <li><bdi>Notebook</bdi> <code>files:read</code><p class="tools">Tools: <code>list_files</code> <code>Notebook</code> </p></li>
    <li><code class="only">Notebook</code><p class="tools">Tools: <code>Notebook</code> <code>Notebook</code> <code>Notebook</code> <code>Notebook</code> <code>Notebook</code> <code>Notebook</code> <code>Notebook</code> <code>Notebook</code> <code>Notebook</code> <code>Notebook</code> <code>Notebook</code> <code>Notebook</code> <code>Notebook</code> <code>Notebook</code> <code>Notebook</code> <code>Notebook</code> <code>Notebook</code> <code>Notebook</code> <code>Notebook</code> <code>Notebook</code> and 3 more</p></li>
    </ul>
    <p class="note">It keeps this access while you are away, until you withdraw it.</p>
    </section>
    <form method="post" action="/consent">
    <input type="hidden" name="ticket" value="sealed.ticket">
    <div class="choices">
    <button name="decision" value="deny">Deny</button>
    <button class="main" name="decision" value="allow">Allow</button>
    </div>
    </form>
    <form class="person" method="post" action="/logout">
    <input type="hidden" name="ticket" value="sealed.ticket">
    <span>Signed in as <bdi>Notebook</bdi></span>
    <button class="plain">Not you? Sign out</button>
    </form>
    "#);
}

/// Every page there is, under its name, with `text` wherever strangers or users may write.
fn every_page(text: &str) -> Vec<(&'static str, Page)> {
    every_page_of(&Look::default(), text)
}

fn every_page_of(look: &Look, text: &str) -> Vec<(&'static str, Page)> {
    every_page::every_page(look, text)
}

/// Pages whose every word is ours.
fn uses_foreign_text(name: &str) -> bool {
    !matches!(
        name,
        "device-code"
            | "device-allowed"
            | "device-denied"
            | "device-expired"
            | "problem-bare"
            | "signed-out"
            | "sign-in-alone"
            | "reset-done"
            | "new-passkey-impossible"
            | "set-up"
            | "set-up-elsewhere"
            | "set-up-done"
            | "problem-lost"
            | "problem-lost-here"
            | "problem-no-page"
            | "landing"
            | "landing-failed"
            | "landing-nothing"
            | "problem-unavailable"
    )
}

/// Whether text that begins with a space and `on` is an event handler.
fn is_handler(text: &str) -> bool {
    text[1..].split_once('=').is_some_and(|(name, _)| name.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

fn without_style(page: &Page) -> String {
    let (head, rest) = page.html().split_once("<style>").unwrap();
    let (_, tail) = rest.split_once("</style>").unwrap();
    format!("{head}{tail}")
}

fn part(page: &Page, from: &str, to: &str) -> String {
    let inner = page.html().split_once(from).unwrap().1.split_once(to).unwrap().0;
    inner.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n")
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).unwrap().to_str().unwrap().to_owned()
}

const ORDINARY: &str = "Notebook";
const SCRIPT: &str = "<script src=\"/oauth/passkeys.js\" defer></script>";
