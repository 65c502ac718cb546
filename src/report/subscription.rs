//! Subscriptions.

use schemars::JsonSchema;
use serde::Serialize;

use super::Point;

/// A subscription to the events of a resource (RFC 6665), or NOTIFYs that
/// nobody was seen to ask for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct SubscriptionRecord {
    pub id: String,
    pub call_id: String,
    /// The event package: `presence`, `dialog`, `message-summary` and so on.
    pub event: String,
    /// `id` of the event, which tells several in one dialog apart.
    pub event_id: Option<String>,
    /// Who subscribes.
    pub from_uri: Option<String>,
    /// To what.
    pub to_uri: Option<String>,
    pub subscriber_ip: String,
    pub subscriber_port: u16,
    pub notifier_ip: String,
    pub notifier_port: u16,
    /// Whether a SUBSCRIBE was seen.
    pub asked_for: bool,
    /// At the end: `pending active terminated expired rejected unanswered`, or
    /// `unknown` where only NOTIFYs without a state were seen.
    pub state: String,
    /// Why it was terminated: `timeout`, `rejected`, `noresource` and so on.
    pub reason: Option<String>,
    pub retry_after_s: Option<u64>,
    /// The last final response to a SUBSCRIBE.
    pub last_status: Option<u16>,
    pub expires_requested_s: Option<u64>,
    pub expires_granted_s: Option<u64>,
    /// Times it was granted after the first.
    pub refreshes: u64,
    pub notifies: u64,
    /// NOTIFYs that were refused or not answered.
    pub notifies_failed: u64,
    /// From the first SUBSCRIBE to the first NOTIFY.
    pub first_notify_ms: Option<f64>,
    /// What the NOTIFYs carried.
    pub content_types: Vec<String>,
    pub started: String,
    pub ended: Option<String>,
    /// Ids of its diagnostics.
    pub diagnostics: Vec<String>,
    pub points: Vec<Point>,
    pub frames: Option<Vec<u32>>,
}
