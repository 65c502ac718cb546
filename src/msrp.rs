//! Messages of sessions (MSRP, RFC 4975), taken out of a stream: what each is and how long,
//! not what it says.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

use memchr::memmem;

use crate::octets;

/// The longest head: paths through several relays.
const MAX_HEAD: usize = 8 * 1024;
/// The longest transaction identifier; RFC 4975 allows 31 characters.
const MAX_TRANSACTION: usize = 64;
/// What the end line begins with, on a line of its own.
const END: &[u8] = b"\r\n-------";

/// One request or response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MsrpChunk {
    /// What it is.
    pub kind: MsrpKind,
    /// The last URI of `To-Path`: for whom it is, relays aside.
    pub to: String,
    /// The last URI of `From-Path`: who sent it, relays aside.
    pub from: String,
    /// `Content-Type`, where there is a body.
    pub content_type: Option<String>,
    /// Octets of the body.
    pub octets: u64,
    /// How it ends.
    pub end: MsrpEnd,
}

/// What a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MsrpKind {
    /// A part of a message, or all of it.
    Send,
    /// What became of one.
    Report,
    /// Any other request.
    Other,
    /// The answer to a request, with its status.
    Response(u16),
}

/// How a message ends (RFC 4975, 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MsrpEnd {
    /// `$`: all of it came.
    Last,
    /// `+`: more follows in another.
    More,
    /// `#`: its sender gives up.
    Aborted,
}

/// Finds messages in a stream.
#[derive(Clone, Debug, Default)]
pub struct MsrpFramer {
    held: Vec<u8>,
    /// A message whose body is coming, with its transaction.
    body: Option<(MsrpChunk, Vec<u8>)>,
}

/// What a framer finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MsrpFramed {
    /// A message.
    Chunk(Box<MsrpChunk>),
    /// Where the next message begins can't be known.
    Lost,
}

/// Whether a stream begins with a message.
#[must_use]
pub fn recognise(octets: &[u8]) -> bool {
    octets.starts_with(b"MSRP ") && octets.get(5).is_some_and(u8::is_ascii_alphanumeric)
}

impl MsrpFramer {
    /// Takes octets.
    pub fn push(&mut self, octets: &[u8]) {
        self.held.extend_from_slice(octets);
    }

    /// Octets that wait.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.held.len()
    }

    /// The next message; `None` while it is not whole.
    pub fn poll(&mut self) -> Option<MsrpFramed> {
        if self.body.is_none() {
            match self.head() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(()) => return Some(MsrpFramed::Lost),
            }
        }
        let (mut chunk, transaction) = self.body.take()?;
        let mark = [END, &transaction].concat();
        let Some(at) = memmem::find(&self.held, &mark) else {
            // The end may have come in part.
            let whole = self.held.len().saturating_sub(mark.len());
            self.held.drain(..whole);
            chunk.octets = chunk.octets.saturating_add(whole as u64);
            self.body = Some((chunk, transaction));
            return None;
        };
        let end = at.saturating_add(mark.len());
        let Some([flag, b'\r', b'\n']) = self.held.get(end..end.saturating_add(3)) else {
            let is_short = self.held.len() < end.saturating_add(3);
            if is_short {
                self.body = Some((chunk, transaction));
                return None;
            }
            return Some(MsrpFramed::Lost);
        };
        chunk.end = match flag {
            b'$' => MsrpEnd::Last,
            b'+' => MsrpEnd::More,
            b'#' => MsrpEnd::Aborted,
            _ => return Some(MsrpFramed::Lost),
        };
        // The line end before the body was left, for a body that is empty.
        chunk.octets = chunk.octets.saturating_add(at as u64).saturating_sub(2);
        self.held.drain(..end.saturating_add(3));
        Some(MsrpFramed::Chunk(Box::new(chunk)))
    }

    /// Reads the head; what is left begins with the body, or with the end line. Says whether
    /// it was whole.
    fn head(&mut self) -> Result<bool, ()> {
        let Some(line) = memmem::find(&self.held, b"\r\n") else {
            let is_long = self.held.len() > MAX_HEAD;
            return if is_long { Err(()) } else { Ok(false) };
        };
        let mut words = octets::span(&self.held, 0, line).splitn(3, |octet| *octet == b' ');
        let (Some(b"MSRP"), Some(transaction), Some(rest)) =
            (words.next(), words.next(), words.next())
        else {
            return Err(());
        };
        if transaction.is_empty() || transaction.len() > MAX_TRANSACTION {
            return Err(());
        }
        let transaction = transaction.to_vec();
        let kind = kind_of(rest);
        let end = memmem::find(&self.held, &[END, &transaction].concat());
        let blank = memmem::find(&self.held, b"\r\n\r\n");
        // The line that ends the head stays: the end line begins with one.
        let (until, body) = match (blank, end) {
            (Some(blank), end) if end.is_none_or(|end| blank < end) => {
                (blank, blank.saturating_add(2))
            }
            (_, Some(end)) => (end, end),
            _ if self.held.len() > MAX_HEAD => return Err(()),
            _ => return Ok(false),
        };
        if until > MAX_HEAD {
            return Err(());
        }
        let head = octets::span(&self.held, 0, until);
        let last_of = |name: &str| {
            let value = field(head, name).unwrap_or_default();
            octets::text(
                value
                    .split(u8::is_ascii_whitespace)
                    .next_back()
                    .unwrap_or_default(),
            )
        };
        let chunk = MsrpChunk {
            kind,
            to: last_of("To-Path"),
            from: last_of("From-Path"),
            content_type: field(head, "Content-Type").map(octets::text),
            octets: 0,
            end: MsrpEnd::Last,
        };
        self.held.drain(..body.min(self.held.len()));
        self.body = Some((chunk, transaction));
        Ok(true)
    }
}

