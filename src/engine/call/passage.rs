//! What passed from one capture point to the next, how long it took, what was changed
//! on the way and what never arrived.

use super::copies::{Copy, View};
use super::{Call, ClosedCall, Facts};
use crate::engine::limits::{Limit, Limits};
use crate::engine::nat::{Change, changes};
use crate::engine::rtp_stream::RtpStream;
use crate::net::Transport;
use crate::packet::{CapturePoint, PacketRef};
use crate::time::MILLISECOND;

/// Fields that were changed between two capture points, told apart.
const MAX_CHANGES: usize = 32;
/// Losses that are named one by one.
const MAX_LOST: usize = 64;

/// RFC 3261 sends again after half a second; no way within one network is so long.
const SENT_AGAIN_NS: i64 = 300 * MILLISECOND;

/// Messages that passed two capture points, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Crossing {
    from: CapturePoint,
    to: CapturePoint,
    messages: u64,
    delay: Delay,
    changed: u64,
    changes: Vec<(Change, u64)>,
}

/// Times between two capture points, by the clock of each: they hold what the clocks
/// differ by, with the other sign the other way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delay {
    /// The least, in nanoseconds.
    pub least_ns: i64,
    /// The greatest.
    pub most_ns: i64,
    sum_ns: i64,
    count: i64,
}

impl Delay {
    fn add(&mut self, delay_ns: i64) {
        if self.count == 0 || delay_ns < self.least_ns {
            self.least_ns = delay_ns;
        }
        if self.count == 0 || delay_ns > self.most_ns {
            self.most_ns = delay_ns;
        }
        self.sum_ns = self.sum_ns.saturating_add(delay_ns);
        self.count += 1;
    }

    /// Their mean, in nanoseconds; `None` of none.
    #[must_use]
    pub const fn mean_ns(&self) -> Option<i64> {
        self.sum_ns.checked_div(self.count)
    }
}

/// What passed from one capture point to the next one on its way.
#[derive(Clone, Debug)]
pub struct Passage {
    /// Nearer to who sent it.
    pub from: CapturePoint,
    /// Farther from who sent it.
    pub to: CapturePoint,
    /// Messages that passed both.
    pub messages: u64,
    /// How long those took.
    pub delay: Delay,
    /// Messages that were changed between.
    pub changed: u64,
    /// What was changed, with one example and how often.
    pub changes: Vec<(Change, u64)>,
    /// Datagrams with messages that passed the first and never the second, though others
    /// of the same way did before and after.
    pub lost_messages: u64,
    /// Where they were seen there, and where first of all.
    pub lost: Vec<(PacketRef, PacketRef)>,
    /// RTP packets that passed the first.
    pub packets: u64,
    /// RTP packets that were missing at the second and not at the first.
    pub lost_packets: u64,
    /// The streams with such, by their numbers: at the first, at the second, packets.
    pub lossy: Vec<(u64, u64, u64)>,
}

impl Passage {
    const fn between(from: CapturePoint, to: CapturePoint) -> Self {
        Self {
            from,
            to,
            messages: 0,
            delay: Delay {
                least_ns: 0,
                most_ns: 0,
                sum_ns: 0,
                count: 0,
            },
            changed: 0,
            changes: Vec::new(),
            lost_messages: 0,
            lost: Vec::new(),
            packets: 0,
            lost_packets: 0,
            lossy: Vec::new(),
        }
    }
}

/// Which of two sightings is nearer to the sender: hops left do not lie where clocks
/// may.
fn is_nearer(one: (Option<u8>, i64), other: (Option<u8>, i64)) -> bool {
    match (one.0, other.0) {
        (Some(one), Some(other)) if one != other => one > other,
        _ => one.1 <= other.1,
    }
}

impl Call {
    /// A message was seen at one more place; `before` is the one before.
    pub(super) fn crossed(
        &mut self,
        facts: &Facts<'_, '_>,
        before: &View,
        origin: PacketRef,
        limits: &Limits,
    ) {
        let here = facts.at.capture_point;
        if before.first.capture_point == here {
            return;
        }
        // The copy before it may have been lost between: this is the last one's.
        let later = facts.at.timestamp.since(before.last);
        let ttl = facts.network.map(|network| network.ttl);
        let (from, to, delay) = match is_nearer((before.ttl, 0), (ttl, later)) {
            true => (before.first.capture_point, here, later),
            false => (here, before.first.capture_point, later.saturating_neg()),
        };
        let known = self
            .crossings
            .iter()
            .position(|own| (own.from, own.to) == (from, to));
        let place = known.unwrap_or(self.crossings.len());
        if known.is_none() {
            let room = self.crossings.len() < limits.places;
            self.passed.unless(room, Limit::Places);
            if !room {
                return;
            }
            self.crossings.push(Crossing {
                from,
                to,
                messages: 0,
                delay: Delay::default(),
                changed: 0,
                changes: Vec::new(),
            });
        }
        let Some(crossing) = self.crossings.get_mut(place) else {
            return;
        };
        crossing.messages += 1;
        crossing.delay.add(delay);
        if before.hash == facts.hash {
            return;
        }
        crossing.changed += 1;
        // The octets are kept as they were seen first.
        let kept = self.kept.iter().find(|own| own.at == origin);
        let Some(kept) = kept.filter(|_| origin == before.first) else {
            return;
        };
        let (near, far) = match from == here {
            true => (facts.message.octets(), &*kept.octets),
            false => (&*kept.octets, facts.message.octets()),
        };
        for change in changes(near, far) {
            let room = crossing.changes.len() < MAX_CHANGES;
            let mut known = crossing.changes.iter_mut();
            match known.find(|(own, _)| own.field == change.field) {
                Some((_, count)) => *count += 1,
                None if room => crossing.changes.push((change, 1)),
                None => {}
            }
        }
    }

