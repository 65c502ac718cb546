//! The first line of a message (RFC 3261, 7.1 and 7.2).

use super::Method;
use super::message::{Anomaly, is_token};
use crate::octets;

/// The longest method that is believed; the framing waits for no longer one.
const MAX_METHOD: usize = 64;
/// The longest version of a response that is believed, `2.0` with room.
const MAX_VERSION: usize = 8;
/// The first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartLine<'a> {
    /// RFC 3261, 7.1.
    Request {
        /// What is asked for.
        method: Method,
        /// Of whom.
        request_uri: &'a [u8],
    },
    /// RFC 3261, 7.2.
    Response {
        /// The code; `None` where it is no number of three digits.
        status_code: Option<u16>,
        /// Its text, possibly empty.
        reason_phrase: &'a [u8],
    },
}

/// Whether octets begin with the start line of a SIP message, after the empty
/// lines that keep-alives leave (RFC 3261, 7.5). Cut lines count when what is
/// left can be nothing else.
#[inline]
#[must_use]
pub fn looks_like_sip(octets: &[u8]) -> bool {
    // A token starts with a printable character; this rejects most else.
    match octets.first() {
        Some(first) if first.is_ascii_graphic() || matches!(first, b'\r' | b'\n') => {}
        _ => return false,
    }
    let octets = skip_empty_lines(octets);
    if method_length(octets).is_none() && strip_prefix_ignore_case(octets, b"SIP/").is_none() {
        return false;
    }
    let line = match memchr::memchr(b'\n', octets::span(octets, 0, 16_384)) {
        Some(end) => octets::span(octets, 0, end),
        None => octets::span(octets, 0, 16_384),
    };
    is_start_line(line)
}

/// The octets after leading empty lines.
pub(super) fn skip_empty_lines(octets: &[u8]) -> &[u8] {
    let end = octets
        .iter()
        .position(|octet| !matches!(octet, b'\r' | b'\n'))
        .unwrap_or(octets.len());
    octets::from(octets, end)
}

/// The length of the method that a request begins with, as far as that tells.
fn method_length(line: &[u8]) -> Option<usize> {
    let mut head = octets::span(line, 0, MAX_METHOD).iter();
    let length = head.position(|&octet| !is_token(octet))?;
    let is_word = length > 0 && matches!(octets::u8_at(line, length), Some(b' ' | b'\t'));
    is_word.then_some(length)
}

/// Whether a line, with or without its end, is a start line.
pub(super) fn is_start_line(line: &[u8]) -> bool {
    if let Some(version) = strip_prefix_ignore_case(line, b"SIP/") {
        // `SIP/2.0 200 OK`
        let digits = version
            .iter()
            .take_while(|octet| octet.is_ascii_digit() || **octet == b'.');
        let length = digits.count();
        let rest = octets::from(version, length);
        return (3..=MAX_VERSION).contains(&length)
            && rest
                .first()
                .is_some_and(|octet| matches!(octet, b' ' | b'\t'))
            && rest
                .trim_ascii_start()
                .first()
                .is_some_and(u8::is_ascii_digit);
    }
    let Some(space) = method_length(line) else {
        return false;
    };
    let line = line.trim_ascii_end();
    let Some(at) = memchr::memmem::rfind(line, b"/") else {
        return false;
    };
    let version = octets::from(line, at.saturating_add(1));
    let name = octets::span(line, at.saturating_sub(3), at.min(3));
    let before = at.checked_sub(4).and_then(|at| octets::u8_at(line, at));
    name.eq_ignore_ascii_case(b"SIP")
        && matches!(before, Some(b' ' | b'\t'))
        && at > space.saturating_add(4)
        && !version.is_empty()
        && version
            .iter()
            .all(|octet| octet.is_ascii_digit() || *octet == b'.')
        && version.first().is_some_and(u8::is_ascii_digit)
}

