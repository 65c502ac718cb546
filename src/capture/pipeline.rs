//! More hands for one capture: helpers read ahead and judge calls that ended,
//! while one follows the packets in their order.
//!
//! All state stays with whoever follows, and takes what the helpers did in the
//! order in which it would have done it itself: the records are the same,
//! octet for octet, with any number of hands. Threads wait without spinning.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::chunk::{Chunk, Head};
use super::merge::{Inputs, Lane, Notice, PacketSource, Step};
use crate::inspector::{Case, Judged, PointInfo};
use crate::link::{self, Decoded, Plain};
use crate::packet::Packet;
use crate::pcap::Secrets;

/// Octets of packets that are handed over at once.
const BATCH: usize = 512 * 1024;
/// Packets that are, however short.
const MAX_ITEMS: usize = 8192;
/// Batches that are read ahead: 8 MiB with all that belongs to them.
const AHEAD: usize = 8;
/// Calls that are handed over at once.
const GROUP: usize = 16;
/// What may wait for a call to be judged before the follower lends a hand.
const MAX_WAITING: usize = 1024;

/// Who follows the packets, and leaves calls to be judged.
pub trait Follower: PacketSource {
    /// A packet that is decoded already. Answers whether more are wanted.
    fn decoded(&mut self, packet: &Packet<'_>, decoded: &Decoded<'_>) -> bool;
    /// Calls to be judged.
    fn cases(&self) -> usize;
    /// The first of them.
    fn poll_case(&mut self) -> Option<Case>;
    /// A call was judged.
    fn settle(&mut self, judged: Judged);
    /// How much waits for a call to be judged.
    fn waiting(&self) -> usize;
    /// Tells what can be told.
    fn drain(&mut self);
    /// The inputs gave all they have, or no more is wanted.
    fn end(&mut self, inputs: &Inputs);
    /// Closes one more of what is open then. Says whether there was one.
    fn pull(&mut self) -> bool;
}

#[derive(Debug)]
enum Item {
    /// A packet, whose octets were copied.
    Packet(Lane, Head),
    // Hardly any item is one of these: their place is elsewhere.
    Point(Box<PointInfo>),
    Secrets(Box<Secrets>),
    Notice(Box<Notice>),
}

/// What was read ahead.
#[derive(Debug, Default)]
struct Batch {
    items: Vec<Item>,
    octets: Vec<u8>,
    /// Packets of one file after the items, as they were read, from this one on.
    chunk: Chunk,
    run: Option<(Lane, usize)>,
    /// What these packets hold.
    plain: Vec<Option<Plain>>,
    /// Octets of the inputs read so far.
    consumed: u64,
}

impl Batch {
    /// Reads until it is full. Says whether the inputs have more.
    fn fill(&mut self, inputs: &mut Inputs) -> bool {
        self.items.clear();
        self.octets.clear();
        let mut is_more = true;
        self.run = None;
        while self.octets.len() < BATCH && self.items.len() < MAX_ITEMS {
            self.run = inputs.hand_over(&mut self.chunk);
            if self.run.is_some() {
                break;
            }
            self.items.push(match inputs.step() {
                Some(Step::Packet(packet)) => {
                    let start = self.octets.len();
                    self.octets.extend_from_slice(packet.data);
                    let lane = Lane {
                        capture_point: packet.capture_point,
                        link_type: packet.link_type,
                        file: packet.file,
                    };
                    let head = Head {
                        number: packet.number,
                        timestamp: packet.timestamp,
                        original_length: packet.original_length,
                        start,
                        end: self.octets.len(),
                    };
                    Item::Packet(lane, head)
                }
                Some(Step::Point(point)) => Item::Point(Box::new(point)),
                Some(Step::Secrets(secrets)) => Item::Secrets(Box::new(secrets)),
                Some(Step::Notice(notice)) => Item::Notice(Box::new(notice)),
                None => {
                    is_more = false;
                    break;
                }
            });
        }
        self.consumed = inputs.consumed();
        is_more
    }

    /// Decodes what needs no memory of what was before.
    fn decode(&mut self) {
        self.plain.clear();
        if let Some((lane, first)) = &self.run {
            let heads = self.chunk.heads.iter().skip(*first);
            let packets = heads.map(|head| lane.packet(head, self.chunk.data(head)));
            self.plain.extend(packets.map(|packet| Plain::of(&packet)));
        }
    }
}

