//! Small scenes, told as text.
//!
//! A line is `MS FROM>TO WHAT [KEY=VALUE...]`. Hosts are letters; `A` is
//! 10.0.0.1, `P` to `W` are 198.51.100.16 to 23, `X` is 100.64.0.24, `Y` 192.0.0.1, `Z` 192.0.0.8.
//! `six` makes the packet one of IPv6, `out` to a NAT64, `in` from it, `both` of neither. `ttl` are the hops left. `WHAT` is a method, a status, `rtp`, or `icmp` (the port was
//! closed, told by FROM to
//! TO), or `tcp` with flags. Keys: `cseq`, `branch`,
//! `tag` (the caller's), `to` (the callee's), `via` (how many), `sdp=PORT` or
//! `sdp=PORT/DIRECTION` of the sender, `id` of the IP packet, `at` a capture
//! point, `method` of a response, `header` (may be repeated, `_` stands for a
//! space), `call` (the Call-ID), `uri` (the Request-URI), `video=PORT` beside
//! `sdp`, `without=NAME` (that header field is left out), `untagged=NAME`,
//! `length` (the Content-Length), `line` (added to the session description, may be repeated),
//! `body`, `swap=OLD=>NEW` (in the message as it is written, may be repeated),
//! `over=tcp`, `over=frames` (TCP with a length before each packet, RFC 4571), `over=ws` (in a frame of a WebSocket), `LONG` (for 1200 letters). In all of them `_` stands for a space, `\_` for itself, `\r` and `\n` for the
//! ends of lines, `\xe9` for an octet that is no UTF-8.
//!
//! `rtp` knows `n` (how many), `ticks` (of a packet), `first` (its number), `ssrc`, `pt`, `tail` (octets after the sound), and `skip`, `double`, `late` (each so many),
//! `uneven` (milliseconds). `cut` is what the capture keeps of a frame, `fragment` how many octets
//! of a message a packet takes.
//!
//! `event DIGIT` is a digit of RFC 4733, a packet each 20 ms: `lasts=160,320E` are durations,
//! `E` ends it; `first`, `ticks` (the timestamp) and `anew` (what each packet adds to that).
//!
//! `stun request`, `stun success` and `stun error=CODE` know `method`, `change`,
//! `username`, `realm`, `priority`, `nominate`, `controlled`, `controlling`, `integrity`,
//! `signed=PASSWORD`, `mapped`, `plain`, `relayed`, `peer`, `lifetime`, `channel`, `connection`, `ticket` (in hex), `id`,
//! `fingerprint=good|bad`, `length` and `bits` (of the first octet).
//!
//! `tls-alert CODE` is a hello of the client, that of the server and an alert;
//! `tls-client` the first alone.
//!
//! `fax say=ced,DIS,!CSI` are datagrams of T.38, one for each word, a tenth of a second apart,
//! the one with `!` lost; `repeats` says how many earlier ones each brings again.
//!
//! `x10/1000 LINE` is that line ten times, a second apart; `%` in it is the place of each.
//!
//! `octets` are others, by `hex` or `text`, over UDP or `over=tcp`. `crlf` is a keep-alive. `dns TYPE NAME` is a question; with `rcode` or `answer=TYPE:DATA` (may be
//! repeated) it is an answer.

use std::collections::HashMap;

use hmac::{Hmac, Mac as _};
use sha1::Sha1;

use super::fax;
use sip_inspect::engine::Config as EngineConfig;
use sip_inspect::engine::limits::Limits;
use sip_inspect::inspector::{Config, Inspector, PointInfo};
use sip_inspect::packet::{CapturePoint, LinkType, Packet};
use sip_inspect::report::Record;
use sip_inspect::rules::Credential;
use sip_inspect::time::Timestamp;

fn key<'t>(words: &[&'t str], name: &str) -> Option<&'t str> {
    words
        .iter()
        .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

