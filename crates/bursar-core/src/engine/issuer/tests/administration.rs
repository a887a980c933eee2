//! What administrators do: who may be added how, what a change keeps, and what ends with a removal.

use std::collections::BTreeMap;

use futures::executor::block_on;
use jiff::SignedDuration;
use serde_json::json;

use super::stage::{CALLBACK, MCP, Stage, add_client, assert_refused, person};
use crate::engine::issuer::administration::clients::{ClientError, NewClient};
use crate::engine::issuer::administration::grants::GrantsOf;
use crate::engine::issuer::administration::resources::ResourceError;
use crate::engine::issuer::exchange::Source;
use crate::engine::issuer::records::grant::Grant;
use crate::engine::issuer::records::resource::{Resource, TokenFormat};
use crate::engine::issuer::refusal::Refusal;
use crate::oauth::client_authentication::Method;
use crate::oauth::error::ErrorCode;
use crate::oauth::jose::Algorithm;
use crate::oauth::scope::Scope;
use crate::oauth::server::client_metadata::ClientMetadata;
use crate::ports::store::{EventQuery, StoredEvent};
use crate::secret::Secret;

type Change<'a> = &'a dyn Fn(&mut Resource);
type Is = fn(&ResourceError) -> bool;

#[test]
fn during_the_overlap_old_and_new_secret_work_and_afterwards_only_the_new_one() {
    let stage = Stage::new();
    let (id, old) = service(&stage);
    let renewed = block_on(stage.server.renew_client_secret(&id, SignedDuration::from_hours(1)));
    let new = renewed.unwrap().unwrap().secret.unwrap();
    assert!(own_token(&stage, &id, &old).is_ok());
    assert!(own_token(&stage, &id, &new).is_ok());
    stage.pass(60 * 60);
    assert_refused(own_token(&stage, &id, &old), &ErrorCode::InvalidClient);
    assert!(own_token(&stage, &id, &new).is_ok());
    let renewed = block_on(stage.server.renew_client_secret(&id, SignedDuration::ZERO)).unwrap().unwrap();
    assert_eq!(renewed.client.secrets.len(), 1, "ended secrets are forgotten");
    assert_refused(own_token(&stage, &id, &new), &ErrorCode::InvalidClient);
    assert!(own_token(&stage, &id, &renewed.secret.unwrap()).is_ok());
}

#[test]
fn a_secret_that_was_to_end_is_not_given_longer_by_another_renewal() {
    let stage = Stage::new();
    let (id, old) = service(&stage);
    for hours in [1, 100] {
        block_on(stage.server.renew_client_secret(&id, SignedDuration::from_hours(hours))).unwrap();
    }
    stage.pass(60 * 60);
    assert_refused(own_token(&stage, &id, &old), &ErrorCode::InvalidClient);
    for _ in 0..10 {
        block_on(stage.server.renew_client_secret(&id, SignedDuration::from_hours(1))).unwrap();
    }
    assert_eq!(block_on(stage.server.client(&id)).unwrap().unwrap().document.secrets.len(), 4);
}

#[test]
fn only_clients_with_a_secret_get_another() {
    let stage = Stage::new();
    let refused = block_on(stage.server.renew_client_secret(&stage.client.id, SignedDuration::ZERO));
    assert!(matches!(refused, Err(ClientError::HasNoSecret { .. })), "{refused:?}");
    assert!(
        block_on(stage.server.renew_client_secret("cli_nobody", SignedDuration::ZERO)).unwrap().is_none()
    );
}

#[test]
fn a_change_of_a_client_keeps_what_is_no_administrators_business() {
    let stage = Stage::new();
    let (id, secret) = service(&stage);
    let changed = block_on(stage.server.update_client(&id, &|client| {
        client.id = "other".to_owned();
        client.secrets.clear();
        client.removed_at = Some(client.created_at);
        client.metadata.client_name = Some("Renamed".to_owned());
        client.scope = Some(Scope::parse("read").unwrap());
    }));
    let changed = changed.unwrap().unwrap();
    assert_eq!((changed.client.id.as_str(), changed.client.removed_at), (id.as_str(), None));
    assert_eq!(changed.client.metadata.client_name.as_deref(), Some("Renamed"));
    assert!(changed.secret.is_none());
    assert_eq!(own_token(&stage, &id, &secret).unwrap().scope.to_string(), "read");
}

