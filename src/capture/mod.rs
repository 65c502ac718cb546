//! Where packets come from: files, compressed or not, and standard input.

mod file;
#[cfg(feature = "live")]
pub mod filter;
#[cfg(feature = "live")]
pub mod keep;
#[cfg(feature = "live")]
pub mod live;
mod merge;
#[cfg(feature = "live")]
pub mod privileges;
mod read;

pub use file::{CaptureFile, Damage, OpenError, ReadError};
pub use merge::{Inputs, Notice, PacketSource};
pub use read::Bomb;
