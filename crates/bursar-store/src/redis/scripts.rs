//! The Lua scripts: each runs on the server as one step that nothing interrupts.

use std::sync::LazyLock;

/// A script and the name the server keeps it under.
#[derive(Debug)]
pub(super) struct LuaScript {
    pub(super) code: String,
    pub(super) hash: String,
}

impl LuaScript {
    fn new(body: &str) -> Self {
        let code = format!("{PRELUDE}\n{body}");
        let hash = redis::Script::new(&code).get_hash().to_owned();
        Self { code, hash }
    }
}

const PRELUDE: &str = include_str!("scripts/prelude.lua");

pub(super) static APPEND: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/append.lua")));
pub(super) static BEGIN_RESTORE: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/begin_restore.lua")));
pub(super) static CHANGES: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/changes.lua")));
pub(super) static COMMIT: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/commit.lua")));
pub(super) static COUNT: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/count.lua")));
pub(super) static DUE: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/due.lua")));
pub(super) static DUMP: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/dump.lua")));
pub(super) static END_RESTORE: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/end_restore.lua")));
pub(super) static EVENTS: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/events.lua")));
pub(super) static EXPIRE: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/expire.lua")));
pub(super) static FORGET_EVENTS: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/forget_events.lua")));
pub(super) static GET: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/get.lua")));
pub(super) static HEALTH: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/health.lua")));
pub(super) static OUTCOME: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/outcome.lua")));
pub(super) static PAGE: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/page.lua")));
pub(super) static PREPARE: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/prepare.lua")));
pub(super) static PROBE: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/probe.lua")));
pub(super) static REGISTER: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/register.lua")));
pub(super) static RESTORE: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/restore.lua")));
pub(super) static TALLY: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/tally.lua")));
pub(super) static TRACK: LazyLock<LuaScript> =
    LazyLock::new(|| LuaScript::new(include_str!("scripts/track.lua")));
