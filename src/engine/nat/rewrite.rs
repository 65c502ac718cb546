//! SIP messages that something changed on their way through a NAT.

use crate::net::Flow;
use crate::octets;
use crate::packet::PacketRef;
use crate::sip::SipMessage;

/// A SIP message that was one thing inside and another outside.
#[derive(Clone, Debug)]
pub struct Rewrite {
    /// Its way inside.
    pub flow: Flow,
    /// Its frame inside.
    pub inside: PacketRef,
    /// Its frame outside.
    pub outside: PacketRef,
    /// Whether it went out.
    pub is_outbound: bool,
    /// What was changed.
    pub changes: Vec<Change>,
}

/// One line that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which: a header field, `Request-URI`, or `SDP c=`.
    pub field: String,
    /// As it was inside; `None` where it was added.
    pub inside: Option<String>,
    /// As it was outside; `None` where it was taken out.
    pub outside: Option<String>,
}

/// Changes listed of one message.
const MAX_CHANGES: usize = 32;
/// Octets of a value that are told.
const MAX_VALUE: usize = 120;
/// Messages kept until they come by again, and the longest of them.
const MAX_MESSAGES: usize = 512;
const MAX_OCTETS: usize = 4096;

/// Messages seen lately, the oldest of which is overwritten.
#[derive(Debug, Default)]
pub(super) struct Messages {
    kept: Vec<(PacketRef, Vec<u8>)>,
    next: usize,
    held: usize,
}

impl Messages {
    pub(super) fn keep(&mut self, at: PacketRef, message: &[u8]) {
        if message.len() > MAX_OCTETS {
            return;
        }
        if self.kept.len() < MAX_MESSAGES {
            self.held += message.len() + 40;
            self.kept.push((at, message.to_vec()));
            return;
        }
        if let Some((place, octets)) = self.kept.get_mut(self.next) {
            let before = octets.capacity();
            octets.clear();
            octets.extend_from_slice(message);
            self.held += octets.capacity().saturating_sub(before);
            *place = at;
        }
        self.next = (self.next + 1) % MAX_MESSAGES;
    }

    /// The last message of a frame; a segment may hold several.
    pub(super) fn get(&self, at: PacketRef) -> Option<&[u8]> {
        let (newer, older) = self.kept.split_at(self.next.min(self.kept.len()));
        let mut latest_first = newer.iter().rev().chain(older.iter().rev());
        let kept = latest_first.find(|(place, _)| *place == at);
        kept.map(|(_, octets)| octets.as_slice())
    }

    pub(super) const fn bytes_held(&self) -> usize {
        self.held
    }
}

/// What differs between both sides of one message.
pub(in crate::engine) fn changes(inside: &[u8], outside: &[u8]) -> Vec<Change> {
    if inside == outside {
        return Vec::new();
    }
    let (Some(before), Some(after)) = (SipMessage::parse(inside), SipMessage::parse(outside))
    else {
        return Vec::new();
    };
    let (mut before, mut after) = (lines(&before), lines(&after));
    // Those that are the same, wherever they stand, are out of question.
    before.retain(|line| match after.iter().position(|own| own == line) {
        Some(place) => {
            after.remove(place);
            false
        }
        None => true,
    });
    let mut changes = Vec::new();
    for (field, value) in before {
        let place = after.iter().position(|(own, _)| *own == field);
        let now = place.map(|place| after.remove(place).1);
        changes.push(Change {
            inside: Some(told(&field, value)),
            outside: now.map(|now| told(&field, now)),
            field,
        });
    }
    changes.extend(after.into_iter().map(|(field, value)| Change {
        inside: None,
        outside: Some(told(&field, value)),
        field,
    }));
    changes.truncate(MAX_CHANGES);
    changes
}

/// The lines of a message with their names.
fn lines<'a>(message: &SipMessage<'a>) -> Vec<(String, &'a [u8])> {
    let mut lines = Vec::new();
    let mut all = message.octets().split(|octet| *octet == b'\n');
    let start = all.next().unwrap_or_default();
    lines.push(("Request-URI".to_owned(), start.trim_ascii_end()));
    for field in message.header_fields() {
        lines.push((octets::text(field.name), field.value));
    }
    for line in message.body().split(|octet| *octet == b'\n') {
        let line = line.trim_ascii_end();
        let name = match line {
            [b'a', b'=', rest @ ..] => {
                let end = rest.iter().position(|octet| *octet == b':');
                let name = octets::span(rest, 0, end.unwrap_or(rest.len()));
                format!("SDP a={}", octets::text(name))
            }
            [letter, b'=', ..] => format!("SDP {}=", char::from(*letter)),
            _ => "body".to_owned(),
        };
        lines.push((name, line));
    }
    lines
}

/// A value as it may be told: secrets are not repeated.
fn told(field: &str, value: &[u8]) -> String {
    let secrets = [
        "Authorization",
        "Proxy-Authorization",
        "Authentication-Info",
        "SDP a=crypto",
        "SDP a=ice-pwd",
        "SDP k=",
    ];
    if secrets.iter().any(|own| field.eq_ignore_ascii_case(own)) {
        return format!("({} octets)", value.len());
    }
    octets::text(octets::span(value, 0, MAX_VALUE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_is_told_and_secrets_are_not() {
        let message = |contact: &str, response: &str, body: &str| {
            format!(
                "INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\n\
                 Contact: <sip:a@{contact}>\r\nAuthorization: Digest response=\"{response}\"\r\n\
                 Content-Type: application/sdp\r\n\r\nv=0\r\nc=IN IP4 {body}\r\n\
                 a=crypto:1 AES inline:{response}\r\n"
            )
        };
        let check = |inside: &str, outside: &str, expected: &[&str]| {
            let told = changes(inside.as_bytes(), outside.as_bytes());
            let fields: Vec<&str> = told.iter().map(|own| own.field.as_str()).collect();
            assert_eq!(fields, expected);
            assert!(!format!("{told:?}").contains("secret"), "{told:?}");
        };
        let plain = message("10.0.0.1", "secret", "10.0.0.1");
        check(&plain, &plain, &[]);
        let moved = message("198.51.100.1", "secret", "198.51.100.1");
        check(&plain, &moved, &["Contact", "SDP c="]);
        let signed = message("10.0.0.1", "secret2", "10.0.0.1");
        check(&plain, &signed, &["Authorization", "SDP a=crypto"]);
        check(
            &plain,
            "INVITE sip:b@x SIP/2.0\r\n\r\n",
            &[
                "Via",
                "Contact",
                "Authorization",
                "Content-Type",
                "SDP v=",
                "SDP c=",
                "SDP a=crypto",
            ],
        );
    }
}
