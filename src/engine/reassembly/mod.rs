//! What spans several packets: IP fragments and TCP streams.

pub mod ip;
pub mod tcp;
