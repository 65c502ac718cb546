//! What is encrypted, read with its keys: recordings whose truth the programs
//! told that made them.

mod common;

use std::path::PathBuf;

use common::{document, run};
use serde_json::Value;
use sip_inspect::workload::{Plan, generate};

/// A recording of the lab, where there is one.
fn trace(name: &str) -> Option<String> {
    let folder = std::env::var_os("SIP_INSPECT_TRACES")?;
    Some(
        PathBuf::from(folder)
            .join(name)
            .to_string_lossy()
            .into_owned(),
    )
}

fn number(report: &Value, path: &str) -> u64 {
    report
        .pointer(path)
        .and_then(Value::as_u64)
        .expect("a number")
}

#[test]
fn a_call_over_tls_is_read_with_its_key_log() {
    let (Some(capture), Some(keys)) = (trace("call-tls.pcap"), trace("call-tls.keys")) else {
        return;
    };
    let report = document(capture.as_ref(), &["--keylog", &keys]);
    assert_eq!(number(&report, "/summary/sip_messages"), 24);
    assert_eq!(report["calls"][0]["outcome"], "completed");
    assert_eq!(report["calls"][0]["media"][0]["audio"], "both");
    // As the phones counted.
    for stream in report["rtp_streams"].as_array().expect("streams") {
        assert_eq!(
            (&stream["packets"], &stream["lost"]),
            (&189.into(), &0.into())
        );
        assert_eq!(stream["association"], "sdp");
    }
    let closed = document(capture.as_ref(), &[]);
    assert_eq!(number(&closed, "/summary/sip_messages"), 0);
    for connection in closed["connections"].as_array().expect("connections") {
        assert_eq!(connection["not_decoded_reason"], "no keys were given");
    }
}

#[test]
fn secrets_travel_with_a_call_unless_they_are_stripped() {
    let (Some(capture), Some(keys)) = (trace("call-tls.pcap"), trace("call-tls.keys")) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let check = |more: &[&str], messages: u64| {
        let path = folder.path().join("one.pcapng");
        let name = path.to_str().expect("UTF-8");
        let first = ["export", "pcap", &capture, "--keylog", &keys];
        let words = [&first[..], &["--call", "1", "-w", name], more].concat();
        let output = run(&words);
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        let report = document(&path, &[]);
        let found = number(&report, "/summary/sip_messages");
        assert!(
            found >= messages && (found == 0) == (messages == 0),
            "{found}"
        );
        let written = std::fs::read(&path).expect("a file");
        let secret = b"SERVER_TRAFFIC_SECRET_0";
        let is_there = written.windows(secret.len()).any(|own| own == secret);
        assert_eq!(is_there, messages > 0);
    };
    check(&[], 16);
    check(&["--strip-secrets"], 0);
}

#[test]
fn a_key_log_that_is_none_is_told_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys");
    std::fs::write(&path, "this is\nno key log\n").expect("written");
    let name = path.to_str().expect("UTF-8");
    let capture = common::testdata().join("cases/sip-over-tls/capture.pcapng");
    let capture = capture.to_str().expect("UTF-8");
    let output = run(&["analyze", capture, "--keylog", name]);
    assert_eq!(output.status, Some(0));
    assert!(
        output.stderr.contains("holds no secret"),
        "{}",
        output.stderr
    );
    let output = run(&["analyze", capture, "--keylog", "no such file"]);
    assert_eq!(output.status, Some(2));
    assert!(output.stderr.contains("can't be read"), "{}", output.stderr);
}

#[test]
fn srtp_is_opened_with_the_keys_of_its_description() {
    let Some(capture) = trace("call-srtp-mand.pcap") else {
        return;
    };
    let report = document(capture.as_ref(), &[]);
    let streams = report["rtp_streams"].as_array().expect("streams");
    assert_eq!(streams.len(), 2);
    for stream in streams {
        assert_eq!(stream["srtp_suite"], "AES_CM_128_HMAC_SHA1_80");
        assert_eq!(stream["srtp_decrypted"], stream["packets"]);
        assert_eq!(stream["srtp_auth_failures"], 0);
    }
}

#[test]
fn srtp_of_public_captures_fits_the_keys_that_are_known_of_it() {
    let Some(corpus) = std::env::var_os("SIP_INSPECT_CORPUS") else {
        return;
    };
    // Published with the captures, and checked against their tags.
    let keys = "SRTP AES_CM_128_HMAC_SHA1_80 inline:aSBrbm93IGFsbCB5b3VyIGxpdHRsZSBzZWNyZXRz\n\
                SRTP AES_CM_128_HMAC_SHA1_80 inline:UHXu88YuDj8guQxhCqEeue0CSr+JcQ/Uii4NdaS5\n\
                SRTP AES_CM_128_HMAC_SHA1_80 inline:UBFc5R7tK5f91V8j1da++z3h/3H2yS5WaN819nJd\n";
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys");
    std::fs::write(&path, keys).expect("written");
    let mut seen = 0;
    let mut look = vec![PathBuf::from(corpus)];
    while let Some(own) = look.pop() {
        if own.is_dir() {
            look.extend(
                std::fs::read_dir(own)
                    .expect("a folder")
                    .map(|own| own.expect("an entry").path()),
            );
            continue;
        }
        let name = own
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if ![
            "marseillaise-srtp.pcap",
            "call1_g722_srtp.a.rtp",
            "call1_g722_srtp.o.rtp",
        ]
        .contains(&&*name)
        {
            continue;
        }
        let report = document(&own, &["--keylog", path.to_str().expect("UTF-8")]);
        for stream in report["rtp_streams"].as_array().expect("streams") {
            assert_eq!(stream["srtp_decrypted"], stream["packets"], "{name}");
            assert_eq!(stream["srtp_auth_failures"], 0, "{name}");
            seen += 1;
        }
    }
    assert_eq!(seen, 3);
}

#[test]
fn keys_of_other_streams_take_no_digits_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys");
    let key = "SRTP AES_CM_128_HMAC_SHA1_80 inline:aSBrbm93IGFsbCB5b3VyIGxpdHRsZSBzZWNyZXRz\n";
    std::fs::write(&path, key).expect("written");
    let capture = folder.path().join("made.pcap");
    let file = std::fs::File::create(&capture).expect("a file");
    generate(&Plan::mix(3, 28)).write(file).expect("written");
    let digits = |more: &[&str]| -> Vec<String> {
        let report = document(&capture, more);
        let streams = report["rtp_streams"].as_array().expect("streams").iter();
        streams
            .map(|own| format!("{} {}", own["dtmf"], own["encrypted"]))
            .collect()
    };
    let expected = digits(&[]);
    assert!(expected.iter().any(|own| own.contains('*')), "{expected:?}");
    assert_eq!(
        digits(&["--keylog", path.to_str().expect("UTF-8")]),
        expected
    );
}
