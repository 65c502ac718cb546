//! Calls as records: outcome, cause, times.

use super::scribe::{self, Scribe};
use crate::engine::Closed;
use crate::engine::call::{Call, ClosedCall, Exchange, Passage, Purpose};
use crate::engine::session::Side;
use crate::engine::transaction::{FinalResponse, Transaction};
use crate::report::{
    CallRecord, Cause, DialogRecord, ExchangeRecord, LegRecord, NotJudged, PathChangeRecord,
    PathRecord, milliseconds, rounded,
};
use crate::sip::Method;
use crate::sip::transaction::{State, TRANSACTION_TIMEOUT_NS};
use crate::time::Timestamp;

/// When things happened, as the caller saw them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Milestones {
    /// The first INVITE.
    pub started: Option<Timestamp>,
    /// The first response other than 100 that is no failure.
    pub ringing: Option<Timestamp>,
    /// The 2xx.
    pub answered: Option<Timestamp>,
    /// The BYE.
    pub hung_up: Option<Timestamp>,
    /// The end: BYE, CANCEL, final failure, or the last that was heard.
    pub ended: Option<Timestamp>,
}

impl Milestones {
    pub(super) fn of(call: &Call, at: Timestamp) -> Self {
        let attempts: Vec<&Exchange> = attempts(call).collect();
        let started = attempts.first().map(|exchange| exchange.first.timestamp);
        let last = attempts.last().copied();
        let hop = last.and_then(|exchange| call.first_hop(exchange));
        let response = last.and_then(|exchange| call.final_of(exchange));
        let answered = response
            .filter(|response| (200..300).contains(&response.status_code))
            .map(|response| response.at);
        let hung_up = call
            .exchanges
            .iter()
            .find(|exchange| exchange.method == Method::Bye)
            .map(|exchange| exchange.first.timestamp);
        let failed = response
            .filter(|response| response.status_code >= 300)
            .map(|response| response.at);
        let cancelled = last.and_then(|exchange| exchange.cancelled);
        let is_over = !call.is_up();
        Self {
            started,
            ringing: hop.and_then(|hop| hop.ringing),
            answered,
            hung_up,
            ended: hung_up
                .or(if answered.is_none() {
                    failed.or(cancelled)
                } else {
                    None
                })
                .or_else(|| (is_over && !call.is_pending()).then_some(call.last))
                .or_else(|| answered.map(|answered| answered.max(call.last.max(at)))),
        }
    }
}

/// The INVITEs that tried to begin the call.
fn attempts(call: &Call) -> impl Iterator<Item = &Exchange> {
    call.exchanges
        .iter()
        .filter(|exchange| exchange.method == Method::Invite && exchange.is_outside)
}

/// How a call went.
#[derive(Debug)]
struct Outcome {
    name: &'static str,
    cause: Cause,
    ended_by: Option<String>,
    end_method: Option<String>,
}

/// Whether a call was refused for the form of what was sent.
pub(super) const fn went_wrong(record: &CallRecord) -> bool {
    matches!(
        record.final_status,
        Some(
            400 | 405
                | 413
                | 415
                | 416
                | 420
                | 421
                | 481
                | 482
                | 488
                | 493
                | 494
                | 500
                | 501
                | 505
                | 513
                | 580
                | 606
        )
    )
}

impl Scribe {
    /// What passed between capture points.
    fn paths(&self, closed: &ClosedCall) -> Vec<PathRecord> {
        let passages = closed.passages();
        let record = |own: &Passage| {
            let back = passages
                .iter()
                .find(|other| (other.from, other.to) == (own.to, own.from));
            let least = |own: &Passage| own.delay.mean_ns().map(|_| own.delay.least_ns);
            let round_trip = least(own).zip(back.and_then(least));
            let ms = |ns: i64| own.delay.mean_ns().map(|_| milliseconds(ns));
            PathRecord {
                from: self.place_of(own.from),
                to: self.place_of(own.to),
                messages: own.messages,
                messages_lost: own.lost_messages,
                delay_min_ms: ms(own.delay.least_ns),
                delay_mean_ms: own.delay.mean_ns().map(milliseconds),
                delay_max_ms: ms(own.delay.most_ns),
                round_trip_ms: round_trip.map(|(there, back)| milliseconds(there + back)),
                messages_changed: own.changed,
                changes: (own.changes.iter())
                    .map(|(change, count)| PathChangeRecord {
                        field: change.field.clone(),
                        count: *count,
                        before: change.inside.clone(),
                        after: change.outside.clone(),
                    })
                    .collect(),
                rtp_packets: own.packets,
                rtp_packets_lost: own.lost_packets,
            }
        };
        passages.iter().map(record).collect()
    }

