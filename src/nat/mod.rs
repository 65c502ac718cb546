//! What NATs do to the traffic that passed: each inference is a pure function of
//! recorded facts, and "not enough evidence" is an answer.
//!
//! [`crate::engine::nat::NatFacts`] holds the facts: rows of the translation
//! table, who sent to whom, tests of filters, messages that were rewritten. The
//! rules of the NAT family ask the questions here.

#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

pub mod behavior;
pub mod contacts;
pub mod device;
pub mod emulator;
pub mod filtering;
pub mod mapping;
pub mod ports;
pub mod prediction;
pub mod survey;
pub mod technique;
pub mod usage;
