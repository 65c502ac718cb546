//! Probes against the program's own other end, and against peers that misbehave,
//! on loopback.

#![cfg(feature = "probe")]

mod common;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::peers::{Server, peer, repeated, report, server};
use common::{program, run};
use serde_json::Value;

#[test]
fn a_stun_server_answers_over_udp_and_tcp() {
    let _server = server(21_000);
    for transport in ["udp", "tcp"] {
        let output = run(&[
            "probe",
            "stun",
            "127.0.0.1:21000",
            "--transport",
            transport,
            "-c",
            "2",
            "--json",
        ]);
        assert_eq!(output.status, Some(0), "{output:?}");
        let report = report(&output);
        assert_eq!(report["verdict"], "answered");
        let own = &report["measurements"];
        assert_eq!(own["transport"], transport);
        assert_eq!(own["answers"], 2);
        assert_eq!(own["mapped_address"], own["local_address"]);
        assert_eq!(own["other_address"], "127.0.0.2:21001");
        assert_eq!(own["is_rewritten"], false);
        assert_eq!(own["supports"], serde_json::json!(["binding", "rfc5780"]));
        assert_eq!(report["evidence"]["packets_sent"], 2);
        assert_eq!(report["evidence"]["diagnostics"], serde_json::json!([]));
    }
}

#[test]
fn a_sip_server_is_pinged_over_udp_and_tcp() {
    let _server = server(21_040);
    for transport in ["udp", "tcp"] {
        let output = run(&[
            "probe",
            "options",
            "sip:127.0.0.1:21042",
            "--transport",
            transport,
            "-c",
            "2",
            "--interval",
            "50",
            "--json",
        ]);
        assert_eq!(output.status, Some(0), "{output:?}");
        let report = report(&output);
        assert_eq!(report["verdict"], "alive");
        let own = &report["measurements"];
        assert_eq!((&own["answers"], &own["status"]), (&2.into(), &200.into()));
        assert_eq!(own["mapped_address"], own["local_address"]);
        let allow = own["allow"].as_array().expect("a list");
        assert!(allow.contains(&"OPTIONS".into()), "{own}");
        assert_eq!(own["rtt_ms"]["count"], 2);
        // Both sides write what the rules have nothing against.
        assert_eq!(report["evidence"]["diagnostics"], serde_json::json!([]));
    }
    let output = run(&["probe", "options", "127.0.0.1:21042", "--trace", "--json"]);
    let report = report(&output);
    assert_eq!(
        report["measurements"]["hops"][0]["status"], 200,
        "{output:?}"
    );
    for uri in [
        "sips:127.0.0.1;transport=udp",
        "sip:a:b@127.0.0.1",
        "sip:10.0.0.0/8",
    ] {
        let output = run(&["probe", "options", uri]);
        assert_eq!(output.status, Some(2), "{uri} {output:?}");
    }
    // What asks for TLS goes over nothing else.
    for transport in ["udp", "tcp", "ws"] {
        let words = ["probe", "options", "sips:127.0.0.1:21042", "--transport"];
        let output = run(&[&words[..], &[transport]].concat());
        assert_eq!(output.status, Some(2), "{transport} {output:?}");
    }
}

/// Any answer is alive, provisional ones for ever are none, and neither is what
/// a stranger says.
#[test]
fn m082_what_counts_as_alive() {
    let said = |status: &'static str| {
        let (address, count) = peer(move |socket, request, from| {
            let fields = repeated(&String::from_utf8_lossy(request));
            let answer = format!("SIP/2.0 {status}\r\n{fields}Content-Length: 0\r\n\r\n");
            for _ in 0..50 {
                let _ = socket.send_to(answer.as_bytes(), from);
            }
        });
        let uri = format!("sip:{address}");
        let output = run(&[
            "probe",
            "options",
            &uri,
            "-c",
            "1",
            "--timeout",
            "3",
            "--json",
        ]);
        (
            output.status,
            report(&output)["measurements"]["status"].clone(),
            count,
        )
    };
    for (status, code) in [("404 Not Found", 404), ("503 Busy", 503), ("200 OK", 200)] {
        let (exit, told, count) = said(status);
        assert_eq!((exit, told), (Some(0), code.into()));
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
    let (exit, told, count) = said("180 Ringing");
    assert_eq!((exit, told), (Some(7), Value::Null));
    assert!(count.load(Ordering::SeqCst) <= 5);
}

