//! What a test call writes: the header fields of its requests, its description, and
//! what acknowledges answers.

use rsip::Header;

use super::dialog::Dialog;
use super::responses::MAX_COPIES;
use super::{CallProbe, DTMF};
use crate::net::Endpoint;
use crate::sdp::build::Audio;
use crate::sip::reply::field;
use crate::sip::{Method, SipMessage, build};

impl CallProbe {
    /// The URI of whoever calls.
    pub(super) fn caller(&self) -> rsip::Uri {
        match &self.config.caller {
            Some(caller) => caller.uri_of(&caller.user),
            None => build::uri("probe", self.local()),
        }
    }

    pub(super) fn local(&self) -> Endpoint {
        self.client.local(self.signalling()).unwrap_or_default()
    }

    pub(super) fn contact(&self) -> Header {
        let carrier = self.config.transport;
        let own = self.config.target.contact("probe", self.local(), carrier);
        field("Contact", own)
    }

    pub(super) fn description(&self) -> String {
        let local = self.rtp.unwrap_or_default();
        let audio = Audio {
            session: self.session,
            ip: local.ip,
            port: local.port,
            rtcp_port: self.rtcp.unwrap_or_default().port,
            payload_types: self.config.payload_types.clone(),
            dtmf: Some(DTMF),
        };
        audio.written()
    }

    /// What each request of this call repeats.
    pub(super) fn heads(&self, via: String, to: String, cseq: u32, method: &Method) -> Vec<Header> {
        let (from, tag) = (self.caller(), &self.tag);
        vec![
            field("Via", via),
            field("Max-Forwards", "70".to_owned()),
            field("From", format!("<{from}>;tag={tag}")),
            field("To", to),
            field("Call-ID", self.call_id.clone()),
            field("CSeq", format!("{cseq} {method}")),
        ]
    }

    pub(super) fn acknowledge(&mut self, dialog: &Dialog, response: &SipMessage<'_>) -> Vec<u8> {
        let branch = self.client.word(20);
        let via = self.client.via(self.signalling(), &branch);
        let cseq = response.cseq().map_or(self.cseq, |own| own.number);
        let mut headers = self.heads(via, dialog.to.clone(), cseq, &Method::Ack);
        headers.extend(dialog.routes.iter().map(|own| field("Route", own.clone())));
        // RFC 3261, 22.1: an ACK bears what its INVITE bore.
        headers.extend(self.digest.again());
        build::request_to("ACK", &dialog.uri, headers, b"")
    }

    /// In the INVITE's own transaction (RFC 3261, 17.1.1.3).
    pub(super) fn acknowledge_refusal(&mut self, number: usize, message: &SipMessage<'_>) {
        self.acknowledged += 1;
        if self.acknowledged > MAX_COPIES {
            return;
        }
        let Some(exchange) = self.client.get(number) else {
            return;
        };
        let (to, branch, asked) = (exchange.to, exchange.branch.clone(), exchange.asked());
        let Some(to_field) = message
            .named("To")
            .and_then(|own| crate::sip::reply::text(&own))
        else {
            return;
        };
        let Ok(cseq) = message.cseq() else { return };
        let via = self.client.via(self.signalling(), &branch);
        let headers = self.heads(via, to_field, cseq.number, &Method::Ack);
        let octets = build::request_to("ACK", &asked, headers, b"");
        self.client.send(self.signalling(), to, octets);
    }
}
