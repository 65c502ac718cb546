//! What came of a test call.

use super::{CallProbe, Fault};
use crate::probe::sip_client::step;
use crate::probe::{Ending, Found};
use crate::report::{CallMeasurements, Measurements, ProbeStep, milliseconds};
use crate::rtp::g711::Law;

impl CallProbe {
    /// What was found so far.
    pub(super) fn told_so_far(&self) -> Found {
        let mut own = self.told.clone();
        own.challenges = self.digest.challenges;
        own.realm.clone_from(&self.digest.realm);
        own.algorithm.clone_from(&self.digest.algorithm);
        own.redirects.clone_from(&self.redirects);
        self.hear(&mut own);
        let (verdict, ending) = self.verdict(&own);
        Found {
            verdict,
            ending,
            steps: self.steps(),
            measurements: Measurements::Call(Box::new(own)),
            strays: self.client.strays + self.media.strangers + self.media.others(),
        }
    }

    /// What was heard, and of what that is known.
    fn hear(&self, own: &mut CallMeasurements) {
        let remote = self.media.remote();
        own.remote_media = remote.map(|own| own.rtp.to_string());
        own.heard_from = self.media.heard_from().map(|own| own.to_string());
        let law = remote.and_then(|own| Law::of(own.payload_type));
        let codec = match law {
            Some(Law::A) => "PCMA",
            _ => "PCMU",
        };
        own.codec = law.map(|_| codec.to_owned());
        own.tone_hz = remote.map(|_| self.media.tone.frequency);
        let (heard, share) = self.media.sound();
        heard.clone_into(&mut own.heard);
        own.tone_share = share;
        own.to_peer = self.media.outward(codec);
        own.from_peer = self.media.inward(codec);
        own.rtt_ms = self.media.round_trip_ms();
        own.dtmf_sent = self.media.digits_sent;
        own.dtmf_back = self.media.digits_back();
        own.sources = self.media.sources();
        own.early_packets = self.early_packets;
        let since = self.media.first_sent.or(self.answered);
        let first = self.media.first_heard().zip(since);
        own.first_packet_ms = first.map(|(first, since)| milliseconds(first.since(since)));
        own.talk_ms = self
            .answered
            .zip(self.ended)
            .map(|(from, to)| milliseconds(to.since(from)));
        if self.ended.is_some() && own.ended_by.is_none() && self.answered.is_some() {
            own.ended_by = Some("probe".to_owned());
        }
        let comes = own.from_peer.packets > 0;
        let reported = own.to_peer.expected.map(|own| own > 0);
        let goes = match (heard, reported) {
            ("own-tone", _) | (_, Some(true)) => Some(true),
            _ if own.dtmf_back > 0 => Some(true),
            _ => None,
        };
        own.media = match (self.answered.is_some(), comes, goes) {
            (false, ..) => "none",
            (_, true, Some(_)) => "both",
            (_, true, None) => "received",
            (_, false, Some(_)) => "sent",
            (_, false, None) => "not-received",
        }
        .to_owned();
        if self.answered.is_some() && goes.is_none() {
            own.not_judged.push(
                "whether the other side hears us: it sent no reports, and not our own tone"
                    .to_owned(),
            );
        }
        let all = [own.to_peer.mos, own.from_peer.mos].into_iter().flatten();
        own.mos = all.min_by(f64::total_cmp);
        let all = [own.to_peer.loss_percent, own.from_peer.loss_percent];
        own.loss_percent = all.into_iter().flatten().max_by(f64::total_cmp);
        let all = [own.to_peer.jitter_ms, own.from_peer.jitter_ms];
        own.jitter_ms = all.into_iter().flatten().max_by(f64::total_cmp);
    }

    fn verdict(&self, own: &CallMeasurements) -> (String, Ending) {
        let verdict = match (self.faults.first(), self.answered) {
            (Some(Fault::NoAnswer), _) => return ("no-answer".to_owned(), Ending::NoAnswer),
            (Some(Fault::NotAnswered), _) if self.told.provisional.is_empty() => {
                return ("no-answer".to_owned(), Ending::NoAnswer);
            }
            (Some(fault), _) => match fault {
                Fault::Challenge(fault) => fault.verdict(),
                Fault::Redirected => "redirected",
                Fault::Rejected(486 | 600) => "busy",
                Fault::Rejected(603) => "declined",
                Fault::Unusable => "unusable-answer",
                Fault::NotAnswered => "not-answered",
                Fault::Rejected(_) | Fault::NoAnswer => "rejected",
            },
            (None, None) => return ("unfinished".to_owned(), Ending::Inconclusive),
            (None, Some(_)) if own.from_peer.packets == 0 => "no-audio",
            (None, Some(_)) => {
                let verdict = match own.heard.as_str() {
                    "own-tone" => "audio-comes-back",
                    "silence" => "silence",
                    _ => "audio",
                };
                return (verdict.to_owned(), Ending::Done);
            }
        };
        (verdict.to_owned(), Ending::Failed)
    }

    fn steps(&self) -> Vec<ProbeStep> {
        let asked = self.asked.iter().filter_map(|(name, own)| {
            let exchange = self.client.get(*own)?;
            Some(step(name.clone(), exchange))
        });
        self.client.unopened.iter().cloned().chain(asked).collect()
    }
}
