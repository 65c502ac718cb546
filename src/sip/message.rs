//! The lossless view of one message.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::header::{CSeq, ContentType, HeaderError, HeaderName, NameAddr, Parts, Via};
use super::start_line::{StartLine, is_start_line, skip_empty_lines, start_line};
use crate::octets;

/// The most header fields of one message that are told apart.
pub(super) const MAX_FIELDS: usize = 1000;

/// A message as it was sent: octets, with its parts marked.
#[derive(Clone, Debug)]
pub struct SipMessage<'a> {
    octets: &'a [u8],
    start_line: StartLine<'a>,
    fields: Vec<HeaderField<'a>>,
    /// Which names occur, each by its bit: most that are asked for do not.
    present: u64,
    body: &'a [u8],
    anomalies: Vec<Anomaly>,
    content_length: Option<Option<u64>>,
    /// What nearly everybody asks for is read once.
    top_via: OnceCell<Result<Via<'a>, HeaderError>>,
    via_count: OnceCell<usize>,
    parties: [OnceCell<Option<NameAddr<'a>>>; 3],
    sdp: OnceCell<Option<&'a [u8]>>,
    is_folded: bool,
}

/// One header field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderField<'a> {
    /// Which field it is.
    pub kind: HeaderName,
    /// The name as written.
    pub name: &'a [u8],
    /// The value as written, folds included, spaces at the ends removed.
    pub value: &'a [u8],
}

/// What is odd about a message's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Anomaly {
    /// The start line has more than single spaces, or something in brackets.
    StartLineSpacing,
    /// The version is not 2.0.
    Version,
    /// The status code is no number of three digits.
    StatusCode,
    /// A line of the header section has no colon.
    NoColon,
    /// A header field's name is no token.
    FieldName,
    /// Lines end without a carriage return.
    BareLineFeed,
    /// The header section never ends.
    NoBlankLine,
    /// There are more header fields than are told apart.
    TooManyFields,
    /// `Content-Length` is no number.
    ContentLengthInvalid,
    /// `Content-Length` is more than there is.
    ContentLengthTooLarge,
    /// `Content-Length` is less than there is.
    TrailingOctets,
}

/// RFC 3261, 25.1: the characters of a token.
#[inline]
pub(super) fn is_token(octet: u8) -> bool {
    TOKEN.get(usize::from(octet)) == Some(&true)
}

static TOKEN: [bool; 256] = {
    let mut token = [false; 256];
    let mut octet = 0_u8;
    while octet < 128 {
        #[expect(
            clippy::indexing_slicing,
            reason = "runs in the compiler, which would stop at a fault"
        )]
        {
            token[octet as usize] = octet.is_ascii_alphanumeric()
                || matches!(
                    octet,
                    b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
                );
            octet += 1;
        }
    }
    token
};

/// Takes the first line off, without its end; says whether it ended in a bare
/// line feed, and whether it ended at all.
fn take_line<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], bool)> {
    if rest.is_empty() {
        return None;
    }
    let whole = *rest;
    let end = memchr::memchr(b'\n', whole);
    let line = octets::span(whole, 0, end.unwrap_or(whole.len()));
    *rest = end.map_or(&[], |end| octets::from(whole, end.saturating_add(1)));
    match line.strip_suffix(b"\r") {
        Some(line) => Some((line, false)),
        None => Some((line, end.is_some())),
    }
}

/// The name of a header field, where its colon stands, and whether the name is
/// a token.
#[inline]
fn name_of(field: &[u8]) -> Option<(&[u8], usize, bool)> {
    let end = field.iter().position(|octet| !is_token(*octet))?;
    if field.get(end) == Some(&b':') {
        return Some((octets::span(field, 0, end), end, end > 0));
    }
    let colon = memchr::memchr(b':', field)?;
    let name = octets::span(field, 0, colon).trim_ascii();
    let is_token = !name.is_empty() && name.iter().all(|octet| is_token(*octet));
    Some((name, colon, is_token))
}

