//! A sandbox with a host of its own is there, and nowhere else.

use bursar_core::engine::sandboxes::{HostName, NewSandbox, SandboxName, SandboxSettings};
use serde_json::Value;

use super::{on_every_store, told};
use crate::issuing::client::Answer;
use crate::issuing::world::World;

/// The server's own host in these worlds is `localhost`, and they are asked at `127.0.0.1`.
async fn at_its_host(main: &World) -> World {
    main.pass(1);
    main.sandbox_like(NewSandbox {
        name: SandboxName::parse("own").unwrap(),
        host: Some(HostName::parse("127.0.0.1").unwrap()),
        lifetime: None,
        settings: SandboxSettings::default(),
    })
    .await
}

async fn asked(world: &World, path: &str, host: &str) -> Answer {
    Answer::of(world.http.get(format!("http://{}{path}", world.address)).header("host", host)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_of_its_own_is_the_issuer_and_the_only_way_in() {
    on_every_store(async |main| {
        let own = at_its_host(&main).await;
        assert_eq!(own.issuer, format!("http://127.0.0.1:{}", own.address.port()));
        let metadata: Value = own.get("/.well-known/oauth-authorization-server").await.json();
        assert_eq!(metadata["issuer"], own.issuer.as_str());
        assert_eq!(metadata["token_endpoint"], format!("{}/oauth/token", own.issuer).as_str());
        let tokens = own.log_in().await;
        assert!(own.is_active(&tokens.access).await);
        // Under another host there is the server around it, which knows nothing of this.
        let host = format!("localhost:{}", own.address.port());
        let around = asked(&own, "/.well-known/oauth-authorization-server", &host).await;
        assert_eq!(around.json()["issuer"], main.issuer.as_str());
        let nowhere = asked(&own, "/s/own/oauth/jwks", &host).await;
        assert_eq!(told(&nowhere), told(&asked(&own, "/s/none/oauth/jwks", &host).await));
        assert_eq!(nowhere.status, 404);
        // A host nobody has is that of the server itself; what it says of itself stays the same.
        let strange = asked(&own, "/.well-known/oauth-authorization-server", "evil.test").await;
        assert_eq!(strange.json()["issuer"], main.issuer.as_str());
        // Other sandboxes are not beneath it.
        let beneath = main.server.engine().clone();
        let other = NewSandbox {
            name: SandboxName::parse("other").unwrap(),
            host: None,
            lifetime: None,
            settings: SandboxSettings::default(),
        };
        bursar_core::engine::sandboxes::Sandboxes::new(beneath).add(other).await.unwrap();
        assert_eq!(asked(&own, "/s/other/oauth/jwks", &host).await.status, 200);
        assert_eq!(own.get("/s/other/oauth/jwks").await.status, 404);
    })
    .await;
}
