//! RTP as a sender sends it and a network spoils it.

use super::path::Relay;
use super::{Maker, RtpSent, Sent, StreamTruth, wire};
use crate::net::Flow;

/// What one direction sends.
#[derive(Clone, Debug)]
pub(super) struct Talk {
    pub call_id: String,
    pub flow: Flow,
    pub payload_type: u8,
    pub clock_rate: u32,
    pub octets: usize,
    pub from: u64,
    pub until: u64,
    /// When nothing is sent: on hold.
    pub pause: Option<(u64, u64)>,
    pub impaired: bool,
    pub digits: String,
    /// The relay that it passes, seen beside its client.
    pub relay: Option<Relay>,
}

const PACKET_NS: u64 = 20_000_000;
const EVENT_TYPE: u8 = 101;

/// Sends it.
pub(super) fn make(maker: &mut Maker, talk: &Talk) {
    let ssrc = maker.rng.u32(..);
    // Near the end of the number space, so that it wraps.
    let mut sequence = if maker.rng.u8(0..4) == 0 {
        65_500
    } else {
        maker.rng.u32(0..60_000)
    };
    let mut timestamp = maker.rng.u32(..);
    let step = talk.clock_rate / 50;
    let loss = if talk.impaired {
        maker.rng.u32(0..4)
    } else {
        0
    };
    let jitter_ns = if talk.impaired {
        maker.rng.u64(0..6_000_000)
    } else {
        200_000
    };
    let mut burst = 0_u32;
    let mut marker = true;
    let mut digits = talk.digits.chars();
    let mut at = talk.from;
    let mut sent_any = 0_u32;
    let mut next_digit_at = talk.from + 400_000_000;
    while at < talk.until {
        if talk
            .pause
            .is_some_and(|(from, until)| (from..until).contains(&at))
        {
            at += PACKET_NS;
            timestamp = timestamp.wrapping_add(step);
            marker = true;
            continue;
        }
        if at >= next_digit_at
            && let Some(digit) = digits.next()
        {
            // A digit takes the place of sound for 100 ms: five packets, the
            // last three times over (RFC 4733, 2.5.1).
            for part in 1..=7_u16 {
                let duration = part.min(5) * u16::try_from(step).unwrap_or(160);
                let end = if part >= 5 { 0x80 } else { 0 };
                let code = "0123456789*#ABCD".find(digit).unwrap_or_default();
                let [high, low] = duration.to_be_bytes();
                let payload = [u8::try_from(code).unwrap_or_default(), end | 10, high, low];
                let when = at + u64::from(part - 1) * PACKET_NS;
                packet(
                    maker,
                    talk,
                    ssrc,
                    sequence,
                    timestamp,
                    EVENT_TYPE,
                    part == 1,
                    &payload,
                    when,
                );
                sequence += 1;
            }
            timestamp = timestamp.wrapping_add(step * 7);
            at += PACKET_NS * 7;
            next_digit_at = at + 200_000_000;
            continue;
        }
        let payload = vec![0x55; talk.octets];
        let when = at + maker.rng.u64(0..=jitter_ns);
        let chance = maker.rng.u32(0..100);
        if burst == 0 && chance < loss && sent_any > 10 {
            burst = maker.rng.u32(1..5);
        }
        if burst > 0 {
            burst -= 1;
        } else {
            // Held back longer than the next packet: they change places.
            let late = talk.impaired && maker.rng.u8(0..60) == 0;
            let when = if late { when + 25_000_000 } else { when };
            packet(
                maker,
                talk,
                ssrc,
                sequence,
                timestamp,
                talk.payload_type,
                marker,
                &payload,
                when,
            );
            if talk.impaired && maker.rng.u8(0..80) == 0 {
                let again = when + 300_000;
                packet(
                    maker,
                    talk,
                    ssrc,
                    sequence,
                    timestamp,
                    talk.payload_type,
                    marker,
                    &payload,
                    again,
                );
            }
            sent_any += 1;
        }
        marker = false;
        sequence += 1;
        timestamp = timestamp.wrapping_add(step);
        at += PACKET_NS;
    }
    let pressed: String = talk
        .digits
        .chars()
        .take(talk.digits.len() - digits.count())
        .collect();
    maker.truth.streams.insert(
        (talk.flow.to_string(), ssrc),
        StreamTruth {
            call_id: talk.call_id.clone(),
            digits: pressed,
            ..StreamTruth::default()
        },
    );
}

#[expect(clippy::too_many_arguments, reason = "the fields of one packet")]
fn packet(
    maker: &mut Maker,
    talk: &Talk,
    ssrc: u32,
    sequence: u32,
    timestamp: u32,
    payload_type: u8,
    marker: bool,
    payload: &[u8],
    at: u64,
) {
    let mut octets = Vec::with_capacity(12 + payload.len());
    octets.push(0x80);
    octets.push(payload_type | if marker { 0x80 } else { 0 });
    octets.extend(
        u16::try_from(sequence & 0xffff)
            .unwrap_or_default()
            .to_be_bytes(),
    );
    octets.extend(timestamp.to_be_bytes());
    octets.extend(ssrc.to_be_bytes());
    octets.extend(payload);
    let data = match &talk.relay {
        Some(relay) => {
            let truth = maker.truth.turns.get_mut(&talk.call_id);
            let place = usize::from(talk.flow.src != relay.relayed);
            if let Some(packets) = truth.and_then(|truth| truth.packets.get_mut(place)) {
                *packets += 1;
            }
            relay.around(maker, talk.flow, &octets)
        }
        None => {
            let identification = maker.identification();
            wire::udp(talk.flow, identification, &octets)
        }
    };
    maker.sent.push(Sent {
        at,
        data,
        rtp: Some(RtpSent {
            flow: talk.flow,
            ssrc,
            extended_sequence: sequence,
            timestamp,
            clock_rate: talk.clock_rate,
            is_event: payload_type == EVENT_TYPE,
        }),
    });
}
