//! Refusals in the dialects of real providers: status 200, other members, other words, numbers for words.

use bursar_core::lifecycle::account::Standing;
use bursar_core::lifecycle::failure::CauseKind;
use bursar_core::provider::Provider;
use misbehaving_provider::{AnswerFormat, Behaviour, ErrorShape};

use super::world::{LIFE, World};

/// How a revoked login is told, how the description speaks of it, and what the account then says.
struct Dialect {
    name: &'static str,
    behave: fn(&mut Behaviour),
    describe: fn(&mut Provider),
    message: &'static str,
}

fn dialects() -> [Dialect; 7] {
    let plain: fn(&mut Provider) = |_| {};
    [
        Dialect {
            name: "status 200",
            behave: |behaviour| behaviour.token.errors.in_200 = true,
            describe: plain,
            message: "the provider answered invalid_grant: the refresh token is invalid, expired or revoked",
        },
        Dialect {
            name: "status 403",
            behave: |behaviour| {
                behaviour.token.errors.statuses.insert("invalid_grant".into(), 403);
            },
            describe: plain,
            message: "the provider answered invalid_grant: the refresh token is invalid, expired or revoked",
        },
        Dialect {
            name: "a number for a description",
            behave: |behaviour| behaviour.token.errors.numeric_description = true,
            describe: plain,
            message: "the provider answered invalid_grant: 4000017",
        },
        Dialect {
            name: "a form",
            behave: |behaviour| behaviour.token.format = AnswerFormat::Form,
            describe: plain,
            message: "the provider answered invalid_grant: the refresh token is invalid, expired or revoked",
        },
        Dialect {
            name: "`ok: false` with status 200",
            behave: |behaviour| {
                behaviour.token.errors.in_200 = true;
                behaviour.token.errors.shape = ErrorShape::OkFalse;
            },
            describe: |provider| provider.token_response.ok_path = Some("ok".into()),
            message: "the provider answered invalid_grant",
        },
        Dialect {
            name: "another word",
            behave: |behaviour| {
                behaviour.token.errors.synonyms.insert("invalid_grant".into(), "bad_refresh_token".into());
            },
            describe: |provider| provider.errors.permanent.push("bad_refresh_token".into()),
            message: "the provider answered bad_refresh_token: the refresh token is invalid, expired or revoked",
        },
        Dialect {
            name: "other members",
            behave: |behaviour| behaviour.token.errors.shape = ErrorShape::StatusMember,
            describe: |provider| {
                provider.token_response.error_path = Some("status".into());
                provider.token_response.error_description_path = Some("message".into());
                provider.errors.permanent.push("invalid_grant".into());
            },
            message: "the provider answered INVALID_GRANT: the refresh token is invalid, expired or revoked",
        },
    ]
}

#[tokio::test]
async fn a_login_revoked_at_the_provider_is_told_from_every_dialect() {
    for Dialect { name, behave, describe, message } in dialects() {
        let world = World::with(behave, describe).await;
        world.login("work").await;
        let old = world.token("work").await;
        assert!(world.provider.revoke(&old), "{name}");
        world.at(LIFE - 100);
        // The provider has ended the token too, but did not tell; whoever sees it refused says so with `--rejected-file`.
        assert_eq!(world.token("work").await, old, "{name}");
        let account = world.account("work").await;
        let Standing::NeedsLogin { cause, .. } = &account.standing else { panic!("{name}: {account:?}") };
        assert_eq!((cause.kind, cause.detail.as_str()), (CauseKind::GrantRefused, message), "{name}");
        assert!(account.refresh.is_some() && account.journal.is_none(), "{name}: {account:?}");
        world.at(LIFE + 1);
        let error = world.hand_out("work").await.unwrap_err();
        assert_eq!(error.to_string(), format!("faulty:work needs a login: {message}"), "{name}");
    }
}