    /// Datagrams that passed one capture point and never another, though what went the
    /// same way before and after did.
    fn lost_between(
        &self,
        from: CapturePoint,
        to: CapturePoint,
    ) -> (u64, Vec<(PacketRef, PacketRef)>) {
        let seen = |copy: &Copy, point| {
            let mut views = copy.views.iter();
            views.position(|view| view.first.capture_point == point)
        };
        let ways: Vec<(&View, Option<&View>, PacketRef)> = (self.copies.iter())
            .filter_map(|copy| {
                let near = copy.views.get(seen(copy, from)?)?;
                let far = seen(copy, to).and_then(|place| copy.views.get(place));
                let origin = copy.views.first()?.first;
                (near.flow.transport == Transport::Udp).then_some((near, far, origin))
            })
            .collect();
        let (mut count, mut named) = (0_u64, Vec::new());
        for (place, (near, far, origin)) in ways.iter().enumerate() {
            let arrived = far.map_or(0, |far| far.count);
            let lost = near.count.saturating_sub(arrived);
            let passes = |(own, far, _): &(&View, Option<&View>, PacketRef)| {
                own.flow == near.flow && far.is_some()
            };
            // Where a copy came that was sent again, the first one was on its way.
            let again = far
                .is_some_and(|far| far.first.timestamp.since(near.first.timestamp) > SENT_AGAIN_NS);
            let is_between = lost > 0
                && (arrived > 0 || ways.iter().take(place).any(passes))
                && (again || ways.iter().skip(place + 1).any(passes));
            if is_between {
                count = count.saturating_add(u64::from(lost));
                if named.len() < MAX_LOST {
                    named.push((near.first, *origin));
                }
            }
        }
        (count, named)
    }
}

impl ClosedCall {
    /// What passed from each capture point to the next.
    #[must_use]
    pub fn passages(&self) -> Vec<Passage> {
        let mut passages: Vec<Passage> = (self.call.crossings.iter())
            .map(|own| {
                let (lost_messages, lost) = self.call.lost_between(own.from, own.to);
                Passage {
                    messages: own.messages,
                    delay: own.delay,
                    changed: own.changed,
                    changes: own.changes.clone(),
                    lost_messages,
                    lost,
                    ..Passage::between(own.from, own.to)
                }
            })
            .collect();
        // Mostly one place saw all of them, and there is nothing to look up.
        let is_elsewhere = self.streams.iter().any(|own| !own.same_as.is_empty());
        let mut by_serial: Vec<&RtpStream> = self.streams.iter().filter(|_| is_elsewhere).collect();
        by_serial.sort_unstable_by_key(|own| own.serial);
        for far in self.streams.iter().filter(|own| !own.same_as.is_empty()) {
            let Some(near) = nearer(&by_serial, far) else {
                continue;
            };
            let (from, to) = (near.capture_point, far.capture_point);
            let known = passages
                .iter()
                .position(|own| (own.from, own.to) == (from, to));
            let place = known.unwrap_or(passages.len());
            if known.is_none() {
                passages.push(Passage::between(from, to));
            }
            let Some(passage) = passages.get_mut(place) else {
                continue;
            };
            let lost = lost_of(near, far);
            passage.packets += near.packets;
            passage.lost_packets += lost;
            if lost > 0 {
                passage.lossy.push((near.serial, far.serial, lost));
            }
        }
        passages.sort_by_key(|own| (own.from, own.to));
        passages
    }
}

/// The same stream at the capture point before, among those in the order of their
/// numbers.
fn nearer<'a>(streams: &[&'a RtpStream], far: &RtpStream) -> Option<&'a RtpStream> {
    // A relay sends packets of its own, with all hops left to go.
    let sighting = |own: &RtpStream| {
        let ttl = Some(own.ttl).filter(|ttl| *ttl > 0 && own.tunnel == far.tunnel);
        (ttl, own.first.timestamp.since(far.first.timestamp))
    };
    let same = far.same_as.iter().filter_map(|serial| {
        let place = streams.binary_search_by_key(serial, |own| own.serial);
        streams.get(place.ok()?).copied()
    });
    let before = same.filter(|own| {
        let (one, other) = (sighting(own), sighting(far));
        own.capture_point != far.capture_point
            && is_comparable(own, far)
            && one != other
            && is_nearer(one, other)
    });
    before.reduce(|best, own| match is_nearer(sighting(best), sighting(own)) {
        true => own,
        false => best,
    })
}

/// Whether two sightings of a stream are of the same time: else one of the two was
/// captured longer, and nothing can be said.
fn is_comparable(one: &RtpStream, other: &RtpStream) -> bool {
    let (one, other) = (one.report().expected, other.report().expected);
    one.abs_diff(other) * 100 <= one.min(other) + 500
}

/// Packets of a stream that passed one point and not the next. Where the nearer one
/// misses more, its capture does.
fn lost_of(near: &RtpStream, far: &RtpStream) -> u64 {
    far.report().lost.saturating_sub(near.report().lost)
}