    /// The record of a call.
    pub(super) fn call(&self, closed: &ClosedCall, index: u64) -> CallRecord {
        let call = &closed.call;
        let point = call.first.capture_point;
        let milestones = Milestones::of(call, closed.at);
        let attempts: Vec<&Exchange> = attempts(call).collect();
        let (first, last) = (attempts.first().copied(), attempts.last().copied());
        let outcome = outcome(closed, last);
        let stamp = |at: Option<Timestamp>| at.map(|at| self.stamp(point, at));
        let between = |from: Option<Timestamp>, until: Option<Timestamp>| {
            // A clock that was set back leaves no duration.
            Some(until?.since(from?))
                .filter(|span| *span >= 0)
                .map(milliseconds)
        };
        let caller = first.map(|exchange| exchange.flow.src);
        let hops = last.map(|exchange| way(call, exchange)).unwrap_or_default();
        let callee = last.and_then(|exchange| {
            let answered = exchange
                .answer_transaction
                .filter(|_| exchange.reached_the_end)
                .and_then(|number| call.transactions.get(number));
            Some(answered.or(hops.last().copied())?.flow.dst)
        });
        let challenge = attempts
            .windows(2)
            .find(|pair| {
                call.final_of(pair[0])
                    .is_some_and(|response| matches!(response.status_code, 401 | 407))
            })
            .map(|pair| pair[1].first.timestamp);
        let response = last.and_then(|exchange| call.final_of(exchange));
        let callee_agent = last
            .filter(|exchange| exchange.reached_the_end)
            // A refusal may be the proxy's own; what says yes comes from the
            // far end, by whatever way.
            .filter(|exchange| milestones.answered.is_some() || !is_proxy(closed, exchange))
            .and_then(|exchange| exchange.answerer_agent.clone());
        let ring_until = milestones.answered.or(milestones.ended);
        let mut not_judged = Vec::new();
        let mut skip = |field: &str, reason: &str| {
            not_judged.push(NotJudged {
                field: field.to_owned(),
                reason: reason.to_owned(),
            });
        };
        if !call.start_seen {
            skip("started", "the capture began inside the call");
        }
        if closed.closed == Closed::Evicted {
            skip("outcome", "the call had to leave before its end");
        }
        if call.kept.forgotten > 0 {
            skip("root_cause", "some of its messages had to leave");
        }
        CallRecord {
            id: format!("call-{index}"),
            index,
            call_id: call.call_id.clone(),
            outcome: outcome.name.to_owned(),
            cause: outcome.cause,
            symptoms: Vec::new(),
            root_cause: None,
            from_uri: call.opening.from.as_ref().map(|party| party.uri.clone()),
            from_user: call
                .opening
                .from
                .as_ref()
                .and_then(|party| party.user.clone()),
            from_display: call
                .opening
                .from
                .as_ref()
                .and_then(|party| party.display.clone()),
            to_uri: call.opening.to.as_ref().map(|party| party.uri.clone()),
            to_user: call
                .opening
                .to
                .as_ref()
                .and_then(|party| party.user.clone()),
            request_uri: call.opening.request_uri.clone(),
            p_asserted_identity: call.opening.asserted_identity.clone(),
            caller_ip: caller.map(|caller| caller.ip.to_string()),
            caller_port: caller.map(|caller| caller.port),
            callee_ip: callee.map(|callee| callee.ip.to_string()),
            callee_port: callee.map(|callee| callee.port),
            caller_user_agent: call.opening.user_agent.clone(),
            callee_user_agent: callee_agent,
            started: stamp(milestones.started),
            ringing: stamp(milestones.ringing),
            answered: stamp(milestones.answered),
            ended: stamp(milestones.ended),
            pdd_ms: between(
                milestones.started,
                milestones.ringing.or(milestones.answered),
            ),
            answer_delay_ms: between(milestones.started, milestones.answered),
            challenge_ms: between(milestones.started, challenge),
            ring_ms: between(milestones.ringing, ring_until),
            talk_ms: between(milestones.answered, milestones.ended),
            duration_ms: between(milestones.started, milestones.ended),
            ended_by: outcome.ended_by,
            end_method: outcome.end_method,
            reason_header: call.reason.clone(),
            answer_retransmissions: call
                .transactions
                .iter()
                .map(|transaction| transaction.answer_retransmissions)
                .sum(),
            ack_seen_by_callee: last
                .filter(|_| milestones.answered.is_some())
                .map(|exchange| exchange.acknowledged_to_answerer),
            session_expires_s: call.session_timer.as_ref().map(|(seconds, _)| *seconds),
            refresher: call
                .session_timer
                .as_ref()
                .and_then(|(_, refresher)| refresher.clone()),
            last_refresh: stamp(call.last_refresh.filter(|_| call.session_timer.is_some())),
            messages: call.messages,
            retransmissions: call.retransmissions,
            duplicates: call.duplicates,
            final_status: response.map(|response| response.status_code),
            dialogs: call
                .dialogs
                .iter()
                .map(|dialog| DialogRecord {
                    from_tag: dialog.from_tag.clone(),
                    to_tag: dialog.to_tag.clone(),
                    state: dialog.state.name().to_owned(),
                })
                .collect(),
            hops: hops
                .iter()
                .map(|hop| [hop.flow.src.to_string(), hop.flow.dst.to_string()])
                .collect(),
            exchanges: call
                .exchanges
                .iter()
                .filter(|exchange| exchange.method != Method::Ack)
                .map(|exchange| self.exchange(closed, exchange))
                .collect(),
            media: self.media(closed, &milestones),
            conference_uri: call.focus.as_ref().map(|(_, uri)| uri.clone()),
            conference_focus: call.focus.as_ref().map(|(side, _)| side.name().to_owned()),
            paths: self.paths(closed),
            legs: call
                .ties
                .iter()
                .map(|tie| LegRecord {
                    call_id: tie.call_id.clone(),
                    kind: tie.kind.to_owned(),
                    score: rounded(f64::from(tie.score) / 100.0, 2),
                    reason: tie.reason.clone(),
                })
                .collect(),
            rtp_streams: closed
                .streams
                .iter()
                .map(|stream| format!("stream-{}", stream.serial + 1))
                .collect(),
            diagnostics: Vec::new(),
            points: self.points_of(&call.frames),
            frames: self.shorthand(&call.frames),
            tunnels: call.tunnels.iter().map(scribe::tunnel).collect(),
            headers: call.headers.iter().cloned().collect(),
            closed: match closed.closed {
                Closed::Completed => "completed",
                Closed::Idle => "idle",
                Closed::Evicted => "evicted",
                Closed::EndOfCapture => "end-of-capture",
            }
            .to_owned(),
            not_judged,
        }
    }

