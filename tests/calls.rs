//! Test calls against the program's own other end, and against peers that
//! misbehave: whatever happens, no call is left up.

#![cfg(feature = "probe")]

mod common;

use std::net::{SocketAddr, UdpSocket};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use common::peers::{Server, repeated, report};
use common::{Output, program, run};
use serde_json::{Value, json};

/// Calls somebody with these further arguments.
fn call(uri: &str, more: &[&str]) -> Output {
    let words = [&["probe", "call", uri, "-q", "--json"], more].concat();
    run(&words)
}

/// `serve` at a port of its own, with a user.
fn server(port: u16) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let users = folder.path().join("users");
    std::fs::write(&users, "# who may\n\nalice:open sesame\n").expect("written");
    let stun = format!("127.0.0.1:{}", port + 1);
    let sip = format!("127.0.0.1:{port}");
    let users = users.to_str().expect("UTF-8");
    let words = [
        "--stun",
        &stun,
        "--no-alternate",
        "--sip",
        &sip,
        "--credentials",
        users,
    ];
    (Server::start(&words), folder)
}

/// What a report must say.
fn check(name: &str, output: &Output, status: i32, expected: &Value) {
    assert_eq!(output.status, Some(status), "{name}: {output:?}");
    let report = report(output);
    let own = &report["measurements"];
    for (field, value) in expected.as_object().expect("an object") {
        let told = match field.as_str() {
            "verdict" => &report["verdict"],
            field => &own[field],
        };
        assert_eq!(told, value, "{name}, {field}: {report}");
    }
    let found = report["evidence"]["diagnostics"]
        .as_array()
        .expect("a list");
    let faults = found.iter().filter(|own| own["severity"] != "info");
    let faults: Vec<&Value> = faults.collect();
    assert!(faults.is_empty(), "{name}: {faults:?}");
}

#[test]
fn calls_go_as_the_other_end_takes_them() {
    let (_server, folder) = server(21_100);
    let password = folder.path().join("password");
    std::fs::write(&password, "open sesame\n").expect("written");
    let login = [
        "--from",
        "sip:alice@127.0.0.1",
        "--password-file",
        password.to_str().expect("UTF-8"),
    ];
    let good = |more: Value| {
        let mut all = json!({
            "verdict": "audio-comes-back", "status": 200, "media": "both", "heard": "own-tone",
            "sources": 1, "ended_by": "probe", "bye_status": 200, "forks": 0, "loss_percent": 0.0,
            "not_judged": [],
        });
        let all_fields = all.as_object_mut().expect("an object");
        all_fields.extend(more.as_object().expect("an object").clone());
        all
    };
    let check = |user: &str, more: &[&str], status: i32, expected: &Value| {
        let uri = format!("sip:{user}@127.0.0.1:21100");
        let long = if more.contains(&"--dtmf") { "2" } else { "1" };
        let more = [&["--duration", long], more].concat();
        check(
            &format!("{user} {more:?}"),
            &call(&uri, &more),
            status,
            expected,
        );
    };
    let cases: Vec<(&str, Vec<&str>, i32, Value)> = vec![
        (
            "echo",
            vec![],
            0,
            good(json!({"provisional": [180], "codec": "PCMU", "dtmf_sent": 0, "challenges": 0})),
        ),
        (
            "echo",
            vec!["--transport", "tcp", "--codec", "pcma"],
            0,
            good(json!({"transport": "tcp", "codec": "PCMA"})),
        ),
        (
            "echo",
            vec!["--dtmf", "5#"],
            0,
            good(json!({"dtmf_sent": 2, "dtmf_back": 2})),
        ),
        (
            "slow",
            vec![],
            0,
            good(json!({"provisional": [180], "early_media": false})),
        ),
        (
            "early",
            vec![],
            0,
            good(json!({"provisional": [183], "early_media": true})),
        ),
        (
            "moved",
            vec![],
            0,
            good(json!({"redirects": ["sip:echo@127.0.0.1:21100"]})),
        ),
        (
            "secret",
            login.to_vec(),
            0,
            good(json!({"challenges": 1, "realm": "sip-inspect", "algorithm": "SHA-512-256"})),
        ),
        (
            "secret",
            vec![],
            1,
            json!({"verdict": "password-wanted", "status": 401, "challenges": 1, "media": "none"}),
        ),
        (
            "ring",
            vec!["--ring", "1"],
            1,
            json!({"verdict": "not-answered", "status": 487, "provisional": [180], "media": "none"}),
        ),
        ("busy", vec![], 1, json!({"verdict": "busy", "status": 486})),
        (
            "decline",
            vec![],
            1,
            json!({"verdict": "declined", "status": 603}),
        ),
        (
            "nobody",
            vec![],
            1,
            json!({"verdict": "rejected", "status": 404}),
        ),
    ];
    // Side by side: each takes its time.
    std::thread::scope(|scope| {
        for (user, more, status, expected) in &cases {
            scope.spawn(move || check(user, more, *status, expected));
        }
    });
}

