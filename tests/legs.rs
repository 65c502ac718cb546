//! Legs of one call: what ties them, and what does not.

mod common;

use common::scene;
use etherparse::PacketBuilder;
use sip_inspect::inspector::{Config, Inspector, PointInfo};
use sip_inspect::packet::{CapturePoint, LinkType, Packet};
use sip_inspect::report::Record;
use sip_inspect::time::Timestamp;

/// An INVITE: when, from which host to which, its Call-ID, and header fields; `o=`
/// and `c=` begin the description.
struct Invite {
    at_ms: u64,
    src: u8,
    dst: u8,
    call_id: &'static str,
    fields: &'static [&'static str],
    origin: &'static str,
    media: u8,
    from: &'static str,
}

const PLAIN: Invite = Invite {
    at_ms: 0,
    src: 1,
    dst: 5,
    call_id: "aaaaaaaaaa",
    fields: &[],
    origin: "a 11111 1",
    media: 1,
    from: "alice",
};

/// The next leg: from the host where the first went, with nothing in common.
const NEXT: Invite = Invite {
    at_ms: 20,
    src: 5,
    dst: 9,
    call_id: "bbbbbbbbbb",
    origin: "b 22222 1",
    media: 5,
    from: "anonymous",
    ..PLAIN
};

fn frame(own: &Invite) -> Vec<u8> {
    let sdp = format!(
        "v=0\r\no={} IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.{}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n",
        own.origin, own.media
    );
    let fields: String = own.fields.iter().map(|own| format!("{own}\r\n")).collect();
    let text = format!(
        "INVITE sip:bob@10.0.0.{dst} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.{src};branch=z9hG4bK{id}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:{from}@h>;tag=f{id}\r\nTo: <sip:bob@h>\r\nCall-ID: {id}\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:x@10.0.0.{src}>\r\n{fields}Content-Type: application/sdp\r\n\
         Content-Length: {length}\r\n\r\n{sdp}",
        dst = own.dst,
        src = own.src,
        id = own.call_id,
        from = own.from,
        length = sdp.len()
    );
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([10, 0, 0, own.src], [10, 0, 0, own.dst], 64)
        .udp(5060, 5060);
    let mut frame = Vec::new();
    builder.write(&mut frame, text.as_bytes()).expect("a frame");
    frame
}

/// The ties of each call: `Call-ID kind score other`.
fn ties(invites: &[Invite]) -> Vec<String> {
    let mut inspector = Inspector::new(Config::default());
    inspector.add_point(PointInfo {
        file: "made".to_owned(),
        interface: "if0".to_owned(),
        link_type: LinkType(1),
        digits: 9,
        dropped: None,
    });
    for (own, number) in invites.iter().zip(1..) {
        let data = frame(own);
        inspector.handle(&Packet {
            number,
            timestamp: Timestamp::from_nanos((1_000_000 + own.at_ms) * 1_000_000),
            file: 0,
            capture_point: CapturePoint(0),
            link_type: LinkType(1),
            original_length: u32::try_from(data.len()).expect("short"),
            data: &data,
        });
    }
    inspector.finish();
    let mut told = Vec::new();
    while let Some(record) = inspector.poll_record() {
        if let Record::Call(call) = record {
            for leg in call.legs {
                assert!(leg.reason.contains("ms apart"), "{}", leg.reason);
                told.push(format!(
                    "{} {} {} {}",
                    &call.call_id[..1],
                    leg.kind,
                    leg.score,
                    &leg.call_id[..1]
                ));
            }
        }
    }
    told
}

fn check(invites: &[Invite], expected: &[&str]) {
    assert_eq!(ties(invites), expected);
}

const SESSION_ID: &[&str] = &["Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00"];
const NO_SESSION_ID: &[&str] = &["Session-ID: 00000000000000000000000000000000"];
const ICID: &[&str] = &["P-Charging-Vector: icid-value=\"1234bc9876e\";orig-ioi=a"];

#[test]
fn identities_tie_legs_wherever_they_are() {
    let with = |fields: &'static [&'static str]| {
        [
            Invite { fields, ..PLAIN },
            Invite {
                fields,
                src: 77,
                at_ms: 60_000,
                ..NEXT
            },
        ]
    };
    check(
        &with(SESSION_ID),
        &["a session-id 0.99 b", "b session-id 0.99 a"],
    );
    check(&with(NO_SESSION_ID), &[]);
    check(&with(ICID), &["a icid 0.95 b", "b icid 0.95 a"]);
    check(
        &with(&["x-cid: 0123456789"]),
        &["a x-header 0.95 b", "b x-header 0.95 a"],
    );
    // Too short to be an identity.
    check(&with(&["x-cid: 1"]), &[]);
    let names = Invite {
        fields: &["X-Original-Call-ID: aaaaaaaaaa"],
        ..NEXT
    };
    check(&[PLAIN, names], &["a x-header 0.95 b", "b x-header 0.95 a"]);
    let made = Invite {
        call_id: "b2b-aaaaaaaaaa",
        ..NEXT
    };
    check(&[PLAIN, made], &["a call-id 0.9 b", "b call-id 0.9 a"]);
    // The surest is told.
    let both = Invite {
        fields: SESSION_ID,
        from: "alice",
        ..NEXT
    };
    let first = Invite {
        fields: SESSION_ID,
        ..PLAIN
    };
    check(
        &[first, both],
        &["a session-id 0.99 b", "b session-id 0.99 a"],
    );
}

