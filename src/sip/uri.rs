//! SIP, SIPS and other URIs (RFC 3261, 19.1), taken apart without judging.

use crate::octets;

/// A URI's parts, as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uri<'a> {
    /// Before the first colon.
    pub scheme: &'a [u8],
    /// Before the `@`, password included; the number of a `tel` URI.
    pub user: &'a [u8],
    /// The host, brackets of IPv6 removed.
    pub host: &'a [u8],
    /// The port, if one is written that fits.
    pub port: Option<u16>,
    /// Parameters and headers, from the first `;` or `?` after the host on.
    pub rest: &'a [u8],
}

impl<'a> Uri<'a> {
    /// Takes `uri` apart.
    #[must_use]
    pub fn parse(uri: &'a [u8]) -> Self {
        // Short as URIs are, plain loops are as quick as wide searches.
        let Some(colon) = uri.iter().position(|octet| *octet == b':') else {
            return Self {
                host: uri,
                ..Self::default()
            };
        };
        let scheme = octets::span(uri, 0, colon);
        let body = octets::from(uri, colon.saturating_add(1));
        if !scheme.eq_ignore_ascii_case(b"sip") && !scheme.eq_ignore_ascii_case(b"sips") {
            let end = memchr::memchr2(b';', b'?', body).unwrap_or(body.len());
            return Self {
                scheme,
                user: octets::span(body, 0, end),
                rest: octets::from(body, end),
                ..Self::default()
            };
        }
        // The user part may hold `;` and `?`, the host part no `@`.
        let (user, host_part) = match user_end(body) {
            Some(at) => (
                octets::span(body, 0, at),
                octets::from(body, at.saturating_add(1)),
            ),
            None => (&b""[..], body),
        };
        let end = host_part
            .iter()
            .position(|octet| matches!(octet, b';' | b'?'))
            .unwrap_or(host_part.len());
        let (host, port) = split_host_port(octets::span(host_part, 0, end));
        Self {
            scheme,
            user,
            host,
            port,
            rest: octets::from(host_part, end),
        }
    }

    /// The user without a password.
    #[must_use]
    pub fn user_name(&self) -> &'a [u8] {
        if self.scheme.eq_ignore_ascii_case(b"sip") || self.scheme.eq_ignore_ascii_case(b"sips") {
            let end = memchr::memchr(b':', self.user).unwrap_or(self.user.len());
            octets::span(self.user, 0, end)
        } else {
            self.user
        }
    }

    /// A URI parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&'a [u8]> {
        let end = memchr::memchr(b'?', self.rest).unwrap_or(self.rest.len());
        super::header::parameter(octets::span(self.rest, 0, end), name)
    }
}

/// The last `@`. Headers after a `?` may hold an escaped one only: a raw one
/// there would otherwise be taken for the end of the user.
fn user_end(body: &[u8]) -> Option<usize> {
    let mut end = None;
    for (at, octet) in body.iter().enumerate() {
        match octet {
            b'@' => end = Some(at),
            b'?' if end.is_some() => break,
            _ => {}
        }
    }
    end
}

/// Host and port, with or without the brackets of IPv6.
#[must_use]
pub fn split_host_port(text: &[u8]) -> (&[u8], Option<u16>) {
    let text = text.trim_ascii();
    let (host, port) = if let Some(inside) = text.strip_prefix(b"[") {
        match memchr::memchr(b']', inside) {
            Some(end) => (
                octets::span(inside, 0, end),
                octets::from(inside, end.saturating_add(1)).strip_prefix(b":"),
            ),
            None => (inside, None),
        }
    } else {
        let mut colons = (text.iter().enumerate()).filter(|(_, octet)| **octet == b':');
        match (colons.next(), colons.next()) {
            // More than one colon is an IPv6 address without its brackets.
            (Some((at, _)), None) => (
                octets::span(text, 0, at).trim_ascii(),
                Some(octets::from(text, at.saturating_add(1))),
            ),
            _ => (text, None),
        }
    };
    let port = port
        .and_then(|port| octets::decimal(port.trim_ascii()))
        .and_then(|port| u16::try_from(port).ok());
    (host, port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_every_kind_of_uri() {
        let check = |uri: &str, user: &str, host: &str, port: Option<u16>, rest: &str| {
            let read = Uri::parse(uri.as_bytes());
            assert_eq!(octets::text(read.user), user, "{uri}");
            assert_eq!(octets::text(read.host), host, "{uri}");
            assert_eq!(read.port, port, "{uri}");
            assert_eq!(octets::text(read.rest), rest, "{uri}");
        };
        check("sip:bob@biloxi.com", "bob", "biloxi.com", None, "");
        check(
            "SIPS:a:pw@h:5061;transport=tcp?X=y",
            "a:pw",
            "h",
            Some(5061),
            ";transport=tcp?X=y",
        );
        check(
            "sip:[2001:db8::10]:5070",
            "",
            "2001:db8::10",
            Some(5070),
            "",
        );
        check("sip:[2001:db8::10:5070]", "", "2001:db8::10:5070", None, "");
        check(
            "sip:user;par=u%40example.net@example.com",
            "user;par=u%40example.net",
            "example.com",
            None,
            "",
        );
        check("sip:h:99999", "", "h", None, "");
        check(
            "tel:+1201;phone-context=x",
            "+1201",
            "",
            None,
            ";phone-context=x",
        );
        check("sip:a@b?Route=c@d", "a", "b", None, "?Route=c@d");
        check("nonsense", "", "nonsense", None, "");
        check("", "", "", None, "");
        assert_eq!(Uri::parse(b"sip:a:pw@h").user_name(), b"a");
        assert_eq!(
            Uri::parse(b"sip:h;lr;maddr=x?y=z").parameter("maddr"),
            Some(&b"x"[..])
        );
    }
}