#[test]
fn m083_a_registrar_that_is_never_content_is_left() {
    let challenge = |stale: bool, request: &str| {
        let stale = if stale { ", stale=true" } else { "" };
        format!(
            "SIP/2.0 401 Unauthorized\r\n{}WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", \
             algorithm=SHA-256, qop=\"auth\"{stale}\r\nWWW-Authenticate: Digest realm=\"x\", \
             nonce=\"n\", algorithm=MD5\r\nContent-Length: 0\r\n\r\n",
            repeated(request)
        )
    };
    // A nonce that is always stale is tried once more.
    for (stale, expected) in [(false, 2), (true, 3)] {
        let (address, count) = peer(move |socket, request, from| {
            let answer = challenge(stale, &String::from_utf8_lossy(request));
            let _ = socket.send_to(answer.as_bytes(), from);
        });
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("password");
        std::fs::write(&file, "canary-7f3a\nno password\n").expect("written");
        let capture = folder.path().join("probe.pcapng");
        let output = run(&[
            "probe",
            "register",
            &format!("sip:alice@{address}"),
            "--password-file",
            file.to_str().expect("UTF-8"),
            "-w",
            capture.to_str().expect("UTF-8"),
            "--json",
        ]);
        assert_eq!(output.status, Some(1), "{output:?}");
        let report = report(&output);
        assert_eq!(report["verdict"], "refused");
        assert_eq!(report["measurements"]["algorithm"], "SHA-256");
        assert_eq!(count.load(Ordering::SeqCst), expected);
        // The password stands nowhere.
        let packets = std::fs::read(&capture).expect("a file");
        let told = [output.stdout.as_bytes(), output.stderr.as_bytes(), &packets];
        for octets in told {
            assert!(!octets.windows(11).any(|own| own == b"canary-7f3a"));
        }
    }
}

/// A registrar that takes everything; a query is answered only where told so. Hands
/// back its address, the requests it counts, and the Contact of each.
fn registrar(
    answers_queries: bool,
) -> (
    String,
    Arc<AtomicU64>,
    std::sync::mpsc::Receiver<Option<String>>,
) {
    let (tell, told) = std::sync::mpsc::channel();
    let (address, count) = peer(move |socket, request, from| {
        let text = String::from_utf8_lossy(request).into_owned();
        let contact = text.lines().find_map(|line| line.strip_prefix("Contact: "));
        if answers_queries && contact.is_none() {
            let fields = repeated(&text);
            let answer = format!("SIP/2.0 200 OK\r\n{fields}Content-Length: 0\r\n\r\n");
            let _ = socket.send_to(answer.as_bytes(), from);
        }
        if let Some(contact) = contact {
            let gone = contact.ends_with("expires=0");
            let listed = if gone {
                String::new()
            } else {
                format!("Contact: {contact}\r\n")
            };
            let answer = format!(
                "SIP/2.0 200 OK\r\n{}{listed}Content-Length: 0\r\n\r\n",
                repeated(&text)
            );
            let _ = socket.send_to(answer.as_bytes(), from);
        }
        let _ = tell.send(contact.map(str::to_owned));
    });
    (address, count, told)
}

/// The last packets that may be sent take away what was registered.
#[test]
fn m081_a_ceiling_leaves_room_to_undo() {
    for most in [3, 4, 20] {
        let (address, count, told) = registrar(true);
        let uri = format!("sip:alice@{address}");
        let output = run(&[
            "probe",
            "register",
            &uri,
            "--max-packets",
            &most.to_string(),
            "--json",
        ]);
        let report = report(&output);
        assert_eq!(report["measurements"]["removed"], true, "{most}: {report}");
        assert!(count.load(Ordering::SeqCst) <= most, "{most}");
        let last = told.try_iter().last().flatten();
        assert!(last.is_some_and(|own| own.ends_with("expires=0")), "{most}");
        let is_cut = report["evidence"]["cut_short"].is_string();
        assert_eq!(is_cut, most < 20, "{most}: {report}");
    }
}

