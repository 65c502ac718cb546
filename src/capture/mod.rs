//! Where packets come from: files, compressed or not, and standard input.

mod chunk;
mod file;
#[cfg(feature = "live")]
pub mod filter;
#[cfg(feature = "live")]
pub mod hep;
#[cfg(feature = "live")]
pub mod keep;
#[cfg(feature = "live")]
pub mod live;
pub mod log;
mod merge;
mod pipeline;
#[cfg(feature = "live")]
pub mod privileges;
mod read;

pub use file::{CaptureFile, Damage, OpenError, ReadError};
pub use merge::{Inputs, Notice, PacketSource, Step};
pub use pipeline::{Desk, Follower};
pub use read::Bomb;
