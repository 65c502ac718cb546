//! Who was to hear whom, and who can have.

use std::net::IpAddr;

use super::call_record::Milestones;
use super::scribe::Scribe;
use crate::engine::call::{Call, ClosedCall};
use crate::engine::rtp_stream::{Association, RtpStream};
use crate::engine::session::{AddressRole, Epoch, Side};
use crate::net::is_private;
use crate::packet::CapturePoint;
use crate::report::{MediaRecord, milliseconds};
use crate::sdp::{MediaDescription, MediaDirection, MediaKind, RtpMap, SessionDescription};
use crate::time::{MILLISECOND, Timestamp};

/// A medium that lasts shorter is not held against anybody.
const TOO_SHORT_NS: i64 = 200 * MILLISECOND;

/// What reached one side.
#[derive(Debug, Default)]
struct Heard {
    packets: u64,
    first: Option<Timestamp>,
    streams: Vec<u64>,
    /// Why packets that were seen can't have arrived.
    lost_because: Option<String>,
}

impl Scribe {
    /// A row for each medium of each offer and answer that changed anything.
    pub(super) fn media(&self, closed: &ClosedCall, milestones: &Milestones) -> Vec<MediaRecord> {
        let call = &closed.call;
        let agreed: Vec<&Epoch> = call
            .session
            .epochs
            .iter()
            .filter(|epoch| epoch.is_agreed())
            .collect();
        if agreed.is_empty() {
            // An offer that nobody took is still worth seeing.
            let offered = call.session.epochs.first();
            return offered
                .map(|epoch| self.rows(closed, milestones, 0, epoch, None))
                .unwrap_or_default();
        }
        // A refresh repeats what stands: it begins no row of its own.
        let mut distinct: Vec<&Epoch> = Vec::new();
        for epoch in agreed {
            let same = distinct.last().is_some_and(|last| {
                [Side::Caller, Side::Callee].into_iter().all(|side| {
                    last.description(side).map(|description| &description.media)
                        == epoch
                            .description(side)
                            .map(|description| &description.media)
                })
            });
            if !same {
                distinct.push(epoch);
            }
        }
        let mut rows: Vec<MediaRecord> = distinct
            .iter()
            .enumerate()
            .flat_map(|(number, epoch)| {
                let next = distinct.get(number + 1).copied();
                self.rows(closed, milestones, number, epoch, next)
            })
            .collect();
        self.tell_faxes(closed, &mut rows);
        rows
    }

    fn rows(
        &self,
        closed: &ClosedCall,
        milestones: &Milestones,
        number: usize,
        epoch: &Epoch,
        next: Option<&Epoch>,
    ) -> Vec<MediaRecord> {
        (0..epoch.offer.media.len())
            .filter_map(|index| self.row(closed, milestones, number, epoch, next, index))
            .collect()
    }

