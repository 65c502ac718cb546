//! Tunnels that packets came through.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::link::Tunnel;

/// A tunnel, and how much came through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TunnelUse {
    /// Which.
    pub tunnel: Tunnel,
    /// Packets.
    pub packets: u64,
}

/// All tunnels of a run, in the order of their first packets.
#[derive(Debug)]
pub(super) struct Tunnels {
    seen: Vec<TunnelUse>,
    places: HashMap<Tunnel, usize, RandomState>,
    limit: usize,
}

impl Tunnels {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            seen: Vec::new(),
            places: HashMap::default(),
            limit,
        }
    }

    pub(super) fn seen(&self) -> &[TunnelUse] {
        &self.seen
    }

    pub(super) fn bytes_held(&self) -> usize {
        self.seen.len() * (2 * size_of::<TunnelUse>() + 32)
    }

    /// A packet came through a tunnel. Says whether there was room for it.
    pub(super) fn count(&mut self, tunnel: Tunnel) -> bool {
        if let Some(known) = self.places.get(&tunnel) {
            if let Some(known) = self.seen.get_mut(*known) {
                known.packets += 1;
            }
            return true;
        }
        let room = self.seen.len() < self.limit;
        if room {
            self.places.insert(tunnel, self.seen.len());
            self.seen.push(TunnelUse { tunnel, packets: 1 });
        }
        room
    }
}
