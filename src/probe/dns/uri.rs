//! What is located: URIs and numbers, and how DNS spells them.

use crate::probe::Carrier;

/// What is to be located.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A SIP URI.
    Uri(Uri),
    /// A number, by ENUM; digits alone.
    Number(String),
}

/// A SIP URI, as far as it is located.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uri {
    /// Whether it is `sips`.
    pub is_secure: bool,
    /// Its host; `maddr` where it has one.
    pub host: String,
    /// Its port.
    pub port: Option<u16>,
    /// Its `transport`.
    pub transport: Option<Carrier>,
}

/// By a service of NAPTR (RFC 3263, 4.1; RFC 7118, 5.2).
pub(super) fn of_naptr(services: &str) -> Option<Carrier> {
    Some(match services.to_ascii_uppercase().as_str() {
        "SIP+D2U" => Carrier::Udp,
        "SIP+D2T" => Carrier::Tcp,
        "SIPS+D2T" => Carrier::Tls,
        "SIP+D2S" => Carrier::Sctp,
        "SIP+D2W" => Carrier::Ws,
        "SIPS+D2W" => Carrier::Wss,
        _ => return None,
    })
}

/// Before the domain of an SRV question.
pub(super) const fn prefix(carrier: Carrier) -> &'static str {
    match carrier {
        Carrier::Udp => "_sip._udp",
        Carrier::Tcp => "_sip._tcp",
        Carrier::Tls => "_sips._tcp",
        Carrier::Sctp => "_sip._sctp",
        Carrier::Ws => "_sip._ws",
        Carrier::Wss => "_sips._ws",
    }
}

/// What a regular expression of NAPTR makes of a number (RFC 3402, 3.2).
pub(super) fn rewritten(number: &str, regexp: &str) -> Option<String> {
    let mark = regexp.chars().next()?;
    let mut parts = regexp.split(mark).skip(1);
    let (pattern, with, flags) = (parts.next()?, parts.next()?, parts.next()?);
    let pattern = regex::RegexBuilder::new(pattern)
        .case_insensitive(flags.contains('i'))
        .size_limit(1 << 16)
        .build()
        .ok()?;
    let groups = pattern.captures(number)?;
    let mut uri = String::new();
    let mut letters = with.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next()? {
                digit @ '0'..='9' => {
                    let group = groups.get(digit.to_digit(10)? as usize);
                    uri.push_str(group.map_or("", |own| own.as_str()));
                }
                other => uri.push(other),
            },
            other => uri.push(other),
        }
    }
    (uri.len() <= 512 && uri.bytes().all(|own| own.is_ascii_graphic())).then_some(uri)
}

/// A SIP URI, as far as it is located.
#[must_use]
pub fn located(uri: &str) -> Option<Uri> {
    let parts = crate::sip::Uri::parse(uri.as_bytes());
    let text = |octets: &[u8]| Some(std::str::from_utf8(octets).ok()?.to_owned());
    let is_secure = parts.scheme.eq_ignore_ascii_case(b"sips");
    if !is_secure && !parts.scheme.eq_ignore_ascii_case(b"sip") {
        return None;
    }
    let host = match parts.parameter("maddr") {
        Some(own) => text(own)?,
        None => text(parts.host)?,
    };
    let transport = parts.parameter("transport").and_then(text);
    let transport = match transport {
        None => None,
        Some(own) => Some(Carrier::of(&own)?),
    };
    // RFC 3261, 26.2.2: TLS over TCP.
    let transport = match transport {
        Some(Carrier::Tcp) if is_secure => Some(Carrier::Tls),
        own => own,
    };
    (!host.is_empty()).then_some(Uri {
        is_secure,
        host: host.trim_end_matches('.').to_ascii_lowercase(),
        port: parts.port,
        transport,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rewritten_as_naptr_says() {
        let check = |regexp: &str, expected: Option<&str>| {
            assert_eq!(
                rewritten("+4930123", regexp).as_deref(),
                expected,
                "{regexp}"
            );
        };
        check("!^.*$!sip:bob@example.org!", Some("sip:bob@example.org"));
        check(
            r"!^\+49(.*)$!sip:\1@example.org!",
            Some("sip:30123@example.org"),
        );
        check(r"!^\+48(.*)$!sip:\1@example.org!", None);
        check(r"/^(.)(.*)$/sip:\2\\@x/i", Some(r"sip:4930123\@x"));
        check("!(!x!", None);
        check("!.*!sip:a b@x!", None);
        check("!.*", None);
        check("", None);
    }

    #[test]
    fn uris_are_located_by_what_they_say() {
        let check = |text: &str, expected: Option<(bool, &str, Option<u16>, Option<Carrier>)>| {
            let expected = expected.map(|(is_secure, host, port, transport)| Uri {
                is_secure,
                host: host.to_owned(),
                port,
                transport,
            });
            assert_eq!(located(text), expected, "{text}");
        };
        check(
            "sip:Bob@Example.ORG.",
            Some((false, "example.org", None, None)),
        );
        check(
            "sips:x:99;transport=tcp",
            Some((true, "x", Some(99), Some(Carrier::Tls))),
        );
        check(
            "sip:a@x;maddr=192.0.2.1",
            Some((false, "192.0.2.1", None, None)),
        );
        check(
            "sip:x;transport=WS",
            Some((false, "x", None, Some(Carrier::Ws))),
        );
        check("sip:x;transport=pigeon", None);
        check("tel:+123", None);
        check("sip:", None);
    }
}
