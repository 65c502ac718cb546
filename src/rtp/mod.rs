//! RTP and RTCP (RFC 3550): packets, and what a receiver learns of a source.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

pub mod dtmf;
pub mod g711;
mod jitter;
mod packet;
mod receiver;
pub mod rtcp;
#[cfg(feature = "probe")]
pub mod session;

pub use jitter::{CLOCK_RATES, Jitter};
pub use packet::{RtpPacket, looks_like_rtcp};
pub use receiver::{Received, Receiver, ReceiverReport};
