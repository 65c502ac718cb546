//! Logs that hold SIP as text, read as captures.

mod common;

use std::path::PathBuf;

use common::{document, run, testdata};
use serde_json::Value;

/// A file with this text.
fn file(name: &str, text: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("logs");
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a file");
    path
}

/// Each message: when, from where to where, over what, its kind.
fn messages(name: &str, text: &str) -> Vec<String> {
    let report = document(&file(name, text), &["--messages"]);
    let list = report["messages"].as_array().expect("a list").iter();
    list.map(|own| {
        let text = |name: &str| own[name].as_str().unwrap_or("-").to_owned();
        let what = match own["status"].as_u64() {
            Some(status) => status.to_string(),
            None => text("method"),
        };
        format!(
            "{} {}:{} {}:{} {} {what} {}",
            &text("timestamp")[..23],
            text("src_ip"),
            own["src_port"],
            text("dst_ip"),
            own["dst_port"],
            text("transport"),
            own["length"]
        )
    })
    .collect()
}

fn check(name: &str, text: &str, expected: &[&str]) {
    assert_eq!(messages(name, text), expected, "{name}");
}

/// A message of the call, its lines ended by `end`.
fn message(start: &str, cseq: &str, end: &str) -> String {
    [
        start,
        "Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bKabc",
        "From: <sip:100@192.0.2.1>;tag=f1",
        "To: <sip:200@192.0.2.1>",
        "Call-ID: logged@192.0.2.10",
        cseq,
        "Max-Forwards: 70",
        "Content-Length: 0",
        "",
        "",
    ]
    .join(end)
}

const INVITE: &str = "INVITE sip:200@192.0.2.1 SIP/2.0";

/// What kamailio wrote: 26 messages of two calls, as sipp made them.
#[test]
fn a_real_log_of_kamailio() {
    let report = document(
        &testdata().join("cases/sipdump-log/capture.log"),
        &["--messages"],
    );
    assert_eq!(report["summary"]["sip_messages"], 26);
    assert_eq!(report["summary"]["complete"], true);
    let calls = report["calls"].as_array().expect("a list");
    assert_eq!(calls.len(), 2);
    for call in calls {
        assert_eq!(call["outcome"], "completed");
        assert_eq!(call["messages"], 13);
        assert_eq!(call["caller_port"], 5580);
        assert_eq!(call["hops"].as_array().map(Vec::len), Some(2));
        // A log shows no media: that says nothing.
        assert_eq!(call["media"][0]["audio"], "unknown");
    }
    assert!(
        report["summary"]["tunnels"]
            .as_array()
            .is_some_and(Vec::is_empty)
    );
}

#[test]
fn records_of_sipdump_in_all_their_forms() {
    let record = |proto: &str, src: &str, body: &str| {
        format!(
            "====================\ntag: rcv\npid: 1\nprocess: 1\ntime: 1795828860.5\ndate: x\nproto: {proto}\n\
             srcip: {src}\nsrcport: 5080\ndstip: {src}\ndstport: 5060\n~~~~~~~~~~~~~~~~~~~~\n{body}\
             ||||||||||||||||||||\n"
        )
    };
    let invite = message(INVITE, "CSeq: 1 INVITE", "\r\n");
    let at = "2026-11-28T01:21:00.500";
    let length = invite.len();
    check(
        "dump",
        &(record("udp ipv4", "192.0.2.7", &invite) + &record("tcp ipv6", "2001:db8::7", &invite)),
        &[
            &format!("{at} 192.0.2.7:5080 192.0.2.7:5060 udp INVITE {length}"),
            &format!("{at} 2001:db8::7:5080 2001:db8::7:5060 tcp INVITE {length}"),
        ],
    );
    // One that lacks an address is passed over, one that is cut is told as far as it goes.
    let broken = record("udp ipv4", "nowhere", &invite);
    let whole = record("udp ipv4", "192.0.2.7", &invite);
    let cut = &whole[..whole.len() - 100];
    let report = document(&file("cut", &(broken + cut)), &["--messages"]);
    assert_eq!(report["summary"]["sip_messages"], 1);
    assert_eq!(report["summary"]["packets"], 2);
    let counted = &report["summary"]["not_decoded"]["HEP without addresses or payload"];
    assert_eq!(*counted, 1);
    let empty = record("udp ipv4", "192.0.2.7", "") + &whole;
    let report = document(&file("empty", &empty), &[]);
    let counted = &report["summary"]["not_decoded"]["HEP without addresses or payload"];
    assert_eq!(
        (counted, &report["summary"]["sip_messages"]),
        (&Value::from(1), &Value::from(1))
    );
    // Those that end in their heads, by the next one or by the end of the log.
    let head = "====================\ntag: rcv\nproto: udp ipv4\n";
    let report = document(&file("heads", &[&whole, head, &whole, head].concat()), &[]);
    let counted = &report["summary"]["not_decoded"]["HEP without addresses or payload"];
    assert_eq!(
        (counted, &report["summary"]["sip_messages"]),
        (&Value::from(2), &Value::from(2))
    );
}

