//! Small scenes, told as text, and what is made of them.
//!
//! A line is `MS FROM>TO WHAT [KEY=VALUE...]`. Hosts are letters; `A` is
//! 10.0.0.1. `WHAT` is a method, a status, `rtp`, or `icmp` (the port was
//! closed, told by FROM to
//! TO), or `tcp` with flags. Keys: `cseq`, `branch`,
//! `tag` (the caller's), `to` (the callee's), `via` (how many), `sdp=PORT` or
//! `sdp=PORT/DIRECTION` of the sender, `id` of the IP packet, `at` a capture
//! point, `method` of a response, `header` (may be repeated, `_` stands for a
//! space), `call` (the Call-ID), `uri` (the Request-URI).
//!
//! `crlf` is a keep-alive. `dns TYPE NAME` is a question; with `rcode` or `answer=TYPE:DATA` (may be
//! repeated) it is an answer.

use sip_inspect::inspector::{Config, Inspector, PointInfo};
use sip_inspect::packet::{CapturePoint, LinkType, Packet};
use sip_inspect::report::{CallRecord, Record, StreamRecord};
use sip_inspect::time::Timestamp;

struct Scene {
    calls: Vec<CallRecord>,
    streams: Vec<StreamRecord>,
    transactions: usize,
    /// State of each connection, and who closed it.
    connections: Vec<String>,
    /// Each subscription in short.
    subscriptions: Vec<String>,
    /// Each DNS look-up in short.
    lookups: Vec<String>,
    /// Keep-alives of each registration, and the seconds between two.
    kept_alive: Vec<(u64, Option<f64>)>,
    /// Kinds of ICMP errors that quote requests.
    icmp: Vec<String>,
}

fn key<'t>(words: &[&'t str], name: &str) -> Option<&'t str> {
    words
        .iter()
        .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