fn strip_prefix_ignore_case<'a>(octets: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    octets
        .get(..prefix.len())
        .filter(|head| head.eq_ignore_ascii_case(prefix))
        .map(|_| octets::from(octets, prefix.len()))
}

/// Reads a line that [`is_start_line`] accepted.
pub(super) fn start_line<'a>(line: &'a [u8], anomalies: &mut Vec<Anomaly>) -> StartLine<'a> {
    if let Some(rest) = strip_prefix_ignore_case(line, b"SIP/") {
        let space = rest
            .iter()
            .position(|octet| matches!(octet, b' ' | b'\t'))
            .unwrap_or(rest.len());
        if octets::span(rest, 0, space) != b"2.0" {
            anomalies.push(Anomaly::Version);
        }
        let rest = octets::from(rest, space.saturating_add(1)).trim_ascii_start();
        let digits = rest
            .iter()
            .take_while(|octet| octet.is_ascii_digit())
            .count();
        let status_code = octets::decimal(octets::span(rest, 0, digits))
            .and_then(|code| u16::try_from(code).ok())
            .filter(|code| (100..1000).contains(code) && digits == 3);
        if status_code.is_none() {
            anomalies.push(Anomaly::StatusCode);
        }
        let phrase = octets::from(rest, digits);
        return StartLine::Response {
            status_code,
            reason_phrase: phrase.strip_prefix(b" ").unwrap_or(phrase),
        };
    }
    let trimmed = line.trim_ascii_end();
    let space = trimmed
        .iter()
        .position(|octet| matches!(octet, b' ' | b'\t'))
        .unwrap_or(trimmed.len());
    let last = memchr::memrchr2(b' ', b'\t', trimmed).unwrap_or(space);
    let version = octets::from(trimmed, last.saturating_add(1));
    if octets::from(version, 4) != b"2.0" {
        anomalies.push(Anomaly::Version);
    }
    let between = octets::span(
        trimmed,
        space.saturating_add(1),
        last.saturating_sub(space.saturating_add(1)),
    );
    let request_uri = between.trim_ascii();
    if request_uri.len() != between.len()
        || trimmed.len() != line.len()
        || request_uri.iter().any(u8::is_ascii_whitespace)
        || request_uri.starts_with(b"<")
    {
        anomalies.push(Anomaly::StartLineSpacing);
    }
    StartLine::Request {
        method: Method::of(octets::span(trimmed, 0, space)),
        request_uri,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_lines_are_told_from_everything_else() {
        let check = |line: &str, expected| {
            assert_eq!(looks_like_sip(line.as_bytes()), expected, "{line}");
        };
        check("INVITE sip:a@b SIP/2.0\r\n", true);
        check("\r\n\r\nSIP/2.0 200 OK\r\n", true);
        check("SIP/2.0 200", true);
        check("INVITE  sip:user@example.com  SIP/2.0\r\n", true);
        check("OPTIONS sip:a SIP/2.0   \r\n", true);
        check("OPTIONS sip:t.watson@example.org SIP/7.0\r\n", true);
        check("SIP/2.0 4294967301 better\r\n", true);
        check("GET / HTTP/1.1\r\n", false);
        check("M-SEARCH * HTTP/1.1\r\n", false);
        check("SETUP rtsp://h RTSP/1.0\r\n", false);
        check("INVITE sip:a@b SIP/\r\n", false);
        check("SIP/2.0 OK\r\n", false);
        check("SIP/2.000000 200 OK\r\n", true);
        check("SIP/2.0000000 200 OK\r\n", false);
        check(&format!("{} sip:a@b SIP/2.0\r\n", "A".repeat(63)), true);
        check(&format!("{} sip:a@b SIP/2.0\r\n", "A".repeat(64)), false);
        check("see INVITE sip:a@b\r\n SIP/2.0", false);
        check("\u{0}\u{1}", false);
        check("", false);
        check("\r\n", false);
    }
}