impl<'a> SipMessage<'a> {
    /// Reads a message that fills `octets`; `None` if they do not begin with a
    /// start line.
    #[must_use]
    pub fn parse(octets: &'a [u8]) -> Option<Self> {
        let octets = skip_empty_lines(octets);
        let mut rest = octets;
        let (line, mut bare_line_feed) = take_line(&mut rest)?;
        if !is_start_line(line) {
            return None;
        }
        let mut anomalies = Vec::new();
        let start_line = start_line(line, &mut anomalies);
        let mut fields: Vec<HeaderField<'a>> = Vec::with_capacity(16);
        let (mut overflow, mut blank, mut present) = (false, false, 0);
        let mut is_folded = false;
        loop {
            let before = rest;
            let Some((line, bare)) = take_line(&mut rest) else {
                break;
            };
            bare_line_feed |= bare;
            if line.is_empty() {
                blank = true;
                break;
            }
            if fields.len() >= MAX_FIELDS {
                overflow = true;
                continue;
            }
            // A line that starts with white space continues the one before
            // (7.3.1): the field's octets run on to its end.
            let mut length = line.len();
            while matches!(rest.first(), Some(b' ' | b'\t')) {
                let start = before.len().saturating_sub(rest.len());
                let Some((folded, bare)) = take_line(&mut rest) else {
                    break;
                };
                bare_line_feed |= bare;
                is_folded = true;
                length = start.saturating_add(folded.len());
            }
            let whole = octets::span(before, 0, length);
            match name_of(whole) {
                Some((name, colon, is_token)) => {
                    if !is_token {
                        anomalies.push(Anomaly::FieldName);
                    }
                    let kind = HeaderName::of(name);
                    present |= kind.bit();
                    fields.push(HeaderField {
                        kind,
                        name,
                        value: octets::from(whole, colon.saturating_add(1)).trim_ascii(),
                    });
                }
                None => anomalies.push(Anomaly::NoColon),
            }
        }
        for (found, anomaly) in [
            (bare_line_feed, Anomaly::BareLineFeed),
            (!blank, Anomaly::NoBlankLine),
            (overflow, Anomaly::TooManyFields),
        ] {
            if found {
                anomalies.push(anomaly);
            }
        }
        let mut message = Self {
            octets,
            start_line,
            fields,
            present,
            body: rest,
            anomalies,
            content_length: None,
            top_via: OnceCell::new(),
            via_count: OnceCell::new(),
            parties: [const { OnceCell::new() }; 3],
            is_folded,
            sdp: OnceCell::new(),
        };
        message.bound_body();
        Some(message)
    }

    /// Cuts the body to `Content-Length` (RFC 3261, 18.3).
    fn bound_body(&mut self) {
        let Some(value) = self.value(HeaderName::ContentLength) else {
            return;
        };
        let length = octets::decimal(value);
        self.content_length = Some(length);
        let Some(length) = length else {
            self.anomalies.push(Anomaly::ContentLengthInvalid);
            return;
        };
        let have = u64::try_from(self.body.len()).unwrap_or(u64::MAX);
        if length > have {
            self.anomalies.push(Anomaly::ContentLengthTooLarge);
        } else if length < have {
            self.anomalies.push(Anomaly::TrailingOctets);
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            self.body = octets::span(self.body, 0, length);
        }
    }

