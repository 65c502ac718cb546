//! Floods stay within the bounds, and every bound that is passed is counted.

mod common;

use common::wire::{packet, udp};
use sip_inspect::engine::limits::{Limit, Limits};
use sip_inspect::engine::{Closed, Config, Engine, Event};
use sip_inspect::link;
use sip_inspect::time::Timestamp;

struct Flooded {
    peak: usize,
    engine: Engine,
    calls: Vec<(String, Closed)>,
    /// Messages that were kept no more when their call was told.
    forgotten: u64,
}

/// Small bounds, so that ten times as much is soon there.
fn limits() -> Limits {
    Limits {
        calls: 500,
        flows: 500,
        streams: 200,
        tcp_streams: 200,
        digits: 4,
        addresses_per_call: 8,
        copies_per_call: 10,
        messages_per_call: 12,
        subscriptions_per_call: 2,
        dns_lookups: 20,
        nat_bindings: 3,
        nat_contacts: 40,
        bodies_per_call: 4,
        epochs_per_call: 6,
        tags_per_call: 4,
        ties_per_call: 2,
        places: 3,
        transfers: 3,
        proxies: 3,
        same_ssrc: 3,
        bindings: 2,
        call_ids_per_registration: 2,
        fragment_packets: 50,
        fragment_bytes: 64 * 1024,
        ..Limits::within(2 * 1024 * 1024)
    }
}

fn flood(frames: impl Iterator<Item = (u64, Vec<u8>)>) -> Flooded {
    let mut engine = Engine::new(Config {
        limits: limits(),
        ..Config::default()
    });
    let (mut peak, mut calls, mut forgotten) = (0, Vec::new(), 0);
    let mut take = |engine: &mut Engine| {
        while let Some(event) = engine.poll_event() {
            if let Event::Call(closed) = event {
                forgotten += closed.call.kept.forgotten;
                calls.push((closed.call.call_id.clone(), closed.closed));
            }
        }
    };
    for ((ms, data), number) in frames.zip(1..) {
        let at = Timestamp::from_nanos(1_700_000_000_000_000_000 + ms * 1_000_000);
        engine.handle(&link::decode(&packet(number, at, &data)));
        take(&mut engine);
        peak = peak.max(engine.bytes_held());
    }
    engine.finish();
    take(&mut engine);
    Flooded {
        peak,
        engine,
        calls,
        forgotten,
    }
}

