//! Resolvers, relays and connections that misbehave toward probes: bounded, and a
//! clear verdict.

#![cfg(feature = "probe")]

mod common;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use common::peers::{peer, report};
use common::{program, run};
use serde_json::Value;

/// An answer to a DNS question with these records, each its type and its data.
fn dns_answer(question: &[u8], records: &[(&[u8], u16, Vec<u8>)]) -> Vec<u8> {
    let mut octets = question[..2].to_vec();
    octets.extend([0x81, 0x80, 0, 1]);
    octets.extend(u16::try_from(records.len()).expect("few").to_be_bytes());
    octets.extend([0, 0, 0, 0]);
    octets.extend(&question[12..]);
    for (name, kind, data) in records {
        octets.extend(*name);
        octets.extend(kind.to_be_bytes());
        octets.extend([0, 1, 0, 0, 0, 60]);
        octets.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
        octets.extend(data);
    }
    octets
}

/// A name on the wire.
fn wire(name: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in name.split('.') {
        octets.push(u8::try_from(label.len()).expect("short"));
        octets.extend(label.bytes());
    }
    octets.push(0);
    octets
}

/// The type that a question asks for.
fn kind(question: &[u8]) -> u16 {
    let end = question.len();
    u16::from_be_bytes([question[end - 4], question[end - 3]])
}

const SELF: &[u8] = &[0xc0, 12];

fn locate(resolver: &str, uri: &str) -> (Option<i32>, Value) {
    let output = run(&["probe", "dns", uri, "--resolver", resolver, "-q", "--json"]);
    (output.status, report(&output))
}

fn server(priority: u16, target: &str) -> Vec<u8> {
    let mut data = priority.to_be_bytes().to_vec();
    data.extend([0, 1, 0x13, 0xc4]);
    data.extend(wire(target));
    data
}

#[test]
fn m082_a_resolver_that_leads_everywhere_is_followed_so_far() {
    let (address, count) = peer(|socket, question, from| {
        let records: Vec<(&[u8], u16, Vec<u8>)> = match kind(question) {
            33 => (0..60)
                .map(|own| (SELF, 33, server(own, &format!("h{own}.x.test"))))
                .collect(),
            1 => vec![(SELF, 1, vec![192, 0, 2, 1])],
            _ => Vec::new(),
        };
        for _ in 0..100 {
            let _ = socket.send_to(&dns_answer(question, &records), from);
        }
    });
    let (status, report) = locate(&address, "sip:x.test");
    assert_eq!(status, Some(0), "{report}");
    let own = &report["measurements"];
    assert_eq!(own["is_cut"], true, "{own}");
    assert!(count.load(Ordering::SeqCst) <= 48, "{count:?}");
    assert!(
        report["evidence"]["strays"].as_u64() > Some(100),
        "{report}"
    );
}

#[test]
fn m082_names_in_circles_and_answers_of_strangers_lead_nowhere() {
    let (address, _) = peer(|socket, question, from| {
        // Another name for the same, which is another name for the first.
        let (a, b) = (wire("a.test"), wire("b.test"));
        let records: Vec<(&[u8], u16, Vec<u8>)> =
            vec![(SELF, 5, a.clone()), (&a, 5, b.clone()), (&b, 5, a.clone())];
        let _ = socket.send_to(&dns_answer(question, &records), from);
    });
    let (status, report) = locate(&address, "sip:x.test");
    assert_eq!(
        (status, &report["verdict"]),
        (Some(1), &"nowhere".into()),
        "{report}"
    );
    let stranger = Mutex::new(UdpSocket::bind("127.0.0.3:0").expect("a port"));
    let (address, count) = peer(move |socket, question, from| {
        let records: Vec<(&[u8], u16, Vec<u8>)> = vec![(SELF, 1, vec![192, 0, 2, 1])];
        let answer = dns_answer(question, &records);
        let stranger = stranger.lock().expect("not poisoned");
        let _ = stranger.send_to(&answer, from);
        // Of another question, and cut.
        let mut other = answer.clone();
        other[0] ^= 1;
        let _ = socket.send_to(&other, from);
        let _ = socket.send_to(&answer[..11], from);
        let _ = socket.send_to(&[0xff; 600], from);
    });
    let (status, report) = locate(&address, "sip:x.test:5060");
    assert_eq!(
        (status, &report["verdict"]),
        (Some(7), &"no-answer".into()),
        "{report}"
    );
    assert_eq!(count.load(Ordering::SeqCst), 6);
}