fn kind_of(rest: &[u8]) -> MsrpKind {
    let word = rest
        .split(|octet| *octet == b' ')
        .next()
        .unwrap_or_default();
    match word {
        b"SEND" => MsrpKind::Send,
        b"REPORT" => MsrpKind::Report,
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9'] => {
            let status = octets::decimal(word).and_then(|own| u16::try_from(own).ok());
            status.map_or(MsrpKind::Other, MsrpKind::Response)
        }
        _ => MsrpKind::Other,
    }
}

/// The value of a header field.
fn field<'h>(head: &'h [u8], name: &str) -> Option<&'h [u8]> {
    head.split(|octet| *octet == b'\n').find_map(|line| {
        let (own, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":")?;
        own.eq_ignore_ascii_case(name.as_bytes())
            .then(|| value.trim_ascii())
    })
}

/// What tells a session from others: its URI without parameters, the host in small letters
/// (RFC 4975, 6.1).
#[must_use]
pub fn session_of(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once("://")?;
    let (authority, session) = rest.split_once('/')?;
    let session = session.split(';').next().filter(|own| !own.is_empty())?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = host.to_ascii_lowercase();
    let scheme = scheme.to_ascii_lowercase();
    Some(format!("{scheme}://{host}/{session}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEND: &str = "MSRP a786hjs2 SEND\r\nTo-Path: msrp://relay.example:1/r;tcp \
        msrp://biloxi.example.com:12763/kjhd37s2s20w2a;tcp\r\n\
        From-Path: msrp://atlanta.example.com:7654/jshA7weztas;tcp\r\n\
        Message-ID: 87652491\r\nByte-Range: 1-25/25\r\nContent-Type: text/plain\r\n\r\n\
        Hey Bob, are you there?\r\n\r\n-------a786hjs2$\r\n";
    const OK: &str = "MSRP a786hjs2 200 OK\r\nTo-Path: msrp://atlanta.example.com:7654/jshA7weztas;tcp\r\n\
        From-Path: msrp://biloxi.example.com:12763/kjhd37s2s20w2a;tcp\r\n-------a786hjs2$\r\n";

    /// What is found of a stream that comes in parts of so many octets.
    fn framed(stream: &str, size: usize) -> Vec<String> {
        let mut framer = MsrpFramer::default();
        let mut found = Vec::new();
        for part in stream.as_bytes().chunks(size) {
            framer.push(part);
            while let Some(framed) = framer.poll() {
                found.push(match framed {
                    MsrpFramed::Chunk(own) => {
                        let kind = own.content_type.unwrap_or_default();
                        format!(
                            "{:?} {} {:?} {kind} {}",
                            own.kind, own.octets, own.end, own.to
                        )
                    }
                    MsrpFramed::Lost => return [found, vec!["lost".to_owned()]].concat(),
                });
            }
        }
        found
    }

    #[track_caller]
    fn check(stream: &str, expected: &[&str]) {
        for size in [1, 2, 7, 50, 4096] {
            assert_eq!(framed(stream, size), expected, "{stream} by {size}");
        }
    }

    #[test]
    fn messages_are_found_however_they_come() {
        let sent = "Send 25 Last text/plain msrp://biloxi.example.com:12763/kjhd37s2s20w2a;tcp";
        let ok = "Response(200) 0 Last  msrp://atlanta.example.com:7654/jshA7weztas;tcp";
        check(&format!("{SEND}{OK}"), &[sent, ok]);
        // A body that is empty; one that looks like an end; parts; what is given up.
        let head = "MSRP x1 SEND\r\nTo-Path: t\r\nFrom-Path: f\r\n";
        check(
            &format!("{head}Content-Type: a/b\r\n\r\n\r\n-------x1$\r\n"),
            &["Send 0 Last a/b t"],
        );
        check(&format!("{head}\r\n-------x1$\r\n"), &["Send 0 Last  t"]);
        check(&format!("{head}-------x1$\r\n"), &["Send 0 Last  t"]);
        check(
            &format!("{head}\r\n-------x2$\r\n\r\n-------x1+\r\n"),
            &["Send 12 More  t"],
        );
        check(
            &format!("{head}\r\nabc\r\n-------x1#\r\n"),
            &["Send 3 Aborted  t"],
        );
        check(
            &format!("{}\r\n", head.replace("SEND", "REPORT") + "-------x1$"),
            &["Report 0 Last  t"],
        );
        check(
            &format!("{}-------x1$\r\n", head.replace("SEND", "NICKNAME")),
            &["Other 0 Last  t"],
        );
    }

    #[test]
    fn what_is_no_message_is_lost() {
        let head = "MSRP x1 SEND\r\nTo-Path: t\r\n";
        check("HELLO x1 SEND\r\n", &["lost"]);
        check("MSRP x1\r\n", &["lost"]);
        check(&format!("{head}-------x1?\r\n"), &["lost"]);
        check(&format!("{head}-------x1$xy"), &["lost"]);
        check(&format!("{head}{}", "a".repeat(2 * MAX_HEAD)), &["lost"]);
        check(&"a".repeat(2 * MAX_HEAD), &["lost"]);
        check(head, &[]);
    }

    #[test]
    fn a_session_is_told_by_its_uri() {
        let check = |uri, expected: Option<&str>| {
            assert_eq!(session_of(uri).as_deref(), expected, "{uri}");
        };
        check("msrp://A.example:7/Se;tcp", Some("msrp://a.example:7/Se"));
        check("MSRPS://u@a.example/x;tcp;y=1", Some("msrps://a.example/x"));
        check("msrp://a.example:7/", None);
        check("msrp://a.example:7", None);
        check("a.example", None);
    }
}
