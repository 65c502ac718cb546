//! What answers the INVITE of a test call, and what follows from it.

use super::super::options::mapped;
use super::super::sip_client::{Response, phrase};
use super::super::target::SipTarget;
use super::dialog::{Dialog, is_one_host, uri};
use super::media::Remote;
use super::{CallProbe, Fault, Stage};
use crate::net::Endpoint;
use crate::report::milliseconds;
use crate::rtp::g711::Law;
use crate::sdp::{MediaDirection, MediaKind, SessionDescription};
use crate::sip::header::{HeaderName, NameAddr};
use crate::sip::{SipMessage, Uri};
use crate::time::Timestamp;

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 5;
/// Answers that are ended; a peer that forks further is left to its own timers.
const MAX_DIALOGS: usize = 64;
/// Copies of an answer that are acknowledged: who follows RFC 3261 sends eleven.
pub(super) const MAX_COPIES: u32 = 16;

impl CallProbe {
    pub(super) fn response(&mut self, now: Timestamp, number: usize, response: &Response) {
        let Some(message) = response.message() else {
            return;
        };
        match response.status {
            ..200 => self.provisional(now, number, response, &message),
            200..300 => self.accepted(now, number, response, &message),
            _ => self.refused(now, number, response, &message),
        }
    }

    fn provisional(
        &mut self,
        now: Timestamp,
        number: usize,
        response: &Response,
        message: &SipMessage<'_>,
    ) {
        if Some(number) != self.invite || self.stage != Stage::Calling {
            return;
        }
        self.told.server = Some(response.from.to_string());
        if self.told.provisional.last() != Some(&response.status)
            && self.told.provisional.len() < 16
        {
            self.told.provisional.push(response.status);
        }
        if response.status > 100 && self.told.pdd_ms.is_none() {
            self.told.pdd_ms = self.began.map(|own| milliseconds(now.since(own)));
        }
        if let Some(remote) = message.sdp().and_then(|own| self.answer(own)) {
            self.told.early_media = true;
            self.media.start(now, remote);
        }
    }

    /// What an answer lets be sent, and where; nothing, where it can't be used.
    pub(super) fn answer(&self, sdp: &[u8]) -> Option<Remote> {
        let description = SessionDescription::parse(sdp);
        let audio = description.media.first()?;
        let rtp = audio.endpoint()?;
        let is_usable = audio.kind == MediaKind::Audio && audio.is_rtp() && !audio.is_secure();
        // Nothing is sent to many, nor to this host on a stranger's word.
        let is_safe = is_one_host(rtp.ip)
            && rtp.port >= 1024
            && (!rtp.ip.is_loopback() || self.to.ip.is_loopback());
        let mut types = audio.payload_types.iter().copied();
        let payload_type = types.find(|own| Law::of(*own).is_some())?;
        let listens = !matches!(
            audio.effective_direction(),
            MediaDirection::SendOnly | MediaDirection::Inactive
        );
        (is_usable && is_safe).then(|| Remote {
            rtp,
            rtcp: audio.rtcp_endpoint().unwrap_or(rtp),
            payload_type,
            dtmf: audio.dtmf_payload_type(),
            listens,
        })
    }

