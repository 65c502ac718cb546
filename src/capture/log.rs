//! Logs of servers that hold SIP as text, read as if they were captures: those of
//! kamailio's `sipdump`, and of Asterisk's `pjsip set logger on` and `sip set debug on`.
//!
//! Each message becomes a packet of HEP, which says over what it came and between whom;
//! the log knows no more of the wire than that.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::net::{IpAddr, Ipv4Addr};

use super::read::{Input, fill};
use crate::hep::{self, Outgoing};
use crate::link::LINKTYPE_HEP;
use crate::net::{Endpoint, Flow, Transport};
use crate::octets;
use crate::pcap::PcapWriter;
use crate::sip::split_host_port;
use crate::time::{MILLISECOND, Timestamp};

/// Octets in which a log must show itself, and its server its address.
const HEAD: usize = 256 * 1024;
/// The longest line and the longest message.
const MAX_LINE: u64 = 64 * 1024;
const MAX_MESSAGE: usize = 60_000;
/// The agent's number, which nobody has.
const NOBODY: u32 = 0;

/// A packet of HEP with nothing in it.
const INCOMPLETE: &[u8] = b"HEP3\0\x06";

/// What stands around the parts of a record of `sipdump`.
const DUMP_BEGINS: &[u8] = b"====================";
const DUMP_TEXT: &[u8] = b"~~~~~~~~~~~~~~~~~~~~";
const DUMP_ENDS: &[u8] = b"||||||||||||||||||||";

/// The input as it is, or as a capture where it is a log that holds SIP.
///
/// # Errors
///
/// When it can't be read.
pub fn or_itself(mut input: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let mut head = vec![0; 4];
    let have = fill(&mut input, &mut head)?;
    head.truncate(have);
    let is_pcapng = head == [0x0a, 0x0d, 0x0d, 0x0a];
    let is_text = |octet: &u8| matches!(octet, b'\t' | b'\r' | b'\n' | 0x20..=0x7e);
    if is_pcapng || have < 4 || !head.iter().all(is_text) {
        return Ok(Box::new(Cursor::new(head).chain(input)));
    }
    head.resize(HEAD, 0);
    let more = fill(&mut input, head.get_mut(4..).unwrap_or_default())?;
    head.truncate(4 + more);
    let own = match first_message(&head) {
        Some(Found::Dump) => None,
        Some(Found::Asterisk(own)) => Some(own),
        None => return Ok(Box::new(Cursor::new(head).chain(input))),
    };
    let whole: Input = Box::new(Cursor::new(head).chain(input));
    Ok(Box::new(LogReader::new(BufReader::new(whole), own)?))
}

/// What the head of a log shows.
enum Found {
    Dump,
    /// With the server's own address, which its log does not tell beside each message.
    Asterisk(Endpoint),
}

fn first_message(head: &[u8]) -> Option<Found> {
    let mut lines = Lines {
        input: Cursor::new(head),
        pending: None,
        time: Timestamp::default(),
        own: None,
    };
    let mut is_asterisk = false;
    while let Ok(Some(message)) = lines.next_message() {
        if message.is_dump {
            // A line of such marks alone stands in many texts.
            if message.octets.is_empty() && message.flow.is_none() {
                continue;
            }
            return Some(Found::Dump);
        }
        is_asterisk = true;
        if let Some(own) = own_address(&message) {
            return Some(Found::Asterisk(own));
        }
    }
    let unknown = Endpoint::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 5060);
    is_asterisk.then_some(Found::Asterisk(unknown))
}

