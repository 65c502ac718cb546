//! Rules, as `explain` lists them.

use schemars::JsonSchema;
use serde::Serialize;

/// A rule of the catalogue.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub struct RuleRecord {
    pub code: String,
    pub name: String,
    /// `error warning info`.
    pub severity: String,
    pub rfc: Option<String>,
    pub section: Option<String>,
    /// What it is about, in one sentence.
    pub title: String,
    pub manual: String,
    pub fix: String,
}
