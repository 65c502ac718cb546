//! What a machine allows.

use schemars::JsonSchema;
use serde::Serialize;

/// All that was looked at.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Examination {
    /// The version of the field names.
    pub schema: String,
    /// The version of the program.
    pub version: String,
    /// Whether nothing is bad.
    pub healthy: bool,
    /// Each thing.
    pub checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Check {
    /// What.
    pub name: String,
    /// `good`, `bad`, or `note` for what is only worth knowing.
    pub state: String,
    /// What was found.
    pub says: String,
    /// What to do about it.
    pub fix: Option<String>,
}
