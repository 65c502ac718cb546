//! The program. All of it is in the library.

use std::process::ExitCode;

/// Thousands of small objects come and go with each call, and leave on another
/// thread than the one they came on.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    sip_inspect::cli::run()
}
