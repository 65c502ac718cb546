//! What DNS said: the targets in order, and the tree of questions.

use super::client::{Question, State};
use super::{DnsProbe, Leads};
use crate::dns::rcode_name;
use crate::net::Endpoint;
use crate::probe::{Carrier, Ending, Found};
use crate::report::{DnsNode, DnsTarget, Measurements, ProbeStep, milliseconds, rounded};

impl DnsProbe {
    /// What was found so far.
    pub(super) fn so_far(&self) -> Found {
        let mut own = self.told.clone();
        let ordered = self.ordered();
        let alike = |leads: &Leads| {
            let all = ordered
                .iter()
                .filter(|(other, ..)| (other.rank.0, other.rank.1) == (leads.rank.0, leads.rank.1));
            // A host of several addresses is weighed once.
            let mut hosts: Vec<(&str, u16)> = all
                .map(|(own, ..)| (own.host.as_str(), own.rank.2))
                .collect();
            hosts.sort_unstable();
            hosts.dedup();
            hosts
                .iter()
                .map(|(_, weight)| f64::from(*weight))
                .sum::<f64>()
        };
        own.targets = ordered
            .iter()
            .map(|(leads, endpoint, ttl_s)| DnsTarget {
                transport: leads.service.name().to_owned(),
                host: leads.host.clone(),
                ip: endpoint.ip.to_string(),
                port: endpoint.port,
                priority: (leads.by == "SRV").then_some(leads.rank.1),
                weight: (leads.by == "SRV").then_some(leads.rank.2),
                share: (leads.by == "SRV" && alike(leads) > 0.0)
                    .then(|| rounded(f64::from(leads.rank.2) / alike(leads), 3)),
                ttl_s: *ttl_s,
                by: leads.by.to_owned(),
            })
            .collect();
        let roots = self.asked.iter().enumerate();
        let roots = roots.filter(|(_, own)| own.parent.is_none());
        own.tree = roots.filter_map(|(place, _)| self.node(place)).collect();
        let questions: Vec<&Question> = (self.asked.iter())
            .filter_map(|own| self.client.get(own.question))
            .collect();
        let answered = questions
            .iter()
            .any(|own| matches!(own.state, State::Answered(_)));
        let (verdict, ending) = if !own.targets.is_empty() {
            ("located", Ending::Done)
        } else if !questions.is_empty() && !answered {
            ("no-answer", Ending::NoAnswer)
        } else if !own.refused_services.is_empty() {
            ("no-service", Ending::Failed)
        } else {
            ("nowhere", Ending::Failed)
        };
        Found {
            verdict: verdict.to_owned(),
            ending,
            steps: (questions.into_iter())
                .map(|own| Self::step(own, self.config.resolver))
                .collect(),
            measurements: Measurements::Dns(Box::new(own)),
            strays: self.client.strays,
        }
    }

    /// The targets, in the order in which they are to be tried: by service, then by
    /// priority, then by weight (RFC 2782 draws by lot; here the heavier is first).
    fn ordered(&self) -> Vec<&(Leads, Endpoint, Option<u32>)> {
        let mut all: Vec<_> = self.targets.iter().collect();
        all.sort_by_key(|(leads, endpoint, _)| {
            let (service, priority, weight) = leads.rank;
            (
                service,
                priority,
                std::cmp::Reverse(weight),
                endpoint.ip.is_ipv6(),
            )
        });
        all
    }

    /// Where to go, in order.
    #[must_use]
    pub fn targets(&self) -> Vec<(Carrier, Endpoint)> {
        let all = self.ordered().into_iter();
        all.map(|(leads, endpoint, _)| (leads.service, *endpoint))
            .collect()
    }

    fn node(&self, place: usize) -> Option<DnsNode> {
        let asked = self.asked.get(place)?;
        let question = self.client.get(asked.question)?;
        let (outcome, answers) = match &question.state {
            State::Waiting => ("waiting".to_owned(), Vec::new()),
            State::Silent => ("silent".to_owned(), Vec::new()),
            State::Refused(why) => (why.clone(), Vec::new()),
            State::Answered(message) => (rcode_name(message.rcode), message.answers.clone()),
        };
        let is_empty = outcome == "NOERROR" && answers.is_empty();
        let children = self.asked.iter().enumerate();
        let children = children.filter(|(_, own)| own.parent == Some(place));
        Some(DnsNode {
            name: question.name.clone(),
            kind: question.kind.to_string(),
            why: asked.why.clone(),
            outcome: if is_empty {
                "NODATA".to_owned()
            } else {
                outcome
            },
            ttl_s: answers.iter().map(|own| own.ttl_s).min(),
            rtt_ms: matches!(question.state, State::Answered(_))
                .then(|| milliseconds(question.round_trip_ns)),
            answers: answers.iter().map(|own| own.data.to_string()).collect(),
            children: children.filter_map(|(own, _)| self.node(own)).collect(),
        })
    }

    fn step(question: &Question, resolver: Endpoint) -> ProbeStep {
        let (outcome, says) = match &question.state {
            State::Waiting => ("waiting", "nothing yet".to_owned()),
            State::Silent => ("silent", "no answer".to_owned()),
            State::Refused(why) => ("refused", why.clone()),
            State::Answered(message) => {
                let count = message.answers.len();
                (
                    "answered",
                    format!("{}, {count} records", rcode_name(message.rcode)),
                )
            }
        };
        ProbeStep {
            name: format!("{} {}", question.kind, question.name),
            outcome: outcome.to_owned(),
            to: Some(resolver.to_string()),
            says,
            sent: question.copies,
            rtt_ms: (outcome == "answered").then(|| milliseconds(question.round_trip_ns)),
        }
    }
}
