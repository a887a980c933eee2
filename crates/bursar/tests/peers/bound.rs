//! Tokens that are bound to a key (RFC 9449), at a server that wants its nonce in every proof.

use super::authorization_server::PUBLIC_CLIENT;
use super::person::Person;

impl Person {
    async fn log_in_with_key(&self, nickname: &str) {
        let issuer = self.server.issuer();
        let client = ["--client-id", PUBLIC_CLIENT, "--no-browser", "--dpop", "--as", nickname];
        let mut login = self.home.start(&[&["login", issuer][..], &client].concat());
        self.server.visit(&login.address().await).await;
        login.ended().await.succeeded();
    }

    /// What userinfo answers to the header fields that the command prints: the status, and the nonce it wants.
    async fn asks(&self, arguments: &[&str]) -> (u16, Option<String>) {
        let told = self.home.run(&[&["token", "work"], arguments].concat()).await.succeeded();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let pairs = told.stdout.lines().filter_map(|line| line.split_once(": "));
        let request =
            pairs.fold(http.get(self.userinfo()), |request, (name, value)| request.header(name, value));
        let answer = request.send().await.unwrap();
        let nonce = answer.headers().get("dpop-nonce").map(|nonce| nonce.to_str().unwrap().to_owned());
        (answer.status().as_u16(), nonce)
    }

    fn userinfo(&self) -> String {
        format!("{}/me", self.server.issuer())
    }
}

#[tokio::test]
async fn a_login_proves_its_key_to_an_independent_server() {
    let person = Person::new().await;
    person.log_in_with_key("work").await;
    // Who it is, userinfo told whoever proved the key.
    assert_eq!(person.status("work").await["identity"], "ada@example.com");
    let url = person.userinfo();
    for _ in 0..2 {
        assert_ne!(person.asks(&["--header"]).await.0, 200, "without a proof");
        let (status, nonce) = person.asks(&["--dpop", "GET", &url]).await;
        let nonce = nonce.expect("it says which nonce it wants");
        assert_eq!(status, 401, "without the nonce");
        assert_eq!(
            person.asks(&["--dpop", "POST", &url, "--dpop-nonce", &nonce]).await.0,
            401,
            "another method"
        );
        assert_eq!(person.asks(&["--dpop", "GET", &url, "--dpop-nonce", &nonce]).await.0, 200);
        person.home.run(&["check", "--live", "work"]).await.succeeded();
        person.home.run(&["refresh", "work"]).await.succeeded();
    }
    let counts = person.server.counts().await;
    assert_eq!((counts.refresh_successes, counts.reuse_detected), (2, 0));
}