#[test]
fn what_legs_have_in_common_ties_them_at_the_host_between() {
    let session = || Invite {
        origin: PLAIN.origin,
        ..NEXT
    };
    let media = || Invite { media: 1, ..NEXT };
    let parties = || Invite {
        from: "alice",
        ..NEXT
    };
    check(&[PLAIN, NEXT], &[]);
    check(
        &[PLAIN, session()],
        &["a sdp-session 0.85 b", "b sdp-session 0.85 a"],
    );
    check(&[PLAIN, media()], &["a media 0.85 b", "b media 0.85 a"]);
    check(&[PLAIN, parties()], &["a parties 0.7 b", "b parties 0.7 a"]);
    for own in [session(), media(), parties()] {
        check(&[PLAIN, Invite { src: 6, ..own }], &[]);
    }
    for own in [session(), media(), parties()] {
        check(
            &[
                PLAIN,
                Invite {
                    at_ms: 10_001,
                    ..own
                },
            ],
            &[],
        );
    }
    // Two that may be it: none is.
    let rival = Invite {
        call_id: "cccccccccc",
        at_ms: 10,
        ..PLAIN
    };
    check(&[PLAIN, rival, parties()], &[]);
    // A default, not an identity.
    let default = |own: Invite| Invite {
        origin: "- 0 0",
        ..own
    };
    check(&[default(PLAIN), default(NEXT)], &[]);
}

#[test]
fn three_legs_make_a_chain() {
    let second = Invite {
        from: "alice",
        ..NEXT
    };
    let third = Invite {
        call_id: "cccccccccc",
        src: 9,
        dst: 12,
        at_ms: 40,
        ..second
    };
    let second = Invite {
        from: "alice",
        ..NEXT
    };
    check(
        &[PLAIN, second, third],
        &[
            "a parties 0.7 b",
            "b parties 0.7 a",
            "b sdp-session 0.85 c",
            "c sdp-session 0.85 b",
        ],
    );
}

/// Calls with one focus are in one room: whoever dialled in, whoever was called by it.
#[test]
fn a_focus_ties_the_calls_of_its_conference() {
    let dialled = |call: &str, room: &str, ms: u32| {
        let answer = ms + 10;
        format!(
            "{ms} A>C INVITE call={call} tag={call} sdp=4000\n\
             {answer} C>A 200 call={call} tag={call} to=t sdp=5000 header=Contact:_<sip:{room}@10.0.0.3;x=1>;isfocus\n"
        )
    };
    let invited = |call: &str, room: &str, ms: u32| {
        format!(
            "{ms} C>B INVITE call={call} tag={call} sdp=5000 header=Contact:_<sip:{room}@10.0.0.3>;isfocus\n"
        )
    };
    let told = |text: &str| -> Vec<String> {
        let records = scene::records(text).into_iter();
        let calls = records.filter_map(|record| match record {
            Record::Call(call) => Some(call),
            _ => None,
        });
        calls
            .map(|call| {
                let legs = call.legs.iter().filter(|leg| leg.kind == "conference");
                let others: Vec<&str> = legs.map(|leg| leg.call_id.as_str()).collect();
                format!(
                    "{} {} {} {}",
                    call.call_id,
                    call.conference_uri.as_deref().unwrap_or("-"),
                    call.conference_focus.as_deref().unwrap_or("-"),
                    others.join(",")
                )
                .trim_end()
                .to_owned()
            })
            .collect()
    };
    let room = "sip:room1@10.0.0.3";
    assert_eq!(
        told(&(dialled("one", "room1", 0) + &invited("two", "room1", 1000))),
        [
            format!("one {room} callee two"),
            format!("two {room} caller one"),
        ]
    );
    assert_eq!(
        told(&(dialled("one", "room1", 0) + &dialled("two", "room2", 1000))),
        [
            format!("one {room} callee"),
            "two sip:room2@10.0.0.3 callee".to_owned(),
        ]
    );
    // Without a focus there is no room, though the Contact is one.
    let plain = dialled("one", "room1", 0).replace(";isfocus", "")
        + &dialled("two", "room1", 1000).replace(";isfocus", "");
    assert_eq!(told(&plain), ["one - -", "two - -"]);
}
