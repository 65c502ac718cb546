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

#[cfg(feature = "probe")]
pub mod build;
mod framing;
mod message;

pub use framing::{StunFramed, StunFramer};
pub use message::{Attribute, Class, HeaderFault, IceRole, StunMessage, method_name};

/// Whether the magic cookie stands where a STUN message has it (RFC 8489, 5).
#[inline]
#[must_use]
pub fn has_cookie(octets: &[u8]) -> bool {
    octets.get(4..8) == Some(&[0x21, 0x12, 0xa4, 0x42])
}