#[test]
fn expectations_decide_the_status() {
    let (_server, _folder) = server(21_110);
    let uri = "sip:echo@127.0.0.1:21110";
    let check = |expectations: &[&str], status: i32, said: &str| {
        let more: Vec<&str> = expectations
            .iter()
            .flat_map(|own| ["--expect", own])
            .collect();
        let output = call(uri, &[&["--duration", "1"], &more[..]].concat());
        assert_eq!(output.status, Some(status), "{expectations:?} {output:?}");
        assert!(output.stderr.contains(said), "{expectations:?} {output:?}");
    };
    check(&["media=both", "mos>=4.0", "to_peer.lost=0"], 0, "");
    check(
        &["media=both", "mos>=4.5"],
        1,
        "mos>=4.5 expected, and it is 4.4",
    );
    check(
        &["heard=silence"],
        1,
        "heard=silence expected, and it is own-tone",
    );
    check(&["moss>=4"], 2, "nothing is called moss");
}

#[test]
fn a_call_is_written_and_reads_back_as_it_was() {
    let (_server, folder) = server(21_120);
    let capture = folder.path().join("call.pcapng");
    let capture = capture.to_str().expect("UTF-8");
    let output = call(
        "sip:echo@127.0.0.1:21120",
        &["--duration", "1", "-w", capture],
    );
    assert_eq!(output.status, Some(0), "{output:?}");
    let analysis = run(&["analyze", capture, "--json"]);
    let analysis: Value = serde_json::from_str(&analysis.stdout).expect("JSON");
    let own = &analysis["calls"][0];
    assert_eq!(own["outcome"], "completed", "{own}");
    assert_eq!(own["media"][0]["audio"], "both", "{own}");
    assert_eq!(
        own["media"][0]["packets_to_callee"],
        own["media"][0]["packets_to_caller"]
    );
    let sent = report(&output)["measurements"]["to_peer"]["packets"].clone();
    assert_eq!(own["media"][0]["packets_to_callee"], sent);
    assert_eq!(analysis["summary"]["diagnostics"]["error"], 0, "{analysis}");
}

#[test]
fn m080_what_may_not_be_called_is_not() {
    let check = |uri: &str, more: &[&str], said: &str| {
        let output = call(uri, more);
        assert_eq!(output.status, Some(2), "{uri} {output:?}");
        assert!(output.stderr.contains(said), "{uri} {output:?}");
    };
    check("sip:+4930123456@127.0.0.1", &[], "say --allow");
    check("sip:112@127.0.0.1", &["--allow", "112"], "emergency");
    check("sip:+19005551234@127.0.0.1", &["--allow", "+1*"], "premium");
    check("sip:127.0.0.1", &[], "no user");
    check("sip:echo@127.0.0.1", &["--duration", "60"], "--timeout");
    check("sip:echo@127.0.0.1", &["--dtmf", "x"], "--dtmf takes");
    check("sip:echo@127.0.0.1", &["--from", "sip:127.0.0.1"], "--from");
    check("sip:a:b@127.0.0.1", &[], "password");
}

/// A request of a call, as the scripted peer saw it.
#[derive(Clone, Debug)]
struct Seen {
    method: String,
    to: String,
    text: String,
}

/// A peer that is told each request and answers with what it likes.
fn scripted(
    mut answer: impl FnMut(&Seen) -> Vec<String> + Send + 'static,
) -> (String, Receiver<Seen>) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address").to_string();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let method = text.split(' ').next().unwrap_or_default().to_owned();
            let to = text.lines().find(|own| own.starts_with("To: "));
            let seen = Seen {
                method,
                to: to.unwrap_or_default().to_owned(),
                text,
            };
            for octets in answer(&seen) {
                let _ = socket.send_to(octets.as_bytes(), from);
            }
            if tell.send(seen).is_err() {
                return;
            }
        }
    });
    (address, told)
}

