//! DNS look-ups as records.

use super::scribe::Scribe;
use crate::dns::rcode_name;
use crate::engine::dns_lookup::DnsLookup;
use crate::report::{DnsLookupRecord, milliseconds};

impl Scribe {
    pub(super) fn dns_lookup(&self, lookup: DnsLookup) -> DnsLookupRecord {
        let point = lookup.first.capture_point;
        DnsLookupRecord {
            id: format!("dns-{}", lookup.serial + 1),
            name: lookup.name,
            qtype: lookup.kind.to_string(),
            rcode: lookup.rcode.map(rcode_name),
            ttl_s: lookup.answers.iter().map(|answer| answer.ttl_s).min(),
            answers: lookup
                .answers
                .iter()
                .map(|answer| answer.data.to_string())
                .collect(),
            rtt_ms: lookup.round_trip_ns.map(milliseconds),
            retries: lookup.retries,
            truncated: lookup.is_truncated,
            call_id: lookup.call_id,
            src_ip: lookup.flow.src.ip.to_string(),
            src_port: lookup.flow.src.port,
            dst_ip: lookup.flow.dst.ip.to_string(),
            dst_port: lookup.flow.dst.port,
            started: self.stamp(point, lookup.first.timestamp),
            capture_point: self.place_of(point),
            frames: lookup.frames.into_vec(),
        }
    }
}