/// Whoever is interrupted takes away what it registered.
#[cfg(unix)]
#[test]
fn m080_nothing_is_left_behind_by_an_interrupt() {
    let (address, _, told) = registrar(false);
    let child = program()
        .args([
            "probe",
            "register",
            &format!("sip:alice@{address}"),
            "--json",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let next = || {
        told.recv_timeout(Duration::from_secs(20))
            .expect("a request")
    };
    assert!(next().is_some_and(|own| own.ends_with("expires=60")));
    assert_eq!(next(), None);
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(killed.success());
    let output = child.wait_with_output().expect("the program ends");
    let removed = std::iter::repeat_with(next).find_map(|own| own);
    assert!(removed.is_some_and(|own| own.ends_with("expires=0")));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["measurements"]["removed"], true, "{report}");
    assert_eq!(report["evidence"]["cut_short"], "it was interrupted");
    assert_eq!(output.status.code(), Some(8));
}

#[test]
fn without_a_nat_none_is_found_and_the_packets_are_written() {
    let _server = server(21_010);
    let folder = tempfile::tempdir().expect("a folder");
    let capture = folder.path().join("probe.pcapng");
    let output = run(&[
        "probe",
        "nat",
        "--tcp",
        "--server",
        "127.0.0.1:21010",
        "-w",
        capture.to_str().expect("UTF-8"),
        "--json",
    ]);
    assert_eq!(output.status, Some(0), "{output:?}");
    let report = report(&output);
    assert_eq!(report["verdict"], "no-nat");
    let own = &report["measurements"];
    assert_eq!(own["tcp_mapping"], "endpoint-independent");
    assert_eq!(own["mapping"], "endpoint-independent");
    assert_eq!(own["filtering"], "endpoint-independent");
    assert_eq!(own["is_translated"], false);
    // What was sent and received is a capture like any other.
    let read = run(&["analyze", capture.to_str().expect("UTF-8"), "--json"]);
    let read: Value = serde_json::from_str(&read.stdout).expect("JSON");
    let packets = |name: &str| report["evidence"][name].as_u64().expect("a number");
    assert_eq!(
        read["summary"]["packets"].as_u64(),
        Some(packets("packets_sent") + packets("packets_received"))
    );
    assert_eq!(read["diagnostics"], serde_json::json!([]));
    assert!(
        read["summary"]["stun_exchanges"].as_u64() > Some(15),
        "{read}"
    );
    #[cfg(unix)]
    {
        let mode = std::fs::metadata(&capture).expect("a file");
        let mode = std::os::unix::fs::PermissionsExt::mode(&mode.permissions());
        assert_eq!(mode & 0o077, 0, "others may not read it");
    }
}

#[test]
fn a_server_with_one_address_leaves_filtering_open() {
    let _server = Server::start(&[
        "--stun",
        "127.0.0.1:21020",
        "--no-alternate",
        "--sip",
        "127.0.0.1:21022",
    ]);
    let output = run(&["probe", "nat", "--server", "127.0.0.1:21020", "--json"]);
    assert_eq!(output.status, Some(8), "{output:?}");
    let report = report(&output);
    assert_eq!(report["measurements"]["filtering"], "unknown");
    let reasons = report["measurements"]["not_judged"].to_string();
    assert!(
        reasons.contains("no server has a second address"),
        "{reasons}"
    );
}

#[test]
fn where_nobody_is_the_status_says_so() {
    // A closed port is told at once, over TCP and (by ICMP) over UDP.
    let output = run(&[
        "probe",
        "stun",
        "127.0.0.1:21999",
        "--transport",
        "tcp",
        "--json",
    ]);
    assert_eq!(output.status, Some(7), "{output:?}");
    assert_eq!(report(&output)["verdict"], "no-answer");
    for words in [
        &["probe", "stun", "127.0.0.1:21999"][..],
        &["probe", "options", "sip:127.0.0.1:21999"],
        &["probe", "call", "sip:echo@127.0.0.1:21999"],
        &["probe", "turn", "127.0.0.1:21999"],
        &["probe", "dns", "x.test", "--resolver", "127.0.0.1:21999"],
    ] {
        let output = run(&[words, &["--json", "--timeout", "20"]].concat());
        assert_eq!(output.status, Some(7), "{output:?}");
        let report = report(&output);
        assert_eq!(report["verdict"], "no-answer");
        assert_eq!(report["steps"][0]["outcome"], "refused", "{report}");
        assert_eq!(report["steps"][0]["sent"], 1, "{report}");
    }
    // Who is silent is waited for.
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address").to_string();
    let output = run(&["probe", "stun", &address, "--json", "--timeout", "1"]);
    assert_eq!(output.status, Some(7), "{output:?}");
    assert!(
        output.stderr.contains("it took longer than it may"),
        "{output:?}"
    );
}

#[test]
fn m079_ranges_and_groups_are_refused() {
    for target in [
        "10.0.0.0/8",
        "10.0.0.1-20",
        "224.0.0.1",
        "255.255.255.255",
        "0.0.0.0",
    ] {
        let output = run(&["probe", "stun", target]);
        assert_eq!(output.status, Some(2), "{target} {output:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
    let output = run(&["serve", "--stun", "0.0.0.0:21030"]);
    assert_eq!(output.status, Some(2), "{output:?}");
    let output = run(&[
        "serve",
        "--stun",
        "127.0.0.1:21030",
        "--alternate",
        "127.0.0.1:21031",
    ]);
    assert_eq!(output.status, Some(2), "{output:?}");
}

/// The answer to a request: its header turned, and an address.
fn answer(request: &[u8]) -> Vec<u8> {
    let mut octets = vec![1, 1, 0, 12];
    octets.extend(&request[4..20]);
    octets.extend([0, 0x20, 0, 8, 0, 1, 0x32, 0x9a, 0x5e, 0x12, 0xa4, 0x43]);
    octets
}

#[test]
fn m082_ten_thousand_answers_are_one() {
    let (address, count) = peer(|socket, request, from| {
        for _ in 0..10_000 {
            let _ = socket.send_to(&answer(request), from);
        }
    });
    let output = run(&["probe", "stun", &address, "-c", "2", "--json"]);
    assert_eq!(output.status, Some(0), "{output:?}");
    assert_eq!(report(&output)["measurements"]["answers"], 2);
    assert!(count.load(Ordering::SeqCst) <= 12, "{count:?}");
}

#[test]
fn m082_answers_of_strangers_and_nonsense_count_for_nothing() {
    let stranger = UdpSocket::bind("127.0.0.3:0").expect("a port");
    let other = Mutex::new(stranger);
    let (address, _) = peer(move |socket, request, from| {
        let _ = other
            .lock()
            .expect("not poisoned")
            .send_to(&answer(request), from);
        // Cut, of another transaction, of no kind at all.
        let whole = answer(request);
        for cut in 0..whole.len() {
            let _ = socket.send_to(&whole[..cut.min(19)], from);
        }
        let mut wrong = whole.clone();
        wrong[9] ^= 1;
        let _ = socket.send_to(&wrong, from);
        let _ = socket.send_to(&[0xff; 1400], from);
    });
    let output = run(&["probe", "stun", &address, "-c", "1", "--json"]);
    assert_eq!(output.status, Some(7), "{output:?}");
    let report = report(&output);
    assert_eq!(report["verdict"], "no-answer");
    assert!(report["evidence"]["strays"].as_u64() >= Some(2), "{report}");
}

#[test]
fn m081_no_more_is_sent_than_may_be() {
    let (address, count) = peer(|socket, request, from| {
        let _ = socket.send_to(&answer(request), from);
    });
    let output = run(&[
        "probe",
        "stun",
        &address,
        "-c",
        "1000",
        "--interval",
        "20",
        "--max-packets",
        "40",
        "--json",
    ]);
    let report = report(&output);
    assert_eq!(count.load(Ordering::SeqCst), 40);
    assert_eq!(report["evidence"]["packets_sent"], 40);
    let why = report["evidence"]["cut_short"].as_str().unwrap_or_default();
    assert!(why.contains("as many packets"), "{why}");
}

#[test]
fn m084_a_server_that_never_ends_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut buffer = [0; 64];
            let _ = stream.read(&mut buffer);
            // An octet now and then, of a message that never comes whole.
            for octet in [1, 1, 0, 12] {
                let _ = stream.write_all(&[octet]);
                std::thread::sleep(Duration::from_millis(50));
            }
            std::thread::sleep(Duration::from_secs(30));
        }
    });
    let output = run(&[
        "probe",
        "stun",
        &address,
        "--transport",
        "tcp",
        "-c",
        "1",
        "--json",
    ]);
    assert_eq!(output.status, Some(7), "{output:?}");
    assert_eq!(report(&output)["verdict"], "no-answer");
}