/// A response to a request, its To with this tag.
fn response(seen: &Seen, status: &str, tag: &str, more: &str, body: &str) -> String {
    let fields = repeated(&seen.text);
    let fields = if seen.to.contains("tag=") || tag.is_empty() {
        fields
    } else {
        fields.replace(&seen.to, &format!("{};tag={tag}", seen.to))
    };
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    let length = body.len();
    format!("SIP/2.0 {status}\r\n{fields}{more}{kind}Content-Length: {length}\r\n\r\n{body}")
}

/// A description of G.711 at an address.
fn sdp(ip: &str, port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
    )
}

/// Takes what a peer has seen since.
fn seen(told: &Receiver<Seen>) -> Vec<Seen> {
    told.try_iter().collect()
}

fn count(all: &[Seen], method: &str) -> usize {
    all.iter().filter(|own| own.method == method).count()
}

const OK: &str = "200 OK";

#[test]
fn m082_each_of_many_answers_is_acknowledged_and_ended() {
    let (address, told) = scripted(|seen| match seen.method.as_str() {
        "INVITE" => (0..40)
            .map(|own| response(seen, OK, &format!("t{own}"), "", &sdp("127.0.0.1", 9)))
            .collect(),
        "BYE" => vec![response(seen, OK, "", "", "")],
        _ => Vec::new(),
    });
    let output = call(&format!("sip:bob@{address}"), &["--duration", "1"]);
    let report = report(&output);
    // The port of the description is one that nobody's media has.
    assert_eq!(report["verdict"], "unusable-answer", "{report}");
    let all = seen(&told);
    let mut ended: Vec<&str> = all
        .iter()
        .filter(|own| own.method == "BYE")
        .map(|own| own.to.rsplit("tag=").next().expect("a tag"))
        .collect();
    ended.sort_unstable();
    ended.dedup();
    assert_eq!(ended.len(), 40, "{ended:?}");
    assert!(count(&all, "ACK") >= 40);
}

#[test]
fn m082_copies_of_an_answer_are_not_acknowledged_for_ever() {
    let (address, told) = scripted(|seen| match seen.method.as_str() {
        "INVITE" => vec![response(seen, OK, "t", "", &sdp("127.0.0.1", 40_000)); 10_000],
        "BYE" => vec![response(seen, OK, "", "", "")],
        _ => Vec::new(),
    });
    let output = call(&format!("sip:bob@{address}"), &["--duration", "1"]);
    assert_eq!(output.status, Some(1), "{output:?}");
    let all = seen(&told);
    assert!(count(&all, "ACK") <= 17, "{}", count(&all, "ACK"));
    assert_eq!(count(&all, "BYE"), 1);
}

#[test]
fn m082_who_rings_for_ever_is_cancelled() {
    let (address, told) = scripted(|seen| match seen.method.as_str() {
        "INVITE" => (0..1000)
            .map(|own| response(seen, "180 Ringing", &format!("t{own}"), "", ""))
            .collect(),
        // The INVITE itself is never answered.
        "CANCEL" => vec![response(seen, OK, "", "", "")],
        _ => Vec::new(),
    });
    let output = call(&format!("sip:bob@{address}"), &["--ring", "1"]);
    assert_eq!(output.status, Some(1), "{output:?}");
    assert_eq!(report(&output)["verdict"], "not-answered");
    let all = seen(&told);
    assert_eq!((count(&all, "CANCEL"), count(&all, "BYE")), (1, 0));
}

#[test]
fn m082_an_answer_that_crosses_the_cancel_is_ended() {
    let mut invite = None;
    let (address, told) = scripted(move |seen| match seen.method.as_str() {
        "INVITE" => {
            invite = Some(seen.clone());
            vec![response(seen, "180 Ringing", "t", "", "")]
        }
        "CANCEL" => {
            let late = invite.as_ref().expect("an INVITE");
            let answer = response(late, OK, "t", "", &sdp("127.0.0.1", 40_000));
            vec![answer, response(seen, OK, "t", "", "")]
        }
        "BYE" => vec![response(seen, OK, "", "", "")],
        _ => Vec::new(),
    });
    let output = call(&format!("sip:bob@{address}"), &["--ring", "1"]);
    assert_eq!(output.status, Some(1), "{output:?}");
    let all = seen(&told);
    assert_eq!((count(&all, "ACK"), count(&all, "BYE")), (1, 1), "{all:?}");
}