#[test]
fn logs_of_asterisk() {
    let head = |what: &str| format!("<--- {what} --->\n");
    let stamped = |ms: &str| format!("[2026-11-27 10:00:00.{ms}] VERBOSE[7] res_pjsip_logger.c: ");
    let invite = message(INVITE, "CSeq: 1 INVITE", "\n");
    let busy = message("SIP/2.0 486 Busy Here", "CSeq: 1 INVITE", "\n");
    let (asked, refused) = (
        invite.replace('\n', "\r\n").len(),
        busy.replace('\n', "\r\n").len(),
    );
    // By itself the server says where it is in the Request-URI alone.
    check(
        "pjsip",
        &(stamped("100")
            + &head("Received SIP request (300 bytes) from UDP:192.0.2.10:5060")
            + &invite
            + "\n"
            + &stamped("110")
            + &head("Transmitting SIP response (300 bytes) to UDP:192.0.2.10:5060")
            + &busy
            + "\n[2026-11-27 10:00:01.000] NOTICE[7] chan.c: something else\n"),
        &[
            &format!("2026-11-27T10:00:00.100 192.0.2.10:5060 192.0.2.1:5060 udp INVITE {asked}"),
            &format!("2026-11-27T10:00:00.110 192.0.2.1:5060 192.0.2.10:5060 udp 486 {refused}"),
        ],
    );
    // The channel driver before it: no year, other marks, other ends.
    check(
        "chan-sip",
        &("[Nov 27 10:00:00] ".to_owned()
            + &head("SIP read from TCP:192.0.2.10:5060")
            + &invite
            + "<------------->\n--- (8 headers 0 lines) ---\n[Nov 27 10:00:02] \n"
            + "[Nov 27 10:00:02] <--- Transmitting (no NAT) to 192.0.2.10:5060 --->\n"
            + &busy
            + "\n<------------>\n"),
        &[
            &format!("1970-11-27T10:00:00.000 192.0.2.10:5060 192.0.2.1:5060 tcp INVITE {asked}"),
            &format!("1970-11-27T10:00:02.000 192.0.2.1:5060 192.0.2.10:5060 udp 486 {refused}"),
        ],
    );
    // What holds carriage returns is taken as it is, so many octets.
    let exact = message(INVITE, "CSeq: 1 INVITE", "\r\n");
    let told = format!(
        "Received SIP request ({} bytes) from UDP:192.0.2.10:5060",
        exact.len()
    );
    check(
        "exact",
        &(head(&told) + &exact + "trailing words of the log\n"),
        &[&format!(
            "1970-01-01T00:00:00.001 192.0.2.10:5060 192.0.2.1:5060 udp INVITE {}",
            exact.len()
        )],
    );
}

#[test]
fn what_is_no_log_is_refused_as_before() {
    for (name, text) in [
        (
            "prose",
            "Nothing of what is written here is SIP.\n".repeat(100),
        ),
        (
            "marks",
            "====================\n||||||||||||||||||||\n".repeat(100),
        ),
        ("endless", "<--- Received SIP request ".repeat(100_000)),
        ("bare", format!("{INVITE}\r\nVia: SIP/2.0/UDP h\r\n\r\n")),
    ] {
        let path = file(name, &text);
        let run = run(&["analyze", path.to_str().expect("a path")]);
        assert_eq!(run.status, Some(3), "{name}: {}", run.stderr);
        assert!(run.stderr.contains("not a capture file"), "{}", run.stderr);
    }
}

/// What a server wrote down is held against the rules as what passed on a wire.
#[test]
fn messages_of_a_log_are_judged_like_those_of_a_capture() {
    let report = document(&testdata().join("cases/sipdump-log/capture.log"), &[]);
    let codes: Vec<&Value> = (report["diagnostics"].as_array().expect("a list").iter())
        .map(|own| &own["code"])
        .collect();
    // The callee leaves Record-Route out, the proxy passes Max-Forwards on as it is.
    assert!(codes.contains(&&Value::from("DLG042")), "{codes:?}");
    assert!(codes.contains(&&Value::from("TXN032")), "{codes:?}");
}
