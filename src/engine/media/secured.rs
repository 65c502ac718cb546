//! SRTP on its way to being RTP again, where its keys are known.

use crate::engine::Engine;
use crate::engine::rtp_stream::Membership;
use crate::engine::table::Handle;
use crate::net::Flow;
use crate::octets::u32_at;
use crate::packet::{CapturePoint, PacketRef};
use crate::rtp::rtcp;
use crate::srtp::{self, Context, Master};

/// Keys that are tried for one stream: those of each offer and answer.
const MAX_CANDIDATES: usize = 16;
/// Packets without a key that fits after which only one in so many is tried.
const PATIENCE: u64 = 16;
/// Keys that are tried for a report of a stream that no key has opened yet.
const FEW: usize = 4;

/// What is known of how a stream is protected.
#[derive(Debug)]
pub(in crate::engine) struct Secured {
    candidates: Vec<Master>,
    context: Option<Context>,
    /// Whether the session says that these are the keys.
    is_agreed: bool,
    opened: u64,
    failed: u64,
}

impl Secured {
    /// The payload of a packet, where a key opens it.
    pub(in crate::engine) fn open(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let header = srtp::header_length(packet)?;
        if let Some(context) = &mut self.context
            && let Some(payload) = context.open_rtp(packet, header)
        {
            self.opened += 1;
            return Some(payload);
        }
        if self.failed < PATIENCE || self.failed.is_multiple_of(PATIENCE) {
            for master in &self.candidates {
                let mut context = Context::new(master);
                if let Some(payload) = context.open_rtp(packet, header) {
                    self.context = Some(context);
                    self.opened += 1;
                    return Some(payload);
                }
            }
        }
        self.failed += 1;
        None
    }

    /// The same, nothing where a key opens other packets and not this one. `None`: no
    /// key fits so far, and the packet may be as plain as it looks.
    pub(in crate::engine) fn open_or_plain(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let opened = self.open(packet);
        let is_protected = self.context.is_some();
        opened.or_else(|| is_protected.then(Vec::new))
    }

    /// The suite that opens it, packets opened, packets whose tag is wrong. Keys
    /// that nobody agreed on say nothing where they do not fit.
    pub(in crate::engine) fn outcome(&self) -> (Option<&'static str>, u64, u64) {
        let suite = self.context.as_ref().map(|context| context.suite().name);
        match self.is_agreed || suite.is_some() {
            true => (suite, self.opened, self.failed),
            false => (None, 0, 0),
        }
    }
}

impl Engine {
    /// Gives a stream the keys that may open it.
    pub(in crate::engine) fn secure(&mut self, handle: Handle) {
        let Some(stream) = self.media.streams.get(handle) else {
            return;
        };
        let (point, flow) = (stream.capture_point, stream.flow);
        let agreed = self.agreed_keys(point, flow, stream.membership);
        let is_agreed = !agreed.is_empty();
        let mut candidates = agreed;
        candidates.extend(
            self.keys
                .srtp()
                .iter()
                .filter_map(|(suite, parameters)| Master::of_sdes(suite, parameters)),
        );
        candidates.truncate(MAX_CANDIDATES);
        if candidates.is_empty() {
            return;
        }
        let Some(stream) = self.media.streams.get_mut(handle) else {
            return;
        };
        match &mut stream.secured {
            Some(known) => {
                known.candidates = candidates;
                known.is_agreed |= is_agreed;
            }
            None => {
                stream.secured = Some(Box::new(Secured {
                    candidates,
                    context: None,
                    is_agreed,
                    opened: 0,
                    failed: 0,
                }));
            }
        }
    }

    /// Keys that DTLS gave for this flow, and those that were described (RFC 4568, 6.1).
    fn agreed_keys(
        &self,
        point: CapturePoint,
        flow: Flow,
        membership: Option<Membership>,
    ) -> Vec<Master> {
        let mut keys: Vec<Master> = Vec::new();
        keys.extend(self.media.dtls_keys.get(&(point, flow)).cloned());
        if let Some(membership) = membership
            && let Some(call) = self.calls.get(membership.call)
        {
            // The other side's are among them: what opens a packet is the tag's to say.
            for description in call.session.descriptions() {
                if keys.len() >= MAX_CANDIDATES {
                    break;
                }
                let Some(medium) = description.media.get(usize::from(membership.media)) else {
                    continue;
                };
                for (suite, key) in medium.crypto.iter().zip(&medium.keys) {
                    let master = Master::of_sdes(suite, &key.0);
                    keys.extend(master.filter(|own| !keys.contains(own)));
                }
            }
        }
        keys
    }

    /// An RTCP packet that may be protected, as it was before: `None` where it is and
    /// can't be opened.
    pub(super) fn open_rtcp<'p>(
        &self,
        at: PacketRef,
        flow: Flow,
        packet: &'p [u8],
    ) -> Option<std::borrow::Cow<'p, [u8]>> {
        if rtcp::is_compound(packet) {
            return Some(packet.into());
        }
        let ssrc = u32_at(packet, 4)?;
        let own_keys = self.media.dtls_keys.get(&(at.capture_point, flow));
        if let Some(opened) = own_keys.and_then(|own| Context::new(own).open_rtcp(packet)) {
            return Some(opened.into());
        }
        let stream = (self.media.by_ssrc.get(&ssrc).into_iter().flatten())
            .filter_map(|handle| self.media.streams.get(*handle))
            .find(|stream| {
                stream.capture_point == at.capture_point && stream.flow.src.ip == flow.src.ip
            });
        let Some(stream) = stream else {
            return Some(packet.into());
        };
        let Some(secured) = &stream.secured else {
            // Nothing says that it is protected, so that it is only not whole.
            return (!stream.encrypted && !self.is_described_secure(stream.membership))
                .then(|| packet.into());
        };
        let contexts = secured.context.iter();
        let opened = contexts.filter_map(|own| own.open_rtcp(packet)).next();
        let others = || {
            let candidates = secured.candidates.iter().take(FEW);
            let mut contexts = candidates.map(Context::new);
            contexts.find_map(|own| own.open_rtcp(packet))
        };
        opened.or_else(others).map(Into::into)
    }

    fn is_described_secure(&self, membership: Option<Membership>) -> bool {
        membership.is_some_and(|membership| {
            self.calls.get(membership.call).is_some_and(|call| {
                let sides = [membership.to, membership.to.other()];
                call.session.epochs.iter().any(|epoch| {
                    sides.iter().any(|side| {
                        epoch
                            .medium(*side, usize::from(membership.media))
                            .is_some_and(crate::sdp::MediaDescription::is_secure)
                    })
                })
            })
        })
    }
}