#[test]
fn m083_challenges_and_redirects_end() {
    let check =
        |status: &'static str, field: fn(usize) -> String, verdict: &str, invites: usize| {
            let mut turn = 0;
            let (address, told) = scripted(move |seen| match seen.method.as_str() {
                "INVITE" => {
                    turn += 1;
                    vec![response(seen, status, "t", &field(turn), ""); 50]
                }
                _ => Vec::new(),
            });
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join("password");
            std::fs::write(&file, "canary-7f3a\n").expect("written");
            let file = file.to_str().expect("UTF-8");
            let output = call(&format!("sip:bob@{address}"), &["--password-file", file]);
            assert_eq!(output.status, Some(1), "{output:?}");
            assert_eq!(report(&output)["verdict"], verdict);
            // Copies of a request that was under way count once.
            let all = seen(&told);
            let mut asked: Vec<&str> = all
                .iter()
                .filter(|own| own.method == "INVITE")
                .filter_map(|own| own.text.lines().find(|own| own.starts_with("CSeq: ")))
                .collect();
            asked.dedup();
            assert_eq!(asked.len(), invites, "{status} {asked:?}");
            assert!(count(&all, "ACK") <= 17);
            assert!(!all.iter().any(|own| own.text.contains("canary")));
        };
    let challenge = |turn| {
        format!(
            "WWW-Authenticate: Digest realm=\"x\", nonce=\"{turn}\", algorithm=MD5, qop=\"auth\"\r\n"
        )
    };
    check("401 Unauthorized", challenge, "refused", 2);
    let stale =
        |turn| format!("Proxy-Authenticate: Digest realm=\"x\", nonce=\"{turn}\", stale=true\r\n");
    check("407 Proxy Authentication Required", stale, "refused", 3);
    // One to a host that nobody named, one to itself, one for ever.
    let away = |_| "Contact: <sip:bob@192.0.2.99>\r\n".to_owned();
    check("302 Moved Temporarily", away, "redirected", 1);
    let far = |_| "Contact: <sip:bob@127.0.0.9>\r\n".to_owned();
    check("302 Moved Temporarily", far, "redirected", 1);
}

#[test]
fn m082_redirects_are_followed_so_often_and_no_further() {
    let mut turn = 0;
    let mut port = String::new();
    let (address, told) = scripted(move |seen| match seen.method.as_str() {
        "INVITE" => {
            turn += 1;
            if port.is_empty() {
                let uri = seen.text.split(' ').nth(1).expect("a URI");
                port = uri.rsplit(':').next().expect("a port").to_owned();
            }
            let more = format!("Contact: <sip:bob{turn}@127.0.0.1:{port}>\r\n");
            vec![response(seen, "302 Moved Temporarily", "t", &more, "")]
        }
        _ => Vec::new(),
    });
    let output = call(&format!("sip:bob@{address}"), &[]);
    let report = report(&output);
    assert_eq!(report["verdict"], "redirected", "{report}");
    assert_eq!(
        report["measurements"]["redirects"].as_array().map(Vec::len),
        Some(5)
    );
    assert_eq!(count(&seen(&told), "INVITE"), 6);
}

#[test]
fn answers_that_can_not_be_used_are_ended() {
    let check = |body: &'static str, ip: &'static str, port: u16| {
        let (address, told) = scripted(move |seen| {
            let body = match body {
                "" => String::new(),
                more => sdp(ip, port).replace("RTP/AVP 0", more),
            };
            match seen.method.as_str() {
                "INVITE" => vec![response(seen, OK, "t", "", &body)],
                "BYE" => vec![response(seen, OK, "", "", "")],
                _ => Vec::new(),
            }
        });
        let output = call(&format!("sip:bob@{address}"), &["--duration", "1"]);
        assert_eq!(output.status, Some(1), "{output:?}");
        let report = report(&output);
        assert_eq!(report["verdict"], "unusable-answer", "{body} {ip}");
        assert_eq!(report["measurements"]["to_peer"]["packets"], 0);
        let all = seen(&told);
        assert_eq!(
            (count(&all, "ACK"), count(&all, "BYE")),
            (1, 1),
            "{body} {ip}"
        );
    };
    check("", "", 0);
    check("RTP/AVP 18", "127.0.0.1", 40_000);
    check("RTP/SAVP 0", "127.0.0.1", 40_000);
    check("RTP/AVP 0", "127.0.0.1", 0);
    // Nothing is sent to a group, to everybody, or to a port of a service.
    check("RTP/AVP 0", "224.0.0.1", 40_000);
    check("RTP/AVP 0", "255.255.255.255", 40_000);
    check("RTP/AVP 0", "127.0.0.1", 53);
}

