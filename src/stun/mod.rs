//! STUN messages (RFC 8489), as far as media need them.

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

mod framing;
mod message;

pub use framing::{StunFramed, StunFramer};
pub use message::{Attribute, Class, IceRole, StunMessage};
