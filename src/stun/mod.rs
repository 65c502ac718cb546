//! STUN messages (RFC 8489), as far as media need them.

mod message;

pub use message::{Attribute, Class, StunMessage};