#[test]
fn the_other_side_may_end_it_and_may_ask() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address");
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a limit");
    let child = std::thread::spawn(move || {
        call(
            &format!("sip:bob@{address}"),
            &["--duration", "30", "--timeout", "60"],
        )
    });
    let mut buffer = [0; 4096];
    let mut next = |method: &str| -> (Seen, SocketAddr) {
        loop {
            let (length, from) = socket.recv_from(&mut buffer).expect("a message");
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let to = text.lines().find(|own| own.starts_with("To: "));
            let to = to.unwrap_or_default().to_owned();
            if text.starts_with(method) {
                let method = method.to_owned();
                return (Seen { method, to, text }, from);
            }
        }
    };
    let (invite, from) = next("INVITE");
    let answer = response(&invite, OK, "t", "", &sdp("127.0.0.1", 40_000));
    socket.send_to(answer.as_bytes(), from).expect("sent");
    next("ACK");
    let field = |name: &str| {
        let line = invite
            .text
            .lines()
            .find(|own| own.starts_with(name))
            .expect("a field");
        line[name.len()..].to_owned()
    };
    let (own, call_id) = (field("From: "), field("Call-ID: "));
    let request = |method: &str, cseq: u32, tag: &str, body: &str| {
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        format!(
            "{method} sip:probe@x SIP/2.0\r\nVia: SIP/2.0/UDP {address};branch=z9hG4bK{method}{cseq}\r\n\
             From: <sip:bob@{address}>;tag={tag}\r\nTo: {own}\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    for (method, tag, body, expected) in [
        ("OPTIONS", "t", String::new(), "SIP/2.0 200"),
        ("INFO", "t", String::new(), "SIP/2.0 200"),
        ("REFER", "t", String::new(), "SIP/2.0 405"),
        ("INVITE", "t", sdp("127.0.0.1", 40_002), "SIP/2.0 200"),
        ("BYE", "stranger", String::new(), "SIP/2.0 481"),
        ("BYE", "t", String::new(), "SIP/2.0 200"),
    ] {
        let octets = request(method, 1, tag, &body);
        socket.send_to(octets.as_bytes(), from).expect("sent");
        let (told, _) = next("SIP/2.0");
        assert!(
            told.text.starts_with(expected),
            "{method} {tag}: {}",
            told.text
        );
        assert_eq!(
            told.text.contains("m=audio"),
            method == "INVITE",
            "{method}"
        );
    }
    let output = child.join().expect("it ends");
    let report = report(&output);
    assert_eq!(report["measurements"]["ended_by"], "peer", "{report}");
    let told = &report["measurements"]["remote_media"];
    assert_eq!(told, "127.0.0.1:40002", "{report}");
}

