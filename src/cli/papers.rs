//! `completions` and `man`: made from the arguments themselves.

use std::io::{self, Write as _};

use clap::CommandFactory as _;

use super::ExitStatus;
use super::args::Args;
use super::reporter::output_status;

/// Prints the completions of a shell.
pub(super) fn completions(shell: clap_complete::Shell) -> ExitStatus {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "sip-inspect", &mut script);
    print(&script)
}

/// Prints the manual page of the program, or of one verb.
pub(super) fn man(verb: Option<&str>) -> ExitStatus {
    let mut command = Args::command();
    command.build();
    let page = match verb {
        None => Some(command),
        Some(verb) => command.find_subcommand(verb).cloned(),
    };
    let Some(page) = page else {
        super::notices::error("there is no such verb");
        return ExitStatus::Usage;
    };
    let mut text = Vec::new();
    if let Err(error) = clap_mangen::Man::new(page).render(&mut text) {
        return output_status(Err(error), "standard output");
    }
    print(&text)
}

fn print(octets: &[u8]) -> ExitStatus {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(octets).and_then(|()| stdout.flush());
    output_status(written, "standard output")
}