    fn accepted(
        &mut self,
        now: Timestamp,
        number: usize,
        response: &Response,
        message: &SipMessage<'_>,
    ) {
        let tag = message.to().and_then(|own| own.tag()).unwrap_or_default();
        let mut dialogs = self.dialogs.iter_mut();
        if let Some(dialog) = dialogs.find(|own| own.tag.as_bytes() == tag) {
            dialog.copies += 1;
            if dialog.copies > MAX_COPIES {
                return;
            }
            // The ACK was lost (RFC 3261, 13.2.2.4).
            let (hop, ack) = (dialog.hop, dialog.ack.clone());
            let socket = self.signalling();
            return self.client.send(socket, hop, ack);
        }
        if self.dialogs.len() >= MAX_DIALOGS {
            self.client.strays += 1;
            return;
        }
        let asked = self.told.request_uri.clone();
        let Some(mut dialog) = Dialog::of(message, response.from, &asked) else {
            return;
        };
        if self.config.transport.is_stream() {
            // A connection goes both ways; another is not opened on a stranger's word.
            dialog.hop = self.to;
        }
        dialog.ack = self.acknowledge(&dialog, message);
        let (hop, ack) = (dialog.hop, dialog.ack.clone());
        self.client.send(self.signalling(), hop, ack);
        self.dialogs.push(dialog);
        let place = self.dialogs.len() - 1;
        let is_wanted = self.stage == Stage::Calling && Some(number) == self.invite;
        if !is_wanted {
            self.told.forks += u64::from(self.answered.is_some());
            self.bye(now, place);
            if self.stage == Stage::Cancelling {
                self.stage = Stage::Ending;
                self.due = None;
            }
            return;
        }
        self.take_status(response, message);
        self.answered = Some(now);
        self.told.setup_ms = self.began.map(|own| milliseconds(now.since(own)));
        self.early_packets = self.media.packets_heard();
        match message.sdp().and_then(|own| self.answer(own)) {
            Some(remote) => {
                self.stage = Stage::Talking;
                self.due = Some(now.offset(self.config.talk_ns));
                self.media.start(now, remote);
            }
            // RFC 3261, 13.2.2.4: acknowledged, and ended.
            None if self.media.remote().is_none() => {
                self.faults.push(Fault::Unusable);
                self.end(now);
            }
            // It was answered before.
            None => {
                self.stage = Stage::Talking;
                self.due = Some(now.offset(self.config.talk_ns));
            }
        }
    }

    fn take_status(&mut self, response: &Response, message: &SipMessage<'_>) {
        self.told.server = Some(response.from.to_string());
        self.told.status = Some(response.status);
        self.told.reason_phrase = Some(phrase(response));
        if self.told.mapped_address.is_none() {
            self.told.mapped_address = mapped(message).map(|own| own.to_string());
        }
    }

    fn refused(
        &mut self,
        now: Timestamp,
        number: usize,
        response: &Response,
        message: &SipMessage<'_>,
    ) {
        self.acknowledge_refusal(number, message);
        let is_first = Some(number) == self.invite && self.dialogs.is_empty();
        if !is_first || !matches!(self.stage, Stage::Calling | Stage::Cancelling) {
            return;
        }
        self.take_status(response, message);
        if self.stage == Stage::Cancelling || self.is_stopped {
            self.stage = Stage::Over;
            return;
        }
        match response.status {
            401 | 407 => match self.digest.take(message, response.status) {
                Ok(()) => self.call(now),
                Err(fault) => self.fail(Fault::Challenge(fault)),
            },
            300..=399 => match self.follow(message) {
                Some(()) => self.call(now),
                None => self.fail(Fault::Redirected),
            },
            // Another address of the name may be better off (RFC 3263, 4.3).
            503 if self.place + 1 < self.config.servers.len() => self.next_address(now),
            status => self.fail(Fault::Rejected(status)),
        }
    }

    /// Goes where a redirect leads, if that is the same host or domain.
    fn follow(&mut self, message: &SipMessage<'_>) -> Option<()> {
        let contacts = message.values(HeaderName::Contact);
        let contacts: Vec<String> = contacts
            .filter_map(|own| uri(NameAddr::parse(own).uri))
            .take(MAX_REDIRECTS)
            .collect();
        let first = contacts.first()?;
        let is_known = self.redirects.contains(first);
        let room = self.redirects.len() < MAX_REDIRECTS;
        if room && !is_known {
            self.redirects.push(first.clone());
        }
        let parts = Uri::parse(first.as_bytes());
        let host = std::str::from_utf8(parts.host).ok()?;
        let user = std::str::from_utf8(parts.user_name()).ok()?;
        let is_same =
            host.eq_ignore_ascii_case(&self.config.target.host) || host.parse() == Ok(self.to.ip);
        let is_plain = parts.scheme.eq_ignore_ascii_case(b"sip");
        if is_known || !room || !is_same || !is_plain {
            return None;
        }
        let port = parts.port.unwrap_or(5060);
        self.callee = SipTarget {
            user: user.to_owned(),
            host: host.to_owned(),
            port: parts.port,
            ..self.callee.clone()
        };
        let to = Endpoint::new(self.to.ip, port);
        if to != self.to {
            if self.config.transport.is_stream() {
                return None;
            }
            self.to = to;
        }
        self.digest.begin();
        Some(())
    }
}