    fn row(
        &self,
        closed: &ClosedCall,
        milestones: &Milestones,
        number: usize,
        epoch: &Epoch,
        next: Option<&Epoch>,
        index: usize,
    ) -> Option<MediaRecord> {
        let call = &closed.call;
        let point = call.first.capture_point;
        let offer = epoch.offer.media.get(index)?;
        let answer = epoch.medium(epoch.offer_by.other(), index);
        let caller = epoch.medium(Side::Caller, index);
        let callee = epoch.medium(Side::Callee, index);
        let codec = chosen(offer, answer);
        let from = epoch.from;
        let until = next.and_then(|next| next.from).or(milestones.ended);
        let to_caller = heard(closed, Side::Caller, index, number, epoch, next);
        let to_callee = heard(closed, Side::Callee, index, number, epoch, next);
        let (audio, audio_reason) = if offer.kind == MediaKind::Audio && epoch.is_agreed() {
            let lasted = from.zip(until).map(|(from, until)| until.since(from));
            let checking = next.is_some() && is_ice(epoch, index);
            verdict(
                closed, milestones, epoch, index, lasted, checking, &to_caller, &to_callee,
            )
        } else {
            (None, None)
        };
        let early = (number == 0)
            .then(|| milestones.answered.zip(to_caller.first))
            .flatten()
            .map(|(answered, first)| answered.since(first))
            .filter(|early| *early > 0);
        // Later epochs have no first packet of their own: streams go on.
        let after = |heard: &Heard| {
            let answered = milestones.answered.filter(|_| number == 0)?;
            Some(milliseconds(heard.first?.since(answered).max(0)))
        };
        let endpoint =
            |media: Option<&MediaDescription>| media.and_then(MediaDescription::endpoint);
        let direction = |media: Option<&MediaDescription>| {
            media.map(|media| media.effective_direction().as_str().to_owned())
        };
        let mut streams = [to_caller.streams.clone(), to_callee.streams.clone()].concat();
        streams.sort_unstable();
        let crypto = {
            let media = answer.unwrap_or(offer);
            match media.crypto.first() {
                Some(suite) => Some(suite.clone()),
                None => media.fingerprint.is_some().then(|| "dtls".to_owned()),
            }
        };
        Some(MediaRecord {
            epoch: number,
            from: from.map(|at| self.stamp(point, at)),
            until: until
                .filter(|_| from.is_some())
                .map(|at| self.stamp(point, at)),
            index,
            kind: offer.kind.as_str().to_owned(),
            protocol: offer.protocol.clone(),
            payload_type: codec.as_ref().map(|codec| codec.payload_type),
            clock_rate: codec.as_ref().map(|codec| codec.clock_rate),
            codec: codec.map(|codec| codec.encoding),
            ptime_ms: answer.and_then(|answer| answer.ptime_ms).or(offer.ptime_ms),
            dtmf_payload_type: answer.unwrap_or(offer).dtmf_payload_type(),
            offered: codecs(offer),
            answered: answer.map(codecs).unwrap_or_default(),
            caller_ip: endpoint(caller).map(|at| at.ip.to_string()),
            caller_port: endpoint(caller).map(|at| at.port),
            caller_direction: direction(caller),
            callee_ip: endpoint(callee).map(|at| at.ip.to_string()),
            callee_port: endpoint(callee).map(|at| at.port),
            callee_direction: direction(callee),
            crypto,
            ice: is_ice(epoch, index),
            audio: audio.map(str::to_owned),
            audio_reason,
            packets_to_caller: to_caller.packets,
            packets_to_callee: to_callee.packets,
            first_to_caller_ms: after(&to_caller),
            first_to_callee_ms: after(&to_callee),
            early_to_caller_ms: early.map(milliseconds),
            icmp_errors: closed
                .streams
                .iter()
                .filter(|stream| streams.contains(&stream.serial))
                .map(|stream| stream.icmp_errors)
                .sum(),
            stream_ids: streams
                .iter()
                .map(|serial| format!("stream-{}", serial + 1))
                .collect(),
            t38: Self::fax(epoch, index),
            msrp: self.msrp(call, index).filter(|_| offer.msrp_path.is_some()),
        })
    }
}

/// Whether both sides took part in ICE for a medium.
fn is_ice(epoch: &Epoch, index: usize) -> bool {
    [Side::Caller, Side::Callee].into_iter().all(|side| {
        epoch
            .medium(side, index)
            .is_some_and(|media| media.ice_ufrag.is_some())
    })
}

/// A description in a few words: each medium with its first codec, its address
/// and its direction where it is not the usual one.
pub(super) fn in_short(description: &SessionDescription) -> String {
    let media: Vec<String> = description
        .media
        .iter()
        .map(|media| {
            let codec = chosen(media, Some(media));
            let codec =
                codec.map_or_else(|| media.kind.as_str().to_owned(), |codec| codec.encoding);
            let at = media
                .endpoint()
                .map_or_else(|| "refused".to_owned(), |at| at.to_string());
            let direction = match media.effective_direction() {
                MediaDirection::SendRecv => String::new(),
                other => format!(" {}", other.as_str()),
            };
            format!("{codec} {at}{direction}")
        })
        .collect();
    media.join(", ")
}

/// The codec that both sides named: the answer's first, events aside.
fn chosen(offer: &MediaDescription, answer: Option<&MediaDescription>) -> Option<RtpMap> {
    let media = answer?;
    media
        .payload_types
        .iter()
        .filter_map(|&payload_type| {
            media
                .codec(payload_type)
                .or_else(|| offer.codec(payload_type))
        })
        .find(|codec| !codec.is_telephone_event() && !codec.is_comfort_noise())
}

fn codecs(media: &MediaDescription) -> Vec<String> {
    if !media.is_rtp() {
        return Vec::new();
    }
    media
        .payload_types
        .iter()
        .map(|&payload_type| match media.codec(payload_type) {
            Some(codec) => format!("{}/{}", codec.encoding, codec.clock_rate),
            None => payload_type.to_string(),
        })
        .collect()
}