    /// The octets from the start line on.
    #[must_use]
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// The first line.
    #[must_use]
    pub const fn start_line(&self) -> &StartLine<'a> {
        &self.start_line
    }

    /// Every header field, in order.
    #[must_use]
    pub fn header_fields(&self) -> &[HeaderField<'a>] {
        &self.fields
    }

    /// The body, cut to `Content-Length`.
    #[must_use]
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// What is odd about the form, in the order it was met.
    #[must_use]
    pub fn anomalies(&self) -> &[Anomaly] {
        &self.anomalies
    }

    /// `Content-Length`: absent, no number, or a number.
    #[must_use]
    pub const fn content_length(&self) -> Option<Option<u64>> {
        self.content_length
    }

    /// Whether a field goes on over several lines (RFC 3261, 7.3.1).
    #[must_use]
    pub const fn is_folded(&self) -> bool {
        self.is_folded
    }

    /// Whether a field of this name is there.
    #[inline]
    #[must_use]
    pub const fn has(&self, name: HeaderName) -> bool {
        self.present & name.bit() != 0
    }

    /// The names that occur, each by its [`HeaderName::bit`].
    pub(crate) const fn names(&self) -> u64 {
        self.present
    }

    /// Every field of this name, in order.
    #[inline]
    pub fn fields_of(&self, name: HeaderName) -> impl Iterator<Item = &HeaderField<'a>> {
        let fields: &[_] = if self.has(name) { &self.fields } else { &[] };
        fields.iter().filter(move |field| field.kind == name)
    }

    /// Every field with this spelling, in any case.
    pub fn fields_named(&self, name: &str) -> impl Iterator<Item = &HeaderField<'a>> {
        let kind = HeaderName::of(name.as_bytes());
        self.fields_of(kind).filter(move |field| {
            kind != HeaderName::Other || field.name.eq_ignore_ascii_case(name.as_bytes())
        })
    }

    /// The first field of this name, as written.
    #[inline]
    #[must_use]
    pub fn value(&self, name: HeaderName) -> Option<&'a [u8]> {
        self.fields_of(name).next().map(|field| field.value)
    }

    /// Every value of this name, with lists taken apart at their commas.
    pub fn values(&self, name: HeaderName) -> impl Iterator<Item = &'a [u8]> + '_ {
        self.fields_of(name)
            .flat_map(|field| -> Parts<'a> {
                super::header::split_outside_quotes(field.value, b',')
            })
            .map(<[u8]>::trim_ascii)
    }

    /// The first value of a field with this spelling, in any case, unfolded.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<Cow<'a, [u8]>> {
        self.fields_named(name)
            .next()
            .map(|field| unfolded(field.value))
    }

    /// `Call-ID`.
    #[must_use]
    pub fn call_id(&self) -> Option<&'a [u8]> {
        self.value(HeaderName::CallId)
            .filter(|value| !value.is_empty())
    }

    /// `From`.
    #[must_use]
    pub fn from(&self) -> Option<NameAddr<'a>> {
        let [from, ..] = &self.parties;
        *from.get_or_init(|| self.value(HeaderName::From).map(NameAddr::parse))
    }

    /// `To`.
    #[must_use]
    pub fn to(&self) -> Option<NameAddr<'a>> {
        let [_, to, _] = &self.parties;
        *to.get_or_init(|| self.value(HeaderName::To).map(NameAddr::parse))
    }

    /// The first `Contact`.
    #[must_use]
    pub fn contact(&self) -> Option<NameAddr<'a>> {
        let [.., contact] = &self.parties;
        *contact.get_or_init(|| self.values(HeaderName::Contact).next().map(NameAddr::parse))
    }

    /// `CSeq`.
    ///
    /// # Errors
    ///
    /// When it is missing or malformed.
    pub fn cseq(&self) -> Result<CSeq, HeaderError> {
        CSeq::parse(self.value(HeaderName::CSeq).ok_or(HeaderError::Missing)?)
    }

    /// The topmost `Via`.
    ///
    /// # Errors
    ///
    /// When it is missing or malformed.
    pub fn top_via(&self) -> Result<Via<'a>, HeaderError> {
        *self.top_via.get_or_init(|| {
            let top = self.values(HeaderName::Via).next();
            Via::parse(top.ok_or(HeaderError::Missing)?)
        })
    }

    /// How many hosts the request has passed: its `Via` values.
    #[must_use]
    pub fn via_count(&self) -> usize {
        *self.via_count.get_or_init(|| {
            self.values(HeaderName::Via)
                .filter(|value| !value.is_empty())
                .count()
        })
    }

    /// The part of the body that is of `media_type`, inside `multipart/*` too
    /// (RFC 2046, 5.1).
    #[must_use]
    pub fn body_of_type(&self, media_type: &str) -> Option<&'a [u8]> {
        if self.body.is_empty() {
            return None;
        }
        let content_type = ContentType::parse(self.value(HeaderName::ContentType)?);
        part_of_type(content_type, self.body, media_type, 0)
    }

    /// The session description, if the message has one. A body that begins
    /// like one counts where the type is not said.
    #[must_use]
    pub fn sdp(&self) -> Option<&'a [u8]> {
        if self.body.is_empty() {
            return None;
        }
        *self.sdp.get_or_init(|| {
            if self.has(HeaderName::ContentType) {
                self.body_of_type("application/sdp")
            } else {
                Some(self.body).filter(|body| body.starts_with(b"v=0"))
            }
        })
    }
}

/// A value with its folds undone (RFC 3261, 7.3.1).
fn unfolded(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'\r', b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut out = Vec::with_capacity(value.len());
    for line in value.split(|&octet| octet == b'\n') {
        if !out.is_empty() {
            out.push(b' ');
        }
        out.extend(line.trim_ascii());
    }
    Cow::Owned(out)
}

