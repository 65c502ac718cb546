//! The whole run as a record.

use std::collections::BTreeMap;

use super::{Inspector, scribe};
use crate::link::link_type_name;
use crate::report::{CapturePointRecord, Summary, TunnelCount, rounded};
use crate::time::{Timestamp, millis};

impl Inspector {
    pub(super) fn summary(&self) -> Summary {
        let counters = self.engine.counters();
        let mut incomplete_reasons = self.incomplete.clone();
        let mut count = |number: u64, what: &str| {
            if number > 0 {
                incomplete_reasons.push(format!("{number} {what}"));
            }
        };
        count(
            self.scribe
                .points
                .iter()
                .filter_map(|point| point.dropped)
                .sum(),
            "packets dropped while capturing",
        );
        count(counters.truncated_messages, "SIP messages cut short");
        count(
            counters.stream_octets_missing,
            "octets missing from TCP streams of SIP",
        );
        count(
            counters.fragments_unfinished,
            "fragmented packets without all their fragments",
        );
        // Several kinds may go by one name.
        let mut not_decoded = BTreeMap::<String, u64>::new();
        for (reason, count) in counters.not_decoded.iter() {
            *not_decoded.entry(reason.to_string()).or_default() += count;
        }
        let digits = self.scribe.points.iter().map(|point| point.digits).max();
        let stamp = |at: Option<Timestamp>| at.map(|at| at.rfc3339(digits.unwrap_or(9)));
        let duration = counters
            .first
            .zip(counters.last)
            .map(|(first, last)| rounded(millis(last.since(first)) / 1000.0, 6));
        Summary {
            files: self.scribe.files.clone(),
            capture_points: self
                .scribe
                .points
                .iter()
                .zip(&self.packets)
                .map(|(point, packets)| CapturePointRecord {
                    file: point.file.clone(),
                    interface: point.interface.clone(),
                    link_type: link_type_name(point.link_type.0)
                        .map_or_else(|| point.link_type.0.to_string(), str::to_owned),
                    packets: *packets,
                    dropped: point.dropped,
                })
                .collect(),
            packets: counters.packets,
            bytes: counters.bytes,
            first_timestamp: stamp(counters.first),
            last_timestamp: stamp(counters.last),
            duration_s: duration,
            complete: incomplete_reasons.is_empty(),
            incomplete_reasons,
            tunnels: (self.engine.tunnels().iter())
                .map(|seen| TunnelCount {
                    tunnel: scribe::tunnel(&seen.tunnel),
                    packets: seen.packets,
                })
                .collect(),
            not_decoded,
            sip_messages: counters.sip_messages,
            requests: counters.requests.clone(),
            responses: counters
                .responses
                .iter()
                .map(|(code, count)| {
                    let name = match code {
                        0 => "invalid".to_owned(),
                        code => code.to_string(),
                    };
                    (name, *count)
                })
                .collect(),
            retransmissions: counters.retransmissions,
            duplicates: counters.duplicates,
            keep_alives: counters.keep_alives,
            calls: self.calls,
            outcomes: self.outcomes.clone(),
            registrations: self.registrations,
            subscriptions: self.subscriptions,
            rtp_streams: self.streams,
            rtp_packets: counters.rtp_packets,
            rtcp_packets: counters.rtcp_packets,
            udptl_packets: counters.udptl_packets,
            msrp_messages: counters.msrp_messages,
            stun_messages: counters.stun_messages,
            stun_exchanges: self.stun_exchanges,
            turn_allocations: self.turn_allocations,
            ice_sessions: self.ice_sessions,
            connections: self.connections,
            dns_messages: counters.dns_messages,
            dns_lookups: self.dns_lookups,
            diagnostics: self.severities.clone(),
        }
    }
}
