//! A dialog that the other side made (RFC 3261, 12).

use crate::net::Endpoint;
use crate::sip::header::{HeaderName, NameAddr};
use crate::sip::reply::text;
use crate::sip::{SipMessage, Uri};

/// Routes that are kept.
const MAX_ROUTES: usize = 16;
/// Octets of a URI that is sent to.
const MAX_URI: usize = 512;

/// A dialog.
#[derive(Clone, Debug)]
pub(super) struct Dialog {
    /// The other side's tag.
    pub tag: String,
    /// The other side, as it is written in To.
    pub to: String,
    /// What requests ask for.
    pub uri: String,
    /// Values of Route.
    pub routes: Vec<String>,
    /// Where requests go.
    pub hop: Endpoint,
    /// The ACK, for copies of what it answers.
    pub ack: Vec<u8>,
    /// Copies of the answer.
    pub copies: u32,
    /// The BYE, by its exchange.
    pub bye: Option<usize>,
    /// Whether it is over.
    pub is_over: bool,
}

impl Dialog {
    /// The dialog that a response makes; `asked` is the URI of the request, for a
    /// response that names no Contact.
    pub(super) fn of(response: &SipMessage<'_>, from: Endpoint, asked: &str) -> Option<Self> {
        let to = text(&response.named("To")?)?;
        let tag = text(response.to()?.tag()?)?;
        let contact = response.contact().and_then(|own| uri(own.uri));
        let target = contact.unwrap_or_else(|| asked.to_owned());
        let recorded = response.values(HeaderName::RecordRoute);
        let mut routes: Vec<String> = recorded.filter_map(text).take(MAX_ROUTES).collect();
        // RFC 3261, 12.1.2: in reverse.
        routes.reverse();
        let first = routes.first().map(|own| NameAddr::parse(own.as_bytes()));
        let first_uri = first.as_ref().and_then(|own| uri(own.uri));
        let is_loose = first.is_none_or(|own| own.parsed_uri().parameter("lr").is_some());
        let next = first_uri.clone().unwrap_or_else(|| target.clone());
        let (uri, routes) = match first_uri {
            // RFC 3261, 12.2.1.1: a strict router is asked itself.
            Some(first) if !is_loose => {
                let rest = routes.into_iter().skip(1);
                (first, rest.chain([format!("<{target}>")]).collect())
            }
            _ => (target, routes),
        };
        Some(Self {
            tag,
            to,
            uri,
            routes,
            // Names are not looked up here: whoever answered knows the way.
            hop: endpoint(&next).unwrap_or(from),
            ack: Vec::new(),
            copies: 0,
            bye: None,
            is_over: false,
        })
    }
}

/// A URI that can be written into a request.
pub(super) fn uri(octets: &[u8]) -> Option<String> {
    let text = text(octets).filter(|own| own.len() <= MAX_URI)?;
    let scheme = text.get(..4).unwrap_or_default();
    let is_sip = scheme.eq_ignore_ascii_case("sip:") || scheme.eq_ignore_ascii_case("sips");
    let is_plain = text
        .bytes()
        .all(|own| own.is_ascii_graphic() && !b"<>\"".contains(&own));
    (is_sip && is_plain).then_some(text)
}

/// Where a URI leads, if it names an address of one host.
pub(super) fn endpoint(uri: &str) -> Option<Endpoint> {
    let uri = Uri::parse(uri.as_bytes());
    let host = std::str::from_utf8(uri.host).ok()?;
    let ip: std::net::IpAddr = host.parse().ok()?;
    let port = uri.port.unwrap_or(5060);
    is_one_host(ip).then(|| Endpoint::new(ip, port))
}

/// Whether an address is of one host.
pub(super) fn is_one_host(ip: std::net::IpAddr) -> bool {
    let is_broadcast = ip.to_canonical() == std::net::IpAddr::V4(std::net::Ipv4Addr::BROADCAST);
    !ip.is_unspecified() && !ip.to_canonical().is_multicast() && !is_broadcast
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_is_what_the_other_side_named() {
        let from: std::net::SocketAddr = "192.0.2.9:5060".parse().expect("an endpoint");
        let from = Endpoint::new(from.ip(), from.port());
        let check = |fields: &str, uri: &str, routes: &[&str], hop: &str| {
            let text = format!(
                "SIP/2.0 200 OK\r\nTo: <sip:b@x>;tag=t\r\n{fields}Content-Length: 0\r\n\r\n"
            );
            let message = SipMessage::parse(text.as_bytes()).expect("a message");
            let dialog = Dialog::of(&message, from, "sip:asked@x").expect("a dialog");
            assert_eq!((&dialog.uri[..], &dialog.tag[..]), (uri, "t"), "{fields}");
            assert_eq!(dialog.routes, routes, "{fields}");
            assert_eq!(dialog.hop.to_string(), hop, "{fields}");
        };
        check("", "sip:asked@x", &[], "192.0.2.9:5060");
        let contact = "Contact: <sip:b@192.0.2.1:5070>\r\n";
        check(contact, "sip:b@192.0.2.1:5070", &[], "192.0.2.1:5070");
        let name = "Contact: <sip:b@host.example.org>\r\n";
        check(name, "sip:b@host.example.org", &[], "192.0.2.9:5060");
        let many = "Contact: <sip:b@255.255.255.255>\r\n";
        check(many, "sip:b@255.255.255.255", &[], "192.0.2.9:5060");
        let odd = "Contact: <sip:b b@192.0.2.1>\r\n";
        check(odd, "sip:asked@x", &[], "192.0.2.9:5060");
        let loose =
            format!("Record-Route: <sip:192.0.2.2;lr>, <sip:192.0.2.3:5080;lr>\r\n{contact}");
        let routes = ["<sip:192.0.2.3:5080;lr>", "<sip:192.0.2.2;lr>"];
        check(&loose, "sip:b@192.0.2.1:5070", &routes, "192.0.2.3:5080");
        let strict = format!("Record-Route: <sip:192.0.2.2;lr>, <sip:192.0.2.3>\r\n{contact}");
        let routes = ["<sip:192.0.2.2;lr>", "<sip:b@192.0.2.1:5070>"];
        check(&strict, "sip:192.0.2.3", &routes, "192.0.2.3:5060");
    }
}
