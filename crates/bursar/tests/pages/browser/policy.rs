use crate::pages::driver::Browser;
use crate::pages::world::World;

#[tokio::test]
async fn decision_reaches_the_client_through_the_policy() {
    let world = World::start().await;
    Browser::run(async |browser| {
        for decision in ["allow", "deny"] {
            for back in [world.client("127.0.0.1"), world.client("localhost"), world.client("[::1]")] {
                browser.open(&world.consent(&back, &back)).await;
                browser.click(&format!("button[value={decision}]")).await;
                browser.arrives_at(&format!("{back}?decision={decision}")).await;
            }
        }
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn policy_lets_nobody_send_the_decision_elsewhere() {
    let world = World::start().await;
    Browser::run(async |browser| {
        let page = world.consent("https://app.example/callback", &world.client("127.0.0.1"));
        browser.open(&page).await;
        browser.click("button[value=allow]").await;
        browser.complains_about("form-action").await;
        assert!(!browser.address().await.contains("decision="));
    })
    .await;
}

#[tokio::test]
async fn popup_can_still_report_to_the_window_that_opened_it() {
    let world = World::start().await;
    let back = world.client("localhost");
    Browser::run(async |browser| {
        browser.open(&back).await;
        let open = format!("window.open('{}')", world.consent(&back, &back));
        browser.execute(&open).await;
        browser.switch_to_newest_window().await;
        browser.click("button[value=allow]").await;
        browser.arrives_at(&format!("{back}?decision=allow")).await;
        assert_eq!(browser.execute("return window.opener !== null").await, true);
    })
    .await;
}

#[tokio::test]
async fn long_words_fit_a_small_telephone_in_our_own_style() {
    let world = World::start().await;
    let back = world.client("localhost");
    Browser::run(async |browser| {
        browser.resize(360).await;
        browser.open(&world.consent(&back, &back)).await;
        assert_eq!(browser.execute("return document.documentElement.scrollWidth").await, 360);
        let width = browser.execute("return getComputedStyle(document.querySelector('main')).maxWidth").await;
        assert_eq!(width, "448px");
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn nothing_injected_runs_or_paints() {
    let world = World::start().await;
    let back = world.client("localhost");
    Browser::run(async |browser| {
        browser.open(&world.consent(&back, &back)).await;
        // Even markup that found its way in would be without effect.
        let inject = "const style = document.createElement('style'); style.textContent = 'h1 { color: red }';
            document.head.append(style);
            const script = document.createElement('script'); script.textContent = 'window.ran = true';
            document.head.append(script);
            return [getComputedStyle(document.querySelector('h1')).color, window.ran === true]";
        let outcome = browser.execute(inject).await;
        assert_ne!(outcome[0], "rgb(255, 0, 0)");
        assert_eq!(outcome[1], false);
    })
    .await;
}
