//! What a SIP server answers by itself (RFC 3261, 8.2 and 11): that it is there.

use std::net::IpAddr;

use rsip::Header;

use crate::net::{Endpoint, Transport};
use crate::sip::header::HeaderName;
use crate::sip::{Method, SipMessage, StartLine, build, split_host_port};

const SERVER: &str = concat!("sip-inspect ", env!("CARGO_PKG_VERSION"));
const ALLOW: &str = "OPTIONS";
/// Octets of a request that are answered; an answer is about as long.
const MAX_REQUEST: usize = 4096;
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

/// The answer to a request that came `from` somebody. `tag` is what is put on its To.
#[must_use]
pub fn answer(from: Endpoint, transport: Transport, octets: &[u8], tag: &str) -> Option<Reply> {
    if octets.len() > MAX_REQUEST {
        return None;
    }
    let message = SipMessage::parse(octets)?;
    let StartLine::Request { method, .. } = message.start_line() else {
        return None;
    };
    // RFC 3261, 17: an ACK is never answered.
    if *method == Method::Ack {
        return None;
    }
    let via = message.top_via().ok()?;
    let required = ["From", "To", "Call-ID", "CSeq"]
        .into_iter()
        .map(|name| Some((name, text(&message.named(name)?)?)));
    let required: Vec<(&str, String)> = required.collect::<Option<_>>()?;
    let status = match (&message.cseq().ok()?.method == method, method) {
        (false, _) => 400,
        (true, Method::Options) if message.value(HeaderName::Require).is_some() => 420,
        (true, Method::Options) => 200,
        (true, Method::Cancel) => 481,
        (true, _) => 405,
    };
    let mut headers: Vec<Header> = Vec::new();
    let other = |name: &str, value: String| Header::Other(name.to_owned(), value);
    for (place, value) in message.values(HeaderName::Via).take(MAX_VIAS).enumerate() {
        let mut value = text(value)?;
        if place == 0 {
            value = seen(&value, from);
        }
        headers.push(other("Via", value));
    }
    for (name, value) in required {
        let is_bare = name == "To" && message.to()?.tag().is_none();
        let value = if is_bare {
            format!("{value};tag={tag}")
        } else {
            value
        };
        headers.push(other(name, value));
    }
    match status {
        200 => {
            headers.push(other("Allow", ALLOW.to_owned()));
            headers.push(other("Accept", "application/sdp".to_owned()));
        }
        405 => headers.push(other("Allow", ALLOW.to_owned())),
        420 => {
            let required = message.values(HeaderName::Require).filter_map(text);
            let required: Vec<String> = required.take(MAX_VIAS).collect();
            headers.push(other("Unsupported", required.join(", ")));
        }
        _ => {}
    }
    headers.push(other("Server", SERVER.to_owned()));
    // RFC 3581, 4, and RFC 3261, 18.2.2: to the port that was asked for.
    let (_, port) = split_host_port(via.sent_by);
    let port = match (transport, via.rport) {
        (Transport::Udp, None) => port.unwrap_or(5060),
        _ => from.port,
    };
    Some(Reply {
        to: Endpoint::new(from.ip, port),
        octets: build::response(status, headers, b""),
    })
}

/// A value that can be given back: text of one line.
fn text(octets: &[u8]) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        let address: std::net::SocketAddr = text.parse().expect("an endpoint");
        Endpoint::new(address.ip(), address.port())
    }

    fn request(method: &str, via: &str, more: &str) -> String {
        format!(
            "{method} sip:192.0.2.1 SIP/2.0\r\nVia: {via}\r\nFrom: <sip:a@x>;tag=f\r\nTo: <sip:b@x>\r\n\
             Call-ID: c\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n{more}Content-Length: 0\r\n\r\n"
        )
    }

    #[test]
    fn requests_are_answered_as_they_must_be() {
        let from = endpoint("198.51.100.7:4000");
        let check = |text: &str, expected: Option<(u16, &str, &str)>| {
            let reply = answer(from, Transport::Udp, text.as_bytes(), "t");
            let told = reply.map(|reply| {
                let message = SipMessage::parse(&reply.octets).expect("a message");
                assert_eq!(message.anomalies(), [], "{text}");
                assert_eq!(message.to().expect("To").tag(), Some(&b"t"[..]));
                let StartLine::Response { status_code, .. } = message.start_line() else {
                    panic!("no response");
                };
                let via = message.values(HeaderName::Via).next().expect("a Via");
                (
                    status_code.expect("a status"),
                    String::from_utf8(via.to_vec()).expect("UTF-8"),
                    reply.to.to_string(),
                )
            });
            let expected =
                expected.map(|(status, via, to)| (status, via.to_owned(), to.to_owned()));
            assert_eq!(told, expected, "{text}");
        };
        let rport = "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKx;rport";
        let seen = "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKx;rport=4000;received=198.51.100.7";
        check(
            &request("OPTIONS", rport, ""),
            Some((200, seen, "198.51.100.7:4000")),
        );
        check(
            &request("INVITE", rport, ""),
            Some((405, seen, "198.51.100.7:4000")),
        );
        check(
            &request("CANCEL", rport, ""),
            Some((481, seen, "198.51.100.7:4000")),
        );
        let more = "Require: magic\r\n";
        check(
            &request("OPTIONS", rport, more),
            Some((420, seen, "198.51.100.7:4000")),
        );
        // Without rport the port of the Via is meant; never another address.
        let plain = "SIP/2.0/UDP 192.0.2.99:5070;branch=z9hG4bKx";
        let seen = "SIP/2.0/UDP 192.0.2.99:5070;branch=z9hG4bKx;received=198.51.100.7";
        check(
            &request("OPTIONS", plain, ""),
            Some((200, seen, "198.51.100.7:5070")),
        );
        let own = "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKx";
        check(
            &request("OPTIONS", own, ""),
            Some((200, own, "198.51.100.7:5060")),
        );
        check(&request("ACK", rport, ""), None);
        check("SIP/2.0 200 OK\r\n\r\n", None);
        check(
            &request("OPTIONS", rport, "").replace("Call-ID: c\r\n", ""),
            None,
        );
        let long = format!("Subject: {}\r\n", "x".repeat(MAX_REQUEST));
        check(&request("OPTIONS", rport, &long), None);
    }
}
