//! Subscriptions as records.

use super::scribe::Scribe;
use crate::engine::call::{ClosedCall, Subscription};
use crate::report::{SubscriptionRecord, milliseconds};

impl Scribe {
    /// It gets its number when it is told.
    pub(super) fn subscription(
        &self,
        subscription: &Subscription,
        closed: &ClosedCall,
    ) -> SubscriptionRecord {
        let point = subscription.first.capture_point;
        let uri = |party: &Option<crate::engine::call::Party>| {
            party.as_ref().map(|party| party.uri.clone())
        };
        let state = subscription.state(closed.at);
        let over = matches!(state, "terminated" | "rejected" | "expired");
        SubscriptionRecord {
            id: String::new(),
            call_id: closed.call.call_id.clone(),
            event: subscription.event.clone(),
            event_id: subscription.event_id.clone(),
            from_uri: uri(&subscription.from),
            to_uri: uri(&subscription.to),
            subscriber_ip: subscription.flow.src.ip.to_string(),
            subscriber_port: subscription.flow.src.port,
            notifier_ip: subscription.flow.dst.ip.to_string(),
            notifier_port: subscription.flow.dst.port,
            asked_for: subscription.asked.is_some(),
            state: state.to_owned(),
            reason: subscription.reason.clone(),
            retry_after_s: subscription.retry_after,
            last_status: subscription.last_status,
            expires_requested_s: subscription.expires_requested,
            expires_granted_s: subscription.expires_granted,
            refreshes: subscription.grants.saturating_sub(1),
            notifies: subscription.notifies,
            notifies_failed: subscription.notifies_failed,
            first_notify_ms: subscription
                .asked
                .zip(subscription.first_notified)
                .map(|(asked, notified)| milliseconds(notified.since(asked))),
            content_types: subscription.content_types.clone(),
            started: self.stamp(point, subscription.first.timestamp),
            ended: over.then(|| self.stamp(point, subscription.last)),
            diagnostics: Vec::new(),
            points: self.points_of(&closed.call.frames),
            frames: self.shorthand(&closed.call.frames),
        }
    }
}