/// Packets toward `side` in this epoch that can have reached it.
///
/// Where the capture shows the side itself, packets count where it is: one
/// that passes a NAT's outside and never its inside did not arrive. Where the
/// capture shows only the far side of its NAT, a private address is reached by
/// nothing from there.
fn heard(
    closed: &ClosedCall,
    side: Side,
    index: usize,
    number: usize,
    epoch: &Epoch,
    next: Option<&Epoch>,
) -> Heard {
    let call = &closed.call;
    let toward: Vec<(&RtpStream, u64)> = closed
        .streams
        .iter()
        .filter(|stream| {
            stream.membership.is_some_and(|membership| {
                membership.to == side && usize::from(membership.media) == index
            })
        })
        .map(|stream| (stream, packets_in(stream, number, epoch, next)))
        .filter(|(_, packets)| *packets > 0)
        .collect();
    let own = |ip: IpAddr| {
        call.session
            .addresses
            .iter()
            .any(|address| address.side == side && address.own && address.endpoint.ip == ip)
    };
    // A relay shows both its legs: only the one that ends at the side counts.
    let reaches = |stream: &RtpStream| {
        own(stream.flow.dst.ip)
            || stream
                .membership
                .is_some_and(|membership| membership.association != Association::Sdp)
            || call.session.addresses.iter().any(|address| {
                address.endpoint == stream.flow.dst && address.role == AddressRole::Candidate
            })
    };
    let shows_own_leg = closed.streams.iter().any(|stream| {
        own(stream.flow.src.ip) || (own(stream.flow.dst.ip) && toward_side(stream, side))
    });
    let toward: Vec<(&RtpStream, u64)> = toward
        .into_iter()
        .filter(|(stream, _)| !shows_own_leg || reaches(stream))
        .collect();
    let inside = inside_point(closed, side, &own);
    let mut heard = Heard::default();
    let mut by_point: Vec<(CapturePoint, u64)> = Vec::new();
    for (stream, packets) in toward {
        heard.streams.push(stream.serial);
        match inside {
            Some(inside) if stream.capture_point != inside => {
                if !by_point.iter().any(|(point, _)| *point == inside) {
                    heard.lost_because.get_or_insert_with(|| {
                        format!(
                            "packets to {} pass another capture point and never reach the one beside the {}",
                            stream.flow.dst,
                            side.name()
                        )
                    });
                }
                continue;
            }
            None => {
                if let Some(outside) = beyond_nat(closed, side, stream, &own) {
                    heard.lost_because.get_or_insert_with(|| {
                        format!(
                            "sent to {}, a private address behind the NAT of {outside}",
                            stream.flow.dst
                        )
                    });
                    continue;
                }
            }
            Some(_) => {}
        }
        match by_point
            .iter_mut()
            .find(|(point, _)| *point == stream.capture_point)
        {
            Some((_, sum)) => *sum += packets,
            None => by_point.push((stream.capture_point, packets)),
        }
        let first = stream.first.timestamp;
        heard.first = Some(heard.first.map_or(first, |known| known.min(first)));
    }
    heard.packets = by_point.iter().map(|(_, sum)| *sum).max().unwrap_or(0);
    heard
}

fn toward_side(stream: &RtpStream, side: Side) -> bool {
    stream
        .membership
        .is_some_and(|membership| membership.to == side)
}

/// The capture point beside the side: where its packets still bear its own
/// address, with the most hops left. Only with several points does it matter.
fn inside_point(
    closed: &ClosedCall,
    side: Side,
    own: &dyn Fn(IpAddr) -> bool,
) -> Option<CapturePoint> {
    let call = &closed.call;
    let sees_media = |point: CapturePoint| {
        closed
            .streams
            .iter()
            .any(|stream| stream.capture_point == point)
    };
    let by_media = closed
        .streams
        .iter()
        .filter(|stream| toward_side(stream, side.other()) && own(stream.flow.src.ip))
        .map(|stream| (stream.ttl, stream.capture_point));
    let by_signalling = call
        .vantages
        .iter()
        .filter(|vantage| {
            vantage.side == side && own(vantage.ip) && sees_media(vantage.capture_point)
        })
        .map(|vantage| (vantage.ttl, vantage.capture_point));
    by_media
        .chain(by_signalling)
        .max_by_key(|(ttl, point)| (*ttl, std::cmp::Reverse(*point)))
        .map(|(_, point)| point)
}