/// The address that a server gives itself: in the Via of its requests, in the Contact of
/// its responses, or as others ask it.
fn own_address(message: &Logged) -> Option<Endpoint> {
    let text = octets::text(&message.octets);
    let is_response = message.octets.starts_with(b"SIP/");
    let field = |name: &str| {
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        let mut fields = lines.filter(|(own, _)| own.eq_ignore_ascii_case(name));
        fields.next().map(|(_, value)| value)
    };
    let place = match (message.is_sent, is_response) {
        (true, false) => field("Via")?.split_ascii_whitespace().nth(1)?,
        (true, true) => field("Contact")?.split("sip:").nth(1)?,
        (false, false) => text.lines().next()?.split("sip:").nth(1)?,
        (false, true) => return None,
    };
    let place = place.split([';', '>', ' ', ',']).next()?;
    endpoint(place.rsplit('@').next()?)
}

/// `192.0.2.1:5060`, `[2001:db8::1]:5060`, or either without a port.
fn endpoint(text: &str) -> Option<Endpoint> {
    let (host, port) = split_host_port(text.as_bytes());
    let ip = octets::text(host).trim_matches(['[', ']']).parse().ok()?;
    Some(Endpoint::new(ip, port.unwrap_or(5060)))
}

/// A message of a log.
#[derive(Debug)]
struct Logged {
    at: Timestamp,
    /// Between whom, where that is told.
    flow: Option<Flow>,
    octets: Vec<u8>,
    is_sent: bool,
    is_dump: bool,
}

/// Reads messages as a capture.
struct LogReader {
    lines: Lines<BufReader<Input>>,
    made: PcapWriter<Vec<u8>>,
    at: usize,
}

impl LogReader {
    fn new(input: BufReader<Input>, own: Option<Endpoint>) -> io::Result<Self> {
        Ok(Self {
            lines: Lines {
                input,
                pending: None,
                time: Timestamp::default(),
                own,
            },
            made: PcapWriter::new(Vec::new(), LINKTYPE_HEP)?,
            at: 0,
        })
    }
}

impl Read for LogReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.made.get_ref().len() {
            let Some(message) = self.lines.next_message()? else {
                return Ok(0);
            };
            self.made.get_mut().clear();
            self.at = 0;
            // A record that lacks a part, or is longer than any that can be passed on, is
            // handed on as one, so that it is counted.
            let fits = (1..=MAX_MESSAGE).contains(&message.octets.len());
            let packet = message.flow.filter(|_| fits).and_then(|flow| {
                hep::build(&Outgoing {
                    flow,
                    timestamp: message.at,
                    kind: 1,
                    agent: NOBODY,
                    correlation: None,
                    payload: &message.octets,
                })
            });
            let packet = packet.as_deref().unwrap_or(INCOMPLETE);
            self.made.packet(message.at, packet, 0)?;
        }
        let mut rest = self.made.get_ref().get(self.at..).unwrap_or_default();
        let count = rest.read(into)?;
        self.at += count;
        Ok(count)
    }
}

/// The lines of a log, and what was learned from them.
struct Lines<R> {
    input: R,
    pending: Option<Vec<u8>>,
    /// Of the last message.
    time: Timestamp,
    own: Option<Endpoint>,
}

