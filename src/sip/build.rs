//! Messages to be sent: written strictly, by way of `rsip`.
//!
//! rsip prints IPv6 hosts without their brackets, so [`host`] gives them as a
//! domain in brackets; bodies stay octets outside rsip, which holds text only.

use std::net::IpAddr;

use rsip::headers::untyped::UntypedHeader;
use rsip::{Header, Headers, Host, Version};

use crate::net::{Endpoint, Transport};

/// A host for a URI or a `Via`.
#[must_use]
pub fn host(ip: IpAddr) -> Host {
    match ip {
        IpAddr::V4(_) => Host::IpAddr(ip),
        IpAddr::V6(ip) => Host::Domain(format!("[{ip}]").into()),
    }
}

/// A `sip:` URI of `user` at `endpoint`.
#[must_use]
pub fn uri(user: &str, endpoint: Endpoint) -> rsip::Uri {
    rsip::Uri {
        scheme: Some(rsip::Scheme::Sip),
        auth: (!user.is_empty()).then(|| rsip::Auth {
            user: user.to_owned(),
            password: None,
        }),
        host_with_port: rsip::HostWithPort {
            host: host(endpoint.ip),
            port: Some(endpoint.port.into()),
        },
        params: Vec::new(),
        headers: Vec::new(),
    }
}

/// One `Via` of `sent_by` with `branch`; the cookie is put before it.
#[must_use]
pub fn via(transport: Transport, sent_by: Endpoint, branch: &str) -> Header {
    let transport = match transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
        Transport::Tls => "TLS",
        Transport::Ws => "WS",
        Transport::Wss => "WSS",
    };
    let cookie = super::MAGIC_COOKIE;
    rsip::headers::Via::new(format!(
        "SIP/2.0/{transport} {sent_by};branch={cookie}{branch}"
    ))
    .into()
}

/// A request, whole: header fields as given, `Content-Length` and body at the
/// end.
#[must_use]
pub fn request(method: rsip::Method, uri: rsip::Uri, headers: Vec<Header>, body: &[u8]) -> Vec<u8> {
    request_to(&method.to_string(), &uri.to_string(), headers, body)
}

/// A request to a URI that somebody wrote; it is kept as it stands.
#[must_use]
pub fn request_to(method: &str, uri: &str, headers: Vec<Header>, body: &[u8]) -> Vec<u8> {
    let headers = with_length(headers, body);
    let head = format!("{method} {uri} {}\r\n{headers}\r\n", Version::V2);
    [head.into_bytes(), body.to_vec()].concat()
}

/// A response, whole. rsip spells reason phrases without their spaces, so the
/// status line is written here.
#[must_use]
pub fn response(status_code: u16, headers: Vec<Header>, body: &[u8]) -> Vec<u8> {
    let phrase = super::reason_phrase(status_code);
    let headers = with_length(headers, body);
    let head = format!("SIP/2.0 {status_code} {phrase}\r\n{headers}\r\n");
    [head.into_bytes(), body.to_vec()].concat()
}

fn with_length(headers: Vec<Header>, body: &[u8]) -> Headers {
    let mut headers = Headers::from(headers);
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    headers.push(rsip::headers::ContentLength::from(length).into());
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::{SipMessage, StartLine};

    #[test]
    fn what_is_written_reads_back() {
        let endpoint = Endpoint::new("2001:db8::1".parse().expect("an address"), 5070);
        let octets = request(
            rsip::Method::Options,
            uri("bob", endpoint),
            vec![
                via(Transport::Udp, endpoint, "1"),
                rsip::headers::CallId::new("x@y").into(),
            ],
            &[0xff, 0, 1],
        );
        let message = SipMessage::parse(&octets).expect("a message");
        assert_eq!(message.anomalies(), []);
        assert_eq!(message.body(), [0xff, 0, 1]);
        let StartLine::Request { request_uri, .. } = message.start_line() else {
            panic!("no request");
        };
        assert_eq!(*request_uri, b"sip:bob@[2001:db8::1]:5070");
        let via = message.top_via().expect("a via");
        assert_eq!(via.sent_by, b"[2001:db8::1]:5070");
        assert_eq!(via.branch, Some(&b"z9hG4bK1"[..]));
        let octets = response(486, vec![rsip::headers::CallId::new("x@y").into()], b"");
        let message = SipMessage::parse(&octets).expect("a message");
        assert_eq!(
            *message.start_line(),
            StartLine::Response {
                status_code: Some(486),
                reason_phrase: b"Busy Here"
            }
        );
    }
}
