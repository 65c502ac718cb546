//! What records say of places and times; it sees no state, so that several
//! hands may write at once.

use super::{Config, PointInfo, media_record};
use crate::engine::MessageSeen;
use crate::engine::call::{ClosedCall, Seen};
use crate::engine::frames::Frames;
use crate::engine::transaction::Transaction;
use crate::link::Tunnel;
use crate::packet::CapturePoint;
use crate::report::{MessageRecord, Point, TransactionRecord, TunnelRecord, milliseconds};
use crate::rules::{Finding, Profile};
use crate::sip::transaction::{State, TRANSACTION_TIMEOUT_NS};
use crate::time::Timestamp;

/// What is wanted of a run, and where its packets come from.
#[derive(Clone, Debug)]
pub(super) struct Scribe {
    pub(super) config: Config,
    /// The files, by their numbers; of those that are not named the capture point tells.
    pub(super) files: Vec<String>,
    pub(super) points: Vec<PointInfo>,
}

/// A tunnel as records name it.
pub(super) fn tunnel(tunnel: &Tunnel) -> TunnelRecord {
    TunnelRecord {
        kind: tunnel.kind.name().to_owned(),
        src_ip: tunnel.src.to_string(),
        dst_ip: tunnel.dst.to_string(),
        key: tunnel.key,
    }
}

impl Scribe {
    /// What the rules find, where they are asked.
    pub(super) fn found(&self, judge: impl FnOnce(Profile) -> Vec<Finding>) -> Vec<Finding> {
        match self.config.no_rules {
            true => Vec::new(),
            false => judge(self.config.profile),
        }
    }

    /// Whether `--call` lets this one through.
    pub(super) fn wants_call(
        &self,
        index: Option<u64>,
        call_id: Option<&str>,
        users: &[&str],
    ) -> bool {
        let Some(wanted) = &self.config.call else {
            return true;
        };
        index.is_some_and(|index| wanted.parse() == Ok(index))
            || call_id.is_some_and(|call_id| {
                let is_number = wanted.bytes().all(|octet| octet.is_ascii_digit());
                call_id == wanted || (!is_number && call_id.starts_with(wanted.as_str()))
            })
            || users.contains(&wanted.as_str())
    }

    pub(super) fn message(&self, message: MessageSeen) -> MessageRecord {
        let point = message.at.capture_point;
        MessageRecord {
            id: format!("message-{}", message.serial + 1),
            frame: message.at.number,
            file: self.file_of(message.at.file, point),
            capture_point: self.place_of(point),
            timestamp: self.stamp(point, message.at.timestamp),
            src_ip: message.flow.src.ip.to_string(),
            src_port: message.flow.src.port,
            dst_ip: message.flow.dst.ip.to_string(),
            dst_port: message.flow.dst.port,
            transport: message.flow.transport.name().to_owned(),
            length: message.length,
            fragments: message.fragments,
            kind: if message.is_response {
                "response"
            } else {
                "request"
            }
            .to_owned(),
            method: message.method,
            status: message.status,
            reason_phrase: message.reason_phrase,
            call_id: message.call_id,
            cseq: message.cseq,
            from_tag: message.from_tag,
            to_tag: message.to_tag,
            branch: message.branch,
            user_agent: message.user_agent,
            tunnel: message.tunnel.as_ref().map(tunnel),
            sdp: message.sdp.as_ref().map(media_record::in_short),
            headers: message.headers.into_iter().collect(),
            retransmission: message.seen == Seen::Retransmission,
            duplicate: message.seen == Seen::Duplicate,
        }
    }

    pub(super) fn transaction(
        &self,
        transaction: &Transaction,
        closed: &ClosedCall,
    ) -> TransactionRecord {
        let point = transaction.first.capture_point;
        let since_start =
            |at: Option<Timestamp>| Some(milliseconds(at?.since(transaction.started?)));
        let response = transaction.final_response.as_ref();
        let waited = transaction.started.map(|started| closed.at.since(started));
        TransactionRecord {
            id: format!("transaction-{}", transaction.serial + 1),
            call_id: closed.call.call_id.clone(),
            method: transaction.method.as_str().to_owned(),
            branch: transaction.branch.clone(),
            cseq: transaction.cseq,
            request_uri: transaction.request_uri.clone(),
            src_ip: transaction.flow.src.ip.to_string(),
            src_port: transaction.flow.src.port,
            dst_ip: transaction.flow.dst.ip.to_string(),
            dst_port: transaction.flow.dst.port,
            transport: transaction.flow.transport.name().to_owned(),
            capture_point: self.place_of(point),
            started: transaction.started.map(|at| self.stamp(point, at)),
            first_response_ms: since_start(transaction.first_response),
            final_ms: since_start(response.map(|response| response.at)),
            final_status: response.map(|response| response.status_code),
            retransmissions: transaction.retransmissions,
            received: transaction.received.clone(),
            rport: transaction
                .rport
                .as_ref()
                .and_then(|rport| rport.parse().ok()),
            ack_ms: response
                .zip(transaction.acknowledged)
                .map(|(response, at)| milliseconds(at.since(response.at))),
            icmp: transaction.icmp.map(|(kind, _)| kind.name().to_owned()),
            icmp_ms: since_start(transaction.icmp.map(|(_, at)| at)),
            timeout: transaction.state == State::Trying
                && waited.is_some_and(|waited| waited >= TRANSACTION_TIMEOUT_NS),
            points: self.points_of(&transaction.frames),
            frames: self.shorthand(&transaction.frames),
        }
    }

    /// A time as the records of a capture point spell it.
    pub(super) fn stamp(&self, point: CapturePoint, at: Timestamp) -> String {
        let digits = self
            .points
            .get(usize::from(point.0))
            .map(|point| point.digits);
        at.rfc3339(digits.unwrap_or(9))
    }

    /// The file with this number, of a capture point.
    pub(super) fn file_of(&self, number: u16, point: CapturePoint) -> String {
        let named = self.files.get(usize::from(number));
        let point = || Some(&self.points.get(usize::from(point.0))?.file);
        named.or_else(point).cloned().unwrap_or_default()
    }

    pub(super) fn interface_of(&self, point: CapturePoint) -> String {
        self.points
            .get(usize::from(point.0))
            .map_or_else(String::new, |point| point.interface.clone())
    }

    /// A capture point by one name that no other has: the interface, or where several
    /// files have one of that name the file, with the interface where it has others.
    pub(super) fn place_of(&self, point: CapturePoint) -> String {
        let Some(own) = self.points.get(usize::from(point.0)) else {
            return String::new();
        };
        let others = || {
            let points = self.points.iter().zip(0_u16..);
            points
                .filter(|(_, number)| *number != point.0)
                .map(|(other, _)| other)
        };
        if others().all(|other| other.interface != own.interface) {
            own.interface.clone()
        } else if others().all(|other| other.file != own.file) {
            own.file.clone()
        } else {
            format!("{} {}", own.file, own.interface)
        }
    }

    pub(super) fn points_of(&self, frames: &Frames) -> Vec<Point> {
        frames
            .points()
            .iter()
            .map(|point| Point {
                file: self.file_of(point.file, point.capture_point),
                interface: self.interface_of(point.capture_point),
                frames: point.numbers.clone(),
                frames_total: point.total,
            })
            .collect()
    }

    /// The frames alone, where one file and one interface need no name.
    pub(super) fn shorthand(&self, frames: &Frames) -> Option<Vec<u32>> {
        match (self.points.len(), frames.points()) {
            (1, [point]) => Some(point.numbers.clone()),
            _ => None,
        }
    }
}