impl<R: BufRead> Lines<R> {
    /// The next line, with its end; a longer one comes in parts.
    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some(line) = self.pending.take() {
            return Ok(Some(line));
        }
        let mut line = Vec::new();
        (&mut self.input)
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)?;
        Ok((!line.is_empty()).then_some(line))
    }

    fn next_message(&mut self) -> io::Result<Option<Logged>> {
        while let Some(line) = self.line()? {
            let bare = line.trim_ascii_end();
            if bare == DUMP_BEGINS {
                return self.dumped().map(Some);
            } else if let Some(head) = Head::of(bare) {
                if let Some(at) = head.at {
                    self.time = at;
                } else {
                    self.time = self.time.offset(MILLISECOND);
                }
                if let Some(message) = self.logged(&head)? {
                    return Ok(Some(message));
                }
            }
        }
        Ok(None)
    }

    /// A record of `sipdump`, behind the line that begins it; without its addresses where
    /// it ends in its head.
    fn dumped(&mut self) -> io::Result<Logged> {
        let (mut src, mut dst) = ((None, None), (None, None));
        let mut transport = Transport::Udp;
        let (mut at, mut is_sent) = (None, false);
        loop {
            let line = self.line()?.unwrap_or_default();
            if line.trim_ascii_end() == DUMP_TEXT {
                break;
            }
            let begins_again = line.trim_ascii_end() == DUMP_BEGINS;
            if line.is_empty() || begins_again {
                self.pending = begins_again.then_some(line);
                return Ok(Logged {
                    at: self.time,
                    flow: None,
                    octets: Vec::new(),
                    is_sent,
                    is_dump: true,
                });
            }
            let text = octets::text(&line);
            let Some((name, value)) = text.split_once(':') else {
                continue;
            };
            let value = value.trim();
            match name {
                "time" => at = seconds(value),
                "tag" => is_sent = value == "snd",
                "proto" => transport = transport_of(value),
                "srcip" => src.0 = value.trim_matches(['[', ']']).parse().ok(),
                "dstip" => dst.0 = value.trim_matches(['[', ']']).parse().ok(),
                "srcport" => src.1 = value.parse().ok(),
                "dstport" => dst.1 = value.parse().ok(),
                _ => {}
            }
        }
        let mut octets = Vec::new();
        while let Some(line) = self.line()? {
            // What does not end with a line ends where the mark begins.
            if let Some(rest) = line.trim_ascii_end().strip_suffix(DUMP_ENDS) {
                octets.extend(rest);
                break;
            }
            if octets.len() <= MAX_MESSAGE {
                octets.extend(line);
            }
        }
        let end = |(ip, port): (Option<IpAddr>, Option<u16>)| Some(Endpoint::new(ip?, port?));
        let flow = end(src).zip(end(dst)).map(|(src, dst)| Flow {
            src,
            dst,
            transport,
        });
        // Without a time it counts as of that before it.
        self.time = at.unwrap_or(self.time);
        Ok(Logged {
            at: self.time,
            flow,
            octets,
            is_sent,
            is_dump: true,
        })
    }

    /// A message of Asterisk, behind the line that announces it.
    fn logged(&mut self, head: &Head) -> io::Result<Option<Logged>> {
        let mut octets = Vec::new();
        while let Some(line) = self.line()? {
            let bare = line.trim_ascii_end();
            let is_next = bare.starts_with(b"<---") || bare == b"---" || Head::of(bare).is_some();
            if is_next {
                if Head::of(bare).is_some() {
                    self.pending = Some(line);
                }
                break;
            }
            // An empty line may stand before the message.
            if octets.len() <= MAX_MESSAGE && !(octets.is_empty() && bare.is_empty()) {
                octets.extend(line);
            }
            if Some(octets.len()) == head.length {
                break;
            }
        }
        let octets = as_sent(&octets);
        if octets.is_empty() {
            return Ok(None);
        }
        let unknown = Endpoint::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 5060);
        let own = self.own.unwrap_or(unknown);
        let (src, dst) = match head.is_sent {
            true => (own, head.peer),
            false => (head.peer, own),
        };
        let flow = Some(Flow {
            src,
            dst,
            transport: head.transport,
        });
        Ok(Some(Logged {
            at: self.time,
            flow,
            octets,
            is_sent: head.is_sent,
            is_dump: false,
        }))
    }
}

/// A line that announces a message.
struct Head {
    at: Option<Timestamp>,
    is_sent: bool,
    transport: Transport,
    peer: Endpoint,
    /// Octets of the message.
    length: Option<usize>,
}

