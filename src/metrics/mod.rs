//! Figures of merit, computed from what the engine counted.

mod e_model;

pub use e_model::{Quality, quality};
