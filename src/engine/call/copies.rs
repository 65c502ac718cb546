//! Telling a message that was sent again from one that was captured again.

use smallvec::SmallVec;

use super::{Call, Facts, Seen, digest};
use crate::engine::limits::{Limit, Limits};
use crate::net::Flow;
use crate::packet::PacketRef;
use crate::sip::MAGIC_COOKIE;
use crate::time::{MILLISECOND, SECOND, Timestamp};

/// A packet captured twice comes again at once; RFC 3261 waits T1 or longer.
const CAPTURED_TWICE_NS: i64 = 5 * MILLISECOND;

/// One message and where its copies were seen.
#[derive(Debug)]
pub(super) struct Copy {
    identity: u64,
    pub(super) views: SmallVec<[View; 1]>,
}

/// Its copies at one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// The first of them.
    pub(super) first: PacketRef,
    pub(super) flow: Flow,
    /// Which mirror showed it, 0 for none: one more pair of eyes.
    mirror: u32,
    pub(super) hash: u64,
    pub(super) count: u32,
    pub(super) last: Timestamp,
    /// With how many hops left to go.
    pub(super) ttl: Option<u8>,
    identification: Option<u32>,
}

/// No copy is sent later than this after the message: 64*T1 (RFC 3261, 17).
const COPIES_NS: i64 = 32 * SECOND;

impl Call {
    /// A copy at another capture point, or under other addresses, is the same
    /// message on its way; at the same place it was sent again, unless the
    /// packet itself is the same.
    pub(super) fn classify(&mut self, facts: &Facts<'_, '_>, limits: &Limits) -> Seen {
        let identity = identity(facts);
        let identification = facts
            .network
            .and_then(|network| network.identification)
            .filter(|&identification| identification != 0);
        let at = facts.at.timestamp;
        let mirror = facts.tunnel.filter(|tunnel| tunnel.kind.is_mirror());
        let mirror = mirror.map_or(0, |tunnel| (digest(tunnel) >> 32) as u32 | 1);
        let here = |view: &View| {
            view.first.capture_point == facts.at.capture_point
                && view.flow == facts.flow
                && view.mirror == mirror
        };
        let fresh = View {
            first: facts.at,
            ttl: facts.network.map(|network| network.ttl),
            flow: facts.flow,
            mirror,
            hash: facts.hash,
            count: 1,
            last: at,
            identification,
        };
        let Some(copy) = self
            .copies
            .iter_mut()
            .rev()
            .find(|copy| copy.identity == identity)
        else {
            if self.copies.len() >= limits.copies_per_call
                && let Some(oldest) = self.copies.pop_front()
            {
                let over = oldest
                    .views
                    .iter()
                    .all(|view| at.since(view.last) > COPIES_NS);
                self.passed.unless(over, Limit::CopiesPerCall);
            }
            if self.copies.len() == self.copies.capacity() {
                self.copies.reserve_exact(1 + self.copies.len() / 4);
            }
            self.copies.push_back(Copy {
                identity,
                views: SmallVec::from_iter([fresh]),
            });
            return Seen::New;
        };
        let elsewhere = copy
            .views
            .iter()
            .filter(|view| !here(view))
            .map(|view| view.count)
            .max()
            .unwrap_or(0);
        let Some(view) = copy.views.iter_mut().find(|view| here(view)) else {
            let room = copy.views.len() < limits.places;
            self.passed.unless(room, Limit::Places);
            let origin = copy.views.first().map(|view| view.first);
            let before = copy.views.last().copied();
            if room {
                copy.views.push(fresh);
            }
            if let Some((before, origin)) = before.zip(origin) {
                self.crossed(facts, &before, origin, limits);
            }
            return Seen::Duplicate;
        };
        let since = at.since(view.last).abs();
        let same_packet = view.hash == facts.hash
            && match (view.identification, identification) {
                (Some(before), Some(now)) => before == now && since < SECOND,
                _ => since < CAPTURED_TWICE_NS,
            };
        if same_packet {
            return Seen::Duplicate;
        }
        let changed = view.hash != facts.hash;
        view.hash = facts.hash;
        view.last = at;
        view.identification = identification;
        view.count = view.count.saturating_add(1);
        if view.count <= elsewhere {
            Seen::Duplicate
        } else if changed && facts.status.is_some_and(|status| status < 200) {
            // A provisional response may say something new each time.
            Seen::New
        } else {
            Seen::Retransmission
        }
    }
}

/// What makes two messages the same on one hop, whatever a NAT or an ALG
/// rewrote between two capture points.
fn identity(facts: &Facts<'_, '_>) -> u64 {
    let via = facts.message.top_via().ok();
    let branch = via.and_then(|via| via.branch);
    let what = (
        facts.is_response,
        facts.status,
        &facts.method,
        facts.cseq,
        &facts.from_tag,
        &facts.to_tag,
    );
    match branch.filter(|branch| branch.starts_with(MAGIC_COOKIE.as_bytes())) {
        Some(branch) => digest((what, branch)),
        None => digest((
            what,
            branch,
            via.map(|via| via.sent_by),
            facts.message.via_count(),
        )),
    }
}
