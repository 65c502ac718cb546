//! Messages out of a stream of octets (RFC 3261, 18.3).

use super::header::HeaderName;
use super::start_line::{is_start_line, skip_empty_lines};
use crate::octets;

/// The longest header section that is waited for.
pub const MAX_HEADER: usize = 64 * 1024;
/// The longest body that is waited for.
pub const MAX_BODY: usize = 256 * 1024;
/// The longest line that may still become a start line.
const MAX_START_LINE: usize = 8 * 1024;

/// What a stream gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Framed {
    /// A message, whole.
    Message(Vec<u8>),
    /// Empty lines between messages: keep-alives (RFC 5626, 3.5.1), in octets.
    KeepAlive(usize),
    /// Octets that belong to no message.
    Skipped(usize),
}

/// Cuts one direction of a stream into messages by `Content-Length`, and finds
/// the next start line again where that fails.
///
/// Octets are looked at once: the search for the end of a header section goes
/// on where it stopped.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// Octets of `buffer` that are already handed out.
    start: usize,
    /// How far the end of the header section has been looked for.
    searched: usize,
    /// The whole length of the message at `start`, once its header is there.
    length: Option<usize>,
    /// Whether the stream is between messages, so that a start line is due.
    synchronised: bool,
    /// Whether the beginning of this line is gone: nothing begins before the
    /// next one, however the octets come.
    mid_line: bool,
}

impl Framer {
    /// A framer at the start of a stream, or anywhere within one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds octets that follow those before.
    pub fn push(&mut self, octets: &[u8]) {
        if self.start > 0 && (self.start >= self.buffer.len() || self.start > 32 * 1024) {
            self.buffer.drain(..self.start.min(self.buffer.len()));
            self.searched = self.searched.saturating_sub(self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(octets);
    }

    /// Holds no memory while nothing is held back: of many streams few speak
    /// at a time.
    pub fn rest(&mut self) {
        if self.pending() == 0 {
            self.buffer = Vec::new();
            self.start = 0;
            self.searched = 0;
        }
    }

    /// Octets are missing: what was begun can't be finished.
    pub fn gap(&mut self) -> Option<Framed> {
        let lost = self.pending();
        self.buffer.clear();
        self.start = 0;
        self.searched = 0;
        self.length = None;
        self.synchronised = false;
        self.mid_line = false;
        (lost > 0).then_some(Framed::Skipped(lost))
    }

    /// Whether the last message ended where its length said, so that another
    /// begins here.
    #[must_use]
    pub const fn is_synchronised(&self) -> bool {
        self.synchronised
    }

    /// Octets held back.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.buffer.len().saturating_sub(self.start)
    }

    /// A message that the end of the stream cut: its header section and what
    /// there is of its body.
    pub fn finish(&mut self) -> Option<Vec<u8>> {
        let rest = octets::from(&self.buffer, self.start).to_vec();
        self.gap();
        super::looks_like_sip(&rest).then_some(rest)
    }

    /// The next thing in the stream; `None` until more octets come.
    pub fn poll(&mut self) -> Option<Framed> {
        if let Some(length) = self.length {
            return self.take_message(length);
        }
        if self.mid_line {
            return self.skip_line();
        }
        let rest = octets::from(&self.buffer, self.start);
        let empty = rest.len().saturating_sub(skip_empty_lines(rest).len());
        if empty > 0 {
            self.advance(empty);
            return Some(if self.synchronised {
                Framed::KeepAlive(empty)
            } else {
                Framed::Skipped(empty)
            });
        }
        if rest.is_empty() {
            return None;
        }
        let Some(line_end) = memchr::memchr(b'\n', octets::span(rest, 0, MAX_START_LINE)) else {
            return self.without_line_end();
        };
        if !is_start_line(octets::span(rest, 0, line_end)) {
            // Not where a message begins: on to the next line.
            self.synchronised = false;
            self.advance(line_end.saturating_add(1));
            return Some(Framed::Skipped(line_end.saturating_add(1)));
        }
        let from = self
            .searched
            .saturating_sub(self.start)
            .max(line_end.saturating_sub(1));
        if let Some(end) = header_end(rest, from).filter(|end| *end <= MAX_HEADER) {
            let body = match content_length(octets::span(rest, 0, end)) {
                Some(length) => length.min(MAX_BODY),
                // Without a length the body can't be told; none is likeliest.
                None => 0,
            };
            let length = end.saturating_add(body);
            self.length = Some(length);
            return self.take_message(length);
        }
        if rest.len() > MAX_HEADER {
            self.synchronised = false;
            self.advance(line_end.saturating_add(1));
            return Some(Framed::Skipped(line_end.saturating_add(1)));
        }
        // Three octets may hold the start of the blank line.
        self.searched = self.buffer.len().saturating_sub(3).max(self.start);
        None
    }

    /// What may still become a start line waits; anything else is skipped.
    fn without_line_end(&mut self) -> Option<Framed> {
        let rest = octets::from(&self.buffer, self.start);
        let word = rest
            .iter()
            .take_while(|octet| !matches!(octet, b' ' | b'\t'))
            .take(64);
        let possible = rest.len() < MAX_START_LINE
            && word.clone().count() < 64
            && word.clone().all(|octet| octet.is_ascii_graphic());
        if possible {
            return None;
        }
        self.synchronised = false;
        self.mid_line = true;
        self.skip_line()
    }

    /// Skips what is left of a line.
    fn skip_line(&mut self) -> Option<Framed> {
        let rest = octets::from(&self.buffer, self.start);
        if rest.is_empty() {
            return None;
        }
        let length = match memchr::memchr(b'\n', rest) {
            Some(end) => {
                self.mid_line = false;
                end.saturating_add(1)
            }
            None => rest.len(),
        };
        self.advance(length);
        Some(Framed::Skipped(length))
    }

    fn take_message(&mut self, length: usize) -> Option<Framed> {
        let end = self.start.saturating_add(length);
        let message = self.buffer.get(self.start..end)?.to_vec();
        self.length = None;
        self.synchronised = true;
        self.advance(length);
        Some(Framed::Message(message))
    }

    fn advance(&mut self, octets: usize) {
        self.start = self.start.saturating_add(octets);
        self.searched = self.start;
    }
}

/// How long the message at the front is, empty lines before it included, where it
/// says so and what follows is another one.
#[must_use]
pub fn message_length(octets: &[u8]) -> Option<usize> {
    let begin = octets.len().saturating_sub(skip_empty_lines(octets).len());
    let end = header_end(octets, begin)?;
    let header = octets::span(octets, begin, end.saturating_sub(begin));
    let length = end.saturating_add(content_length(header)?);
    let rest = octets::from(octets, length);
    super::looks_like_sip(rest).then_some(length)
}

/// Where the body begins: after the first empty line at or behind `from`.
fn header_end(octets: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b'\n', octets::from(octets, from)).find_map(|at| {
        let next = from.saturating_add(at).saturating_add(1);
        match octets::from(octets, next) {
            [b'\n', ..] => Some(next.saturating_add(1)),
            [b'\r', b'\n', ..] => Some(next.saturating_add(2)),
            _ => None,
        }
    })
}

