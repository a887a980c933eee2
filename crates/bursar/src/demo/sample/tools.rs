//! What the sample can do: two harmless things, each with a permission of its own.

use bursar_core::ports::clock::Clock;
use bursar_core::ports::random::Random;
use serde_json::{Value, json};

/// Something that a client can call.
#[derive(Debug)]
pub(in crate::demo) struct Tool {
    /// What it is called.
    pub(in crate::demo) name: &'static str,
    /// The scope that allows it.
    pub(in crate::demo) scope: &'static str,
    /// What the consent page says of that scope.
    pub(in crate::demo) permission: &'static str,
    description: &'static str,
    pub(super) run: fn(&dyn Clock, &dyn Random) -> String,
}

impl Tool {
    /// As `tools/list` tells it.
    pub(super) fn document(&self) -> Value {
        json!({
            "name": self.name,
            "description": self.description,
            "inputSchema": { "type": "object", "properties": {}, "additionalProperties": false },
        })
    }
}

/// All of them. Who comes without a token is asked for the permission of the first.
pub(in crate::demo) const TOOLS: [Tool; 2] = [
    Tool {
        name: "current_time",
        scope: "time:read",
        permission: "Read the time on this machine",
        description: "Tells the time",
        run: |clock, _| format!("{:.0}", clock.now()),
    },
    Tool {
        name: "roll_dice",
        scope: "dice:roll",
        permission: "Roll a die",
        description: "Rolls a die",
        run: |_, random| {
            let mut byte = [0];
            random.fill(&mut byte);
            // The few that are left over make no difference that a demo would show.
            (byte[0] % 6 + 1).to_string()
        },
    },
];
