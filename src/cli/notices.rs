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

/// Shows where in a text it went wrong: before which character.
pub(super) fn beneath(text: &str, position: usize) {
    let before: String = text.chars().take(position).collect();
    let after: String = text.chars().skip(position).collect();
    let before = terminal(&before);
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "  {before}{}", terminal(&after));
    let _ = writeln!(stderr, "  {}^", " ".repeat(before.chars().count()));
}

/// Says what the user should know.
pub(super) fn warning(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "{} {}", "warning:".yellow().bold(), terminal(text));
}

/// Says what is going on.
pub(super) fn notice(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "{}", terminal(text));
}