/// What helpers and follower share.
#[derive(Debug)]
pub struct Desk {
    state: Mutex<State>,
    /// There is work for a helper.
    work: Condvar,
    /// There is something for the follower.
    news: Condvar,
}

#[derive(Debug)]
struct State {
    /// With nobody while somebody reads.
    inputs: Option<Inputs>,
    has_more: bool,
    filled: VecDeque<Batch>,
    spare: Vec<Batch>,
    cases: VecDeque<Vec<Case>>,
    judged: Vec<Judged>,
    /// Groups that a helper is about to judge.
    in_hand: usize,
    is_over: bool,
    has_failed: bool,
}

/// What the follower is told while it waits.
enum News {
    Batch(Batch),
    Judged,
    Case(Vec<Case>),
    End,
}

/// Ends the work of all when whoever holds it stops, for whatever reason.
struct Closing<'d>(&'d Desk, fn(&mut State));

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        (self.1)(&mut self.0.lock());
        self.0.work.notify_all();
        self.0.news.notify_all();
    }
}

impl Desk {
    /// A desk with inputs to be read.
    #[must_use]
    pub fn new(inputs: Inputs) -> Self {
        Self {
            state: Mutex::new(State {
                inputs: Some(inputs),
                has_more: true,
                filled: VecDeque::new(),
                spare: Vec::new(),
                cases: VecDeque::new(),
                judged: Vec::new(),
                in_hand: 0,
                is_over: false,
                has_failed: false,
            }),
            work: Condvar::new(),
            news: Condvar::new(),
        }
    }

    /// Follows all packets with the help of so many threads.
    ///
    /// # Panics
    ///
    /// When a helper does.
    pub fn follow(&self, helpers: usize, follower: &mut impl Follower) {
        std::thread::scope(|scope| {
            let closing = Closing(self, |state| state.is_over = true);
            for _ in 0..helpers.max(1) {
                scope.spawn(|| self.help());
            }
            self.follow_packets(follower);
            // A helper may still read.
            let inputs = self.wait(|state| state.inputs.take());
            follower.end(&inputs);
            self.follow_end(follower);
            drop(closing);
        });
    }