fn endpoint(text: &str) -> ([u8; 4], u16) {
    let (host, port) = text.split_once(':').unwrap_or((text, "5060"));
    let letter = host.bytes().next().expect("a host");
    let number = letter - b'A' + 1;
    // Inside, outside, and between two NATs.
    let ip = match letter {
        b'X' => [100, 64, 0, number],
        // A host's own translator from IPv4 (464XLAT), and one beside its range.
        b'Y' => [192, 0, 0, 1],
        b'Z' => [192, 0, 0, 8],
        b'P'..=b'W' => [198, 51, 100, number],
        _ => [10, 0, 0, number],
    };
    (ip, port.parse().expect("a port"))
}

fn frame(from: ([u8; 4], u16), to: ([u8; 4], u16), id: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; 12];
    frame.extend([8, 0, 0x45, 0]);
    frame.extend(
        u16::try_from(28 + payload.len())
            .expect("short")
            .to_be_bytes(),
    );
    frame.extend(id.to_be_bytes());
    frame.extend([0, 0, 64, 17, 0, 0]);
    frame.extend(from.0);
    frame.extend(to.0);
    frame.extend(from.1.to_be_bytes());
    frame.extend(to.1.to_be_bytes());
    frame.extend(
        u16::try_from(8 + payload.len())
            .expect("short")
            .to_be_bytes(),
    );
    frame.extend([0, 0]);
    frame.extend(payload);
    frame
}