/// The `Content-Length` of a header section.
fn content_length(header: &[u8]) -> Option<usize> {
    header.split(|&octet| octet == b'\n').find_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        let name = octets::span(line, 0, colon).trim_ascii();
        if HeaderName::of(name) != HeaderName::ContentLength {
            return None;
        }
        let value = octets::from(line, colon.saturating_add(1)).trim_ascii();
        // A length that is no number leaves nothing to trust but the next
        // start line.
        Some(octets::decimal(value).map_or(0, |length| usize::try_from(length).unwrap_or(0)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> String {
        format!(
            "OPTIONS sip:a SIP/2.0\r\nCall-ID: x\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// Messages and counted rest of a stream pushed in parts of `size`.
    fn framed(stream: &str, size: usize) -> (Vec<String>, usize, usize) {
        let (mut messages, mut kept_alive, mut skipped) = (Vec::new(), 0, 0);
        let mut framer = Framer::new();
        for part in stream.as_bytes().chunks(size) {
            framer.push(part);
            while let Some(framed) = framer.poll() {
                match framed {
                    Framed::Message(octets) => messages.push(octets::text(&octets)),
                    Framed::KeepAlive(count) => kept_alive += count,
                    Framed::Skipped(count) => skipped += count,
                }
            }
        }
        (messages, kept_alive, skipped)
    }

    #[test]
    fn m029_m031_any_segmentation_gives_the_same_messages() {
        let (one, two) = (message("abc"), message(""));
        let stream = format!("{one}\r\n\r\n{two}{one}");
        let expected = (vec![one.clone(), two, one], 4, 0);
        for size in 1..=stream.len() {
            assert_eq!(framed(&stream, size), expected, "{size}");
        }
    }

    #[test]
    fn the_next_start_line_is_found_again() {
        let one = message("abc");
        for junk in ["rest of a body\r\n", "\u{1}\u{2}", "v=0\r\nm=audio\r\n\r\n"] {
            let stream = format!("{junk}\r\n{one}");
            let (messages, _, skipped) = framed(&stream, 1);
            assert_eq!(messages, std::slice::from_ref(&one), "{junk:?}");
            assert!(skipped > 0);
        }
        // What begins within a line begins nothing, however it comes.
        for junk in ["\u{1}".to_owned(), "x".repeat(MAX_START_LINE + 9)] {
            let stream = format!("{junk}{one}\r\n{one}");
            for size in [1, 7, stream.len()] {
                assert_eq!(
                    framed(&stream, size).0,
                    std::slice::from_ref(&one),
                    "{size}"
                );
            }
        }
        let lying = one.replace("Length: 3", "Length: 12abc");
        assert_eq!(framed(&format!("{lying}\r\n{one}"), 9).0.len(), 2);
    }

    #[test]
    fn m032_endless_headers_and_bodies_are_bounded() {
        let header = format!(
            "OPTIONS sip:a SIP/2.0\r\n{}",
            "a: b\r\n".repeat(MAX_HEADER / 3)
        );
        let mut framer = Framer::new();
        framer.push(header.as_bytes());
        while framer.poll().is_some() {}
        assert!(framer.pending() <= MAX_HEADER);
        let huge = "OPTIONS sip:a SIP/2.0\r\nContent-Length: 4000000000\r\n\r\n";
        let mut framer = Framer::new();
        framer.push(huge.as_bytes());
        framer.push(&vec![b'x'; MAX_BODY - 1]);
        assert_eq!(framer.poll(), None);
        framer.push(b"x");
        assert!(matches!(framer.poll(), Some(Framed::Message(_))));
    }

    #[test]
    fn a_gap_and_an_end_say_what_was_held() {
        let mut framer = Framer::new();
        framer.push(b"OPTIONS sip:a SIP/2.0\r\nCall-ID");
        assert_eq!(framer.poll(), None);
        assert_eq!(framer.gap(), Some(Framed::Skipped(30)));
        assert_eq!(framer.gap(), None);
        framer.push(b"OPTIONS sip:a SIP/2.0\r\nCall-ID: x\r\nl: 9\r\n\r\nabc");
        assert_eq!(framer.poll(), None);
        assert!(
            framer
                .finish()
                .is_some_and(|octets| octets.ends_with(b"abc"))
        );
        assert_eq!(framer.finish(), None);
    }
}
