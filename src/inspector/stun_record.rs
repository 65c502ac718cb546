//! STUN exchanges as records.

use super::ice_record::role_name;
use super::scribe::Scribe;
use crate::engine::stun_exchange::{Answer, GIVE_UP_NS, StunExchange};
use crate::report::{StunExchangeRecord, milliseconds};
use crate::time::Timestamp;

impl Scribe {
    pub(super) fn stun_exchange(
        &self,
        exchange: StunExchange,
        now: Timestamp,
    ) -> StunExchangeRecord {
        let waited = now.since(exchange.last);
        let outcome = match exchange.answer {
            _ if exchange.is_indication => "indication",
            Some(_) if exchange.requested.is_none() => "no-request",
            Some(Answer::Success) => "success",
            Some(Answer::Error(_)) => "error",
            None if waited >= GIVE_UP_NS => "no-response",
            None => "pending",
        };
        StunExchangeRecord {
            id: format!("stun-{}", exchange.serial + 1),
            transaction_id: exchange.transaction_id,
            method: exchange.method,
            transport: exchange.flow.transport.name().to_owned(),
            src_ip: exchange.flow.src.ip.to_string(),
            src_port: exchange.flow.src.port,
            dst_ip: exchange.flow.dst.ip.to_string(),
            dst_port: exchange.flow.dst.port,
            outcome: outcome.to_owned(),
            error_code: match exchange.answer {
                Some(Answer::Error(code)) => code,
                _ => None,
            },
            mapped_address: exchange.mapped_address.map(|at| at.to_string()),
            mapped_ip: exchange.mapped_address.map(|at| at.ip.to_string()),
            mapped_port: exchange.mapped_address.map(|at| at.port),
            other_address: exchange.other_address.map(|at| at.to_string()),
            response_origin: exchange.response_origin.map(|at| at.to_string()),
            answered_from: exchange.answered_from.map(|at| at.to_string()),
            rtt_ms: exchange.round_trip_ns.map(milliseconds),
            retransmissions: exchange.retransmissions,
            username: exchange.username,
            realm: exchange.realm,
            software: exchange.software,
            ice_role: exchange.ice_role.map(|role| role_name(role).to_owned()),
            use_candidate: exchange.use_candidate,
            bad_fingerprints: exchange.bad_fingerprints,
            started: self.stamp(exchange.capture_point, exchange.first.timestamp),
            ice_session: exchange.ice_session.map(|own| format!("ice-{}", own + 1)),
            call_id: exchange.call_id,
            capture_point: self.place_of(exchange.capture_point),
            frames: exchange.frames.to_vec(),
        }
    }
}