fn part_of_type<'a>(
    content_type: ContentType<'_>,
    body: &'a [u8],
    media_type: &str,
    depth: u8,
) -> Option<&'a [u8]> {
    if content_type.is(media_type) {
        return Some(body);
    }
    let multipart = content_type
        .media_type
        .get(..10)
        .is_some_and(|head| head.eq_ignore_ascii_case(b"multipart/"));
    if !multipart || depth >= 4 {
        return None;
    }
    let delimiter = [b"--", content_type.boundary()?].concat();
    let mut starts: Vec<usize> = memchr::memmem::find_iter(body, &delimiter)
        .take(64)
        .collect();
    starts.push(body.len());
    starts.windows(2).find_map(|pair| {
        let &[start, end] = pair else { return None };
        let from = start.saturating_add(delimiter.len());
        let mut rest = octets::span(body, from, end.saturating_sub(from));
        if rest.starts_with(b"--") {
            return None;
        }
        take_line(&mut rest)?;
        let mut part_type = ContentType::parse(b"text/plain");
        while let Some((line, _)) = take_line(&mut rest) {
            if line.is_empty() {
                break;
            }
            if let Some(colon) = memchr::memchr(b':', line) {
                let name = octets::span(line, 0, colon).trim_ascii();
                if HeaderName::of(name) == HeaderName::ContentType {
                    part_type = ContentType::parse(octets::from(line, colon.saturating_add(1)));
                }
            }
        }
        // The line end before a delimiter belongs to the delimiter.
        let part = rest.strip_suffix(b"\n").unwrap_or(rest);
        let part = part.strip_suffix(b"\r").unwrap_or(part);
        part_of_type(part_type, part, media_type, depth.saturating_add(1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\
        i: id@h\r\nCSeq: 7 OPTIONS\r\nSubject: one\r\n  two\r\nContent-Length: 3\r\n\r\nabc";

    #[test]
    fn a_message_keeps_octets_order_and_spelling() {
        let message = SipMessage::parse(OPTIONS.as_bytes()).expect("a message");
        assert_eq!(message.octets(), OPTIONS.as_bytes());
        assert_eq!(message.call_id(), Some(&b"id@h"[..]));
        assert_eq!(
            message.header_fields().get(1).map(|field| field.name),
            Some(&b"i"[..])
        );
        assert_eq!(
            message.value(HeaderName::Subject),
            Some(&b"one\r\n  two"[..])
        );
        assert_eq!(message.named("SUBJECT").as_deref(), Some(&b"one two"[..]));
        assert_eq!(message.body(), b"abc");
        assert_eq!(message.anomalies(), []);
    }

    #[test]
    fn a_message_cut_anywhere_keeps_its_whole_fields() {
        for cut in 24..OPTIONS.len() {
            let message = SipMessage::parse(&OPTIONS.as_bytes()[..cut]).expect("a message");
            let whole = OPTIONS[..cut].matches(": ").count();
            assert!(message.header_fields().len() >= whole, "{cut}");
            assert!(!message.anomalies().is_empty(), "{cut}");
        }
    }

    #[test]
    fn the_body_is_as_long_as_the_content_length_says() {
        let check = |length: &str, body: &str, anomaly: &[Anomaly]| {
            let text = format!("SIP/2.0 200 OK\r\nl: {length}\r\n\r\nabcdef");
            let message = SipMessage::parse(text.as_bytes()).expect("a message");
            assert_eq!(message.body(), body.as_bytes(), "{length}");
            assert_eq!(message.anomalies(), anomaly, "{length}");
        };
        check("6", "abcdef", &[]);
        check("5", "abcde", &[Anomaly::TrailingOctets]);
        check("7", "abcdef", &[Anomaly::ContentLengthTooLarge]);
        check("-999", "abcdef", &[Anomaly::ContentLengthInvalid]);
        check(
            "99999999999999999999",
            "abcdef",
            &[Anomaly::ContentLengthInvalid],
        );
    }

    #[test]
    fn oddities_are_kept_and_named() {
        let check = |text: &str, expected: &[Anomaly]| {
            let message = SipMessage::parse(text.as_bytes()).expect("a message");
            assert_eq!(message.anomalies(), expected, "{text}");
        };
        check(
            "INVITE  sip:a SIP/2.0\r\n\r\n",
            &[Anomaly::StartLineSpacing],
        );
        check(
            "INVITE <sip:a> SIP/2.0\r\n\r\n",
            &[Anomaly::StartLineSpacing],
        );
        check("INVITE sip:a SIP/7.0\r\n\r\n", &[Anomaly::Version]);
        check("SIP/2.0 4294967301 x\r\n\r\n", &[Anomaly::StatusCode]);
        check("SIP/2.0 200 OK\nTo: <sip:a>\n\n", &[Anomaly::BareLineFeed]);
        check(
            "SIP/2.0 200 OK\r\nno colon here\r\n\r\n",
            &[Anomaly::NoColon],
        );
        check("SIP/2.0 200 OK\r\na b: c\r\n\r\n", &[Anomaly::FieldName]);
        check("SIP/2.0 200 OK\r\nTo: x", &[Anomaly::NoBlankLine]);
        let many = format!(
            "SIP/2.0 200 OK\r\n{}\r\n",
            "a: b\r\n".repeat(MAX_FIELDS + 1)
        );
        check(&many, &[Anomaly::TooManyFields]);
    }

    #[test]
    fn a_session_description_is_found_in_multipart_bodies() {
        let text = "INVITE sip:a SIP/2.0\r\nContent-Type: multipart/mixed;boundary=\"b1\"\r\n\r\n\
            --b1\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b1\r\nContent-Type: application/sdp\r\n\r\n\
            v=0\r\ns=-\r\n--b1--\r\n";
        let message = SipMessage::parse(text.as_bytes()).expect("a message");
        assert_eq!(message.sdp(), Some(&b"v=0\r\ns=-"[..]));
        let other = text.replace("application/sdp", "application/isup");
        let message = SipMessage::parse(other.as_bytes()).expect("a message");
        assert_eq!(message.sdp(), None);
    }
}
