//! ICE sessions.

use schemars::JsonSchema;
use serde::Serialize;

/// Two agents that looked for a way to each other (RFC 8445). Pairs of values stand in
/// the order of `agents`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct IceSessionRecord {
    pub id: String,
    /// The call whose media it is for.
    pub call_id: Option<String>,
    /// Which medium of the call, from 0; the first of those that share it.
    pub media: Option<u8>,
    /// 1, and one more after each restart.
    pub generation: u32,
    /// `completed connected checking failed`; `unanswered` where one side alone was
    /// heard, which says nothing of the other.
    pub state: String,
    /// Its first check.
    pub started: String,
    /// When the last of its components had a pair that was nominated.
    pub completed: Option<String>,
    /// From the first check to that moment.
    pub setup_ms: Option<f64>,
    /// The caller and the callee; without a call first whoever checked first.
    pub agents: [IceAgentRecord; 2],
    /// In the order of their first checks.
    pub pairs: Vec<IcePairRecord>,
    /// Checks that were refused with 487.
    pub role_conflicts: u64,
    /// Where it was captured.
    pub capture_points: Vec<String>,
}

/// One side.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct IceAgentRecord {
    /// `caller` or `callee`.
    pub side: Option<String>,
    pub ufrag: String,
    /// `controlling` or `controlled`, as it said last.
    pub role: Option<String>,
    pub role_changes: u64,
    pub lite: bool,
    /// Whether its session description was captured.
    pub described: bool,
    pub candidates: Vec<IceCandidateRecord>,
    /// How many of them came after the description, in INFO (RFC 8840).
    pub trickled: usize,
    /// Whether it said that it has no more of them.
    pub end_of_candidates: bool,
    /// Messages of it whose MESSAGE-INTEGRITY fits the passwords of the descriptions.
    pub integrity_good: u64,
    /// Messages of it whose MESSAGE-INTEGRITY does not.
    pub integrity_bad: u64,
}

/// An address that an agent described (RFC 8839, 5.1).
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct IceCandidateRecord {
    pub foundation: String,
    /// 1 for RTP, 2 for RTCP.
    pub component: u8,
    pub transport: String,
    /// `host srflx prflx relay`, as written.
    pub kind: String,
    /// Null where a name stands in its place.
    pub ip: Option<String>,
    pub port: Option<u16>,
    pub host_name: Option<String>,
    pub priority: u32,
    pub related_ip: Option<String>,
    pub related_port: Option<u16>,
}

/// Two addresses that were tried.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct IcePairRecord {
    /// 1 for RTP, 2 for RTCP; null where no candidate tells.
    pub component: Option<u8>,
    /// `in-progress succeeded failed`.
    pub state: String,
    pub nominated: bool,
    /// Whether media are to go this way.
    pub selected: bool,
    /// The ends as the agents know them.
    pub ends: [IceEndRecord; 2],
    /// The checks of each agent.
    pub checks: [IceChecksRecord; 2],
    pub first_check: String,
    /// From the first check of the session to its nomination.
    pub nominated_ms: Option<f64>,
    /// `refused not-symmetric not-permitted unreachable answer-lost no-answer`.
    pub failure: Option<String>,
    /// The same in words.
    pub reason: Option<String>,
}

/// An end of a pair.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct IceEndRecord {
    pub ip: String,
    pub port: u16,
    /// `host srflx prflx relay`; null where nothing tells.
    pub kind: Option<String>,
}

/// The checks of one agent on a pair.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct IceChecksRecord {
    pub sent: u64,
    pub retransmissions: u64,
    pub succeeded: u64,
    pub errors: Vec<IceErrorRecord>,
    pub rtt_ms: Option<f64>,
}

/// Checks that were refused.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the field names are the contract's")]
pub struct IceErrorRecord {
    pub code: u16,
    pub count: u64,
}