    fn exchange(&self, closed: &ClosedCall, exchange: &Exchange) -> ExchangeRecord {
        let call = &closed.call;
        let hops = || {
            exchange
                .transactions
                .iter()
                .filter_map(|&number| call.transactions.get(number))
        };
        let response = call.final_of(exchange);
        let started = call.first_hop(exchange).and_then(|hop| hop.started);
        let frames = hops()
            .flat_map(|hop| hop.frames.points())
            .flat_map(|point| point.numbers.iter().copied());
        let mut frames: Vec<u32> = frames.collect();
        frames.sort_unstable();
        frames.dedup();
        frames.truncate(200);
        ExchangeRecord {
            method: exchange.method.as_str().to_owned(),
            cseq: exchange.cseq,
            by: exchange.by.map(|by| by.name().to_owned()),
            purpose: exchange.purpose.name().to_owned(),
            started: self.stamp(exchange.first.capture_point, exchange.first.timestamp),
            final_status: response.map(|response| response.status_code),
            delay_ms: response
                .zip(started)
                .map(|(response, started)| milliseconds(response.at.since(started))),
            retransmissions: hops().map(|hop| hop.retransmissions).sum(),
            result: result(closed, exchange, response).to_owned(),
            target: exchange.refer_to.clone(),
            digit: exchange.digit.map(|digit| self.shown(digit).to_string()),
            frames,
        }
    }
}

/// The hops of an exchange in the order of its way: each host adds a `Via`.
fn way<'c>(call: &'c Call, exchange: &Exchange) -> Vec<&'c Transaction> {
    let mut hops: Vec<&Transaction> = exchange
        .transactions
        .iter()
        .filter_map(|&number| call.transactions.get(number))
        .collect();
    hops.sort_by_key(|hop| hop.first.timestamp);
    hops
}

/// What came of an exchange.
fn result(
    closed: &ClosedCall,
    exchange: &Exchange,
    response: Option<&FinalResponse>,
) -> &'static str {
    if exchange.purpose == Purpose::Transfer
        && let Some(status) = exchange.transfer_status
    {
        match status {
            0..=199 => {}
            200..=299 => return "done",
            _ => return "failed",
        }
    }
    match response.map(|response| response.status_code) {
        None if exchange.cancelled.is_some() => "cancelled",
        None => {
            let waited = closed.at.since(exchange.first.timestamp);
            if waited >= TRANSACTION_TIMEOUT_NS {
                "timeout"
            } else {
                "pending"
            }
        }
        Some(200..=299) => "ok",
        Some(300..=399) => "redirected",
        Some(401 | 407) => "challenged",
        Some(481) => "gone",
        Some(487) => "cancelled",
        Some(491) => "glare",
        Some(600 | 603) => "rejected",
        Some(500..=699) => "failed",
        Some(_) => "rejected",
    }
}

