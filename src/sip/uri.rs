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
        let (user_end, end) = marks(body);
        let end = end.unwrap_or(body.len());
        let from = user_end.map_or(0, |at| at.saturating_add(1));
        let host_part = octets::span(body, from, end.saturating_sub(from));
        let (host, port) = split_host_port(host_part);
        Self {
            scheme,
            user: octets::span(body, 0, user_end.unwrap_or(0)),
            host,
            port,
            rest: octets::from(body, end),
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

/// The last `@`, and the first `;` or `?` after it: the user part may hold these, the host
/// part no `@`. Headers after a `?` may hold an escaped one only: a raw one there would
/// otherwise be taken for the end of the user.
#[inline]
fn marks(body: &[u8]) -> (Option<usize>, Option<usize>) {
    let Some(first) = memchr::memchr(b'@', body) else {
        return (None, memchr::memchr2(b';', b'?', body));
    };
    let after = octets::from(body, first.saturating_add(1));
    let headers = memchr::memchr(b'?', after).unwrap_or(after.len());
    let last = memchr::memrchr(b'@', octets::span(after, 0, headers));
    let user_end = last.map_or(first, |at| first.saturating_add(at).saturating_add(1));
    let host = octets::from(body, user_end.saturating_add(1));
    let end = memchr::memchr2(b';', b'?', host);
    let end = end.map(|at| user_end.saturating_add(at).saturating_add(1));
    (Some(user_end), end)
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
        let Some(colon) = text.iter().position(|octet| *octet == b':') else {
            return (text, None);
        };
        let after = octets::from(text, colon.saturating_add(1));
        let host = octets::span(text, 0, colon).trim_ascii();
        let port = number(after);
        if port.is_none() && after.contains(&b':') {
            // More than one colon is an IPv6 address without its brackets.
            return (text, None);
        }
        return (host, port);
    };
    (host, port.and_then(number))
}

fn number(port: &[u8]) -> Option<u16> {
    u16::try_from(octets::decimal(port.trim_ascii())?).ok()
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
        check("sip:a;b@c;d@e;f", "a;b@c;d", "e", None, ";f");
        check("sip:a?b@c", "a?b", "c", None, "");
        check("sip:a@b;c?d@e", "a", "b", None, ";c?d@e");
        check("sip:h;p?q", "", "h", None, ";p?q");
        check("sip:a@b@c@d;e?f@g", "a@b@c", "d", None, ";e?f@g");
        check("sip:a@?b@c", "a", "", None, "?b@c");
        check("sip:h:5060:5061", "", "h:5060:5061", None, "");
        check("sip:a@", "a", "", None, "");
        check("nonsense", "", "nonsense", None, "");
        check("", "", "", None, "");
        assert_eq!(Uri::parse(b"sip:a:pw@h").user_name(), b"a");
        assert_eq!(
            Uri::parse(b"sip:h;lr;maddr=x?y=z").parameter("maddr"),
            Some(&b"x"[..])
        );
    }
}
