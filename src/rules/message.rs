//! A message of a call, as rules see it.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use super::description::Description;
use crate::engine::call::KeptMessage;
use crate::net::{Flow, Transport};
use crate::octets;
use crate::packet::PacketRef;
use crate::sip::header::{HeaderName, NameAddr};
use crate::sip::{Anomaly, Method, SipMessage, StartLine};
use crate::time::Timestamp;

/// One message of the call, parsed again.
#[derive(Debug)]
pub struct Message<'a> {
    /// Where it was captured, and its octets.
    pub kept: &'a KeptMessage,
    /// As it reads.
    pub sip: SipMessage<'a>,
    /// The method, that of the CSeq in a response.
    pub method: Method,
    /// `None` for a request.
    pub status: Option<u16>,
    /// The number of the CSeq.
    pub cseq: Option<u32>,
    /// The tag of From; empty where there is none.
    pub from_tag: &'a [u8],
    /// The tag of To; empty where there is none.
    pub to_tag: &'a [u8],
    /// Its session description.
    pub sdp: Option<Description<'a>>,
    /// Whether it is the first of its kind on its way from end to end: where it
    /// was made, as far as the capture reaches.
    pub is_original: bool,
    /// The request that a response answers on its hop, by its place.
    pub(super) request: Option<usize>,
}

impl<'a> Message<'a> {
    pub(super) fn parse(kept: &'a KeptMessage) -> Option<Self> {
        let sip = SipMessage::parse(&kept.octets)?;
        let cseq = sip.cseq().ok();
        let (method, status) = match sip.start_line() {
            StartLine::Request { method, .. } => (method.clone(), None),
            StartLine::Response { status_code, .. } => {
                let method = cseq.as_ref().map(|cseq| cseq.method.clone());
                let unknown = Method::Other("".into());
                (method.unwrap_or(unknown), Some(status_code.unwrap_or(0)))
            }
        };
        let tag = |party: Option<NameAddr<'a>>| party.and_then(|party| party.tag());
        Some(Self {
            kept,
            method,
            status,
            cseq: cseq.map(|cseq| cseq.number),
            from_tag: tag(sip.from()).unwrap_or_default(),
            to_tag: tag(sip.to()).unwrap_or_default(),
            sdp: sip.sdp().map(Description::parse),
            is_original: true,
            request: None,
            sip,
        })
    }

    pub(super) const fn at(&self) -> PacketRef {
        self.kept.at
    }

    /// In how many packets it came.
    pub(super) const fn packets(&self) -> u32 {
        self.kept.packets
    }

    pub(super) const fn when(&self) -> Timestamp {
        self.kept.at.timestamp
    }

    pub(super) const fn flow(&self) -> Flow {
        self.kept.flow
    }

    pub(super) const fn is_request(&self) -> bool {
        self.status.is_none()
    }

    /// Whether it is a 2xx to a method.
    pub(super) fn is_success(&self, method: &Method) -> bool {
        self.status
            .is_some_and(|status| (200..300).contains(&status))
            && self.method == *method
    }

    /// Whether it is a provisional response that is to be confirmed (RFC 3262).
    pub(super) fn is_reliable(&self) -> bool {
        self.status
            .is_some_and(|status| (101..200).contains(&status))
            && self.value(HeaderName::RSeq).is_some()
    }

    /// Whether it is a request inside a dialog.
    pub(super) fn is_inside(&self) -> bool {
        self.is_request() && !self.to_tag.is_empty()
    }

    /// Whether datagrams carry it.
    pub(super) fn is_udp(&self) -> bool {
        self.flow().transport == Transport::Udp
    }