impl Head {
    fn of(line: &[u8]) -> Option<Self> {
        if line.len() > 512 || !line.ends_with(b"--->") && !line.ends_with(b":") {
            return None;
        }
        let text = octets::text(line);
        let marks = [
            ("<--- Received SIP ", false),
            ("<--- Transmitting SIP ", true),
            ("<--- SIP read from ", false),
            ("<--- Transmitting (", true),
            ("<--- Reliably Transmitting (", true),
            ("Reliably Transmitting (", true),
            ("Retransmitting #", true),
        ];
        let (place, mark, is_sent) = marks
            .iter()
            .find_map(|(mark, is_sent)| Some((text.find(mark)?, *mark, *is_sent)))?;
        let rest = &text[place + mark.len()..];
        let word = match mark {
            "<--- SIP read from " => rest.split_ascii_whitespace().next()?,
            _ => {
                let by = if is_sent { " to " } else { " from " };
                rest[rest.find(by)? + by.len()..]
                    .split_ascii_whitespace()
                    .next()?
            }
        };
        let word = word.trim_end_matches(':');
        let known = ["UDP", "TCP", "TLS", "WS", "WSS"];
        let (name, address) = match word.split_once(':') {
            Some((name, address)) if known.contains(&name) => (name, address),
            _ => ("UDP", word),
        };
        let length = rest
            .split_once('(')
            .and_then(|(_, rest)| rest.split_once(" bytes)"));
        Some(Self {
            at: time_of(&text[..place]),
            is_sent,
            transport: transport_of(name),
            peer: endpoint(address)?,
            length: length.and_then(|(length, _)| length.parse().ok()),
        })
    }
}

fn transport_of(name: &str) -> Transport {
    let name = name.split_ascii_whitespace().next().unwrap_or_default();
    match name.to_ascii_lowercase().as_str() {
        "udp" | "" => Transport::Udp,
        _ => Transport::Tcp,
    }
}

/// `1795828860.526815`
fn seconds(text: &str) -> Option<Timestamp> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let whole: u64 = whole.parse().ok()?;
    let digits: String = rest.chars().chain("000000000".chars()).take(9).collect();
    let nanos = whole
        .checked_mul(1_000_000_000)?
        .checked_add(digits.parse().ok()?)?;
    Some(Timestamp::from_nanos(nanos))
}

/// The time at the head of a line, in UTC: `[2026-11-27 12:00:00.123]`, or `[Nov 27
/// 12:00:00]`, of which no year is known: it counts as 1970.
fn time_of(before: &str) -> Option<Timestamp> {
    let inside = before.trim_start().strip_prefix('[')?;
    let (stamp, _) = inside.split_once(']')?;
    let (stamp, fraction) = stamp.split_once('.').unwrap_or((stamp, ""));
    let at = match jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", stamp) {
        Ok(at) => at,
        Err(_) => {
            let dated = format!("1970 {stamp}");
            jiff::civil::DateTime::strptime("%Y %b %d %H:%M:%S", dated).ok()?
        }
    };
    let at = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    seconds(&format!("{}.{fraction}", at.timestamp().as_second()))
}

/// A message as it was on the wire: logs leave carriage returns out, and add empty lines.
fn as_sent(octets: &[u8]) -> Vec<u8> {
    let mut sent = Vec::with_capacity(octets.len());
    let has_returns = memchr::memmem::find(octets, b"\r\n").is_some();
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        match line.strip_suffix(b"\n").filter(|_| !has_returns) {
            Some(line) => {
                sent.extend(line);
                sent.extend(b"\r\n");
            }
            None => sent.extend(line),
        }
    }
    let Some(head) = memchr::memmem::find(&sent, b"\r\n\r\n") else {
        // The empty line at the end of the header section is not always written.
        if !sent.is_empty() {
            sent.extend(b"\r\n");
        }
        return sent;
    };
    let text = octets::text(sent.get(..head).unwrap_or_default());
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_it = ["content-length", "l"].contains(&name.trim().to_ascii_lowercase().as_str());
        is_it.then(|| value.trim().parse::<usize>().ok())?
    });
    sent.truncate(
        head + 4
            + length
                .unwrap_or(usize::MAX - MAX_MESSAGE * 2)
                .min(MAX_MESSAGE),
    );
    sent
}
