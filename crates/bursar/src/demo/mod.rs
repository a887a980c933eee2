//! The demo: an authorization server, an MCP server behind it, somebody who logs in, and a thief, all of them real.
//!
//! `house` puts what the demo needs into an ephemeral server, `show` plays the steps; `holder`, `person`, `program` and
//! `wiretap` take part in it, and `sample` is the MCP server. Nothing is pretended: they all talk over HTTP, every step
//! tells what came of it, and the first one that does not hold ends the show. How it looks is for `cli::demo`.

mod holder;
mod house;
mod person;
mod program;
mod sample;
mod show;
mod wiretap;

pub(crate) use self::house::{SampleUser, house};
pub(crate) use self::person::Visitor;
pub(crate) use self::sample::PATH;
pub(crate) use self::show::{Show, Step};

use std::fmt::Display;

use crate::exit::{Exit, Failure};

/// Something did not come out as it must on any machine.
fn broken(what: impl Display) -> Failure {
    Failure::new(Exit::Error, what.to_string())
        .hint("this should never be: see every decision with `bursar --verbose demo --once`, and report it")
}
