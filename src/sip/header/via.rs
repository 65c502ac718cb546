//! `Via` (RFC 3261, 20.42; RFC 3581).

use super::{HeaderError, parameters};
use crate::octets;

/// One `Via` value: a stop on the request's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via<'a> {
    /// The transport, as written: `UDP`, `TCP`, `TLS`, ...
    pub transport: &'a [u8],
    /// Host and port of the sender, as written.
    pub sent_by: &'a [u8],
    /// The `branch` parameter.
    pub branch: Option<&'a [u8]>,
    /// The address that the receiver saw, where it added one.
    pub received: Option<&'a [u8]>,
    /// The port that the receiver saw; empty where it was only asked for.
    pub rport: Option<&'a [u8]>,
}

impl<'a> Via<'a> {
    /// Reads one value, without the commas around it.
    ///
    /// # Errors
    ///
    /// When the sent-protocol or the sent-by is missing.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        let value = value.trim_ascii();
        let (head, written) = match memchr::memchr(b';', value) {
            Some(at) => (octets::span(value, 0, at), octets::from(value, at)),
            None => (value, &b""[..]),
        };
        // `SIP / 2.0 / UDP host : port`, with spaces allowed at each slash.
        let slash = memchr::memchr(b'/', head)
            .and_then(|first| {
                let first = first.saturating_add(1);
                memchr::memchr(b'/', octets::from(head, first))
                    .map(|second| first.saturating_add(second))
            })
            .ok_or(HeaderError::Malformed("no sent-protocol"))?;
        let rest = octets::from(head, slash.saturating_add(1)).trim_ascii_start();
        let end = rest
            .iter()
            .position(u8::is_ascii_whitespace)
            .ok_or(HeaderError::Malformed("no sent-by"))?;
        let sent_by = octets::from(rest, end).trim_ascii();
        if sent_by.is_empty() {
            return Err(HeaderError::Malformed("no sent-by"));
        }
        let mut via = Self {
            transport: octets::span(rest, 0, end),
            sent_by,
            branch: None,
            received: None,
            rport: None,
        };
        for (key, value) in parameters(written) {
            let known = if key.eq_ignore_ascii_case(b"branch") {
                &mut via.branch
            } else if key.eq_ignore_ascii_case(b"received") {
                &mut via.received
            } else if key.eq_ignore_ascii_case(b"rport") {
                &mut via.rport
            } else {
                continue;
            };
            known.get_or_insert(value);
        }
        via.branch = via.branch.filter(|branch| !branch.is_empty());
        Ok(via)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_via_in_every_spelling() {
        let check = |value: &str, transport: &str, sent_by: &str, branch: Option<&str>| {
            let via = Via::parse(value.as_bytes()).expect(value);
            assert_eq!(via.transport, transport.as_bytes());
            assert_eq!(via.sent_by, sent_by.as_bytes());
            assert_eq!(via.branch, branch.map(str::as_bytes));
        };
        check(
            "SIP/2.0/UDP h:5060;branch=z9hG4bKa;rport",
            "UDP",
            "h:5060",
            Some("z9hG4bKa"),
        );
        check(
            "SIP  / 2.0\r\n  /TCP  spindle.example.com ;\r\n branch = b",
            "TCP",
            "spindle.example.com",
            Some("b"),
        );
        check(
            "SIP/2.0/TLS [2001:db8::9:1]",
            "TLS",
            "[2001:db8::9:1]",
            None,
        );
        assert!(Via::parse(b"SIP/2.0/UDP").is_err());
        assert!(Via::parse(b"UDP host").is_err());
        assert!(Via::parse(b"").is_err());
    }
}
