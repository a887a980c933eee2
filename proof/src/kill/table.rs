//! Runs everything and prints it as Markdown.

use std::fmt::Write as _;

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::ending::{self, Ending};
use super::error::Broken;
use super::outcome::Outcome;
use super::policy::Policy;
use super::process::Program;
use super::scenario::{Refresher, Scenario, run};
use super::step::Step;

/// Plays every scenario and every other ending; the tables of all that came out.
pub async fn table(program: &Program) -> Result<String, Broken> {
    let mut text = String::new();
    for policy in Policy::ALL {
        section(&mut text, program, policy).await?;
    }
    text.push_str("\n### Other ends of a refresh\n\n| what happens | outcome |\n|---|---|\n");
    for ending in Ending::ALL {
        let outcome = ending::play(program, ending).await?;
        line(&mut text, &[&ending, &outcome]);
    }
    text.push('\n');
    Ok(text)
}

/// One policy: the scenarios run side by side, their rows stay in order.
async fn section(text: &mut String, program: &Program, policy: Policy) -> Result<(), Broken> {
    let outcomes = |sibling| {
        stream::iter(Step::ALL)
            .map(move |step| run(program, Scenario { policy, step, sibling, refresher: Refresher::Command }))
            .buffered(SIDE_BY_SIDE)
            .try_collect::<Vec<Outcome>>()
    };
    let alone = outcomes(false).await?;
    let title = policy.title();
    if policy.allows_sibling() {
        let beside = outcomes(true).await?;
        heading(
            text,
            title,
            "| killed | outcome | with a second process waiting | it gets |\n|---|---|---|---|\n",
        );
        for ((step, alone), beside) in Step::ALL.iter().zip(&alone).zip(&beside) {
            let gets = beside.sibling.map(|given| given.to_string()).unwrap_or_default();
            line(text, &[&step.title(), alone, beside, &gets]);
        }
    } else {
        heading(text, title, "| killed | outcome |\n|---|---|\n");
        for (step, alone) in Step::ALL.iter().zip(&alone) {
            line(text, &[&step.title(), alone]);
        }
    }
    Ok(())
}

fn heading(text: &mut String, title: &str, columns: &str) {
    // Writing to a `String` cannot fail.
    let _ = write!(text, "\n### {}\n\n{columns}", capitalised(title));
}

fn line(text: &mut String, cells: &[&dyn std::fmt::Display]) {
    text.push('|');
    for cell in cells {
        let _ = write!(text, " {cell} |");
    }
    text.push('\n');
}

fn capitalised(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Two cores, and processes that mostly wait for each other.
const SIDE_BY_SIDE: usize = 4;
