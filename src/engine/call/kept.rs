//! Messages kept until their call is told: whoever judges it reads them again.

use std::collections::VecDeque;

use super::{Call, Facts};
use crate::engine::limits::{Limit, Limits};
use crate::net::Flow;
use crate::packet::PacketRef;

/// One message, as it was captured first.
#[derive(Clone, Debug)]
pub struct KeptMessage {
    /// Where and when.
    pub at: PacketRef,
    /// From whom to whom.
    pub flow: Flow,
    /// Its octets.
    pub octets: Box<[u8]>,
    /// Its transaction, by its place in the call.
    pub transaction: usize,
    /// Whether the capture cut it.
    pub is_cut: bool,
    /// In how many packets it came.
    pub packets: u32,
}

/// The messages of a call, without those that were sent or captured again.
#[derive(Debug, Default)]
pub struct Kept {
    messages: VecDeque<KeptMessage>,
    octets: usize,
    /// Messages that are kept no more, or never were for want of room.
    pub forgotten: u64,
}

impl Kept {
    /// In the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &KeptMessage> {
        self.messages.iter()
    }

    /// Octets held, about.
    pub(super) fn cost(&self) -> usize {
        self.octets + self.messages.len() * (size_of::<KeptMessage>() + 16)
    }

    /// One more is not kept: there is no room for its transaction.
    pub(super) const fn miss(&mut self) {
        self.forgotten = self.forgotten.saturating_add(1);
    }

    /// Forgets the oldest message. Says whether there was one.
    pub(in crate::engine) fn forget(&mut self) -> bool {
        let Some(oldest) = self.messages.pop_front() else {
            return false;
        };
        self.octets = self.octets.saturating_sub(oldest.octets.len());
        self.forgotten = self.forgotten.saturating_add(1);
        true
    }
}

impl Call {
    /// Keeps a message that was not seen before.
    pub(super) fn keep(&mut self, facts: &Facts<'_, '_>, transaction: usize, limits: &Limits) {
        if self.kept.messages.len() >= limits.messages_per_call {
            self.kept.forget();
            self.passed.unless(false, Limit::MessagesPerCall);
        }
        let octets: Box<[u8]> = facts.message.octets().into();
        self.kept.octets += octets.len();
        let messages = &mut self.kept.messages;
        if messages.len() == messages.capacity() {
            messages.reserve_exact(1 + messages.len() / 4);
        }
        messages.push_back(KeptMessage {
            at: facts.at,
            flow: facts.flow,
            octets,
            transaction,
            is_cut: facts.is_cut,
            packets: facts.packets,
        });
    }
}
