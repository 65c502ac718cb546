//! Signals that ask for the end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::ExitStatus;

/// The first SIGINT or SIGTERM asks for the end, the second SIGINT is one.
pub(super) fn heed(stop: &Arc<AtomicBool>) -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag;
    let twice = i32::from(ExitStatus::Interrupted as u8);
    flag::register_conditional_shutdown(SIGINT, twice, Arc::clone(stop))?;
    flag::register(SIGINT, Arc::clone(stop))?;
    flag::register(SIGTERM, Arc::clone(stop))?;
    Ok(())
}
