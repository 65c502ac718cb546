//! Connections that a host opens because it was asked to through somebody else
//! (RFC 5128, 3.2).

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::engine::Engine;
use crate::engine::nat::MAX_NOTES;
use crate::net::{Flow, Transport};
use crate::packet::{CapturePoint, PacketRef};
use crate::time::{SECOND, Timestamp};

/// A host opens the way to a peer right after a third told it something, and
/// the peer had told the third something right before.
#[derive(Clone, Copy, Debug)]
pub struct Reversal {
    /// From the one who was asked to the one who wanted to be reached.
    pub opened: Flow,
    /// The first packet on it.
    pub at: PacketRef,
    /// From the third to the one who was asked.
    pub prompt: Flow,
    /// From the one who wanted to be reached to the third.
    pub wish: Flow,
}

/// The last flows toward each host.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    toward: HashMap<(CapturePoint, IpAddr), VecDeque<Flow>, RandomState>,
}

/// Hosts and flows toward each that are remembered: a rendezvous is short.
const MAX_HOSTS: usize = 4096;
const MAX_FLOWS: usize = 16;
/// How long each step may take.
const STEP_NS: i64 = SECOND;
/// Ports of servers that answer everybody: name service, time.
pub const SERVERS: [u16; 3] = [53, 123, 5353];

impl Arrivals {
    pub(super) fn bytes_held(&self) -> usize {
        self.toward.len() * (MAX_FLOWS * size_of::<Flow>() + 64)
    }

    /// Remembers one. Says whether there was room, without forgetting the others.
    fn add(&mut self, point: CapturePoint, flow: Flow) -> bool {
        let key = (point, flow.dst.ip);
        let room = self.toward.len() < MAX_HOSTS || self.toward.contains_key(&key);
        if !room {
            self.toward.clear();
        }
        let flows = self.toward.entry(key).or_default();
        if flows.len() >= MAX_FLOWS {
            flows.pop_front();
        }
        flows.push_back(flow);
        room
    }

    fn toward(&self, point: CapturePoint, ip: IpAddr) -> impl Iterator<Item = Flow> {
        let flows = self.toward.get(&(point, ip));
        flows.into_iter().flatten().rev().copied()
    }
}

impl Engine {
    /// The first packet between two hosts one way, of no protocol that finds
    /// peers by itself.
    pub(super) fn nat_opened(&mut self, at: PacketRef, flow: Flow) {
        if [flow.src.port, flow.dst.port]
            .iter()
            .any(|port| SERVERS.contains(port))
        {
            return;
        }
        if let Some(found) = self.reversal(at, flow) {
            let room = self.nat.reversals.len() < MAX_NOTES;
            if room {
                self.nat.reversals.push(found);
            }
            self.nat_noted(room);
        }
        let room = self.nat.arrivals.add(at.capture_point, flow);
        self.nat_noted(room);
    }

    fn reversal(&self, at: PacketRef, opened: Flow) -> Option<Reversal> {
        let (point, now) = (at.capture_point, at.timestamp);
        let (host, peer) = (opened.src.ip, opened.dst.ip);
        let shortly = |last: Timestamp, until: Timestamp| {
            (0..=STEP_NS).contains(&until.since(last)).then_some(last)
        };
        // The peer got through by itself, or this is its answer.
        if self.last_on(point, opened.reversed()).is_some() {
            return None;
        }
        let mut prompts = self.nat.arrivals.toward(point, host);
        prompts.find_map(|prompt| {
            let third = prompt.src;
            if [host, peer].contains(&third.ip) {
                return None;
            }
            let told = shortly(self.last_on(point, prompt)?, now)?;
            // An answer is no request: the host itself had not asked.
            let asked = self.last_on(point, prompt.reversed())?;
            let mut wishes = self.nat.arrivals.toward(point, third.ip);
            let wish = wishes.find(|wish| {
                wish.src.ip == peer
                    && self
                        .last_on(point, *wish)
                        .is_some_and(|last| shortly(last, told).is_some() && asked < last)
            })?;
            Some(Reversal {
                opened,
                at,
                prompt,
                wish,
            })
        })
    }

    /// When octets last went on a flow that is no signalling of ours.
    fn last_on(&self, point: CapturePoint, flow: Flow) -> Option<Timestamp> {
        let key = (point, flow);
        match flow.transport {
            Transport::Udp => {
                let contact = self.nat.contacts.find(&key)?;
                Some(self.nat.contacts.get(contact)?.last)
            }
            _ => self.tcp_other(&key),
        }
    }
}