/// Whatever comes, an answer is well formed, and goes to whoever asked.
#[test]
fn answers_to_damaged_requests_are_whole() {
    use sip_inspect::net::{Endpoint, Transport};
    use sip_inspect::serve::digest::Users;
    use sip_inspect::serve::{sip, stun};
    use sip_inspect::sip::SipMessage;
    use sip_inspect::stun::StunMessage;
    use sip_inspect::stun::build::{Wanted, binding_request};
    use sip_inspect::time::Timestamp;

    let at = |text: &str| {
        let address: std::net::SocketAddr = text.parse().expect("an endpoint");
        Endpoint::new(address.ip(), address.port())
    };
    let from = at("198.51.100.7:4000");
    let addresses = stun::Addresses {
        primary: at("192.0.2.1:3478"),
        alternate: Some(at("192.0.2.2:3479")),
    };
    let request = |method: &str, user: &str, more: &str, body: &str| {
        format!(
            "{method} sip:{user}@x SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx;rport\r\n\
             From: <sip:a@x>;tag=f\r\nTo: <sip:{user}@x>\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n\
             Max-Forwards: 70\r\n{more}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let sdp = "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n\
               m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";
    let kind = "Content-Type: application/sdp\r\n";
    let answer = "Authorization: Digest username=\"a\", realm=\"sip-inspect\", nonce=\"1-2\", \
                  uri=\"sip:x\", response=\"3\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"4\"\r\n";
    let requests = [
        request("OPTIONS", "echo", "Require: a, b\r\n", ""),
        request(
            "REGISTER",
            "a",
            &format!("{answer}Contact: <sip:a@h>;expires=60\r\n"),
            "",
        ),
        request("INVITE", "echo", kind, sdp),
        request("INVITE", "ring", kind, sdp),
        request("INVITE", "secret", &format!("{answer}{kind}"), sdp),
        request("CANCEL", "ring", "", ""),
        request("ACK", "echo", "", ""),
        request("BYE", "echo", "", ""),
    ];
    let wanted = Wanted {
        change: Some((true, true)),
        ..Wanted::default()
    };
    let binding = binding_request([7; 12], wanted);
    let mut rng = fastrand::Rng::with_seed(11);
    let mut desk = sip::Desk::new(sip::Config {
        local: at("192.0.2.1:5060"),
        users: Some(Users::parse("a:b").expect("users")),
        media: vec![(at("192.0.2.1:20000"), 20_001)],
        rng: fastrand::Rng::with_seed(12),
    });
    let peer = sip::Peer {
        from,
        transport: Transport::Udp,
        connection: None,
    };
    let mut answered = [0, 0];
    for turn in 0..40_000_u64 {
        let damage = |octets: &[u8], rng: &mut fastrand::Rng| {
            let mut octets = octets.to_vec();
            for _ in 0..rng.usize(0..4) {
                let place = rng.usize(0..octets.len());
                match rng.u8(0..3) {
                    0 => octets[place] = rng.u8(..),
                    1 => octets.truncate(place.max(1)),
                    _ => octets.insert(
                        place,
                        *b"\r\n;<>\0\xff\t".get(rng.usize(0..8)).expect("one"),
                    ),
                }
            }
            octets
        };
        let now = Timestamp::from_nanos(1_700_000_000_000_000_000 + turn * 50_000_000);
        let whole = rng.choice(&requests).expect("one");
        let request = damage(whole.as_bytes(), &mut rng);
        desk.handle_timeout(now);
        // What was due before; a call repeats its answer by itself.
        while desk.poll_transmit().is_some() {}
        desk.handle(now, peer, &request);
        let mut replies = 0;
        while let Some(reply) = desk.poll_transmit() {
            answered[0] += 1;
            replies += 1;
            assert_eq!(reply.to.ip, from.ip);
            let text = String::from_utf8_lossy(&request).into_owned();
            let message = SipMessage::parse(&reply.octets).expect(&text);
            assert!(
                message.cseq().is_ok() && message.call_id().is_some(),
                "{text}"
            );
            assert!(reply.octets.len() < 2000, "{text}");
        }
        assert!(
            replies <= 2,
            "a request has a provisional and a final response"
        );
        let request = damage(&binding, &mut rng);
        if let Some(reply) = stun::answer(&addresses, addresses.primary, from, &request) {
            answered[1] += 1;
            assert_eq!(reply.to.ip, from.ip);
            assert!(addresses.all().contains(&reply.from));
            assert!(
                StunMessage::parse(&reply.octets).is_some_and(|own| own.header_fault().is_none())
            );
        }
    }
    assert!(answered.iter().all(|own| *own > 4000), "{answered:?}");
}

#[test]
fn help_of_each_probe_begins_with_examples() {
    for words in [
        &["probe", "stun"][..],
        &["probe", "nat"],
        &["probe", "options"],
        &["probe", "register"],
        &["probe", "call"],
        &["probe", "turn"],
        &["probe", "dns"],
        &["probe", "alg"],
        &["serve"],
    ] {
        let output = run(&[words, &["--help"]].concat());
        assert!(
            output.stdout.starts_with("Examples:\n  sip-inspect "),
            "{words:?}: {output:?}"
        );
    }
}

/// What the README shows for the program's own other end works as typed.
#[test]
fn the_examples_of_the_readme_work() {
    let readme = include_str!("../README.md");
    let shown = readme
        .split("sip-inspect serve &")
        .nth(1)
        .expect("a server");
    let shown = shown.split("```").next().expect("a block");
    let lines: Vec<&str> = shown
        .lines()
        .filter(|own| own.starts_with("sip-inspect "))
        .collect();
    let own: Vec<&&str> = lines
        .iter()
        .filter(|own| own.contains("127.0.0.1"))
        .collect();
    assert!(own.len() >= 7, "{own:?}");
    let folder = tempfile::tempdir().expect("a folder");
    let _server = Server::start(&[]);
    for line in own {
        let line = line.split(" #").next().expect("a command");
        let words: Vec<String> = line
            .split_whitespace()
            .skip(1)
            .map(|own| own.trim_matches('\'').to_owned())
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = program()
            .args(&words)
            .arg("-o")
            .arg(folder.path().join("report.json"))
            .args(if words.contains(&"--json") {
                vec![]
            } else {
                vec!["--json"]
            })
            .current_dir(&folder)
            .output()
            .expect("the program runs");
        assert_eq!(output.status.code(), Some(0), "{line}: {output:?}");
        let told = std::fs::read_to_string(folder.path().join("report.json")).expect("a report");
        let output = common::Output {
            status: Some(0),
            stdout: told,
            stderr: String::new(),
        };
        assert_eq!(report(&output)["exit"], 0, "{line}");
    }
}