    /// What was left when the work ended early: calls that are judged, and
    /// calls that are not.
    pub fn leftover(self) -> (Vec<Judged>, Vec<Case>) {
        let state = self.state.into_inner();
        let state = state.unwrap_or_else(PoisonError::into_inner);
        (state.judged, state.cases.into_iter().flatten().collect())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // What is shared is whole between any two steps.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn help(&self) {
        // Only a panic leaves it there.
        let failing = Closing(self, |state| state.has_failed = true);
        let mut state = self.lock();
        while !state.is_over {
            let room = state.filled.len() < AHEAD && state.has_more;
            if (state.filled.is_empty() || state.cases.is_empty())
                && room
                && let Some(mut inputs) = state.inputs.take()
            {
                let mut batch = state.spare.pop().unwrap_or_default();
                drop(state);
                let has_more = batch.fill(&mut inputs);
                batch.decode();
                state = self.lock();
                state.inputs = Some(inputs);
                // The follower may want no more meanwhile.
                state.has_more &= has_more;
                state.filled.push_back(batch);
                self.news.notify_one();
                // Another helper may read on.
                self.work.notify_one();
            } else if let Some(cases) = state.cases.pop_front() {
                state.in_hand += 1;
                drop(state);
                let judged: Vec<Judged> = cases.into_iter().map(Case::judge).collect();
                state = self.lock();
                state.in_hand -= 1;
                state.judged.extend(judged);
                self.news.notify_one();
            } else {
                state = self
                    .work
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
        drop(state);
        std::mem::forget(failing);
    }

    /// Waits until `look` finds something.
    fn wait<T>(&self, mut look: impl FnMut(&mut State) -> Option<T>) -> T {
        let mut state = self.lock();
        loop {
            assert!(!state.has_failed, "a helper has panicked");
            if let Some(found) = look(&mut state) {
                return found;
            }
            state = self
                .news
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for a batch, or for the end of the inputs; without either there
    /// may be calls to settle or to judge.
    fn wait_for_batch(&self) -> News {
        let news = self.wait(|state| {
            let batch = state.filled.pop_front().map(News::Batch);
            let end = || (!state.has_more).then_some(News::End);
            batch
                .or_else(|| (!state.judged.is_empty()).then_some(News::Judged))
                .or_else(end)
                .or_else(|| state.cases.pop_front().map(News::Case))
        });
        if let News::Batch(_) = news {
            self.work.notify_one();
        }
        news
    }

    /// Waits for a call that is judged, or for one to judge.
    fn wait_for_judged(&self) -> News {
        self.wait(|state| {
            (!state.judged.is_empty())
                .then_some(News::Judged)
                .or_else(|| state.cases.pop_front().map(News::Case))
                .or_else(|| (state.in_hand == 0).then_some(News::End))
        })
    }

    /// Judges calls that no helper has come to.
    fn lend_a_hand(cases: Vec<Case>, follower: &mut impl Follower) {
        for case in cases {
            follower.settle(case.judge());
        }
        follower.drain();
    }

    /// Takes what was judged, and tells what can be told now.
    fn settle(&self, follower: &mut impl Follower) {
        let judged = std::mem::take(&mut self.lock().judged);
        if judged.is_empty() {
            return;
        }
        for judged in judged {
            follower.settle(judged);
        }
        follower.drain();
    }

    /// Hands over the calls that ended.
    fn leave(&self, follower: &mut impl Follower) {
        let group: Vec<Case> = std::iter::from_fn(|| follower.poll_case()).collect();
        if !group.is_empty() {
            self.lock().cases.push_back(group);
            self.work.notify_one();
        }
    }

    /// Keeps what waits within its bound.
    fn catch_up(&self, follower: &mut impl Follower) {
        while follower.waiting() > MAX_WAITING {
            match self.wait_for_judged() {
                News::Case(cases) => Self::lend_a_hand(cases, follower),
                News::Judged => self.settle(follower),
                News::Batch(_) | News::End => return,
            }
        }
    }

    fn follow_packets(&self, follower: &mut impl Follower) {
        loop {
            let batch = match self.wait_for_batch() {
                News::Batch(batch) => batch,
                News::Judged => {
                    self.settle(follower);
                    continue;
                }
                News::Case(cases) => {
                    Self::lend_a_hand(cases, follower);
                    continue;
                }
                News::End => return,
            };
            let is_more = self.follow_batch(&batch, follower);
            self.leave(follower);
            follower.progress(batch.consumed);
            self.lock().spare.push(batch);
            self.settle(follower);
            self.catch_up(follower);
            if !is_more {
                self.lock().has_more = false;
                return;
            }
        }
    }

    fn follow_batch(&self, batch: &Batch, follower: &mut impl Follower) -> bool {
        for item in &batch.items {
            match item {
                Item::Packet(lane, head) => {
                    let data = batch.octets.get(head.start..head.end);
                    let packet = lane.packet(head, data.unwrap_or_default());
                    if !self.follow_packet(&packet, &link::decode(&packet), follower) {
                        return false;
                    }
                }
                Item::Point(point) => follower.point(point.as_ref().clone()),
                Item::Secrets(secrets) => follower.secrets(secrets),
                Item::Notice(notice) => follower.notice(notice),
            }
        }
        let Some((lane, first)) = &batch.run else {
            return true;
        };
        let heads = batch.chunk.heads.iter().skip(*first);
        heads.zip(&batch.plain).all(|(head, plain)| {
            let packet = lane.packet(head, batch.chunk.data(head));
            let decoded = match plain {
                Some(plain) => plain.decoded(&packet),
                None => link::decode(&packet),
            };
            self.follow_packet(&packet, &decoded, follower)
        })
    }

    #[inline]
    fn follow_packet(
        &self,
        packet: &Packet<'_>,
        decoded: &Decoded<'_>,
        follower: &mut impl Follower,
    ) -> bool {
        let wants_more = follower.decoded(packet, decoded);
        if wants_more && follower.cases() >= GROUP {
            self.leave(follower);
        }
        wants_more
    }

    /// What is open at the end is closed, judged and told.
    fn follow_end(&self, follower: &mut impl Follower) {
        let mut is_more = true;
        loop {
            while is_more && follower.cases() < GROUP {
                is_more = follower.pull();
            }
            self.leave(follower);
            self.settle(follower);
            self.catch_up(follower);
            if is_more {
                continue;
            }
            match self.wait_for_judged() {
                News::Case(cases) => Self::lend_a_hand(cases, follower),
                News::Judged => self.settle(follower),
                News::Batch(_) | News::End => {
                    follower.drain();
                    return;
                }
            }
        }
    }
}