#[test]
fn a_client_that_begins_to_prove_itself_gets_a_secret_and_one_that_stops_loses_it() {
    let stage = Stage::new();
    let begin = |method| {
        let changed = block_on(stage.server.update_client(&stage.client.id, &move |client| {
            client.metadata.token_endpoint_auth_method = method;
        }));
        changed.unwrap().unwrap()
    };
    let first = begin(Method::Basic);
    assert_eq!((first.secret.is_some(), first.client.secrets.len()), (true, 1));
    let other_way = begin(Method::Post);
    assert_eq!((other_way.secret.is_some(), other_way.client.secrets.len()), (false, 1));
    let stopped = begin(Method::None);
    assert_eq!((stopped.secret.is_some(), stopped.client.secrets.len()), (false, 0));
}

#[test]
fn a_client_may_keep_its_refresh_token_only_if_that_is_bound_to_a_key() {
    let stage = Stage::new();
    let said = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none" });
    let metadata = ClientMetadata::from_object(said.as_object().unwrap()).unwrap();
    let bound = ClientMetadata { dpop_bound_access_tokens: true, ..metadata.clone() };
    let refused =
        block_on(stage.server.add_client(NewClient { metadata, scope: None, rotates: false })).unwrap_err();
    assert!(matches!(refused, ClientError::MustRotate));
    let wish = NewClient { metadata: bound, scope: None, rotates: false };
    let (client, _) = block_on(stage.server.add_client(wish)).unwrap();
    let refused = block_on(stage.server.update_client(&client.id, &|client| {
        client.metadata.dpop_bound_access_tokens = false;
    }));
    assert!(matches!(refused, Err(ClientError::MustRotate)), "{refused:?}");
}

#[test]
fn a_client_that_loses_its_last_redirect_uri_is_not_changed() {
    let stage = Stage::new();
    let refused = block_on(stage.server.update_client(&stage.client.id, &|client| {
        client.metadata.redirect_uris.clear();
    }));
    assert!(matches!(refused, Err(ClientError::Metadata(_))), "{refused:?}");
    assert!(stage.log_in().refresh_token.is_some());
}

#[test]
fn a_removed_client_is_neither_changed_nor_given_a_secret() {
    let stage = Stage::new();
    let (id, _) = service(&stage);
    assert!(block_on(stage.server.remove_client(&id)).unwrap());
    assert!(!block_on(stage.server.remove_client(&id)).unwrap());
    assert!(block_on(stage.server.update_client(&id, &|_| ())).unwrap().is_none());
    assert!(block_on(stage.server.renew_client_secret(&id, SignedDuration::ZERO)).unwrap().is_none());
    let listed = block_on(stage.server.clients(None, 10)).unwrap();
    let stone = listed.iter().find(|client| client.document.id == id).unwrap();
    assert!(stone.document.removed_at.is_some() && stone.document.secrets.is_empty());
}

#[test]
fn lists_come_in_pages() {
    let stage = Stage::new();
    for _ in 0..4 {
        add_client(&stage.server, &json!({}));
    }
    let mut seen = Vec::new();
    loop {
        let page = block_on(stage.server.clients(seen.last().map(String::as_str), 2)).unwrap();
        let is_last = page.len() < 2;
        seen.extend(page.into_iter().map(|client| client.document.id));
        if is_last {
            break;
        }
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted());
}

