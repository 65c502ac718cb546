//! Where messages and media of a ladder pass NATs.

use std::collections::{BTreeMap, BTreeSet};

use super::Story;
use crate::report::{NatMappingRecord, StreamRecord};

/// Hosts inside and their NATs, where both sides were captured.
#[derive(Debug, Default)]
pub(super) struct Nats<'r> {
    /// Who is seen as an outside endpoint.
    inside: BTreeMap<(&'r str, u16), &'r str>,
    /// The NAT of a host inside, by its outside address.
    outside: BTreeMap<&'r str, &'r str>,
    /// Where what hosts inside send was captured as they send it.
    points: BTreeSet<(&'r str, &'r str)>,
}

impl<'r> Nats<'r> {
    /// Those between hosts of a story: without a view of the inside, a NAT is
    /// drawn as the host that it seems to be.
    pub(super) fn of(story: &Story<'r>) -> Self {
        let mut hosts: BTreeSet<&str> = BTreeSet::new();
        for message in story.messages {
            if story.is_ours(message.call_id.as_deref()) {
                hosts.extend([message.src_ip.as_str(), message.dst_ip.as_str()]);
            }
        }
        let mut nats = Self::default();
        let is_drawn = |row: &&NatMappingRecord| {
            hosts.contains(row.inside_ip.as_str())
                && row
                    .learned_by
                    .iter()
                    .any(|how| how.starts_with("same-packet"))
        };
        for row in story.nats.iter().filter(is_drawn) {
            let outside = (row.outside_ip.as_str(), row.outside_port);
            nats.inside.insert(outside, &row.inside_ip);
            nats.outside.insert(&row.inside_ip, &row.outside_ip);
        }
        for message in story.messages {
            nats.points
                .insert((&message.src_ip, &message.capture_point));
        }
        nats
    }

    /// The host that an endpoint stands for.
    pub(super) fn host(&self, ip: &'r str, port: u16) -> &'r str {
        self.inside.get(&(ip, port)).copied().unwrap_or(ip)
    }

    /// The NAT between two hosts.
    pub(super) fn between(&self, a: &str, b: &str) -> Option<&'r str> {
        let of = |host| self.outside.get(host).copied();
        match (of(a), of(b)) {
            (Some(nat), None) if b != nat => Some(nat),
            (None, Some(nat)) if a != nat => Some(nat),
            _ => None,
        }
    }

    /// The NAT of a host inside.
    pub(super) fn nat_of(&self, host: &str) -> Option<&'r str> {
        self.outside.get(host).copied()
    }

    /// Whether a stream toward a host inside was captured outside alone: it goes
    /// to an address that leads nowhere there.
    pub(super) fn is_lost(&self, stream: &StreamRecord) -> bool {
        let host = stream.dst_ip.as_str();
        let mut points = stream.capture_points.iter();
        self.outside.contains_key(host)
            && !self.outside.contains_key(stream.src_ip.as_str())
            && !points.any(|point| self.points.contains(&(host, point.as_str())))
    }

    /// Whether a lane is that of a NAT.
    pub(super) fn is_nat(&self, host: &str) -> bool {
        self.outside.values().any(|nat| *nat == host)
    }
}