fn endpoint(text: &str) -> ([u8; 4], u16) {
    let (host, port) = text.split_once(':').unwrap_or((text, "5060"));
    let number = host.bytes().next().expect("a host") - b'A' + 1;
    ([10, 0, 0, number], port.parse().expect("a port"))
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

fn sdp(host: [u8; 4], value: &str) -> String {
    let (port, direction) = value.split_once('/').unwrap_or((value, "sendrecv"));
    let [a, b, c, d] = host;
    // The port stands for the version too, so that each offer differs.
    format!(
        "v=0\r\no=- 1 {port}{} IN IP4 {a}.{b}.{c}.{d}\r\ns=-\r\nc=IN IP4 {a}.{b}.{c}.{d}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0\r\na={direction}\r\n",
        direction.len()
    )
}

fn message(words: &[&str], from: [u8; 4], what: &str) -> Vec<u8> {
    let cseq = key(words, "cseq").unwrap_or("1");
    let branch = key(words, "branch").unwrap_or("1");
    let tag = key(words, "tag").unwrap_or("f");
    let to = key(words, "to").map_or_else(String::new, |tag| format!(";tag={tag}"));
    let is_response = what.bytes().all(|octet| octet.is_ascii_digit());
    let method = key(words, "method").unwrap_or(if is_response { "INVITE" } else { what });
    let vias: String = (0..key(words, "via").map_or(1, |count| count.parse().expect("a count")))
        .map(|stop| format!("Via: SIP/2.0/UDP h{stop};branch=z9hG4bK{branch}.{stop}\r\n"))
        .collect();
    let extra: String = words
        .iter()
        .filter_map(|word| word.strip_prefix("header="))
        .map(|field| format!("{}\r\n", field.replace('_', " ")))
        .collect();
    let call = key(words, "call").unwrap_or("scene");
    let uri = key(words, "uri").unwrap_or("sip:b@x");
    let start = if is_response {
        format!("SIP/2.0 {what} Phrase")
    } else {
        format!("{what} {uri} SIP/2.0")
    };
    let body = key(words, "sdp").map_or_else(String::new, |value| sdp(from, value));
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    format!(
        "{start}\r\n{vias}From: <sip:a@x>;tag={tag}\r\nTo: <sip:b@x>{to}\r\nCall-ID: {call}\r\n\
         CSeq: {cseq} {method}\r\n{extra}{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
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

fn play(text: &str) -> Scene {
    let mut packets: Vec<(u64, u16, Vec<u8>)> = Vec::new();
    let mut next_id = 100;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
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
            let mut data = frame(from, to, 1, &[0; 12]);
            data[23] = 6;
            data[16..18].copy_from_slice(&40_u16.to_be_bytes());
            data[38..54]
                .copy_from_slice(&[0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
            packets.push((ms, point, data));
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
        if words[2] == "crlf" {
            packets.push((ms, point, frame(from, to, 1, b"\r\n\r\n")));
            continue;
        }
        if words[2] == "dns" {
            packets.push((ms, point, frame(from, to, 1, &dns(&words))));
            continue;
        }
        if words[2] == "rtp" {
            let count: u64 = key(&words, "n").unwrap_or("50").parse().expect("a count");
            let ssrc: u32 = key(&words, "ssrc")
                .unwrap_or("7")
                .parse()
                .expect("a number");
            for number in 0..count {
                let mut payload = vec![0x80, 0];
                payload.extend(u16::try_from(number).expect("short").to_be_bytes());
                payload.extend((u32::try_from(number).expect("short") * 160).to_be_bytes());
                payload.extend((ssrc + u32::from(from.1)).to_be_bytes());
                payload.extend([0x55; 160]);
                packets.push((ms + number * 20, point, frame(from, to, 1, &payload)));
            }
            continue;
        }
        next_id += 1;
        let id = key(&words, "id").map_or(next_id, |id| id.parse().expect("a number"));
        packets.push((
            ms,
            point,
            frame(from, to, id, &message(&words, from.0, words[2])),
        ));
    }
    packets.sort_by_key(|(ms, ..)| *ms);
    let mut inspector = Inspector::new(Config::default());
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
            capture_point: CapturePoint(*point),
            link_type: LinkType(1),
            original_length: 0,
            data,
        });
    }
    inspector.finish();
    let mut scene = Scene {
        calls: Vec::new(),
        streams: Vec::new(),
        transactions: 0,
        icmp: Vec::new(),
        connections: Vec::new(),
        subscriptions: Vec::new(),
        lookups: Vec::new(),
        kept_alive: Vec::new(),
    };
    while let Some(record) = inspector.poll_record() {
        match record {
            Record::Call(call) => scene.calls.push(*call),
            Record::RtpStream(stream) => scene.streams.push(*stream),
            Record::Connection(connection) => scene.connections.push(format!(
                "{} {}",
                connection.state,
                connection.closed_by.as_deref().unwrap_or("-")
            )),
            Record::Subscription(own) => scene.subscriptions.push(format!(
                "{} {} {:?} granted {:?} {} NOTIFYs, {} refused, {} refreshes",
                own.event,
                own.state,
                own.last_status,
                own.expires_granted_s,
                own.notifies,
                own.notifies_failed,
                own.refreshes
            )),
            Record::Registration(own) => scene
                .kept_alive
                .push((own.keepalives, own.keepalive_interval_s)),
            Record::DnsLookup(lookup) => scene.lookups.push(format!(
                "{} {} {} [{}] for {}",
                lookup.qtype,
                lookup.name,
                lookup.rcode.as_deref().unwrap_or("-"),
                lookup.answers.join(", "),
                lookup.call_id.as_deref().unwrap_or("-")
            )),
            Record::Transaction(transaction) => {
                scene.transactions += 1;
                scene.icmp.extend(transaction.icmp);
            }
            _ => {}
        }
    }
    scene
}

/// One line that says what was made of the first call.
fn told(scene: &Scene) -> String {
    let Some(call) = scene.calls.first() else {
        return format!("no call, {} transactions", scene.transactions);
    };
    let exchanges: Vec<String> = call
        .exchanges
        .iter()
        .map(|exchange| format!("{}:{}", exchange.purpose, exchange.result))
        .collect();
    let audio: Vec<&str> = call
        .media
        .iter()
        .map(|media| media.audio.as_deref().unwrap_or("-"))
        .collect();
    format!(
        "{} by {} [{}] audio [{}] {}+{}rtx+{}dup",
        call.outcome,
        call.ended_by.as_deref().unwrap_or("-"),
        exchanges.join(" "),
        audio.join(" "),
        call.messages,
        call.retransmissions,
        call.duplicates
    )
}

#[track_caller]
fn check(text: &str, expected: &str) -> Scene {
    let scene = play(text);
    assert_eq!(told(&scene), expected, "{text}");
    scene
}

const MEDIA: &str = "
    1000 A:4000>B:5000 rtp
    1000 B:5000>A:4000 rtp";

#[test]
fn a_plain_call() {
    let scene = check(
        &format!(
            "0 A>B INVITE sdp=4000
            10 B>A 180 to=t
            900 B>A 200 to=t sdp=5000
            910 A>B ACK branch=2 to=t
            {MEDIA}
            3000 B>A BYE tag=t to=f branch=9 cseq=1
            3001 A>B 200 tag=t to=f branch=9 method=BYE"
        ),
        "completed by callee [setup:ok hangup:ok] audio [both] 6+0rtx+0dup",
    );
    assert_eq!(scene.calls[0].pdd_ms, Some(10.0));
    assert_eq!(scene.calls[0].talk_ms, Some(2100.0));
    assert_eq!(scene.streams.len(), 2);
}

#[test]
fn copies_are_told_from_retransmissions() {
    // T1 later with another identification: sent again.
    check(
        "0 A>B INVITE
        500 A>B INVITE
        600 B>A 486 to=t
        700 B>A 486 to=t",
        "busy by callee [setup:rejected] audio [] 2+2rtx+0dup",
    );
    // The same packet, captured twice.
    check(
        "0 A>B INVITE id=7
        1 A>B INVITE id=7
        2 B>A 486 to=t",
        "busy by callee [setup:rejected] audio [] 2+0rtx+1dup",
    );
    // At another capture point, and from another address there; a second copy
    // at both points was sent again once.
    check(
        "0 A>B INVITE
        1 C>B INVITE at=1
        500 A>B INVITE
        501 C>B INVITE at=1
        600 B>A 486 to=t
        601 B>C 486 to=t at=1",
        "busy by callee [setup:rejected] audio [] 2+1rtx+3dup",
    );
}

#[test]
fn icmp_errors_find_what_they_quote() {
    let scene = play("0 A>B OPTIONS\n1 B>A icmp");
    assert_eq!(scene.icmp, ["port-unreachable"]);
    let scene = play(&format!(
        "0 A>B INVITE sdp=4000
        900 B>A 200 to=t sdp=5000
        910 A>B ACK branch=2 to=t
        {MEDIA}
        1500 B:5000>A:4000 icmp
        1520 B:5000>A:4000 icmp"
    ));
    assert_eq!(scene.calls[0].media[0].icmp_errors, 2);
    assert_eq!(
        scene
            .streams
            .iter()
            .map(|stream| stream.icmp_errors)
            .sum::<u64>(),
        2
    );
}

#[test]
fn connections_that_try_to_carry_sip_are_told_of() {
    let states = |text: &str| play(text).connections;
    assert_eq!(
        states("0 A:1000>B:5061 tcp S\n1 B:5061>A:1000 tcp RA"),
        ["refused server"]
    );
    assert_eq!(
        states("0 A:1000>B:5060 tcp S\n1000 A:1000>B:5060 tcp S"),
        ["no-answer -"]
    );
    let opened = "0 A:1000>B:5060 tcp S\n1 B:5060>A:1000 tcp SA\n2 A:1000>B:5060 tcp A\n";
    assert_eq!(states(opened), ["open -"]);
    assert_eq!(
        states(&format!("{opened}9 A:1000>B:5060 tcp FA")),
        ["closed client"]
    );
    // The same ports again are another connection; other ports are none of ours.
    let again = format!("{opened}9 A:1000>B:5060 tcp RA\n20 A:1000>B:5060 tcp S");
    assert_eq!(states(&again), ["closed client", "no-answer -"]);
    assert!(states("0 A:1000>B:80 tcp S\n1 B:80>A:1000 tcp RA").is_empty());
}

#[test]
fn m045_forks_survive() {
    let scene = check(
        "0 A>P INVITE sdp=4000
        1 P>B INVITE via=2 branch=b sdp=4000
        2 P>C INVITE via=2 branch=c sdp=4000
        10 B>P 180 to=tb via=2 branch=b
        11 C>P 180 to=tc via=2 branch=c
        12 P>A 180 to=tb
        13 P>A 180 to=tc
        500 C>P 200 to=tc via=2 branch=c sdp=5000
        501 P>A 200 to=tc sdp=5000
        510 A>C ACK branch=2 to=tc
        520 P>B CANCEL via=1 branch=b
        530 B>P 487 to=tb via=2 branch=b
        4000 A>C BYE cseq=2 to=tc branch=3
        4001 C>A 200 cseq=2 to=tc branch=3 method=BYE",
        "completed by caller [setup:ok cancel:pending hangup:ok] audio [unknown] 14+0rtx+0dup",
    );
    let states: Vec<&str> = scene.calls[0]
        .dialogs
        .iter()
        .map(|dialog| dialog.state.as_str())
        .collect();
    assert_eq!(states, ["terminated", "terminated"]);
    assert_eq!(scene.calls[0].hops.len(), 3);
}

#[test]
fn offers_and_answers_in_any_place() {
    // The offer in the 200, the answer in the ACK.
    check(
        &format!(
            "0 A>B INVITE
            900 B>A 200 to=t sdp=5000
            910 A>B ACK branch=2 to=t sdp=4000
            {MEDIA}"
        ),
        "established by - [setup:ok] audio [both] 3+0rtx+0dup",
    );
    // The answer in a 183, with early media from the callee alone.
    let scene = check(
        "0 A>B INVITE sdp=4000
        10 B>A 183 to=t sdp=5000
        20 B:5000>A:4000 rtp n=40
        1500 B>A 480 to=t",
        "rejected by callee [setup:rejected] audio [-] 3+0rtx+0dup",
    );
    assert_eq!(scene.calls[0].media[0].packets_to_caller, 40);
    // An UPDATE that holds, and one that is refused by glare.
    check(
        &format!(
            "0 A>B INVITE sdp=4000
            900 B>A 200 to=t sdp=5000
            910 A>B ACK branch=2 to=t
            {MEDIA}
            2500 A>B UPDATE cseq=2 branch=3 to=t sdp=4000/sendonly
            2510 B>A 200 cseq=2 branch=3 to=t sdp=5000/recvonly method=UPDATE
            3000 A>B INVITE cseq=3 branch=4 to=t sdp=4002
            3010 B>A 491 cseq=3 branch=4 to=t"
        ),
        "established by - [setup:ok hold:ok resume:glare] audio [both held] 7+0rtx+0dup",
    );
}

#[test]
fn one_way_audio_and_none() {
    check(
        "0 A>B INVITE sdp=4000
        900 B>A 200 to=t sdp=5000
        910 A>B ACK branch=2 to=t
        1000 A:4000>B:5000 rtp
        3000 A>B BYE cseq=2 to=t branch=3
        3001 B>A 200 cseq=2 to=t branch=3 method=BYE",
        "completed by caller [setup:ok hangup:ok] audio [caller-hears-nothing] 5+0rtx+0dup",
    );
    // Symmetric RTP: the callee answers to where packets come from, not to
    // what the offer says.
    let scene = check(
        "0 A>B INVITE sdp=4000
        900 B>A 200 to=t sdp=5000
        910 A>B ACK branch=2 to=t
        1000 D:7777>B:5000 rtp
        1010 B:5000>D:7777 rtp
        3000 A>B BYE cseq=2 to=t branch=3
        3001 B>A 200 cseq=2 to=t branch=3 method=BYE",
        "completed by caller [setup:ok hangup:ok] audio [both] 5+0rtx+0dup",
    );
    let associations: Vec<&str> = scene
        .streams
        .iter()
        .map(|stream| stream.association.as_str())
        .collect();
    assert_eq!(associations, ["sdp", "nat"]);
}

#[test]
fn media_before_and_without_a_description() {
    // RTP first, its SDP later.
    let scene = check(
        "0 A>B INVITE
        5 B:5000>A:4000 rtp n=100
        5 A:4000>B:5000 rtp n=100
        900 B>A 200 to=t sdp=5000
        910 A>B ACK branch=2 to=t sdp=4000",
        "established by - [setup:ok] audio [both] 3+0rtx+0dup",
    );
    assert!(
        scene
            .streams
            .iter()
            .all(|stream| stream.call_id.is_some() && stream.packets == 100)
    );
    // RTP that nobody announced is a stream of no call; fewer packets than
    // prove it are nothing.
    assert_eq!(play("0 A:1000>B:2000 rtp n=7").streams.len(), 1);
    assert_eq!(play("0 A:1000>B:2000 rtp n=6").streams.len(), 0);
    // The answer to OPTIONS describes what could be, not what is.
    let scene =
        play("0 A>B OPTIONS\n1 B>A 200 to=t method=OPTIONS sdp=5000\n9 A:4000>B:5000 rtp n=3");
    assert_eq!(
        (told(&scene).as_str(), scene.streams.len()),
        ("no call, 1 transactions", 0)
    );
}

#[test]
fn captures_that_begin_or_end_inside_a_call() {
    check(
        "0 A>B BYE cseq=2 to=t branch=3
        1 B>A 200 cseq=2 to=t branch=3 method=BYE",
        "incomplete by caller [hangup:ok] audio [] 2+0rtx+0dup",
    );
    check(
        "0 A>B INVITE\n10 B>A 180 to=t",
        "incomplete by - [setup:pending] audio [] 2+0rtx+0dup",
    );
    check(
        "0 A>B INVITE\n500 A>B INVITE\n40000 C>B OPTIONS cseq=5 tag=o branch=o",
        "timeout by - [setup:timeout other:pending] audio [] 2+1rtx+0dup",
    );
}

#[test]
fn refusals_and_second_attempts() {
    check(
        "0 A>B INVITE\n1 B>A 302 to=t\n2 A>B ACK to=t\n3 A>C INVITE cseq=2 branch=2\n4 C>A 603 to=u cseq=2 branch=2",
        "declined by callee [setup:redirected setup:rejected] audio [] 5+0rtx+0dup",
    );
    check(
        "0 A>B INVITE\n1 B>A 401 to=t\n2 A>B ACK to=t",
        "rejected by callee [setup:challenged] audio [] 3+0rtx+0dup",
    );
    check(
        "0 A>B INVITE\n10 B>A 180 to=t\n900 A>B CANCEL\n901 B>A 200 method=CANCEL to=t\n902 B>A 487 to=t\n903 A>B ACK to=t",
        "cancelled by caller [setup:cancelled cancel:ok] audio [] 6+0rtx+0dup",
    );
}

#[test]
fn a_redirected_call_is_tied_to_the_one_it_makes() {
    let scene = play(
        "0 A>B INVITE
        1 B>A 302 to=t header=Contact:_<sip:c@y>
        2 A>B ACK to=t
        9 A>C INVITE call=next uri=sip:c@y branch=2 tag=g
        10 C>A 200 call=next branch=2 tag=g to=u",
    );
    let legs: Vec<String> = scene
        .calls
        .iter()
        .flat_map(|call| &call.legs)
        .map(|leg| format!("{} {}", leg.kind, leg.call_id))
        .collect();
    assert_eq!(legs, ["redirected-to next", "redirected-from scene"]);
    // Somebody else who calls there has nothing to do with it.
    let scene = play(
        "0 A>B INVITE
        1 B>A 302 to=t header=Contact:_<sip:c@y>
        9 A>C INVITE call=next uri=sip:d@y branch=2 tag=g",
    );
    assert!(scene.calls.iter().all(|call| call.legs.is_empty()));
}

#[test]
fn subscriptions_are_followed_to_their_end() {
    let check = |text: &str, expected: &[&str]| {
        assert_eq!(play(text).subscriptions, expected, "{text}");
    };
    let event = "header=Event:_presence";
    let asked = format!(
        "0 A>B SUBSCRIBE {event} header=Expires:_600
        1 B>A 200 method=SUBSCRIBE to=t header=Expires:_300
        2 B>A NOTIFY tag=t to=f branch=n1 {event} header=Subscription-State:_active;expires=300
        3 A>B 200 method=NOTIFY tag=t to=f branch=n1"
    );
    let rest = "2 NOTIFYs, 0 refused, 1 refreshes";
    check(
        &asked,
        &["presence active Some(200) granted Some(300) 1 NOTIFYs, 0 refused, 0 refreshes"],
    );
    // Refreshed long after anything else under the Call-ID was heard of.
    check(
        &format!(
            "{asked}
            290000 A>B SUBSCRIBE {event} header=Expires:_600 cseq=2 branch=2 to=t
            290001 B>A 200 method=SUBSCRIBE cseq=2 branch=2 to=t header=Expires:_300
            290009 B>A NOTIFY tag=t to=f cseq=2 branch=n2 {event} header=Subscription-State:_terminated;reason=noresource"
        ),
        &[&format!("presence terminated Some(200) granted Some(300) {rest}")],
    );
    // Not refreshed: both sides of the moment at which it runs out.
    for (ms, state) in [(300_002, "active"), (300_003, "expired")] {
        check(
            &format!("{asked}\n{ms} C>D OPTIONS call=other"),
            &[&format!(
                "presence {state} Some(200) granted Some(300) 1 NOTIFYs, 0 refused, 0 refreshes"
            )],
        );
    }
    check(
        &format!("0 A>B SUBSCRIBE {event}\n1 B>A 489 method=SUBSCRIBE to=t"),
        &["presence rejected Some(489) granted None 0 NOTIFYs, 0 refused, 0 refreshes"],
    );
    check(
        &format!("0 A>B SUBSCRIBE {event}"),
        &["presence unanswered None granted None 0 NOTIFYs, 0 refused, 0 refreshes"],
    );
    // Nobody was seen to ask; and nobody there understands.
    check(
        "0 B>A NOTIFY tag=t header=Event:_message-summary
        1 A>B 481 method=NOTIFY tag=t to=f",
        &["message-summary unknown None granted None 1 NOTIFYs, 1 refused, 0 refreshes"],
    );
    // A transfer tells its own progress.
    check(
        "0 B>A NOTIFY tag=t to=f header=Event:_refer;id=2 header=Subscription-State:_active",
        &[],
    );
}

#[test]
fn look_ups_are_tied_to_what_they_lead_to() {
    let check = |text: &str, expected: &[&str]| {
        assert_eq!(play(text).lookups, expected, "{text}");
    };
    // RFC 3263: NAPTR, then SRV, then the address, then the call.
    check(
        "0 A:900>D:53 dns NAPTR x
        1 D:53>A:900 dns NAPTR x answer=NAPTR:_sip._udp.x
        2 A:901>D:53 dns SRV _sip._udp.x id=2
        3 D:53>A:901 dns SRV _sip._udp.x id=2 answer=SRV:edge.x
        4 A:902>D:53 dns A edge.x id=3
        4 A:902>D:53 dns A elsewhere.x id=9
        5 D:53>A:902 dns A edge.x id=3 answer=A:B
        5 D:53>A:902 dns A elsewhere.x id=9 answer=A:C
        6 A>B INVITE",
        &[
            "NAPTR x NOERROR [1 1 \"s\" \"SIP+D2U\" \"\" _sip._udp.x] for scene",
            "SRV _sip._udp.x NOERROR [1 1 5060 edge.x] for scene",
            "A edge.x NOERROR [10.0.0.2] for scene",
        ],
    );
    // Another host's look-up is not this call's.
    check(
        "0 C:900>D:53 dns A b.x\n1 D:53>C:900 dns A b.x answer=A:B\n2 A>B INVITE",
        &[],
    );
    // What was found long ago is not what led here.
    for (ms, told) in [(32_001, 1), (32_002, 0)] {
        let text =
            format!("0 A:900>D:53 dns A b.x\n1 D:53>A:900 dns A b.x answer=A:B\n{ms} A>B INVITE");
        assert_eq!(play(&text).lookups.len(), told, "{text}");
    }
    // A proxy asks once it has the request; nothing is there.
    check(
        "0 A>B INVITE uri=sip:b@far.org
        1 B:900>D:53 dns SRV _sip._udp.far.org
        2 D:53>B:900 dns SRV _sip._udp.far.org rcode=3
        3 B:900>D:53 dns A far.org id=2
        4 D:53>B:900 dns A far.org id=2 rcode=3
        5 B:900>D:53 dns A near.org id=3
        6 D:53>B:900 dns A near.org id=3 rcode=3",
        &[
            "SRV _sip._udp.far.org NXDOMAIN [] for scene",
            "A far.org NXDOMAIN [] for scene",
        ],
    );
    // Nothing of SIP came: the look-up alone tells why.
    check(
        "0 A:900>D:53 dns SRV _sips._tcp.x\n1 D:53>A:900 dns SRV _sips._tcp.x rcode=2\n2 A:900>D:53 dns A pbx1.x id=2",
        &["SRV _sips._tcp.x SERVFAIL [] for -", "A pbx1.x - [] for -"],
    );
    // A connection for SIP counts as well.
    check(
        "0 A:900>D:53 dns A b.x\n1 D:53>A:900 dns A b.x answer=A:B\n2 A:4000>B:5061 tcp S",
        &["A b.x NOERROR [10.0.0.2] for -"],
    );
}

#[test]
fn keep_alives_are_the_devices_whose_flow_they_hold_open() {
    let check = |text: &str, expected: &[(u64, Option<f64>)]| {
        assert_eq!(play(text).kept_alive, expected, "{text}");
    };
    let registered = "0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=60
        1 B>A 200 method=REGISTER to=t header=Contact:_<sip:a@10.0.0.1>;expires=60";
    check(registered, &[(0, None)]);
    check(&format!("{registered}\n15000 A>B crlf"), &[(1, None)]);
    check(
        &format!("{registered}\n15000 A>B crlf\n30000 A>B crlf\n47000 A>B crlf"),
        &[(3, Some(16.0))],
    );
    // The server's count where the device sends none; another flow's do not.
    check(
        &format!("{registered}\n15000 B>A crlf\n35000 B>A crlf\n36000 A:5062>B crlf"),
        &[(2, Some(20.0))],
    );
    // A device that registers from another port is met there alone.
    check(
        &format!(
            "{registered}
            100 A:5070>B REGISTER cseq=2 branch=2 header=Contact:_<sip:a@10.0.0.1>;expires=60
            15000 A>B crlf
            30000 A:5070>B crlf
            40000 A:5070>B crlf"
        ),
        &[(2, Some(10.0))],
    );
}