/// Whether a stream goes to the side's private address on the far side of its
/// NAT; the NAT's outside address if so.
fn beyond_nat(
    closed: &ClosedCall,
    side: Side,
    stream: &RtpStream,
    own: &dyn Fn(IpAddr) -> bool,
) -> Option<IpAddr> {
    let dst = stream.flow.dst.ip;
    if !is_private(dst) || !own(dst) {
        return None;
    }
    let by_media = closed
        .streams
        .iter()
        .filter(|other| {
            toward_side(other, side.other()) && other.capture_point == stream.capture_point
        })
        .map(|other| other.flow.src.ip);
    let by_signalling = closed
        .call
        .vantages
        .iter()
        .filter(|vantage| {
            vantage.side == side
                && vantage.by_request
                && vantage.capture_point == stream.capture_point
        })
        .map(|vantage| vantage.ip);
    by_signalling
        .chain(by_media)
        .find(|ip| !own(*ip) && !is_private(*ip))
}

/// Packets of a stream in one epoch; the first has what came before it too.
fn packets_in(stream: &RtpStream, number: usize, epoch: &Epoch, next: Option<&Epoch>) -> u64 {
    let at = |epoch: &Epoch| {
        epoch
            .baseline
            .iter()
            .find(|(serial, _)| *serial == stream.serial)
            .map_or(0, |(_, packets)| *packets)
    };
    let begin = if number == 0 { 0 } else { at(epoch) };
    let end = next.map_or(stream.packets, at);
    end.saturating_sub(begin)
}

/// Who hears whom, and what that rests on. `checking` says that a later offer
/// follows the connectivity checks of ICE.
#[expect(clippy::too_many_arguments, reason = "one verdict, all its grounds")]
fn verdict(
    closed: &ClosedCall,
    milestones: &Milestones,
    epoch: &Epoch,
    index: usize,
    lasted: Option<i64>,
    checking: bool,
    to_caller: &Heard,
    to_callee: &Heard,
) -> (Option<&'static str>, Option<String>) {
    if milestones.answered.is_none() {
        return (None, None);
    }
    if epoch.is_hold() {
        return (Some("held"), None);
    }
    if !closed.rtp_was_captured {
        let reason = "no RTP in the capture so far".to_owned();
        return (Some("unknown"), Some(reason));
    }
    if !sees_both_ways(&closed.call) {
        let reason = "only one direction of the signalling was captured".to_owned();
        return (Some("unknown"), Some(reason));
    }
    let wanted = |side: Side| epoch.may_send(side.other(), index);
    let hears = |side: Side, heard: &Heard| heard.packets > 0 || !wanted(side);
    let (caller, callee) = (
        hears(Side::Caller, to_caller),
        hears(Side::Callee, to_callee),
    );
    let short = lasted.is_none_or(|lasted| lasted < TOO_SHORT_NS);
    if short && !(caller && callee) {
        let reason = "too short to tell".to_owned();
        return (Some("unknown"), Some(reason));
    }
    if checking && !(caller && callee) {
        let reason = "ICE had not settled on a pair yet".to_owned();
        return (Some("unknown"), Some(reason));
    }
    let nothing = |side: Side, heard: &Heard| {
        heard
            .lost_because
            .clone()
            .unwrap_or_else(|| format!("no RTP toward the {} was captured", side.name()))
    };
    match (caller, callee) {
        (true, true) => (Some("both"), None),
        (false, true) => (
            Some("caller-hears-nothing"),
            Some(nothing(Side::Caller, to_caller)),
        ),
        (true, false) => (
            Some("callee-hears-nothing"),
            Some(nothing(Side::Callee, to_callee)),
        ),
        (false, false) => (
            Some("none"),
            Some(match (&to_caller.lost_because, &to_callee.lost_because) {
                (Some(reason), _) | (None, Some(reason)) => reason.clone(),
                (None, None) => "no RTP of this call was captured".to_owned(),
            }),
        ),
    }
}

/// Whether requests and responses were captured.
fn sees_both_ways(call: &Call) -> bool {
    call.transactions
        .iter()
        .any(|transaction| transaction.started.is_some() && transaction.first_response.is_some())
}
