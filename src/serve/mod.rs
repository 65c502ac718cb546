//! The other end for probes.

pub mod stun;
