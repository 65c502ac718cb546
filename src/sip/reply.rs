//! Responses to requests (RFC 3261, 8.2.6 and 18.2.2; RFC 3581, 4).

use std::net::IpAddr;

use rsip::Header;

use super::header::HeaderName;
use super::{SipMessage, build, split_host_port};
use crate::net::{Endpoint, Transport};

/// Vias that are given back.
const MAX_VIAS: usize = 70;

/// An answer, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// To whom: never elsewhere than the request's address.
    pub to: Endpoint,
    /// What.
    pub octets: Vec<u8>,
}

/// What is answered beside what every answer repeats.
#[derive(Clone, Debug, Default)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// What is put on a To that has no tag; nothing, where nothing is to be put.
    pub tag: &'a str,
    /// Further header fields.
    pub headers: Vec<Header>,
    /// The body.
    pub body: &'a [u8],
}

/// The answer to a request that came `from` somebody; none to a request that can't
/// be answered: what an answer repeats is missing or is no text of one line.
#[must_use]
pub fn reply(
    request: &SipMessage<'_>,
    from: Endpoint,
    transport: Transport,
    answer: Answer<'_>,
) -> Option<Reply> {
    let via = request.top_via().ok()?;
    let mut headers: Vec<Header> = Vec::new();
    for (place, value) in request.values(HeaderName::Via).take(MAX_VIAS).enumerate() {
        let mut value = text(value)?;
        if place == 0 {
            value = seen(&value, from);
        }
        headers.push(field("Via", value));
    }
    for name in ["From", "To", "Call-ID", "CSeq"] {
        let mut value = text(&request.named(name)?).filter(|own| !own.is_empty())?;
        if name == "To" && !answer.tag.is_empty() && request.to()?.tag().is_none() {
            value = format!("{value};tag={}", answer.tag);
        }
        headers.push(field(name, value));
    }
    headers.extend(answer.headers);
    // RFC 3581, 4, and RFC 3261, 18.2.2: to the port that was asked for.
    let (_, port) = split_host_port(via.sent_by);
    let port = match (transport, via.rport) {
        (Transport::Udp, None) => port.unwrap_or(5060),
        _ => from.port,
    };
    Some(Reply {
        to: Endpoint::new(from.ip, port),
        octets: build::response(answer.status, headers, answer.body),
    })
}

/// A header field.
#[must_use]
pub fn field(name: &str, value: String) -> Header {
    Header::Other(name.to_owned(), value)
}

/// A value that can be given back: text of one line.
#[must_use]
pub fn text(octets: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(octets).ok()?;
    (!text.contains(['\r', '\n', '\0'])).then(|| text.trim().to_owned())
}

/// The top Via with where its request came from (RFC 3261, 18.2.1; RFC 3581, 4).
fn seen(via: &str, from: Endpoint) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut asked_for_port = false;
    for part in via.split(';') {
        let name = part.split('=').next().unwrap_or_default().trim();
        if name.eq_ignore_ascii_case("rport") {
            asked_for_port = true;
            parts.push(format!("rport={}", from.port));
        } else if !name.eq_ignore_ascii_case("received") {
            parts.push(part.to_owned());
        }
    }
    let host = parts
        .first()
        .and_then(|own| own.split_whitespace().last())
        .unwrap_or_default();
    let (host, _) = split_host_port(host.as_bytes());
    let host = std::str::from_utf8(host).unwrap_or_default();
    let own: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    if own != Some(from.ip) || asked_for_port {
        parts.push(format!("received={}", from.ip));
    }
    parts.join(";")
}