/// Whoever interrupts finds no call left up: cancelled while it rings, ended when it
/// is answered, also where the answer comes after the interrupt.
#[cfg(unix)]
#[test]
fn m080_an_interrupt_leaves_no_call_up() {
    let check = |when: &str, ended: &str| {
        let rings = when != "talking";
        let (address, told) = scripted(move |seen| match seen.method.as_str() {
            "INVITE" if rings => vec![response(seen, "180 Ringing", "t", "", "")],
            "INVITE" => vec![response(seen, OK, "t", "", &sdp("127.0.0.1", 40_000))],
            "BYE" | "CANCEL" => vec![response(seen, OK, "t", "", "")],
            _ => Vec::new(),
        });
        let child = program()
            .args(["probe", "call", &format!("sip:bob@{address}"), "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let next = || {
            told.recv_timeout(Duration::from_secs(20))
                .expect("a request")
        };
        assert_eq!(next().method, "INVITE");
        if !rings {
            assert_eq!(next().method, "ACK");
        }
        let killed = std::process::Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(killed.success());
        assert_eq!(next().method, ended, "{when}");
        let output = child.wait_with_output().expect("the program ends");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(
            report["evidence"]["cut_short"], "it was interrupted",
            "{report}"
        );
    };
    check("ringing", "CANCEL");
    check("talking", "BYE");
}

#[test]
fn m081_a_call_keeps_to_its_ceiling_and_still_ends() {
    let (address, told) = scripted(|seen| match seen.method.as_str() {
        "INVITE" => vec![response(seen, OK, "t", "", &sdp("127.0.0.1", 40_000))],
        "BYE" => vec![response(seen, OK, "", "", "")],
        _ => Vec::new(),
    });
    let more = ["--duration", "5", "--max-packets", "60"];
    let output = call(&format!("sip:bob@{address}"), &more);
    let report = report(&output);
    assert_eq!(output.status, Some(1), "{report}");
    let sent = report["evidence"]["packets_sent"]
        .as_u64()
        .expect("a number");
    assert!((50..=60).contains(&sent), "{sent}");
    assert_eq!(count(&seen(&told), "BYE"), 1);
}

#[test]
fn a_mirror_shows_that_nothing_is_rewritten() {
    let (_server, _folder) = server(21_130);
    let output = run(&["probe", "alg", "127.0.0.1:21130", "-q", "--json"]);
    let own = json!({
        "verdict": "no-alg", "changed": [],
        "unaltered": ["udp port 21130", "udp port 22130", "tcp port 21130", "tcp port 22130"],
    });
    check("mirror", &output, 0, &own);
    let measurements = &report(&output)["measurements"];
    assert_eq!(measurements["source"], measurements["local_address"]);
    assert_eq!(measurements["tries"].as_array().map(Vec::len), Some(12));
}

/// Whoever answers in place of the mirror is told, and so is one that changes what
/// goes through it.
#[test]
fn what_stands_in_the_way_of_a_mirror_is_told() {
    let other = scripted(|seen| {
        let names = ["VIA:", "f:", "To:", "Call-ID:", "CSeq:"];
        let lines = seen.text.lines();
        let lines = lines.filter(|line| names.iter().any(|own| line.starts_with(own)));
        let fields: String = lines.map(|line| format!("{line}\r\n")).collect();
        vec![format!("SIP/2.0 404 Not Found\r\n{fields}l: 0\r\n\r\n")]
    })
    .0;
    let output = run(&["probe", "alg", &other, "--control", "9", "-q", "--json"]);
    assert_eq!(report(&output)["verdict"], "no-mirror", "{output:?}");
    assert_eq!(output.status, Some(1));
    let (_server, _folder) = server(21_140);
    let relay = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let at = relay.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        let mirror: SocketAddr = "127.0.0.1:22140".parse().expect("an address");
        let (mut client, mut buffer) = (mirror, [0; 8192]);
        while let Ok((length, from)) = relay.recv_from(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let (octets, to) = if from == mirror {
                (text.replace("mirror@10.255", "mirror@11.255"), client)
            } else {
                client = from;
                (
                    text.replace("X-Address: 127.0.0.1", "X-Address: 127.0.0.9"),
                    mirror,
                )
            };
            let _ = relay.send_to(octets.as_bytes(), to);
        }
    });
    let output = run(&["probe", "alg", &at, "--control", "22140", "-q", "--json"]);
    let report = report(&output);
    assert_eq!(report["verdict"], "alg-on-sip-port", "{report}");
    let own = &report["measurements"];
    assert_eq!(own["changed"], json!(["contact", "x-address"]), "{own}");
}

/// Who is no mirror and rings is not left ringing.
#[test]
fn m080_nobody_is_rung_up_by_a_mirror() {
    let mut invite = None;
    let (address, told) = scripted(move |seen| {
        let names = ["VIA:", "Via:", "f:", "From:", "To:", "Call-ID:", "CSeq:"];
        let answer = |status: &str, seen: &Seen| {
            let lines = seen.text.lines();
            let lines = lines.filter(|line| names.iter().any(|own| line.starts_with(own)));
            let fields: String = lines.map(|line| format!("{line}\r\n")).collect();
            format!("SIP/2.0 {status}\r\n{fields}l: 0\r\n\r\n")
        };
        match seen.method.as_str() {
            "INVITE" => {
                invite = Some(seen.clone());
                vec![answer("180 Ringing", seen)]
            }
            "CANCEL" => {
                let late = answer(
                    "487 Request Terminated",
                    invite.as_ref().expect("an INVITE"),
                );
                vec![answer(OK, seen), late]
            }
            "ACK" => Vec::new(),
            _ => vec![answer(OK, seen)],
        }
    });
    let output = run(&["probe", "alg", &address, "--control", "9", "-q", "--json"]);
    assert_eq!(report(&output)["verdict"], "no-mirror", "{output:?}");
    let all = seen(&told);
    assert_eq!(
        (count(&all, "CANCEL"), count(&all, "ACK")),
        (1, 1),
        "{all:?}"
    );
}
