//! A server on a store that was restored from a backup: nothing that was issued counts before somebody has said so.

use std::sync::Arc;

use futures::executor::block_on;
use serde_json::json;

use super::stage::{MCP, Stage, assert_refused};
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::administration::clients::NewClient;
use crate::engine::issuer::answer::TokenAnswer;
use crate::engine::issuer::exchange::Source;
use crate::engine::issuer::records::resource::TokenFormat;
use crate::engine::issuer::refusal::IssueError;
use crate::engine::issuer::token::ClientRequest;
use crate::engine::test_world::{World, tokens};
use crate::memory::MemoryStore;
use crate::oauth::error::ErrorCode;
use crate::oauth::form::Parameters;
use crate::oauth::server::client_metadata::ClientMetadata;
use crate::ports::store::Store;
use crate::secret::Secret;

/// The same installation on a copy of its store.
fn copy_of(stage: &Stage) -> Stage {
    let mut file = Vec::new();
    block_on(stage.world.engine.back_up(&mut file)).unwrap();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(stage.world.clock.clone(), "unused"));
    let engine = stage.world.engine.on_store(store.clone());
    block_on(engine.restore_backup(&mut file.as_slice())).unwrap();
    let world = World::on(store, stage.world.clock.clone(), "", |_| tokens("a1", None));
    let passwords = stage.server.within.passwords.clone();
    let server = AuthorizationServer::new(world.engine.clone(), stage.server.rules().clone(), passwords);
    Stage { world, server, ..stage.clone() }
}

fn refresh(stage: &Stage, token: &Secret) -> Result<TokenAnswer, IssueError> {
    let mut form = Parameters::new();
    for (name, value) in
        [("grant_type", "refresh_token"), ("client_id", &stage.client.id), ("refresh_token", token.expose())]
    {
        form.append(name, value);
    }
    let source = Source::default();
    let request = ClientRequest { parameters: &form, authorization: None, proofs: &[], source: &source };
    block_on(stage.server.token(&request))
}

#[test]
fn a_restored_server_honours_nothing_until_its_grants_are_accepted() {
    let stage = Stage::new();
    let first = stage.log_in();
    let token = first.refresh_token.unwrap();
    let copy = copy_of(&stage);
    let suspended = refresh(&copy, &token).unwrap_err();
    assert!(matches!(suspended, IssueError::Store(_)), "the client keeps its token: {suspended:?}");
    assert_eq!(suspended.to_refusal().code, ErrorCode::TemporarilyUnavailable);
    assert!(block_on(copy.server.valid_access_token(&first.access_token)).is_err());
    assert!(block_on(copy.server.session_of(&copy.cookie)).is_err());
    block_on(copy.world.engine.let_grants_stand()).unwrap();
    assert!(copy.is_good(&first.access_token));
    refresh(&copy, &token).unwrap();
}

#[test]
fn a_grant_that_was_taken_back_after_the_backup_is_not_revived() {
    let stage = Stage::new();
    let first = stage.log_in();
    let token = first.refresh_token.unwrap();
    let copy = copy_of(&stage);
    assert!(block_on(stage.server.withdraw_grant(&stage.user.id, &stage.client.id)).unwrap());
    assert!(refresh(&copy, &token).is_err(), "nobody knows here that it is dead");
    assert_eq!(block_on(copy.server.end_everything_issued()).unwrap(), 1);
    block_on(copy.world.engine.let_new_grants_stand()).unwrap();
    copy.pass(1);
    assert_refused(copy.refresh(&token), &ErrorCode::InvalidGrant);
    assert!(!copy.is_good(&first.access_token));
    assert!(block_on(copy.server.session_of(&copy.cookie)).unwrap().is_none(), "everybody signs in anew");
    assert_eq!(block_on(copy.server.end_everything_issued()).unwrap(), 0);
}

#[test]
fn a_token_that_was_rotated_after_the_backup_ends_nothing_there() {
    let stage = Stage::new();
    let token = stage.log_in().refresh_token.unwrap();
    let copy = copy_of(&stage);
    let newer = stage.refresh(&token).unwrap().refresh_token.unwrap();
    stage.pass(120);
    let newest = stage.refresh(&newer).unwrap().refresh_token.unwrap();
    block_on(copy.world.engine.let_grants_stand()).unwrap();
    assert_refused(copy.refresh(&newest), &ErrorCode::InvalidGrant);
    // What the store knows still goes on: a store that is behind must not take it for a replay.
    copy.refresh(&token).unwrap();
}

/// A client that asks for tokens of its own.
fn service(stage: &Stage) -> impl Fn(&Stage) -> Secret + use<> {
    let said = json!({
        "client_name": "Service",
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_post",
    });
    let metadata = ClientMetadata::from_object(said.as_object().unwrap()).unwrap();
    let wish = NewClient { metadata, scope: None, rotates: true };
    let (client, secret) = block_on(stage.server.add_client(wish)).unwrap();
    move |stage| {
        let answer = stage.token(&[
            ("grant_type", "client_credentials"),
            ("client_id", &client.id),
            ("client_secret", secret.as_ref().unwrap().expose()),
            ("resource", MCP),
        ]);
        answer.unwrap().access_token
    }
}

#[test]
fn after_a_revocation_no_access_token_from_before_counts_whatever_it_rests_on() {
    for format in [TokenFormat::default(), TokenFormat::Opaque] {
        let stage = Stage::with_format(format);
        let service = service(&stage);
        let before = [stage.log_in().access_token, service(&stage)];
        let copy = copy_of(&stage);
        stage.pass(5);
        // Of these the copy has no record at all.
        let after = [stage.another("bob").log_in().access_token, service(&stage)];
        block_on(copy.server.end_everything_issued()).unwrap();
        block_on(copy.world.engine.let_new_grants_stand()).unwrap();
        let early = block_on(copy.server.valid_access_token(&before[0]));
        assert!(matches!(early, Err(IssueError::Store(_))), "the second is not over: {early:?}");
        assert!(block_on(copy.world.engine.is_suspended()).unwrap());
        copy.pass(1);
        assert!(!block_on(copy.world.engine.is_suspended()).unwrap());
        for token in before.iter().chain(&after) {
            assert!(stage.is_good(token) && !copy.is_good(token), "{format:?}");
            assert!(block_on(copy.server.valid_access_token(token)).unwrap().is_none());
        }
        let fresh = service(&copy);
        assert!(copy.is_good(&fresh));
        // It stays so in a copy of the copy, whatever is said of that one.
        let third = copy_of(&copy);
        block_on(third.world.engine.let_grants_stand()).unwrap();
        assert!(third.is_good(&fresh) && !third.is_good(&after[1]), "{format:?}");
    }
}
