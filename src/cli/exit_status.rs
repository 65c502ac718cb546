//! What the program answers to whoever started it.

use std::process::ExitCode;

/// The exit statuses that are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExitStatus {
    /// Done.
    Done = 0,
    /// Done, but what was asked for is not so.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// An input can't be opened or is no capture.
    Input = 3,
    /// With `--strict`: the results are incomplete.
    Incomplete = 4,
    /// An output could not be written whole.
    Output = 5,
    /// There is no capturing: permission, or no such interface.
    Capture = 6,
    /// A probe got no answer.
    NoAnswer = 7,
    /// A probe got answers that do not suffice.
    Inconclusive = 8,
    /// A fault of the program itself.
    Internal = 70,
    /// Interrupted a second time.
    Interrupted = 130,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status as u8)
    }
}
