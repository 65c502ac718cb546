//! ICE sessions as records.

use super::scribe::Scribe;
use crate::engine::ice::{IceAgent, IceChecks, IceFailure, IcePair, IceSession};
use crate::nat::device::Realm;
use crate::net::Endpoint;
use crate::packet::CapturePoint;
use crate::report::{
    IceAgentRecord, IceCandidateRecord, IceChecksRecord, IceEndRecord, IceErrorRecord,
    IcePairRecord, IceSessionRecord, milliseconds,
};
use crate::sdp::Candidate;
use crate::stun::IceRole;
use crate::time::Timestamp;

impl Scribe {
    /// The ICE sessions of a call.
    pub(super) fn ice_sessions(
        &self,
        sessions: &[IceSession],
        now: Timestamp,
    ) -> Vec<IceSessionRecord> {
        (sessions.iter())
            .map(|own| self.ice_session(own, own.generation(sessions), now))
            .collect()
    }

    pub(super) fn ice_session(
        &self,
        session: &IceSession,
        generation: u32,
        now: Timestamp,
    ) -> IceSessionRecord {
        let point = session.first.capture_point;
        let settled = session.settled();
        let selected = session.selected();
        let mut points: Vec<CapturePoint> = (session.pairs.iter())
            .flat_map(IcePair::capture_points)
            .collect();
        points.sort_unstable();
        points.dedup();
        IceSessionRecord {
            id: format!("ice-{}", session.serial + 1),
            call_id: session.call_id.clone(),
            media: session.media,
            generation,
            state: session.state(now).to_owned(),
            started: self.stamp(point, session.first.timestamp),
            completed: settled.map(|at| self.stamp(point, at)),
            setup_ms: settled.map(|at| milliseconds(at.since(session.first.timestamp))),
            agents: session.agents.each_ref().map(agent),
            pairs: (session.pairs.iter().enumerate())
                .map(|(place, pair)| self.ice_pair(session, pair, selected.contains(&place), now))
                .collect(),
            role_conflicts: session.role_conflicts,
            capture_points: (points.into_iter())
                .map(|point| self.place_of(point))
                .collect(),
        }
    }

    fn ice_pair(
        &self,
        session: &IceSession,
        pair: &IcePair,
        is_selected: bool,
        now: Timestamp,
    ) -> IcePairRecord {
        let point = pair.first.capture_point;
        let [one, other] = pair.ends();
        let [first, second] = &session.agents;
        let [its, others] = &pair.checks;
        let end = |agent: &IceAgent, at: Endpoint, checks| IceEndRecord {
            ip: at.ip.to_string(),
            port: at.port,
            kind: agent.kind(at, checks).map(str::to_owned),
        };
        let failure = pair.failure(now);
        let why = |(agent, failure): (usize, IceFailure)| {
            let checks = pair.checks.get(agent)?;
            Some(self.why(checks, failure))
        };
        IcePairRecord {
            component: session.component(pair),
            state: pair.state(now).to_owned(),
            nominated: pair.nominated.is_some(),
            selected: is_selected,
            ends: [end(first, one, its), end(second, other, others)],
            checks: pair.checks.each_ref().map(checks),
            first_check: self.stamp(point, pair.first.timestamp),
            nominated_ms: (pair.nominated)
                .map(|at| milliseconds(at.since(session.first.timestamp))),
            failure: failure.map(|(_, failure)| failure.name().to_owned()),
            reason: failure.and_then(why),
        }
    }

    /// Why checks came to nothing, in words.
    fn why(&self, checks: &IceChecks, failure: IceFailure) -> String {
        match failure {
            IceFailure::Refused(400) => "refused with 400: an attribute is missing".to_owned(),
            IceFailure::Refused(401) => {
                "refused with 401: the user name or the password is another".to_owned()
            }
            IceFailure::Refused(487) => "refused with 487: both want the same role".to_owned(),
            IceFailure::Refused(code) => format!("refused with {code}"),
            IceFailure::NotSymmetric => "the answer came from another address".to_owned(),
            IceFailure::NotPermitted => "the relay has no permission for the peer".to_owned(),
            IceFailure::Unreachable => "an ICMP error came back".to_owned(),
            IceFailure::AnswerLost => "answered, but the answer did not come back".to_owned(),
            IceFailure::NoAnswer => {
                let aim = checks.flow.map(|flow| flow.dst.ip);
                let private = aim.filter(|aim| Realm::of(*aim) == Realm::Private);
                let private = private.map(|aim| format!("; {aim} is a private address"));
                let last = checks.capture_points.last();
                let last = last.filter(|_| checks.capture_points.len() > 1);
                let last = last.map(|point| format!(", seen last at {}", self.place_of(*point)));
                let (last, private) = (last.unwrap_or_default(), private.unwrap_or_default());
                format!("no answer{last}{private}")
            }
        }
    }
}

fn agent(own: &IceAgent) -> IceAgentRecord {
    let description = own.description.as_ref();
    let candidates = description.map(|own| own.candidates.iter().map(candidate).collect());
    IceAgentRecord {
        side: own.side.map(|side| side.name().to_owned()),
        ufrag: own.ufrag.clone(),
        role: own.role.map(|role| role_name(role).to_owned()),
        role_changes: own.role_changes,
        lite: description.is_some_and(|own| own.is_lite),
        described: description.is_some(),
        candidates: candidates.unwrap_or_default(),
        trickled: description.map_or(0, |own| own.trickled),
        end_of_candidates: description.is_some_and(|own| own.has_all_candidates),
        integrity_good: own.integrity_good,
        integrity_bad: own.integrity_bad,
    }
}

pub(super) const fn role_name(role: IceRole) -> &'static str {
    match role {
        IceRole::Controlling => "controlling",
        IceRole::Controlled => "controlled",
    }
}

fn candidate(own: &Candidate) -> IceCandidateRecord {
    IceCandidateRecord {
        foundation: own.foundation.clone(),
        component: own.component_id,
        transport: if own.is_udp { "udp" } else { "tcp" }.to_owned(),
        kind: own.kind.clone(),
        ip: own.endpoint.map(|at| at.ip.to_string()),
        port: own.endpoint.map(|at| at.port),
        host_name: own.host_name.clone(),
        priority: own.priority,
        related_ip: own.related.map(|at| at.ip.to_string()),
        related_port: own.related.map(|at| at.port),
    }
}

fn checks(own: &IceChecks) -> IceChecksRecord {
    IceChecksRecord {
        sent: own.sent,
        retransmissions: own.retransmissions,
        succeeded: own.succeeded,
        errors: (own.errors.iter())
            .map(|(code, count)| IceErrorRecord {
                code: *code,
                count: *count,
            })
            .collect(),
        rtt_ms: own.round_trip_ns.map(milliseconds),
    }
}