/// A segment of TCP.
fn segment(
    from: ([u8; 4], u16),
    to: ([u8; 4], u16),
    sequence: u32,
    flags: u8,
    payload: &[u8],
) -> Vec<u8> {
    let id = u16::try_from(sequence % 60_000).expect("short");
    let mut data = frame(from, to, id, &[0; 12]);
    data[23] = 6;
    let total = u16::try_from(40 + payload.len()).expect("short");
    data[16..18].copy_from_slice(&total.to_be_bytes());
    data[38..42].copy_from_slice(&sequence.to_be_bytes());
    data[42..54].copy_from_slice(&[0, 0, 0, 1, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    data.extend(payload);
    data
}

fn sdp(host: [u8; 4], value: &str) -> String {
    let (port, direction) = value.split_once('/').unwrap_or((value, "sendrecv"));
    let [a, b, c, d] = host;
    // The port stands for the version too, so that each offer differs.
    let version = match direction {
        "sendrecv" => 8,
        _ => 9,
    };
    format!(
        "v=0\r\no=- 1 {port}{version} IN IP4 {a}.{b}.{c}.{d}\r\ns=-\r\nc=IN IP4 {a}.{b}.{c}.{d}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0\r\na={direction}\r\n"
    )
}

fn message(words: &[&str], from: [u8; 4], to_host: [u8; 4], what: &str) -> Vec<u8> {
    let cseq = key(words, "cseq").unwrap_or("1");
    let branch = key(words, "branch").unwrap_or("1");
    let tag = key(words, "tag").unwrap_or("f");
    let to = key(words, "to").map_or_else(String::new, |tag| format!(";tag={tag}"));
    let is_response = what.bytes().all(|octet| octet.is_ascii_digit());
    let method = key(words, "method").unwrap_or(if is_response { "INVITE" } else { what });
    let vias: String = (0..key(words, "via").map_or(1, |count| count.parse().expect("a count")))
        .map(|stop| format!("Via: SIP/2.0/UDP h{stop};branch=z9hG4bK{branch}.{stop}\r\n"))
        .collect();
    let fields: Vec<String> = all(words, "header");
    let named = |name: &str| {
        let head = format!("{name}:");
        fields.iter().any(|field| field.starts_with(&head))
    };
    let call = key(words, "call").unwrap_or("scene");
    let ip = |[a, b, c, d]: [u8; 4]| format!("{a}.{b}.{c}.{d}");
    let is_inside = key(words, "to").is_some() && (what != "ACK" || branch != "1");
    // Requests inside a dialog go to the Contact of the other side.
    let uri = match key(words, "uri") {
        Some(uri) => uri.to_owned(),
        None if is_inside && what != "REGISTER" => format!("sip:{}", ip(to_host)),
        None if what == "REGISTER" => "sip:x".to_owned(),
        None => "sip:b@x".to_owned(),
    };
    let start = if is_response {
        format!("SIP/2.0 {what} Phrase")
    } else {
        format!("{what} {uri} SIP/2.0")
    };
    let mut head = if is_response {
        String::new()
    } else {
        "Max-Forwards: 70\r\n".to_owned()
    };
    let makes_a_dialog = ["INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER"].contains(&method)
        && (!is_response || what.starts_with('2') || (what.starts_with('1') && what != "100"));
    if makes_a_dialog && !named("Contact") {
        head += &format!("Contact: <sip:{}>\r\n", ip(from));
    }
    for field in &fields {
        head += &format!("{field}\r\n");
    }
    let mut body = key(words, "sdp").map_or_else(String::new, |value| sdp(from, value));
    if let Some(port) = key(words, "video") {
        body += &format!("m=video {port} RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
    }
    for line in all(words, "line") {
        body += &format!("{line}\r\n");
    }
    let is_sdp = !body.is_empty();
    if let Some(own) = all(words, "body").pop() {
        body = own;
    }
    if is_sdp && !named("Content-Type") {
        head += "Content-Type: application/sdp\r\n";
    }
    let mut text = format!(
        "{start}\r\n{vias}From: <sip:a@x>;tag={tag}\r\nTo: <sip:b@x>{to}\r\nCall-ID: {call}\r\n\
         CSeq: {cseq} {method}\r\n{head}Content-Length: @\r\n\r\n{body}"
    );
    for swap in all(words, "swap") {
        let (old, new) = swap.split_once("=>").expect("OLD=>NEW");
        assert!(text.contains(old), "{old} in {text}");
        text = text.replacen(old, new, 1);
    }
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let length = key(words, "length").map_or_else(|| body.len().to_string(), str::to_owned);
    text = text.replacen(": @\r\n", &format!(": {length}\r\n"), 1);
    if let Some(name) = key(words, "untagged") {
        let (head, rest) = text.split_once(&format!("{name}: ")).expect("the field");
        let (line, rest) = rest.split_once("\r\n").expect("a line");
        let value = line.split_once(";tag=").map_or(line, |(value, _)| value);
        text = format!("{head}{name}: {value}\r\n{rest}");
    }
    if let Some(name) = key(words, "without") {
        let (head, rest) = text.split_once(&format!("{name}: ")).expect("the field");
        let (_, rest) = rest.split_once("\r\n").expect("a line");
        text = format!("{head}{rest}");
    }
    // One octet that is no UTF-8.
    let mut octets = text.into_bytes();
    while let Some(at) = octets.windows(4).position(|own| own == br"\xe9") {
        octets.splice(at..at + 4, [0xe9]);
    }
    octets
}

/// All values of a key, spelled out.
fn all(words: &[&str], name: &str) -> Vec<String> {
    let values = words
        .iter()
        .filter_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    values
        .map(|value| {
            value
                .replace("\\_", "\u{1}")
                .replace('_', " ")
                .replace('\u{1}', "_")
                .replace("\\r", "\r")
                .replace("\\n", "\n")
                .replace("LONG", &"x".repeat(1200))
        })
        .collect()
}

/// A STUN message: `request`, `success` or `error=CODE`.
fn stun(words: &[&str]) -> Vec<u8> {
    let number = |name: &str| key(words, name).map(|own| own.parse::<u16>().expect("a number"));
    let method = number("method").unwrap_or(1);
    let error = number("error");
    let class = match words[3] {
        "request" => 0x000,
        "success" => 0x100,
        _ => 0x110,
    };
    let mut attributes = Vec::new();
    if let Some(change) = number("change") {
        attributes.extend([0, 3, 0, 4, 0, 0]);
        attributes.extend(change.to_be_bytes());
    }
    let mut attribute = |kind: u16, value: &[u8]| {
        attributes.extend(kind.to_be_bytes());
        attributes.extend(u16::try_from(value.len()).expect("short").to_be_bytes());
        attributes.extend(value);
        attributes.resize(attributes.len().next_multiple_of(4), 0);
    };
    for (name, kind) in [("username", 6), ("realm", 0x14)] {
        if let Some(value) = key(words, name) {
            attribute(kind, value.as_bytes());
        }
    }
    for (name, kind, value) in [
        ("priority", 0x24, &[0; 4][..]),
        ("nominate", 0x25, &[]),
        ("controlled", 0x8029, &[0; 8]),
        ("controlling", 0x802a, &[0; 8]),
        ("integrity", 8, &[0; 20]),
    ] {
        if key(words, name).is_some() {
            attribute(kind, value);
        }
    }
    for (name, kind, mask) in [
        ("plain", 1, [0; 6]),
        ("other", 0x802c, [0; 6]),
        ("mapped", 0x20, [0x21, 0x12, 0x21, 0x12, 0xa4, 0x42]),
        ("peer", 0x12, [0x21, 0x12, 0x21, 0x12, 0xa4, 0x42]),
        ("relayed", 0x16, [0x21, 0x12, 0x21, 0x12, 0xa4, 0x42]),
    ] {
        if let Some(value) = key(words, name) {
            let (ip, port) = endpoint(value);
            let mut octets = [&port.to_be_bytes()[..], &ip].concat();
            for (octet, mask) in octets.iter_mut().zip(mask) {
                *octet ^= mask;
            }
            attribute(kind, &[&[0, 1], octets.as_slice()].concat());
        }
    }
    if let Some(seconds) = number("lifetime") {
        attribute(0x0d, &u32::from(seconds).to_be_bytes());
    }
    if let Some(ticket) = key(words, "ticket") {
        let ticket = data_encoding::HEXLOWER.decode(ticket.as_bytes());
        attribute(0x8030, &ticket.expect("hexadecimal digits"));
    }
    if let Some(connection) = number("connection") {
        attribute(0x2a, &u32::from(connection).to_be_bytes());
    }
    if let Some(channel) = number("channel") {
        attribute(0x0c, &[&channel.to_be_bytes()[..], &[0, 0]].concat());
    }
    if let Some(code) = error {
        let [class, number] = [code / 100, code % 100].map(|own| u8::try_from(own).expect("short"));
        attributes.extend([0, 9, 0, 4, 0, 0, class, number]);
    }
    let fingerprint = key(words, "fingerprint");
    let bits = number("bits").unwrap_or(0) << 8;
    let id: u8 = key(words, "id").map_or(9, |own| own.parse().expect("a number"));
    let head = |length: usize| {
        let length = u16::try_from(length).expect("short");
        let kind = (class | method | bits).to_be_bytes();
        let cookie = [0x21, 0x12, 0xa4, 0x42];
        [&kind[..], &length.to_be_bytes(), &cookie, &[id; 12]].concat()
    };
    if let Some(password) = key(words, "signed") {
        let covered = [head(attributes.len() + 24), attributes.clone()].concat();
        let mut mac = Hmac::<Sha1>::new_from_slice(password.as_bytes()).expect("any key");
        mac.update(&covered);
        attributes.extend([0, 8, 0, 20]);
        attributes.extend(mac.finalize().into_bytes());
    }
    let length = attributes.len() + if fingerprint.is_some() { 8 } else { 0 };
    let length = number("length").map_or(length, usize::from);
    let mut octets = head(length);
    octets.extend(attributes);
    if let Some(kind) = fingerprint {
        let good = crc32fast::hash(&octets) ^ 0x5354_554e;
        let value = if kind == "good" { good } else { !good };
        octets.extend([0x80, 0x28, 0, 4]);
        octets.extend(value.to_be_bytes());
    }
    octets
}

/// The hops that a packet has left.
fn hops(data: &mut [u8], words: &[&str]) {
    if let Some(ttl) = key(words, "ttl") {
        let ttl: u8 = ttl.parse().expect("a number");
        // What comes down to a host has more of them outside.
        data[22] = match key(words, "down") {
            Some(_) => 127 - ttl,
            None => ttl,
        };
    }
}

/// What the capture keeps of a frame.
fn truncate(data: &mut Vec<u8>, words: &[&str]) {
    if let Some(cut) = key(words, "cut") {
        data.truncate(cut.parse().expect("a number"));
    }
}

/// From where to where.
type Way = (([u8; 4], u16), ([u8; 4], u16));

/// Whether a stream carries it.
fn is_streamed(words: &[&str]) -> bool {
    matches!(key(words, "over"), Some("tcp" | "frames" | "ws"))
}

/// The next segment of a stream, behind its SYN.
fn streamed(
    sent: &mut HashMap<Way, u32>,
    (from, to): Way,
    octets: &[u8],
    words: &[&str],
) -> Vec<u8> {
    let length = u16::try_from(octets.len()).expect("short").to_be_bytes();
    let octets = match key(words, "over") {
        Some("frames") => [&length[..], octets].concat(),
        // A text frame, with 16 bits for its length.
        Some("ws") => [&[0x81, 126], &length[..], octets].concat(),
        _ => octets.to_vec(),
    };
    let sent = sent.entry((from, to)).or_insert(2_u32);
    let data = segment(from, to, *sent, 16, &octets);
    *sent += u32::try_from(octets.len()).expect("short");
    data
}

/// A packet as `fragment` wants it.
fn in_parts(data: Vec<u8>, words: &[&str]) -> Vec<Vec<u8>> {
    match key(words, "fragment") {
        Some(octets) => fragments(&data, octets.parse().expect("a number")),
        None => vec![data],
    }
}

/// The same packet in fragments of so many octets, a multiple of eight.
fn fragments(data: &[u8], octets: usize) -> Vec<Vec<u8>> {
    let parts: Vec<&[u8]> = data[34..].chunks(octets).collect();
    let count = parts.len();
    let parts = parts.into_iter().enumerate();
    parts
        .map(|(place, part)| {
            let mut own = data[..34].to_vec();
            let total = u16::try_from(20 + part.len()).expect("short");
            own[16..18].copy_from_slice(&total.to_be_bytes());
            let more = if place + 1 < count { 0x2000 } else { 0 };
            let at = more | u16::try_from(place * octets / 8).expect("short");
            own[20..22].copy_from_slice(&at.to_be_bytes());
            own.extend(part);
            own
        })
        .collect()
}

/// A name as DNS has it.
fn name(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in text.split('.') {
        octets.push(u8::try_from(label.len()).expect("short"));
        octets.extend(label.bytes());
    }
    octets.push(0);
    octets
}

/// A question, or the answer to it.
fn dns(words: &[&str]) -> Vec<u8> {
    let number = |kind: &str| match kind {
        "A" => 1_u16,
        "CNAME" => 5,
        "AAAA" => 28,
        "SRV" => 33,
        _ => 35,
    };
    let answers: Vec<(&str, &str)> = words
        .iter()
        .filter_map(|word| word.strip_prefix("answer=")?.split_once(':'))
        .collect();
    let rcode: Option<u16> = key(words, "rcode").map(|code| code.parse().expect("a number"));
    let is_answer = rcode.is_some() || !answers.is_empty();
    let flags = u16::from(is_answer) << 15 | rcode.unwrap_or(0);
    let id: u16 = key(words, "id").unwrap_or("1").parse().expect("a number");
    let count = u16::try_from(answers.len()).expect("few");
    let mut octets = Vec::new();
    for number in [id, flags, 1, count, 0, 0] {
        octets.extend(number.to_be_bytes());
    }
    octets.extend(name(words[4]));
    octets.extend(number(words[3]).to_be_bytes());
    octets.extend([0, 1]);
    for (kind, data) in answers {
        let data = match kind {
            "A" => endpoint(data).0.to_vec(),
            "SRV" => [&[0, 1, 0, 1, 0x13, 0xc4], name(data).as_slice()].concat(),
            "CNAME" => name(data),
            _ => [&b"\0\x01\0\x01\x01s\x07SIP+D2U\0"[..], &name(data)].concat(),
        };
        octets.extend([0xc0, 12]);
        octets.extend(number(kind).to_be_bytes());
        octets.extend([0, 1, 0, 0, 0, 60]);
        octets.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
        octets.extend(data);
    }
    octets
}

/// A line as often as it is to be.
fn repeated(line: &str) -> Vec<String> {
    let line = line.trim();
    let Some((head, rest)) = line.strip_prefix('x').and_then(|own| own.split_once(' ')) else {
        return Vec::from_iter((!line.is_empty()).then(|| line.to_owned()));
    };
    let (count, step) = head.split_once('/').expect("xCOUNT/MS");
    let (first, rest) = rest.split_once(' ').expect("milliseconds");
    let [count, step, first]: [u64; 3] =
        [count, step, first].map(|own| own.parse().expect("a number"));
    (0..count)
        .map(|place| {
            let rest = rest.replace('%', &place.to_string());
            format!("{} {rest}", first + place * step)
        })
        .collect()
}

/// The packets of a scene in the order of time: milliseconds, capture point,
/// octets.
pub(crate) fn packets(text: &str) -> Vec<(u64, u16, Vec<u8>)> {
    let mut packets: Vec<(u64, u16, Vec<u8>)> = Vec::new();
    let mut next_id = 100;
    // Octets sent so far on each way of a stream.
    let mut sent = HashMap::new();
    // What fax machines said so far on each way.
    let mut faxes = HashMap::new();
    for line in text.lines().flat_map(repeated) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ms: u64 = words[0].parse().expect("milliseconds");
        let (from, to) = words[1].split_once('>').expect("from>to");
        let (from, to) = (endpoint(from), endpoint(to));
        let point = key(&words, "at").map_or(0, |point| point.parse().expect("a point"));
        if words[2] == "tcp" {
            // Flags as letters: S, A, F, R.
            let flags = words[3].chars().fold(0, |flags, letter| {
                flags
                    | match letter {
                        'F' => 1,
                        'S' => 2,
                        'R' => 4,
                        _ => 16,
                    }
            });
            packets.push((ms, point, segment(from, to, 1, flags, &[])));
            continue;
        }
        if words[2] == "icmp" {
            // Port unreachable, quoting the IP header and eight octets.
            let quoted = frame(to, from, 1, b"");
            let mut data = frame(from, to, 1, &[]);
            data.truncate(34);
            data[23] = 1;
            data[16..18].copy_from_slice(&56_u16.to_be_bytes());
            data.extend([3, 3, 0, 0, 0, 0, 0, 0]);
            data.extend(&quoted[14..42]);
            packets.push((ms, point, data));
            continue;
        }
        if words[2] == "tls-alert" || words[2] == "tls-client" {
            let hello = |kind: u8, more: &[u8]| {
                let mut body = vec![3, 3];
                body.extend([7; 32]);
                body.extend(more);
                let length = u8::try_from(body.len()).expect("short");
                [
                    &[22, 3, 3, 0, length + 4, kind, 0, 0, length],
                    body.as_slice(),
                ]
                .concat()
            };
            let code = words[3].parse().expect("a code");
            let client = hello(1, &[0, 0, 2, 0xc0, 0x2b, 1, 0]);
            let server = [hello(2, &[0, 0xc0, 0x2b, 0]), vec![21, 3, 3, 0, 2, 2, code]].concat();
            let both = [(from, to, client), (to, from, server)];
            let count = if words[2] == "tls-client" { 1 } else { 2 };
            for (from, to, payload) in both.into_iter().take(count) {
                // Behind a SYN the octets begin at 2.
                let sequence = if count == 1 { 2 } else { 1 };
                packets.push((ms, point, segment(from, to, sequence, 16, &payload)));
            }
            continue;
        }
        if words[2] == "crlf" {
            packets.push((ms, point, frame(from, to, 1, b"\r\n\r\n")));
            continue;
        }
        if words[2] == "stun" && is_streamed(&words) {
            let octets = stun(&words);
            packets.push((ms, point, streamed(&mut sent, (from, to), &octets, &words)));
            continue;
        }
        if words[2] == "stun" {
            let mut data = frame(from, to, 1, &stun(&words));
            hops(&mut data, &words);
            truncate(&mut data, &words);
            if let Some(way) = key(&words, "six") {
                data = six(&data, way);
            }
            packets.push((ms, point, data));
            continue;
        }
        if words[2] == "dns" {
            packets.push((ms, point, frame(from, to, 1, &dns(&words))));
            continue;
        }
        if words[2] == "event" {
            let number =
                |name: &str| key(&words, name).map_or(0, |own| own.parse().expect("a number"));
            let (first, ticks, anew): (u32, u32, u32) =
                (number("first"), number("ticks"), number("anew"));
            let digit: u8 = words[3].parse().expect("a digit");
            for (place, lasts) in (0_u32..).zip(key(&words, "lasts").expect("durations").split(','))
            {
                let end = if lasts.ends_with('E') { 0x80 } else { 0 };
                let duration: u16 = lasts.trim_end_matches('E').parse().expect("a duration");
                let sequence = u16::try_from(first + place).expect("short");
                let payload = [
                    &[0x80, 101][..],
                    &sequence.to_be_bytes(),
                    &(ticks + place * anew).to_be_bytes(),
                    &(7 + u32::from(from.1)).to_be_bytes(),
                    &[digit, end],
                    &duration.to_be_bytes(),
                ]
                .concat();
                packets.push((
                    ms + u64::from(place) * 20,
                    point,
                    frame(from, to, 1, &payload),
                ));
            }
            continue;
        }
        if words[2] == "rtp" {
            let count: u64 = key(&words, "n").unwrap_or("50").parse().expect("a count");
            let ssrc: u32 = key(&words, "ssrc")
                .unwrap_or("7")
                .parse()
                .expect("a number");
            let payload_type: u8 = key(&words, "pt").unwrap_or("0").parse().expect("a number");
            let every = |name: &str, number: u64| {
                let step: u64 = key(&words, name).map_or(0, |own| own.parse().expect("a number"));
                step > 0 && number % step == step - 1
            };
            let uneven: u64 = key(&words, "uneven").map_or(0, |own| own.parse().expect("a number"));
            let tail = key(&words, "tail").map_or(0, |own| own.parse().expect("a count"));
            let ticks: u32 = key(&words, "ticks").map_or(160, |own| own.parse().expect("a number"));
            let first: u64 = key(&words, "first").map_or(0, |own| own.parse().expect("a number"));
            for number in 0..count {
                let mut payload = vec![0x80, payload_type];
                payload.extend(u16::try_from(first + number).expect("short").to_be_bytes());
                payload
                    .extend((u32::try_from(first + number).expect("short") * ticks).to_be_bytes());
                payload.extend((ssrc + u32::from(from.1)).to_be_bytes());
                payload.extend([0x55; 160]);
                payload.extend(vec![0xa5; tail]);
                if every("skip", number) {
                    continue;
                }
                let mut at = ms + number * 20 + uneven * (number % 2);
                if every("late", number) {
                    at += 30;
                }
                let mut data = match is_streamed(&words) {
                    true => streamed(&mut sent, (from, to), &payload, &words),
                    false => frame(from, to, 1, &payload),
                };
                hops(&mut data, &words);
                packets.push((at, point, data));
                if every("double", number) {
                    packets.push((at, point, frame(from, to, 2, &payload)));
                }
            }
            continue;
        }
        if words[2] == "fax" {
            let repeats = key(&words, "repeats").map_or(0, |own| own.parse().expect("a count"));
            let says = key(&words, "say").expect("what it says");
            let history = faxes.entry((from, to)).or_insert_with(Vec::new);
            for (place, octets) in fax::datagrams(says, repeats, history) {
                packets.push((ms + place * 100, point, frame(from, to, 1, &octets)));
            }
            continue;
        }
        if words[2] == "octets" {
            let octets = match key(&words, "hex") {
                Some(hex) => data_encoding::HEXLOWER_PERMISSIVE
                    .decode(hex.as_bytes())
                    .expect("hexadecimal digits"),
                None => all(&words, "text").concat().into_bytes(),
            };
            let data = match is_streamed(&words) {
                true => streamed(&mut sent, (from, to), &octets, &words),
                false => frame(from, to, 1, &octets),
            };
            let parts = in_parts(data, &words).into_iter();
            packets.extend(parts.map(|part| (ms, point, part)));
            continue;
        }
        next_id += 1;
        let id = key(&words, "id").map_or(next_id, |id| id.parse().expect("a number"));
        let octets = message(&words, from.0, to.0, words[2]);
        if is_streamed(&words) {
            packets.push((ms, point, streamed(&mut sent, (from, to), &octets, &words)));
        } else {
            let mut data = frame(from, to, id, &octets);
            hops(&mut data, &words);
            truncate(&mut data, &words);
            if let Some(way) = key(&words, "six") {
                data = six(&data, way);
            }
            let parts = in_parts(data, &words).into_iter();
            packets.extend(parts.map(|part| (ms, point, part)));
        }
    }
    packets.sort_by_key(|(ms, ..)| *ms);
    packets
}

/// The same packet over IPv6; addresses keep their last four octets.
fn six(data: &[u8], way: &str) -> Vec<u8> {
    let prefix = |is_far: bool| match is_far {
        true => [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0],
        false => [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0],
    };
    let length = u16::try_from(data.len() - 34).expect("short");
    [
        &data[..12],
        &[0x86, 0xdd, 0x60, 0, 0, 0],
        &length.to_be_bytes(),
        &[17, 64],
        &prefix(way == "in"),
        &data[26..30],
        &prefix(way == "out"),
        &data[30..],
    ]
    .concat()
}

/// What is made of a scene.
pub(crate) fn records(text: &str) -> Vec<Record> {
    records_within(text, Limits::default())
}

/// The same with these bounds.
pub(crate) fn records_within(text: &str, limits: Limits) -> Vec<Record> {
    let packets = packets(text);
    let mut inspector = Inspector::new(Config {
        engine: EngineConfig {
            limits,
            ..EngineConfig::default()
        },
        transactions: true,
        // The password of a at x.
        credentials: Credential::parse("a:x:secret").into_iter().collect(),
        ..Config::default()
    });
    for number in 0..3 {
        inspector.add_point(PointInfo {
            file: "scene".to_owned(),
            interface: format!("if{number}"),
            link_type: LinkType(1),
            digits: 3,
            dropped: None,
        });
    }
    for ((ms, point, data), number) in packets.iter().zip(1..) {
        inspector.handle(&Packet {
            number,
            timestamp: Timestamp::from_nanos(1_700_000_000_000_000_000 + ms * 1_000_000),
            file: 0,
            capture_point: CapturePoint(*point),
            link_type: LinkType(1),
            original_length: 0,
            data,
        });
    }
    inspector.finish();
    let mut records = Vec::new();
    while let Some(record) = inspector.poll_record() {
        records.push(record);
    }
    records
}
