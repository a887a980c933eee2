//! `bursar completions` and `bursar man`: what a package installs beside the program, made from the arguments.

use bursar_core::provider::nearest::nearest;
use clap::CommandFactory as _;
use clap_mangen::Man;

use super::arguments::{Arguments, CompletionsCommand, ManCommand};
use super::printer::Printer;
use crate::exit::{Exit, Failure};

/// Prints the completions of one shell.
pub(super) fn completions(command: &CompletionsCommand, printer: &Printer) -> Exit {
    // Into memory first: the generator panics if its writer fails, and a pipe may be closed at any time.
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut Arguments::command(), "bursar", &mut script);
    printer.data(&String::from_utf8_lossy(&script));
    Exit::Ok
}

/// Prints a manual page as roff.
pub(super) fn man(command: &ManCommand, printer: &Printer) -> Result<Exit, Failure> {
    let mut program = Arguments::command();
    // Gives subcommands the program's name and its global options.
    program.build();
    let page = match &command.command {
        None => program,
        Some(name) => match program.find_subcommand(name) {
            Some(found) => found.clone(),
            None => return Err(unknown(&program, name)),
        },
    };
    let mut roff = Vec::new();
    let source = concat!("bursar ", env!("CARGO_PKG_VERSION"));
    Man::new(page)
        .source(source)
        .manual("bursar")
        .render(&mut roff)
        .map_err(|error| Failure::of(Exit::Error, &error))?;
    printer.data(&String::from_utf8_lossy(&roff));
    Ok(Exit::Ok)
}

fn unknown(program: &clap::Command, name: &str) -> Failure {
    let known = program.get_subcommands().map(clap::Command::get_name);
    let hint = match nearest(name, known) {
        Some(nearest) => format!("did you mean `bursar man {nearest}`?"),
        None => "see the commands with `bursar --help`".to_owned(),
    };
    Failure::new(Exit::Usage, format!("there is no command `{name}`")).hint(hint)
}