#[test]
fn resources_nobody_should_have_are_refused() {
    let stage = Stage::new();
    let (service, _) = service(&stage);
    let refusal = |change: &dyn Fn(&mut Resource)| {
        let mut resource = resource("https://notes.test/mcp");
        change(&mut resource);
        block_on(stage.server.add_resource(&resource))
    };
    let scopes = |name: &str| BTreeMap::from([(name.to_owned(), String::new())]);
    let table: [(Change<'_>, Is); 12] = [
        (&|resource| resource.url = "notes".to_owned(), |error| matches!(error, ResourceError::Address(_))),
        (&|resource| resource.url = "http://notes.test/".to_owned(), |error| {
            matches!(error, ResourceError::Address(_))
        }),
        (&|resource| resource.url = "https://as.test/".to_owned(), |error| {
            matches!(error, ResourceError::IsThisServer)
        }),
        (&|resource| resource.scopes = scopes("two words"), |error| {
            matches!(error, ResourceError::Scope { .. })
        }),
        (&|resource| resource.scopes = scopes(""), |error| matches!(error, ResourceError::Scope { .. })),
        (&|resource| resource.scopes = scopes("a\"b"), |error| matches!(error, ResourceError::Scope { .. })),
        (&|resource| resource.scopes = scopes("bursar:admin"), |error| {
            matches!(error, ResourceError::ReservedScope { .. })
        }),
        (&|resource| resource.access_lifetime = Some(SignedDuration::ZERO), |error| {
            matches!(error, ResourceError::Lifetime)
        }),
        (&|resource| resource.access_lifetime = Some(SignedDuration::from_hours(25)), |error| {
            matches!(error, ResourceError::Lifetime)
        }),
        (&|resource| resource.format = TokenFormat::Jwt(Algorithm::Hs256), |error| {
            matches!(error, ResourceError::Format)
        }),
        (&|resource| resource.introspectors = vec!["cli_nobody".to_owned()], |error| {
            matches!(error, ResourceError::Introspector { .. })
        }),
        (&|resource| resource.introspectors = vec![stage.client.id.clone()], |error| {
            matches!(error, ResourceError::Introspector { .. })
        }),
    ];
    for (number, (change, is_it)) in table.iter().enumerate() {
        let error = refusal(change).unwrap_err();
        assert!(is_it(&error), "line {number}: {error:?}");
    }
    assert!(refusal(&|resource| resource.introspectors = vec![service.clone()]).unwrap());
    assert!(!refusal(&|_| ()).unwrap(), "it is there already");
    assert!(refusal(&|resource| resource.url = "https://api.test".to_owned()).unwrap());
    let twin = refusal(&|resource| resource.url = "https://api.test/".to_owned());
    assert!(!twin.unwrap(), "a lone slash makes no other resource");
}

#[test]
fn a_resource_is_changed_but_for_its_address_and_issues_nothing_once_removed() {
    let stage = Stage::new();
    let changed = block_on(stage.server.update_resource(MCP, &|resource| {
        resource.url = "https://other.test/".to_owned();
        resource.access_lifetime = Some(SignedDuration::from_mins(1));
    }));
    assert_eq!(changed.unwrap().unwrap().url, MCP);
    let tokens = stage.log_in();
    assert_eq!(tokens.expires_at.duration_since(stage.server.now()), SignedDuration::from_mins(1));
    let refresh = tokens.refresh_token.unwrap();
    assert!(block_on(stage.server.remove_resource(MCP)).unwrap());
    assert!(!block_on(stage.server.remove_resource(MCP)).unwrap());
    assert_refused(stage.refresh(&refresh), &ErrorCode::InvalidTarget);
    assert!(block_on(stage.server.update_resource(MCP, &|_| ())).unwrap().is_none());
}

#[test]
fn a_resource_announces_itself_as_rfc_9728_says() {
    let stage = Stage::new();
    let announced = |url: &str, requires_proof| {
        let resource = Resource { requires_proof, ..resource(url) };
        stage.server.announcement(&resource).unwrap()
    };
    let elsewhere = announced("https://notes.test/mcp", false);
    assert!(!elsewhere.is_served_here);
    assert_eq!(elsewhere.metadata_url, "https://notes.test/.well-known/oauth-protected-resource/mcp");
    let place = &elsewhere.metadata_url;
    assert_eq!(elsewhere.challenge, format!("Bearer scope=\"read\", resource_metadata=\"{place}\""));
    let here = announced("https://as.test/mcp", true);
    assert!(here.is_served_here);
    assert!(here.challenge.starts_with("DPoP "), "{}", here.challenge);
}

#[test]
fn grants_are_listed_by_user_and_client_and_end_when_taken_back() {
    let stage = Stage::new();
    let tokens = stage.log_in();
    let (user, client) = (stage.user.id.as_str(), stage.client.id.as_str());
    let found = |user, client| {
        let page = block_on(stage.server.grants(GrantsOf { user, client }, None, 10)).unwrap();
        assert_eq!(page.next, None);
        page.grants
    };
    for of in [(None, None), (Some(user), None), (None, Some(client)), (Some(user), Some(client))] {
        assert_eq!(found(of.0, of.1).len(), 1, "{of:?}");
    }
    assert!(found(Some("usr_other"), None).is_empty() && found(Some(user), Some("cli_other")).is_empty());
    let key = Grant::key_of(user, client);
    assert!(block_on(stage.server.withdraw_grant_of_key(&key)).unwrap().is_some());
    assert!(block_on(stage.server.withdraw_grant_of_key(&key)).unwrap().is_none());
    assert!(found(None, None).is_empty());
    assert!(!stage.is_good(&tokens.access_token));
    assert_refused(stage.refresh(&tokens.refresh_token.unwrap()), &ErrorCode::InvalidGrant);
}

#[test]
fn renewed_keys_are_known_before_they_sign_and_a_removed_one_ends_its_tokens() {
    let stage = Stage::new();
    let tokens = stage.log_in();
    let before = block_on(stage.server.keys()).unwrap();
    let [first] = before.as_slice() else { panic!("{before:?}") };
    assert_eq!(block_on(stage.server.renew_keys()).unwrap(), 1);
    assert_eq!(block_on(stage.server.renew_keys()).unwrap(), 1, "only the successor has no successor");
    let after = block_on(stage.server.keys()).unwrap();
    assert!(after.iter().any(|key| key.id == first.id && key.signs_until.is_some()));
    assert!(after.iter().all(|key| key.id == first.id || key.signs_from > stage.server.now()));
    assert!(stage.is_good(&tokens.access_token));
    assert!(block_on(stage.server.remove_key(&first.id)).unwrap());
    assert!(!block_on(stage.server.remove_key(&first.id)).unwrap());
    assert!(!stage.is_good(&tokens.access_token));
    assert!(stage.is_good(&stage.log_in().access_token));
}

#[test]
fn every_change_tells_who_did_it() {
    let stage = Stage::new();
    let server = stage.server.acting_as("usr_boss");
    let user = block_on(server.add_user(person("bob"), Some(Secret::new("correct horse")))).unwrap();
    block_on(server.update_user(&user.id, &|user| user.role = Some("editor".to_owned()))).unwrap();
    block_on(server.set_password(&user.id, None)).unwrap();
    block_on(server.set_user_disabled(&user.id, true)).unwrap();
    block_on(server.set_user_disabled(&user.id, false)).unwrap();
    block_on(server.remove_user(&user.id)).unwrap();
    block_on(server.free_user_name("bob")).unwrap();
    stage.log_in();
    let (id, _) = service(&Stage { server: server.clone(), ..stage.clone() });
    block_on(server.renew_client_secret(&id, SignedDuration::ZERO)).unwrap();
    block_on(server.update_client(&id, &|client| client.scope = Some(Scope::default()))).unwrap();
    block_on(server.remove_client(&id)).unwrap();
    block_on(server.add_resource(&resource("https://notes.test/mcp"))).unwrap();
    block_on(server.update_resource("https://notes.test/mcp", &|it| it.requires_proof = true)).unwrap();
    block_on(server.remove_resource("https://notes.test/mcp")).unwrap();
    block_on(server.withdraw_grant(&stage.user.id, &stage.client.id)).unwrap();
    block_on(server.renew_keys()).unwrap();
    let key = block_on(server.keys()).unwrap().remove(0).id;
    block_on(server.remove_key(&key)).unwrap();
    let by_boss: Vec<String> = events(&stage, None)
        .into_iter()
        .filter(|stored| stored.event.detail.get("actor").is_some_and(|actor| actor == "usr_boss"))
        .map(|stored| stored.event.name)
        .collect();
    for name in [
        "user.added",
        "user.changed",
        "user.password_changed",
        "user.disabled",
        "user.enabled",
        "user.removed",
        "user_name.freed",
        "client.added",
        "client.secret_renewed",
        "client.changed",
        "client.removed",
        "resource.added",
        "resource.changed",
        "resource.removed",
        "grant.withdrawn",
        "signing_key.published",
        "signing_key.removed",
    ] {
        assert!(by_boss.iter().any(|known| known == name), "{name} is not in {by_boss:?}");
    }
}

#[test]
fn a_refusal_is_found_by_its_id_with_the_whole_reason_and_what_helps() {
    let stage = Stage::new();
    let refusal = Refusal::new(ErrorCode::InvalidClient, "the client did not prove itself")
        .because("its secret is wrong or has ended");
    let source = Source {
        address: Some("192.0.2.7".parse().unwrap()),
        user_agent: Some("probe/1".to_owned()),
        ..Source::default()
    };
    let id = stage.server.name_refusal();
    stage.server.note_refusal(&id, "/oauth/token", &refusal, Some("cli_x"), &source);
    let noted = block_on(stage.server.noted_refusal(&id)).unwrap().unwrap();
    assert_eq!(events(&stage, Some(id.clone())).len(), 0, "nothing is written while somebody waits");
    block_on(stage.server.store_refusals());
    assert_eq!(events(&stage, Some(id.clone())).len(), 1);
    assert_eq!(block_on(stage.server.noted_refusal(&id)).unwrap(), Some(noted.clone()));
    assert_eq!((noted.id.as_str(), noted.endpoint.as_str()), (id.as_str(), "/oauth/token"));
    assert_eq!((&noted.code, noted.client.as_deref()), (&ErrorCode::InvalidClient, Some("cli_x")));
    assert_eq!(noted.description, refusal.description);
    assert_eq!(noted.reason, refusal.reason);
    assert_eq!((noted.address, noted.user_agent), (source.address, source.user_agent));
    assert!(noted.code == ErrorCode::InvalidClient);
    assert!(block_on(stage.server.noted_refusal("unheard-of")).unwrap().is_none());
    // An id of something else is no refusal.
    assert!(block_on(stage.server.noted_refusal(&stage.user.id)).unwrap().is_none());
}

#[test]
fn a_flood_of_refusals_fills_nothing_and_long_reasons_are_cut() {
    let stage = Stage::new();
    let refusal = Refusal::new(ErrorCode::InvalidRequest, "no").because("x".repeat(100_000));
    let note = || {
        let id = stage.server.name_refusal();
        let client = "y".repeat(9_000);
        stage.server.note_refusal(&id, "/oauth/token", &refusal, Some(&client), &Source::default());
        id
    };
    let ids: Vec<String> = (0..1_000).map(|_| note()).collect();
    block_on(stage.server.store_refusals());
    let stored = |ids: &[String]| {
        ids.iter().filter(|id| block_on(stage.server.noted_refusal(id)).unwrap().is_some()).count()
    };
    assert_eq!(stored(&ids), 30);
    let first = block_on(stage.server.noted_refusal(&ids[0])).unwrap().unwrap();
    assert_eq!((first.reason.len(), first.client.map(|client| client.len())), (1_000, Some(300)));
    stage.pass(12);
    let later: Vec<String> = (0..100).map(|_| note()).collect();
    assert_eq!(stored(&later), 3, "one in four seconds");
}

fn service(stage: &Stage) -> (String, Secret) {
    let said = json!({
        "client_name": "Service",
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_post",
    });
    let metadata = ClientMetadata::from_object(said.as_object().unwrap()).unwrap();
    let wish = NewClient { metadata, scope: None, rotates: true };
    let (client, secret) = block_on(stage.server.add_client(wish)).unwrap();
    (client.id, secret.unwrap())
}

fn own_token(
    stage: &Stage,
    id: &str,
    secret: &Secret,
) -> Result<crate::engine::issuer::answer::TokenAnswer, Refusal> {
    stage.token(&[
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret.expose()),
        ("resource", MCP),
    ])
}

fn resource(url: &str) -> Resource {
    Resource {
        url: url.to_owned(),
        name: None,
        scopes: BTreeMap::from([("read".to_owned(), String::new())]),
        format: TokenFormat::default(),
        access_lifetime: None,
        introspectors: Vec::new(),
        tools: BTreeMap::new(),
        requires_proof: false,
        created_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn events(stage: &Stage, subject: Option<String>) -> Vec<StoredEvent> {
    let query = EventQuery { after: 0, subject, limit: 10_000 };
    block_on(stage.world.store.events(stage.world.engine.space(), query)).unwrap().value
}
