//! A mirror for SIP: what came is sent back, hidden from what rewrites addresses, so
//! that both sides know what was changed on the way.

use data_encoding::BASE64;

use super::{SipMessage, StartLine};

/// The header field that holds the request as it came.
const RECEIVED: &str = "X-Mirror-Received";
/// The header field that tells where it came from.
const SOURCE: &str = "X-Mirror-Source";
/// A host that is nowhere: what rewrites addresses takes it for one inside.
pub const DECOY: &str = "10.255.255.254";

/// What a mirror tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirrored {
    /// The request, octet by octet.
    pub received: Vec<u8>,
    /// Where it came from, as the mirror saw it.
    pub source: String,
}

/// The header fields of an answer to octets that came `from` somebody.
#[must_use]
pub fn fields(octets: &[u8], from: &str) -> Vec<rsip::Header> {
    vec![
        super::reply::field("Contact", decoy_contact()),
        super::reply::field(SOURCE, BASE64.encode(from.as_bytes())),
        super::reply::field(RECEIVED, BASE64.encode(octets)),
    ]
}

/// The Contact of an answer: only what rewrites addresses changes it.
#[must_use]
pub fn decoy_contact() -> String {
    format!("<sip:mirror@{DECOY}:5997>")
}

/// The description of an answer, likewise.
#[must_use]
pub fn decoy_description() -> String {
    format!(
        "v=0\r\no=mirror 1 1 IN IP4 {DECOY}\r\ns=-\r\nc=IN IP4 {DECOY}\r\nt=0 0\r\n\
         m=audio 5998 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
    )
}

/// What an answer of a mirror tells; `None` where it is none.
#[must_use]
pub fn read(message: &SipMessage<'_>) -> Option<Mirrored> {
    if !matches!(message.start_line(), StartLine::Response { .. }) {
        return None;
    }
    let decoded = |name| BASE64.decode(message.named(name)?.trim_ascii()).ok();
    Some(Mirrored {
        received: decoded(RECEIVED)?,
        source: crate::octets::text(&decoded(SOURCE)?),
    })
}