/// Whether whoever answered is known to pass requests on, or asked for
/// credentials as proxies do.
fn is_proxy(closed: &ClosedCall, exchange: &Exchange) -> bool {
    let Some(answerer) = exchange.answerer else {
        return false;
    };
    let challenged = attempts(&closed.call).any(|attempt| {
        closed
            .call
            .final_of(attempt)
            .is_some_and(|response| response.status_code == 407 && response.by == answerer)
    });
    challenged || closed.proxies.contains(&answerer)
}

fn outcome(closed: &ClosedCall, last: Option<&Exchange>) -> Outcome {
    let call = &closed.call;
    let bye = call
        .exchanges
        .iter()
        .find(|exchange| exchange.method == Method::Bye);
    let mut cause = Cause {
        q850: call.q850,
        warning: call.warning.clone(),
        ..Cause::default()
    };
    let plain = |name, class: &str, mut cause: Cause| {
        cause.class = class.to_owned();
        Outcome {
            name,
            cause,
            ended_by: None,
            end_method: None,
        }
    };
    let hung_up = |mut cause: Cause, bye: &Exchange, name| {
        cause.class = "normal-clearing".to_owned();
        let by = bye.by.map(|by| by.name().to_owned());
        cause.by.clone_from(&by);
        cause.by_address = Some(bye.flow.src.to_string());
        Outcome {
            name,
            cause,
            ended_by: by,
            end_method: Some("BYE".to_owned()),
        }
    };
    let Some(last) = last else {
        // The capture began inside the call.
        return match bye {
            Some(bye) => hung_up(cause, bye, "incomplete"),
            None => plain("incomplete", "start-not-captured", cause),
        };
    };
    let response = call.final_of(last);
    if let Some(response) = response {
        cause.status = Some(response.status_code);
        cause.reason_phrase = Some(response.reason_phrase.clone()).filter(|text| !text.is_empty());
    }
    match response.map(|response| response.status_code) {
        Some(200..=299) => match bye {
            Some(bye) => hung_up(cause, bye, "completed"),
            None => plain("established", "end-not-captured", cause),
        },
        Some(status) => {
            let by_caller = last.cancelled.is_some() && status == 487;
            let by = if by_caller {
                Side::Caller.name()
            } else if is_proxy(closed, last) {
                "proxy"
            } else {
                Side::Callee.name()
            };
            let (name, class) = match status {
                487 => ("cancelled", "cancelled"),
                486 | 600 => ("busy", "busy"),
                603 => ("declined", "declined"),
                300..=399 => ("redirected", "redirected"),
                401 | 407 => ("rejected", "not-authorized"),
                403 => ("rejected", "forbidden"),
                404 | 410 | 484 | 604 => ("rejected", "not-found"),
                408 | 480 => ("rejected", "no-answer"),
                415 | 488 | 606 => ("rejected", "not-acceptable"),
                400..=499 => ("rejected", "rejected"),
                503 => ("failed", "unavailable"),
                _ => ("failed", "server-failure"),
            };
            cause.class = class.to_owned();
            cause.by = Some(by.to_owned());
            cause.by_address = if by_caller {
                Some(last.flow.src.to_string())
            } else {
                last.answerer.map(|answerer| answerer.to_string())
            };
            Outcome {
                name,
                cause,
                ended_by: Some(by.to_owned()),
                end_method: Some(if by_caller {
                    "CANCEL".to_owned()
                } else {
                    status.to_string()
                }),
            }
        }
        None if last.cancelled.is_some() => {
            cause.class = "cancelled".to_owned();
            cause.by = Some(Side::Caller.name().to_owned());
            cause.by_address = Some(last.flow.src.to_string());
            Outcome {
                name: "cancelled",
                cause,
                ended_by: Some(Side::Caller.name().to_owned()),
                end_method: Some("CANCEL".to_owned()),
            }
        }
        None => {
            let hop = call.first_hop(last);
            let unanswered = hop.is_some_and(|hop| hop.state == State::Trying);
            let waited = closed.at.since(last.first.timestamp) >= TRANSACTION_TIMEOUT_NS;
            if unanswered && waited {
                plain("timeout", "no-response", cause)
            } else if closed.closed == Closed::Idle {
                plain("timeout", "no-final-response", cause)
            } else {
                plain("incomplete", "end-not-captured", cause)
            }
        }
    }
}
