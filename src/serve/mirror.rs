//! Answers that hold the request as it came: what a middlebox rewrote shows.

use super::sip::Peer;
use crate::sip::mirror::{decoy_description, fields};
use crate::sip::reply::{Answer, Reply, field, reply};
use crate::sip::{Method, SipMessage, StartLine};

/// Octets of a request that are mirrored: no fewer, so that an answer is no more than
/// three times as long.
const LENGTHS: std::ops::RangeInclusive<usize> = 400..=4096;

/// The answer to a request. It makes no call: an ACK has none, a BYE is content.
pub(super) fn answer(peer: Peer, octets: &[u8]) -> Option<Reply> {
    let message = SipMessage::parse(octets)?;
    let StartLine::Request { method, .. } = message.start_line() else {
        return None;
    };
    let is_mirrored = match method {
        Method::Ack => return None,
        Method::Options | Method::Register | Method::Invite => LENGTHS.contains(&octets.len()),
        _ => false,
    };
    let mut answer = Answer {
        status: match (is_mirrored, method) {
            (true, _) | (_, Method::Bye) => 200,
            _ => 403,
        },
        tag: "mirror",
        ..Answer::default()
    };
    let description = decoy_description();
    if is_mirrored {
        answer.headers = fields(octets, &peer.from.to_string());
        if *method == Method::Invite {
            answer
                .headers
                .push(field("Content-Type", "application/sdp".to_owned()));
            answer.body = description.as_bytes();
        }
    }
    reply(&message, peer.from, peer.transport, answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Endpoint, Transport};
    use crate::sip::mirror::read;

    #[test]
    fn what_came_is_told_octet_by_octet() {
        let from: std::net::SocketAddr = "198.51.100.7:4000".parse().expect("an endpoint");
        let peer = Peer {
            from: Endpoint::new(from.ip(), from.port()),
            transport: Transport::Udp,
            connection: None,
        };
        let request = |method: &str, padding: usize| {
            format!(
                "{method} sip:mirror@x SIP/2.0\r\nv: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx;rport\r\n\
                 f: <sip:a@x>;tag=f\r\nt: <sip:mirror@x>\r\ni: c\r\nCSeq: 1 {method}\r\n\
                 X: {}\r\nl: 0\r\n\r\n",
                "x".repeat(padding)
            )
        };
        for method in ["OPTIONS", "REGISTER", "INVITE"] {
            let octets = request(method, 300);
            let reply = answer(peer, octets.as_bytes()).expect("an answer");
            assert!(reply.octets.len() < 3 * octets.len(), "{method}");
            let message = SipMessage::parse(&reply.octets).expect("a message");
            let told = read(&message).expect("a mirror");
            assert_eq!(told.received, octets.as_bytes());
            assert_eq!(told.source, "198.51.100.7:4000");
            assert_eq!(message.sdp().is_some(), method == "INVITE");
        }
        let status = |octets: &str| {
            let reply = answer(peer, octets.as_bytes())?;
            let message = SipMessage::parse(&reply.octets).expect("a message");
            assert_eq!(read(&message), None);
            match message.start_line() {
                StartLine::Response { status_code, .. } => *status_code,
                StartLine::Request { .. } => None,
            }
        };
        // What is short is not answered at length.
        assert_eq!(status(&request("OPTIONS", 10)), Some(403));
        assert_eq!(status(&request("MESSAGE", 300)), Some(403));
        assert_eq!(status(&request("BYE", 300)), Some(200));
        assert_eq!(status(&request("ACK", 300)), None);
    }
}
