//! What is said beside the data: on standard error, harmless to terminals.

use std::io::Write as _;

use colored::Colorize as _;

use crate::output::escape::terminal;

/// Says what went wrong. A standard error that can't be written to is nobody's
/// loss.
pub(super) fn error(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "{} {}", "error:".red().bold(), terminal(text));
}

/// Says what the user should know.
pub(super) fn warning(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "{} {}", "warning:".yellow().bold(), terminal(text));
}

/// Says what is going on.
#[cfg(feature = "live")]
pub(super) fn notice(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "{}", terminal(text));
}
