//! What rules of ICE see, and have in common.

use super::CaptureFacts;
use crate::engine::ice::{IceAgent, IceChecks, IcePair, IceSession};
use crate::engine::rtp_stream::RtpStream;
use crate::engine::session::Side;
use crate::time::{SECOND, Timestamp, millis};

/// An ICE session, and what is known around it.
#[derive(Clone, Copy, Debug)]
pub struct IceContext<'a> {
    /// The session.
    pub session: &'a IceSession,
    /// All of its call, this one with them; none without a call.
    pub sessions: &'a [IceSession],
    /// The streams of its call.
    pub streams: &'a [RtpStream],
    /// When somebody hung up.
    pub hung_up: Option<Timestamp>,
    /// The capture.
    pub capture: CaptureFacts,
}

/// How long consent stands (RFC 7675, 5.1).
pub(super) const CONSENT_NS: i64 = 30 * SECOND;

/// An agent in a sentence.
pub(super) fn called(agent: &IceAgent) -> String {
    match agent.side {
        Some(Side::Caller) => "the caller".to_owned(),
        Some(Side::Callee) => "the callee".to_owned(),
        None => format!("the agent {}", agent.ufrag),
    }
}

/// The ends of a pair in a sentence.
pub(super) fn ends(pair: &IcePair) -> String {
    let [one, other] = pair.ends();
    format!("{one} - {other}")
}

pub(super) fn seconds(nanoseconds: i64) -> f64 {
    millis(nanoseconds) / 1000.0
}

/// Media that an agent sends on the selected pair.
pub(super) struct Sending<'a> {
    pub agent: &'a IceAgent,
    pub pair: &'a IcePair,
    /// Its own checks of the pair.
    pub checks: &'a IceChecks,
    pub stream: &'a RtpStream,
}

/// What each agent sends on a selected pair that it checked.
pub(super) fn sending<'a>(context: &IceContext<'a>) -> Vec<Sending<'a>> {
    let session = context.session;
    let selected = session.selected().into_iter();
    let selected = selected.filter_map(|own| session.pairs.get(own));
    let mut found = Vec::new();
    for pair in selected {
        for (checks, agent) in pair.checks.iter().zip(&session.agents) {
            let Some(flow) = checks.flow else { continue };
            let streams = context.streams.iter();
            found.extend(
                streams
                    .filter(|own| own.flow == flow)
                    .map(|stream| Sending {
                        agent,
                        pair,
                        checks,
                        stream,
                    }),
            );
        }
    }
    found
}