    /// Of whom a request asks.
    pub(super) fn request_uri(&self) -> &'a [u8] {
        match self.sip.start_line() {
            StartLine::Request { request_uri, .. } => request_uri,
            StartLine::Response { .. } => b"",
        }
    }

    pub(super) fn first_line(&self) -> &'a [u8] {
        let octets = self.sip.octets();
        let end = memchr::memchr2(b'\r', b'\n', octets).unwrap_or(octets.len());
        octets::span(octets, 0, end)
    }

    pub(super) fn value(&self, name: HeaderName) -> Option<&'a [u8]> {
        self.sip.value(name)
    }

    /// Values of a list, taken apart.
    pub(super) fn values(&self, name: HeaderName) -> Vec<&'a [u8]> {
        self.sip.values(name).collect()
    }

    /// Header fields of a name, each as it is written.
    pub(super) fn fields(&self, name: HeaderName) -> Vec<&'a [u8]> {
        let fields = self.sip.fields_of(name);
        fields.map(|field| field.value).collect()
    }

    /// The first header field of a name.
    pub(super) fn field_named(&self, name: &str) -> Option<&'a [u8]> {
        let mut fields = self.sip.fields_named(name);
        fields.next().map(|field| field.value)
    }

    /// A header field that is a number.
    pub(super) fn number(&self, name: HeaderName) -> Option<u64> {
        let value = self.value(name)?;
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        octets::decimal(octets::span(value, 0, end).trim_ascii())
    }

    /// Whether a list holds a token, in any case.
    pub(super) fn lists(&self, name: HeaderName, token: &str) -> bool {
        let mut values = self.sip.values(name);
        values.any(|value| value.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// Its session description as it stands in the body.
    pub(super) fn sdp_text(&self) -> &'a [u8] {
        self.sip.sdp().unwrap_or_default()
    }

    /// Whether all of it is there, so that what is missing was never sent.
    pub(super) fn is_entire(&self) -> bool {
        !self.kept.is_cut && !self.sip.anomalies().contains(&Anomaly::NoBlankLine)
    }

    /// How it is spoken of: `INVITE`, or `200 to INVITE`.
    pub(super) fn called(&self) -> String {
        match self.status {
            Some(status) => format!("{status} to {}", self.method.as_str()),
            None => self.method.as_str().to_owned(),
        }
    }

    /// The same, and who sent it.
    pub(super) fn told(&self) -> String {
        format!("{} from {}", self.called(), self.flow().src)
    }

    /// Whether another is the same at another hop.
    fn is_same(&self, other: &Message<'_>) -> bool {
        self.cseq == other.cseq
            && self.status == other.status
            && self.method == other.method
            && self.to_tag == other.to_tag
            && self.from_tag == other.from_tag
    }

    /// What names it from end to end: the same at each hop.
    fn identity(&self) -> (Method, Option<u16>, Option<u32>, &'a [u8], &'a [u8]) {
        (
            self.method.clone(),
            self.status,
            self.cseq,
            self.from_tag,
            self.to_tag,
        )
    }
}

/// Messages up to which they are held against each other one by one.
const FEW: usize = 24;

/// Finds the first of each kind on its way, and what responses answer.
pub(super) fn relate(messages: &mut [Message<'_>]) {
    if messages.len() > FEW {
        return relate_many(messages);
    }
    for place in 1..messages.len() {
        let (before, rest) = messages.split_at_mut(place);
        let Some(message) = rest.first_mut() else {
            return;
        };
        message.is_original = !before.iter().any(|own| own.is_same(message));
        if !message.is_request() {
            message.request = before.iter().position(|own| {
                own.is_request()
                    && own.kept.transaction == message.kept.transaction
                    && own.method == message.method
            });
        }
    }
}

fn relate_many(messages: &mut [Message<'_>]) {
    let mut told = HashSet::<_, RandomState>::default();
    let mut requests = HashMap::<_, _, RandomState>::default();
    for (place, message) in messages.iter_mut().enumerate() {
        message.is_original = told.insert(message.identity());
        let hop = (message.kept.transaction, message.method.clone());
        if message.is_request() {
            requests.entry(hop).or_insert(place);
        } else {
            message.request = requests.get(&hop).copied();
        }
    }
}

/// Whether a header field is there at all.
pub(super) fn has(message: &SipMessage<'_>, name: HeaderName) -> bool {
    message.value(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Endpoint;

    /// Few and many are related in the same way.
    #[test]
    fn few_messages_and_many_are_related_alike() {
        let kept = |text: &str, transaction: usize| KeptMessage {
            at: PacketRef::default(),
            flow: Flow {
                src: Endpoint::default(),
                dst: Endpoint::default(),
                transport: Transport::Udp,
            },
            octets: text.as_bytes().into(),
            transaction,
            is_cut: false,
            packets: 1,
        };
        let mut all = Vec::new();
        for number in 0..8 {
            let (cseq, transaction) = (number % 3, number % 4);
            let rest = format!("From: <sip:a>;tag=a\r\nTo: <sip:b>\r\nCSeq: {cseq}");
            for start in [
                format!("INVITE sip:b SIP/2.0\r\n{rest} INVITE\r\n\r\n"),
                format!("SIP/2.0 180 R\r\n{rest} INVITE\r\n\r\n"),
                format!("SIP/2.0 200 OK\r\n{rest} BYE\r\n\r\n"),
            ] {
                all.push(kept(&start, transaction));
            }
        }
        assert_eq!(all.len(), FEW);
        let read = || -> Vec<Message<'_>> { all.iter().filter_map(Message::parse).collect() };
        let (mut few, mut many) = (read(), read());
        relate(&mut few);
        relate_many(&mut many);
        let told = |messages: &[Message<'_>]| -> Vec<_> {
            let own = messages.iter();
            own.map(|own| (own.is_original, own.request)).collect()
        };
        assert_eq!(told(&few), told(&many));
        assert!(told(&few).iter().any(|(is_original, _)| !is_original));
        assert!(told(&few).iter().any(|(_, request)| request.is_some()));
    }
}
