//! Fax over IP (ITU-T T.38): packets of UDPTL, what they carry of the fax, and what the two
//! machines say to each other in it (ITU-T T.30).

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

pub mod ifp;
pub mod t30;
pub mod udptl;

pub use ifp::{FieldKind, Ifp, Modulation};
pub use t30::{Resolution, Signal, T30Frame};
pub use udptl::{Recovery, UdptlPacket};

#[cfg(test)]
mod tests;
