//! Names that lead somewhere else the second time somebody asks: where a name led when it was looked at is where is called.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bursar::config::environment::Environment;
use bursar::config::meaning::NetworkConfig;
use bursar::system::SystemClock;
use bursar::upstream_http::{HttpUpstream, Internet};
use serde_json::{Value, json};

use super::planned;
use crate::issuing::browser::{Browser, is_consent};
use crate::issuing::world::{Known, Plan, World};
use crate::platform::servers::{Authority, Server, VALID, tls_on};

/// What everybody may reach, for the sake of the test, and what nobody may.
const OUTSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const INSIDE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Two servers on the same port, both with the right certificate and the right document, and a name that leads to either.
struct Rebinding {
    id: String,
    outside: Server,
    inside: Server,
    /// Where the name leads now.
    leads_to: Arc<Mutex<Vec<IpAddr>>>,
    lookups: Arc<AtomicUsize>,
    upstream: Arc<HttpUpstream>,
    _authority: tempfile::NamedTempFile,
}

impl Rebinding {
    fn new() -> Self {
        let (outer, inner) = on_one_port();
        let id = format!("https://app.test:{}/oauth/client.json", inner.local_addr().unwrap().port());
        let document = json!({
            "client_id": id, "client_name": "App", "token_endpoint_auth_method": "none",
            "redirect_uris": ["http://127.0.0.1/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let authority = Authority::new("everybody's");
        let [outside, inside] =
            [outer, inner].map(|on| tls_on(on, authority.identity("app.test", VALID), answer(&document)));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), authority.pem()).unwrap();
        let network = NetworkConfig { ca_file: Some(file.path().to_owned()), ..NetworkConfig::default() };
        let leads_to = Arc::new(Mutex::new(Vec::new()));
        let lookups = Arc::new(AtomicUsize::new(0));
        let (answers, counter) = (Arc::clone(&leads_to), Arc::clone(&lookups));
        let names = move |_name| {
            counter.fetch_add(1, Ordering::SeqCst);
            // Whoever asks again is led inside.
            let found = std::mem::replace(&mut *answers.lock().unwrap(), vec![INSIDE]);
            let found = found.into_iter().map(|address| SocketAddr::new(address, 0)).collect();
            async move { io::Result::Ok(found) }
        };
        let upstream = HttpUpstream::new(&Environment::default(), &network, Arc::new(SystemClock))
            .within(Internet::of(names, |address| address == OUTSIDE));
        Self { id, outside, inside, leads_to, lookups, upstream: Arc::new(upstream), _authority: file }
    }

    /// The next lookup finds these.
    fn lead_to(&self, addresses: &[IpAddr]) {
        *self.leads_to.lock().unwrap() = addresses.to_vec();
    }

    /// How often the name was looked up, the outside called, and the inside.
    fn counts(&self) -> [usize; 3] {
        [self.lookups.load(Ordering::SeqCst), self.outside.connections(), self.inside.connections()]
    }
}

fn on_one_port() -> (TcpListener, TcpListener) {
    loop {
        let outer = TcpListener::bind((OUTSIDE, 0)).unwrap();
        let port = outer.local_addr().unwrap().port();
        // Somebody else may have it there.
        if let Ok(inner) = TcpListener::bind((INSIDE, port)) {
            return (outer, inner);
        }
    }
}

fn answer(document: &Value) -> Vec<u8> {
    let text = document.to_string();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
    format!("{head}\r\nContent-Length: {}\r\n\r\n{text}", text.len()).into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn line_61_a_name_is_called_where_it_led_when_it_was_looked_at() {
    let net = std::cell::RefCell::new(None);
    let plan = || {
        let rebinding = net.borrow_mut().insert(Arc::new(Rebinding::new())).clone();
        Plan {
            issuer: Some("https://as.test"),
            upstream: Some(rebinding.upstream.clone()),
            ..Plan::default()
        }
    };
    planned(&plan, async |world: World| {
        let net = net.borrow().clone().unwrap();
        let request = world.request_of(&Known { id: net.id.clone(), secret: None });
        let asked = async || Browser::of(&world, "ada").ask_signed_in(&request).await;

        net.lead_to(&[OUTSIDE]);
        let page = asked().await;
        assert!(is_consent(&page), "{page:?}");
        assert_eq!(net.counts(), [1, 1, 0], "it was looked up once, and called there");

        // Beside an address that is allowed, another is not called either.
        world.pass(25 * 3600);
        net.lead_to(&[INSIDE, OUTSIDE, INSIDE]);
        let page = asked().await;
        assert!(is_consent(&page), "{page:?}");
        assert_eq!(net.counts(), [2, 2, 0]);

        // Now it leads inside.
        world.pass(25 * 3600);
        asked().await.assert_page();
        let [lookups, outside, inside] = net.counts();
        assert_eq!((outside, inside), (2, 0));
        assert!(lookups > 2, "it was looked up again");
    })
    .await;
}