fn options(number: u32) -> Vec<u8> {
    let text = format!(
        "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{number}\r\nFrom: <sip:x@y>;tag={number}\r\n\
         To: <sip:a@b>\r\nCall-ID: flood-{number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    );
    udp(0x0a00_0000 | number, 5060, 5060, text.as_bytes())
}

/// INVITE, 200 and ACK of one call that then stays up.
fn answered() -> Vec<(u64, Vec<u8>)> {
    let message = |line: &str, cseq: &str, to: &str, branch: &str| {
        format!(
            "{line}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{branch}\r\nFrom: <sip:x@y>;tag=f\r\nTo: <sip:a@b>{to}\r\n\
             Call-ID: answered\r\nCSeq: {cseq}\r\nContent-Length: 0\r\n\r\n"
        )
    };
    vec![
        (
            0,
            udp(
                1,
                5060,
                5060,
                message("INVITE sip:a@b SIP/2.0", "1 INVITE", "", "i").as_bytes(),
            ),
        ),
        (
            1,
            udp(
                1,
                5060,
                5060,
                message("SIP/2.0 200 OK", "1 INVITE", ";tag=t", "i").as_bytes(),
            ),
        ),
        (
            2,
            udp(
                1,
                5060,
                5060,
                message("ACK sip:a@b SIP/2.0", "1 ACK", ";tag=t", "a").as_bytes(),
            ),
        ),
    ]
}

#[test]
fn m046_ten_times_the_calls_stay_within_the_bounds() {
    let flooded = flood(
        answered()
            .into_iter()
            .chain((0..5000).map(|number| (10 + u64::from(number), options(number)))),
    );
    let budget = limits().bytes;
    assert!(flooded.peak <= budget + budget / 4, "{}", flooded.peak);
    // Everything that came is told of, and the call that was up before the
    // flood is told of whole, at the end.
    assert_eq!(flooded.calls.len(), 5001);
    let last = flooded
        .calls
        .iter()
        .find(|(call_id, _)| call_id == "answered")
        .expect("the call");
    assert_eq!(last.1, Closed::EndOfCapture);
    assert!(flooded.engine.counters().limits.contains_key(&Limit::Calls));
}

#[test]
fn messages_leave_before_the_calls_they_belong_to() {
    let large = |number: u32| {
        let fields = format!(
            "Call-ID: large-{number}\r\nSubject: {}\r\n",
            "s".repeat(8000)
        );
        message(
            "OPTIONS sip:a@b SIP/2.0",
            "1 OPTIONS",
            number,
            1,
            "",
            &fields,
        )
    };
    // Both sides of the budget of 2 MiB.
    for (calls, forgets) in [(150, false), (300, true)] {
        let flooded = flood(repeated(calls, 1, large).into_iter());
        assert_eq!(flooded.forgotten > 0, forgets, "{calls}");
        assert!(
            flooded.peak <= limits().bytes + 16 * 1024,
            "{}",
            flooded.peak
        );
        let limits = &flooded.engine.counters().limits;
        assert!(!limits.contains_key(&Limit::Bytes), "{limits:?}");
        assert_eq!(flooded.calls.len(), usize::try_from(calls).expect("few"));
    }
}

#[test]
fn m045_one_call_id_with_endless_messages_is_bounded() {
    let messages = (0..20_000_u32).map(|number| {
        let text = format!(
            "INFO sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{number}\r\nFrom: <sip:x@y>;tag={number}\r\n\
             To: <sip:a@b>;tag=z{number}\r\nCall-ID: one\r\nCSeq: {number} INFO\r\nContent-Length: 0\r\n\r\n"
        );
        (u64::from(number), udp(1, 5060, 5060, text.as_bytes()))
    });
    let flooded = flood(messages);
    assert!(flooded.peak <= limits().bytes, "{}", flooded.peak);
    assert_eq!(flooded.calls.len(), 1);
    let limit = Limit::TransactionsPerCall;
    assert!(flooded.engine.counters().limits.contains_key(&limit));
}

#[test]
fn m053_a_spray_of_sources_is_bounded() {
    let mut number = 0_u32;
    let packets = (0..20_000_u32).map(|at| {
        // Pairs in sequence, so that each source becomes a candidate.
        number = at / 2;
        let mut payload = vec![0x80, 0];
        payload.extend(u16::try_from(at % 2 + 1).expect("short").to_be_bytes());
        payload.extend((at % 2 * 160).to_be_bytes());
        payload.extend((number | 0x1000_0000).to_be_bytes());
        payload.extend([0x55; 160]);
        let port = u16::try_from(10_000 + number % 3000).expect("short");
        (u64::from(at), udp(0x0a00_0001, port, 20_000, &payload))
    });
    let flooded = flood(packets);
    assert!(flooded.peak <= limits().bytes, "{}", flooded.peak);
    assert!(flooded.calls.is_empty());
    let limits = &flooded.engine.counters().limits;
    assert!(limits.contains_key(&Limit::Streams) || limits.contains_key(&Limit::Flows));
}

/// Sound, then so many digits by telephone-event.
fn dialled(digits: u16) -> Vec<(u64, Vec<u8>)> {
    (0..12 + digits)
        .map(|number| {
            let mut payload = vec![0x80, if number < 12 { 0 } else { 101 }];
            payload.extend(number.to_be_bytes());
            payload.extend((u32::from(number) * 160).to_be_bytes());
            payload.extend(0x1234_5678_u32.to_be_bytes());
            match number {
                0..12 => payload.extend([0x55; 160]),
                _ => payload.extend([5, 0x8a, 0, 160]),
            }
            (u64::from(number) * 20, udp(1, 4000, 4002, &payload))
        })
        .collect()
}

/// One INVITE for each Call-ID, all with these audio ports.
fn offered(calls: u32, ports: u16) -> Vec<(u64, Vec<u8>)> {
    (0..calls)
        .map(|number| {
            let mut body =
                "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n".to_owned();
            for port in 0..ports {
                body += &format!("m=audio {} RTP/AVP 0\r\na=rtcp-mux\r\n", 4000 + port * 2);
            }
            let text = format!(
                "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{number}\r\n\
                 From: <sip:x@y>;tag={number}\r\nTo: <sip:a@b>\r\nCall-ID: offer-{number}\r\n\
                 CSeq: 1 INVITE\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            (u64::from(number), udp(1, 5060, 5060, text.as_bytes()))
        })
        .collect()
}

/// So many sources of RTP toward one address that nothing describes.
fn undescribed(sources: u16) -> Vec<(u64, Vec<u8>)> {
    (0..sources * 2)
        .map(|at| {
            let mut payload = vec![0x80, 0];
            payload.extend((at % 2 + 1).to_be_bytes());
            payload.extend((u32::from(at % 2) * 160).to_be_bytes());
            payload.extend((u32::from(at / 2) | 0x1000_0000).to_be_bytes());
            payload.extend([0x55; 160]);
            (u64::from(at), udp(1, 10_000 + at / 2 * 2, 20_000, &payload))
        })
        .collect()
}

/// A SIP message of one call; `more` is what differs: further header fields,
/// and a body.
fn message(line: &str, cseq: &str, branch: u32, tag: u32, to: &str, more: &str) -> String {
    let (fields, body) = more.split_once("\r\n\r\n").unwrap_or((more, ""));
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    format!(
        "{line}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{branch}\r\nFrom: <sip:x@y>;tag={tag}\r\n\
         To: <sip:a@b>{to}\r\nCSeq: {cseq}\r\n{fields}{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The same message of each of so many, `step` milliseconds apart.
fn repeated(count: u32, step: u64, text: impl Fn(u32) -> String) -> Vec<(u64, Vec<u8>)> {
    (0..count)
        .map(|number| {
            let frame = udp(1, 5060, 5060, text(number).as_bytes());
            (u64::from(number) * step, frame)
        })
        .collect()
}

fn described(call_id: &str, body: &str) -> String {
    format!("Call-ID: {call_id}\r\n\r\n\r\nv=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n{body}")
        .replacen("\r\n\r\n\r\n", "\r\n\r\n", 1)
}

/// New messages of one Call-ID.
fn pings(count: u32, step: u64) -> Vec<(u64, Vec<u8>)> {
    repeated(count, step, |number| {
        let cseq = format!("{number} OPTIONS");
        let fields = "Call-ID: one\r\n";
        message("OPTIONS sip:a@b SIP/2.0", &cseq, number, 1, "", fields)
    })
}

/// Offers of one call that differ.
fn offers(count: u32) -> Vec<(u64, Vec<u8>)> {
    repeated(count, 1, |number| {
        let body = format!("m=audio 4000 RTP/AVP 0\r\na=rtcp-mux\r\na=mid:{number}\r\n");
        let cseq = format!("{number} INVITE");
        let more = described("offers", &body);
        message("INVITE sip:a@b SIP/2.0", &cseq, number, 1, "", &more)
    })
}

/// One offer with so many candidates.
fn candidates(count: usize) -> Vec<(u64, Vec<u8>)> {
    let line = "a=candidate:1 1 UDP 1 10.0.1.1 8998 typ host\r\n".repeat(count);
    let more = described("candidates", &format!("m=audio 4000 RTP/AVP 0\r\n{line}"));
    let text = message("INVITE sip:a@b SIP/2.0", "1 INVITE", 1, 1, "", &more);
    vec![(0, udp(1, 5060, 5060, text.as_bytes()))]
}

/// One Call-ID that so many callers use.
fn callers(count: u32) -> Vec<(u64, Vec<u8>)> {
    repeated(count, 1, |number| {
        let cseq = format!("{number} INVITE");
        let fields = "Call-ID: callers\r\n";
        message("INVITE sip:a@b SIP/2.0", &cseq, number, number, "", fields)
    })
}

/// One message, captured on so many legs.
fn legs(count: u32) -> Vec<(u64, Vec<u8>)> {
    let fields = "Call-ID: legs\r\n";
    let text = message("OPTIONS sip:a@b SIP/2.0", "1 OPTIONS", 1, 1, "", fields);
    (0..count)
        .map(|number| (0, udp(1 + number, 5060, 5060, text.as_bytes())))
        .collect()
}

/// So many transfers that wait; with `taken`, the call that each leads to.
fn transfers(count: u32, taken: bool) -> Vec<(u64, Vec<u8>)> {
    let asked = repeated(count, 1, |number| {
        let fields = format!("Call-ID: asked\r\nRefer-To: <sip:u{number}@b>\r\n");
        let cseq = format!("{number} REFER");
        message("REFER sip:a@b SIP/2.0", &cseq, number, 1, ";tag=t", &fields)
    });
    let made = repeated(if taken { count } else { 0 }, 1, |number| {
        let fields = format!("Call-ID: made-{number}\r\nReferred-By: <sip:x@y>\r\n");
        let line = format!("INVITE sip:u{number}@b SIP/2.0");
        message(&line, "1 INVITE", 1000 + number, 1, "", &fields)
            .replace("To: <sip:a@b>", &format!("To: <sip:u{number}@b>"))
    });
    let pairs = |(asked, made): ((u64, Vec<u8>), (u64, Vec<u8>))| [asked, made];
    if taken {
        asked.into_iter().zip(made).flat_map(pairs).collect()
    } else {
        asked
    }
}

/// Requests that so many hosts passed on.
fn passed_on(count: u32) -> Vec<(u64, Vec<u8>)> {
    let fields = "Via: SIP/2.0/UDP p;branch=z9hG4bKp\r\nCall-ID: passed-on\r\n";
    let text = message("OPTIONS sip:a@b SIP/2.0", "1 OPTIONS", 1, 1, "", fields);
    (0..count)
        .map(|number| (0, udp(1 + number, 5060, 5060, text.as_bytes())))
        .collect()
}

/// Calls that all receive at one address.
fn crowd(count: u32) -> Vec<(u64, Vec<u8>)> {
    offered(count, 1)
}

/// Sources of the same number, on flows of their own.
fn namesakes(count: u16) -> Vec<(u64, Vec<u8>)> {
    (0..count * 2)
        .map(|at| {
            let mut payload = vec![0x80, 0];
            payload.extend((at % 2 + 1).to_be_bytes());
            payload.extend((u32::from(at % 2) * 160).to_be_bytes());
            payload.extend(7_u32.to_be_bytes());
            payload.extend([0x55; 160]);
            let port = 20_000 + at / 2 * 2;
            (u64::from(at), udp(1, 10_000, port, &payload))
        })
        .collect()
}

/// A device that used so many Call-IDs, and the answer to its last REGISTER
/// with so many bindings.
fn registered(call_ids: u32, bindings: u32) -> Vec<(u64, Vec<u8>)> {
    let mut frames = repeated(call_ids, 1, |number| {
        let fields = format!("Call-ID: r{number}\r\nContact: <sip:d@10.0.0.1>\r\n");
        message(
            "REGISTER sip:b SIP/2.0",
            "1 REGISTER",
            number,
            1,
            "",
            &fields,
        )
    });
    let last = call_ids - 1;
    let contacts: String = (0..bindings)
        .map(|number| format!("Contact: <sip:d{number}@10.0.0.1>;expires=60\r\n"))
        .collect();
    let fields = format!("Call-ID: r{last}\r\n{contacts}");
    let text = message("SIP/2.0 200 OK", "1 REGISTER", last, 1, ";tag=t", &fields);
    let mut answer = udp(0xc000_0201, 5060, 5060, text.as_bytes());
    answer[30..34].copy_from_slice(&1_u32.to_be_bytes());
    frames.push((u64::from(call_ids), answer));
    frames
}

/// A phone that subscribes to so many events under one Call-ID.
fn subscriptions(count: u32) -> Vec<(u64, Vec<u8>)> {
    repeated(count, 1, |number| {
        let fields = format!("Call-ID: subscriptions\r\nEvent: presence;id={number}\r\n");
        let cseq = format!("{number} SUBSCRIBE");
        message("SUBSCRIBE sip:a@b SIP/2.0", &cseq, number, 1, "", &fields)
    })
}

/// So many questions about names of SIP servers; the last one is answered with
/// so many addresses.
fn looked_up(questions: u8, answers: u16) -> Vec<(u64, Vec<u8>)> {
    let asked = |number: u8, answers: u16| {
        let mut payload = vec![0, number, 0, 0, 0, 1];
        payload.extend(answers.to_be_bytes());
        payload.extend([
            0,
            0,
            0,
            0,
            3,
            b's',
            b'i',
            b'p',
            1,
            b'a' + number,
            0,
            0,
            1,
            0,
            1,
        ]);
        payload
    };
    let mut frames: Vec<_> = (0..questions)
        .map(|number| (u64::from(number), udp(1, 900, 53, &asked(number, 0))))
        .collect();
    let mut payload = asked(questions - 1, answers);
    payload[2] = 0x80;
    for _ in 0..answers {
        payload.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 1]);
    }
    let mut answer = udp(0xc000_0201, 53, 900, &payload);
    answer[30..34].copy_from_slice(&1_u32.to_be_bytes());
    frames.push((u64::from(questions), answer));
    frames
}

/// A binding request with so many attributes.
fn binding(attributes: u16) -> Vec<(u64, Vec<u8>)> {
    let mut payload = vec![0, 1];
    payload.extend((attributes * 4).to_be_bytes());
    payload.extend(0x2112_a442_u32.to_be_bytes());
    payload.extend([7; 12]);
    payload.extend([0x80, 0x99, 0, 0].repeat(usize::from(attributes)));
    vec![(0, udp(1, 4000, 3478, &payload))]
}

/// Keep-alives from so many ports.
fn kept_open(ports: u16) -> Vec<(u64, Vec<u8>)> {
    let frame = |port| {
        (
            u64::from(port),
            udp(0x0a00_0001, 5000 + port, 5060, b"\r\n"),
        )
    };
    (0..ports).map(frame).collect()
}

/// STUN requests from so many ports, each answered with an address.
fn mapped(ports: u16) -> Vec<(u64, Vec<u8>)> {
    let mut frames = Vec::new();
    for port in 0..ports {
        let mut request = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        request.extend([7; 10]);
        request.extend(port.to_be_bytes());
        let mut answer = request.clone();
        answer[..4].copy_from_slice(&[1, 1, 0, 12]);
        answer.extend([0, 0x20, 0, 8, 0, 1, 9, 9, 9, 9, 9, 9]);
        let at = u64::from(port) * 2;
        let src = 0x0a00_0001;
        frames.push((at, udp(src, 5000 + port, 3478, &request)));
        let mut back = udp(src, 5000 + port, 3478, &answer);
        for place in 26..30 {
            back.swap(place, place + 4);
        }
        for place in 34..36 {
            back.swap(place, place + 2);
        }
        frames.push((at + 1, back));
    }
    frames
}

#[test]
fn bounds_inside_objects_are_counted_when_they_are_passed() {
    let check = |frames: Vec<(u64, Vec<u8>)>, limit, passed| {
        let flooded = flood(frames.into_iter());
        let limits = &flooded.engine.counters().limits;
        assert_eq!(limits.contains_key(&limit), passed, "{limit:?}: {limits:?}");
    };
    check(dialled(4), Limit::Digits, false);
    check(dialled(5), Limit::Digits, true);
    check(offered(1, 8), Limit::AddressesPerCall, false);
    check(offered(1, 9), Limit::AddressesPerCall, true);
    check(crowd(64), Limit::Claims, false);
    check(crowd(65), Limit::Claims, true);
    check(undescribed(64), Limit::Unclaimed, false);
    check(undescribed(65), Limit::Unclaimed, true);
    check(pings(10, 1), Limit::CopiesPerCall, false);
    check(pings(11, 1), Limit::CopiesPerCall, true);
    // What is forgotten after its last copy may come costs nothing.
    check(pings(30, 3201), Limit::CopiesPerCall, false);
    check(offers(4), Limit::BodiesPerCall, false);
    check(offers(5), Limit::BodiesPerCall, true);
    check(offers(6), Limit::EpochsPerCall, false);
    check(offers(7), Limit::EpochsPerCall, true);
    check(candidates(64), Limit::Descriptions, false);
    check(candidates(65), Limit::Descriptions, true);
    check(callers(4), Limit::TagsPerCall, false);
    check(callers(5), Limit::TagsPerCall, true);
    check(legs(3), Limit::Places, false);
    check(legs(4), Limit::Places, true);
    check(transfers(3, false), Limit::Transfers, false);
    check(transfers(4, false), Limit::Transfers, true);
    check(transfers(2, true), Limit::TiesPerCall, false);
    check(transfers(3, true), Limit::TiesPerCall, true);
    check(passed_on(3), Limit::Proxies, false);
    check(passed_on(4), Limit::Proxies, true);
    check(namesakes(3), Limit::SameSsrc, false);
    check(namesakes(4), Limit::SameSsrc, true);
    check(registered(2, 2), Limit::Bindings, false);
    check(registered(2, 3), Limit::Bindings, true);
    check(registered(2, 1), Limit::CallIdsPerRegistration, false);
    check(registered(3, 1), Limit::CallIdsPerRegistration, true);
    check(pings(12, 1), Limit::MessagesPerCall, false);
    check(pings(13, 1), Limit::MessagesPerCall, true);
    check(subscriptions(2), Limit::SubscriptionsPerCall, false);
    check(subscriptions(3), Limit::SubscriptionsPerCall, true);
    check(looked_up(20, 1), Limit::DnsLookups, false);
    check(looked_up(21, 1), Limit::DnsLookups, true);
    check(looked_up(1, 64), Limit::DnsAnswers, false);
    check(looked_up(1, 65), Limit::DnsAnswers, true);
    check(mapped(3), Limit::NatBindings, false);
    check(mapped(4), Limit::NatBindings, true);
    check(mapped(20), Limit::NatContacts, false);
    check(mapped(21), Limit::NatContacts, true);
    check(kept_open(1024), Limit::NatNotes, false);
    check(kept_open(1025), Limit::NatNotes, true);
    check(binding(256), Limit::StunAttributes, false);
    check(binding(257), Limit::StunAttributes, true);
}

/// A frame of Ethernet, IPv4 and TCP.
fn tcp(src: u32, src_port: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = udp(src, src_port, 5060, &[0; 12]);
    frame[23] = 6;
    let total = u16::try_from(40 + payload.len()).expect("short");
    frame[16..18].copy_from_slice(&total.to_be_bytes());
    frame[38..42].copy_from_slice(&sequence.to_be_bytes());
    frame[42..54].copy_from_slice(&[0, 0, 0, 0, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0]);
    frame.extend(payload);
    frame
}

#[test]
fn m028_m032_unfinished_messages_over_tcp_are_bounded() {
    let head = b"OPTIONS sip:a SIP/2.0\r\nCall-ID: x\r\nContent-Length: 200000\r\n\r\n";
    let mut next = 0_u64;
    let segments = (0..20_000_u32).map(|number| {
        let (port, part) = (
            u16::try_from(1000 + number % 500).expect("short"),
            number / 500,
        );
        next += 1;
        let head_length = u32::try_from(head.len()).expect("short");
        let frame = if part == 0 {
            tcp(1, port, 1, head)
        } else {
            tcp(1, port, 1 + head_length + (part - 1) * 1400, &[b'x'; 1400])
        };
        (next, frame)
    });
    let flooded = flood(segments);
    assert!(flooded.peak <= limits().bytes, "{}", flooded.peak);
    let counted = &flooded.engine.counters().limits;
    assert!(counted.contains_key(&Limit::TcpStreams));
    // Few directions with much each meet the other bound.
    let mut next = 0_u64;
    let segments = (0..4000_u32).map(|number| {
        let (port, part) = (
            u16::try_from(1000 + number % 20).expect("short"),
            number / 20,
        );
        next += 1;
        let head_length = u32::try_from(head.len()).expect("short");
        let frame = if part == 0 {
            tcp(1, port, 1, head)
        } else {
            tcp(1, port, 1 + head_length + (part - 1) * 900, &[b'x'; 900])
        };
        (next, frame)
    });
    let flooded = flood(segments);
    assert!(flooded.peak <= limits().bytes, "{}", flooded.peak);
    let counted = &flooded.engine.counters().limits;
    assert!(counted.contains_key(&Limit::TcpBytes));
}

#[test]
fn m026_a_flood_of_fragments_is_bounded() {
    let fragments = (0..5000_u32).map(|number| {
        let mut frame = udp(0x0a00_0000 | number, 5060, 5060, &[b'x'; 400]);
        frame[20] = 0x20;
        (u64::from(number), frame)
    });
    let flooded = flood(fragments);
    assert!(flooded.peak <= limits().bytes, "{}", flooded.peak);
    let limit = Limit::Fragments;
    assert!(flooded.engine.counters().limits[&limit].0 >= 4900);
}
