//! Calls that others ask for: by REFER, or by a 3xx.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::Engine;
use super::call::{Facts, Lead, Tie};
use super::table::Handle;
use crate::octets;
use crate::sip::StartLine;
use crate::sip::header::HeaderName;
use crate::time::{SECOND, Timestamp};

/// A call that was asked for by another and may soon begin.
#[derive(Debug)]
pub(super) struct PendingTransfer {
    pub call: Handle,
    pub lead: Lead,
    pub call_id: String,
    pub at: Timestamp,
}

/// How long a transfer may take to begin.
const TRANSFER_NS: i64 = 60 * SECOND;

/// Calls that were asked for, by the user they are to reach.
#[derive(Debug)]
pub(super) struct Transfers {
    by_target: HashMap<String, SmallVec<[PendingTransfer; 1]>, RandomState>,
    count: usize,
    limit: usize,
}

impl Transfers {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            by_target: HashMap::default(),
            count: 0,
            limit,
        }
    }

    /// Waits for one more. Says whether there was room.
    pub(super) fn push(&mut self, target: String, transfer: PendingTransfer) -> bool {
        if self.count >= self.limit {
            self.forget(transfer.at);
        }
        let room = self.count < self.limit;
        if room && !target.is_empty() {
            self.by_target.entry(target).or_default().push(transfer);
            self.count += 1;
        }
        room
    }

    /// What waits too long is not waited for any more.
    fn forget(&mut self, now: Timestamp) {
        self.by_target.retain(|_, waiting| {
            waiting.retain(|transfer| now.since(transfer.at) <= TRANSFER_NS);
            !waiting.is_empty()
        });
        self.count = self.by_target.values().map(|waiting| waiting.len()).sum();
    }

    /// Takes the first that reaches `target` and fits.
    fn take(
        &mut self,
        target: &str,
        now: Timestamp,
        fits: impl Fn(&PendingTransfer) -> bool,
    ) -> Option<PendingTransfer> {
        let waiting = self.by_target.get_mut(target)?;
        let place = waiting
            .iter()
            .position(|transfer| now.since(transfer.at) <= TRANSFER_NS && fits(transfer))?;
        let found = waiting.remove(place);
        if waiting.is_empty() {
            self.by_target.remove(target);
        }
        self.count = self.count.saturating_sub(1);
        Some(found)
    }

    pub(super) fn bytes_held(&self) -> usize {
        self.count * 200
    }
}

impl Engine {
    /// A call that begins soon after a REFER or a 3xx, to whom it named.
    pub(super) fn tie_transfer(&mut self, handle: Handle, facts: &Facts<'_, '_>) {
        let to = facts.message.to();
        let Some(user) = to.map(|to| octets::text(to.parsed_uri().user_name())) else {
            return;
        };
        let redirected = match facts.message.start_line() {
            StartLine::Request { request_uri, .. } => {
                octets::text(crate::sip::Uri::parse(request_uri).user_name())
            }
            StartLine::Response { .. } => return,
        };
        let from = facts.message.from();
        let from_user = from.map(|from| octets::text(from.parsed_uri().user_name()));
        let referred = facts.message.value(HeaderName::ReferredBy).is_some();
        let calls = &self.calls;
        let fits = |transfer: &PendingTransfer, lead| {
            let parties = calls.get(transfer.call).is_some_and(|call| {
                let user = |party: &Option<super::call::Party>| {
                    party.as_ref().and_then(|party| party.user.clone())
                };
                from_user.is_some()
                    && (user(&call.opening.from) == from_user
                        || user(&call.opening.to) == from_user)
            });
            transfer.lead == lead
                && transfer.call != handle
                && (parties || (referred && lead == Lead::Transfer))
        };
        let now = facts.at.timestamp;
        // The second attempt after a 3xx keeps its To.
        let found = [(&user, Lead::Transfer), (&redirected, Lead::Redirection)]
            .into_iter()
            .find_map(|(target, lead)| {
                let transfer = self
                    .transfers
                    .take(target, now, |transfer| fits(transfer, lead))?;
                Some((target, transfer))
            });
        let Some((target, transfer)) = found else {
            return;
        };
        let new_call_id = facts
            .message
            .call_id()
            .map(octets::text)
            .unwrap_or_default();
        let (how, to, from) = match transfer.lead {
            Lead::Transfer => ("REFER", "transferred-to", "transferred-from"),
            Lead::Redirection => ("3xx", "redirected-to", "redirected-from"),
        };
        let reason = format!("{how} to {target}, then INVITE to {target}");
        let limits = self.config.limits;
        if let Some(old) = self.calls.get_mut(transfer.call) {
            let tie = Tie {
                call_id: new_call_id,
                kind: to,
                score: 90,
                reason: reason.clone(),
            };
            old.tie(tie, &limits);
        }
        self.count_passed(transfer.call);
        if let Some(new) = self.calls.get_mut(handle) {
            let tie = Tie {
                call_id: transfer.call_id,
                kind: from,
                score: 90,
                reason,
            };
            new.tie(tie, &limits);
        }
    }
}