/// An answer to a STUN request: its header turned, and these attributes.
fn stun_answer(request: &[u8], class: u8, attributes: &[u8]) -> Vec<u8> {
    let mut octets = vec![request[0] | 1, request[1] | class];
    octets.extend(
        u16::try_from(attributes.len())
            .expect("short")
            .to_be_bytes(),
    );
    octets.extend(&request[4..20]);
    octets.extend(attributes);
    octets
}

/// 401 with a realm and a nonce.
fn challenge(request: &[u8]) -> Vec<u8> {
    let mut attributes = vec![0, 9, 0, 4, 0, 0, 4, 1];
    attributes.extend([0, 0x14, 0, 4]);
    attributes.extend(b"test");
    attributes.extend([0, 0x15, 0, 4]);
    attributes.extend(b"once");
    stun_answer(request, 0x10, &attributes)
}

fn relay(address: &str) -> (Option<i32>, Value) {
    let output = program()
        .args(["probe", "turn", address, "--user", "alice", "-q", "--json"])
        .env("SIP_INSPECT_PASSWORD", "canary-7f3a")
        .output()
        .expect("the program runs");
    let output = common::Output {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    assert!(!output.stdout.contains("canary"), "{output:?}");
    (output.status, report(&output))
}

#[test]
fn m083_relays_that_challenge_for_ever_are_left() {
    let (address, count) = peer(|socket, request, from| {
        let _ = socket.send_to(&challenge(request), from);
    });
    let (status, report) = relay(&address);
    assert_eq!(
        (status, &report["verdict"]),
        (Some(1), &"refused".into()),
        "{report}"
    );
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

/// A relay that knows no password grants nothing.
#[test]
fn m083_an_allocation_that_is_not_signed_is_none() {
    let mut turn = 0;
    let (address, _) = peer(move |socket, request, from| {
        turn += 1;
        if turn == 1 {
            let _ = socket.send_to(&challenge(request), from);
            return;
        }
        // XOR-RELAYED-ADDRESS, XOR-MAPPED-ADDRESS and LIFETIME, without a signature.
        let xored = [0, 1, 0x32, 0x9a, 0x5e, 0x12, 0xa4, 0x43];
        let mut attributes = vec![0, 0x16, 0, 8];
        attributes.extend(xored);
        attributes.extend([0, 0x20, 0, 8]);
        attributes.extend(xored);
        attributes.extend([0, 0x0d, 0, 4, 0, 0, 2, 0x58]);
        for _ in 0..1000 {
            let _ = socket.send_to(&stun_answer(request, 0, &attributes), from);
        }
    });
    let (status, report) = relay(&address);
    assert_eq!(
        (status, &report["verdict"]),
        (Some(7), &"no-answer".into()),
        "{report}"
    );
    assert!(
        report["evidence"]["strays"].as_u64() > Some(100),
        "{report}"
    );
}

/// Connections on which TLS or WebSocket never begins, or nonsense comes.
#[test]
fn m084_connections_that_never_get_anywhere_are_left() {
    let check = |nonsense: &'static [u8], transport: &str| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer);
                let _ = stream.write_all(nonsense);
                held.push(stream);
            }
        });
        let uri = format!("sip:{address}");
        let words = [
            "probe",
            "options",
            &uri,
            "--transport",
            transport,
            "-c",
            "1",
            "-q",
            "--json",
        ];
        let output = run(&words);
        let report = report(&output);
        assert_eq!(output.status, Some(7), "{transport} {nonsense:?}: {report}");
        assert_eq!(report["verdict"], "no-answer", "{report}");
        assert_eq!(report["measurements"]["answers"], 0);
    };
    let nonsense: [&[u8]; 3] = [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"\x16\x03\x03\xff\xff\x02\x00\x00",
    ];
    // Each takes its time.
    std::thread::scope(|scope| {
        for transport in ["tls", "ws", "wss"] {
            for own in nonsense {
                scope.spawn(move || check(own, transport));
            }
        }
        scope.spawn(|| check(b"SIP/2.0 200 OK\r\n\xff\xff\xff\xff", "tcp"));
    });
}
