//! A call that ended, and what is concluded of it before anything is numbered:
//! that needs no state, so that several hands may do it at once.

use std::net::IpAddr;
use std::sync::Arc;

use super::call_record::{Milestones, went_wrong};
use super::diagnosis::{Told, media_fact, role};
use super::scribe::Scribe;
use crate::engine::call::{ClosedCall, Purpose};
use crate::packet::PacketRef;
use crate::report::{
    CallRecord, IceSessionRecord, StreamRecord, SubscriptionRecord, TransactionRecord,
};
use crate::rules::{self, CallContext, CaptureFacts, IceContext};
use crate::time::Timestamp;

/// How things stood when something was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// The latest time of the capture.
    pub until: Timestamp,
    /// Whether packets are known to be missing: one that would have told
    /// otherwise may be among them.
    pub is_lossy: bool,
}

impl Moment {
    pub(super) const fn facts(self) -> CaptureFacts {
        CaptureFacts { until: self.until }
    }

    pub(super) const fn confidence(self) -> f64 {
        if self.is_lossy { 0.5 } else { 0.9 }
    }
}

/// A call, or a message that names none, to be judged.
#[derive(Debug)]
pub struct Case {
    pub(super) ticket: u64,
    pub(super) scribe: Arc<Scribe>,
    pub(super) closed: Box<ClosedCall>,
    /// Whether it is a message without a Call-ID.
    pub(super) is_stray: bool,
    pub(super) moment: Moment,
}

/// What is concluded of a case.
#[derive(Debug)]
pub struct Judged {
    pub(super) ticket: u64,
    pub(super) verdict: Verdict,
}

/// What is to be told of a case.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Nothing: it is not asked for.
    Nothing,
    /// A message without a Call-ID.
    Stray(Vec<Told>),
    /// All under a Call-ID.
    Call(Box<CallVerdict>),
}

/// What is to be told of a call.
#[derive(Debug)]
pub(super) struct CallVerdict {
    /// Absent where no message of it belongs to a call.
    pub record: Option<CallRecord>,
    pub diagnostics: Vec<Told>,
    /// The place of the finding that explains it.
    pub root: Option<usize>,
    pub attempt: Option<(Ended, Moment)>,
    pub subscriptions: Vec<SubscriptionRecord>,
    pub streams: Vec<StreamRecord>,
    pub ice_sessions: Vec<IceSessionRecord>,
    pub transactions: Vec<TransactionRecord>,
}

/// A call that ended, counted against whoever made it.
#[derive(Debug)]
pub(super) struct Ended {
    pub source: IpAddr,
    pub user: String,
    pub at: PacketRef,
    pub status: u16,
}

impl Case {
    /// Judges it.
    #[must_use]
    pub fn judge(self) -> Judged {
        Judged {
            ticket: self.ticket,
            verdict: self.verdict(),
        }
    }

    fn verdict(self) -> Verdict {
        let Self {
            scribe,
            closed,
            moment,
            ..
        } = &self;
        let (config, closed, call) = (&scribe.config, closed.as_ref(), &closed.call);
        if self.is_stray {
            let findings = scribe.found(|profile| {
                let secrets = &config.credentials;
                let context = CallContext::new(closed, Vec::new(), moment.facts(), secrets);
                rules::judge_call(&context, profile)
            });
            return Verdict::Stray(scribe.diagnostics("message", "", None, &findings, *moment));
        }
        let users = [&call.opening.from, &call.opening.to]
            .into_iter()
            .filter_map(|party| party.as_ref()?.user.as_deref());
        let users: smallvec::SmallVec<[&str; 2]> = users.collect();
        let is_wanted = scribe.wants_call(call.index, Some(&call.call_id), &users);
        if !is_wanted || (call.index.is_none() && config.calls_only) {
            return Verdict::Nothing;
        }
        let mut record = call.index.map(|index| scribe.call(closed, index));
        let (diagnostics, root) = scribe.judge_call(closed, record.as_mut(), *moment);
        let status = record.as_ref().and_then(|record| record.final_status);
        let all_transactions = call.index.is_none() || config.transactions;
        let transactions = call.transactions.iter().filter(|_| all_transactions);
        Verdict::Call(Box::new(CallVerdict {
            attempt: (record.as_ref())
                .and(ended(closed, status))
                .map(|ended| (ended, *moment)),
            record,
            diagnostics,
            root,
            subscriptions: (call.subscriptions.iter())
                .map(|subscription| scribe.subscription(subscription, closed))
                .collect(),
            streams: (closed.streams.iter())
                .map(|stream| scribe.stream(stream, Some(closed)))
                .collect(),
            ice_sessions: scribe.ice_sessions(&closed.ice, moment.until),
            transactions: transactions
                .map(|transaction| scribe.transaction(transaction, closed))
                .collect(),
        }))
    }
}

/// An attempt that ended with a status.
fn ended(closed: &ClosedCall, status: Option<u16>) -> Option<Ended> {
    let call = &closed.call;
    let mut setups = call.exchanges.iter();
    let setup = setups.find(|own| own.purpose == Purpose::Setup)?;
    let user = call.opening.to.as_ref().and_then(|to| to.user.as_deref());
    let asked = call.opening.request_uri.as_deref();
    Some(Ended {
        source: setup.flow.src.ip,
        user: asked.or(user).unwrap_or_default().to_owned(),
        at: setup.first,
        status: status?,
    })
}

impl Scribe {
    /// Judges a call; its record then names what users notice.
    fn judge_call(
        &self,
        closed: &ClosedCall,
        record: Option<&mut CallRecord>,
        moment: Moment,
    ) -> (Vec<Told>, Option<usize>) {
        let mut findings = self.found(|profile| {
            let media = record.as_ref().map(|record| &record.media);
            let media = media.into_iter().flatten().map(media_fact).collect();
            let secrets = &self.config.credentials;
            let context = CallContext::new(closed, media, moment.facts(), secrets);
            let mut findings = rules::judge_call(&context, profile);
            for session in &closed.ice {
                let context = IceContext {
                    session,
                    sessions: &closed.ice,
                    streams: &closed.streams,
                    hung_up: Milestones::of(&closed.call, moment.until).hung_up,
                    capture: moment.facts(),
                };
                findings.extend(rules::judge_ice(&context, profile));
            }
            findings
        });
        if let Some(record) = &record {
            for finding in &mut findings {
                finding.party = finding
                    .party
                    .take()
                    .map(|party| role(record, closed, party));
            }
        }
        let call_id = &closed.call.call_id;
        let subject = record.as_ref().map_or(call_id, |record| &record.id);
        let told = self.diagnostics("call", subject, Some(call_id), &findings, moment);
        let Some(record) = record else {
            return (told, None);
        };
        let causes = rules::caused_by(&findings);
        let root = rules::root_of(&findings, &causes, went_wrong(record));
        for symptom in findings.iter().filter_map(|finding| finding.rule.symptom) {
            if !record.symptoms.iter().any(|known| known == symptom) {
                record.symptoms.push(symptom.to_owned());
            }
        }
        (told, root)
    }
}
