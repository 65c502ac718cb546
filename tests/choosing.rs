//! Parts of a capture: by display filter, by field, by export.

mod common;

use common::{document, run, testdata};

fn capture(case: &str) -> String {
    let path = testdata().join("cases").join(case).join("capture.pcap");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_display_filter_chooses_records() {
    let features = capture("call-features");
    let check = |expression: &str, expected: &[&str]| {
        let output = run(&[&features, "--format", "ndjson", "-Y", expression]);
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        let told: Vec<String> = output
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            // What the rules find belongs to the call; it comes with it.
            .filter(|record: &serde_json::Value| record["type"] != "diagnostic")
            .map(|record: serde_json::Value| {
                let what = ["index", "method", "codec", "address_of_record"]
                    .iter()
                    .find_map(|name| record.get(*name))
                    .map_or_else(String::new, |value| format!(" {value}"));
                format!("{}{what}", record["type"].as_str().expect("a type"))
            })
            .collect();
        assert_eq!(told, expected, "{expression}");
    };
    check(
        r#"call.outcome == "busy" and call.from_uri ~ "alice""#,
        &["call 4", "summary"],
    );
    // What belongs to a call is chosen by its call.
    check(
        "call.index == 6",
        &[
            "call 6",
            r#"rtp_stream "PCMU""#,
            r#"rtp_stream "PCMU""#,
            "summary",
        ],
    );
    check("rtp and rtp.ssrc == 0x0", &["summary"]);
    check(
        "call.index == 4 and message.method == INVITE and message.status == 486",
        &[r#"message "INVITE""#, r#"message "INVITE""#, "summary"],
    );
    check("dns or connection", &["summary"]);
    // The document holds the same.
    let report = document(
        std::path::Path::new(&features),
        &["-Y", "call.outcome in {cancelled, rejected}"],
    );
    let calls = report["calls"].as_array().expect("calls");
    let indices: Vec<_> = calls.iter().map(|call| call["index"].as_u64()).collect();
    assert_eq!(indices, [Some(2), Some(3)]);
    assert_eq!(report["rtp_streams"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_fault_in_a_filter_is_shown_where_it_is() {
    let features = capture("call-features");
    let output = run(&[&features, "-Y", "call.index == 1 and cal.outcome == busy"]);
    assert_eq!(output.status, Some(2));
    let lines: Vec<&str> = output.stderr.lines().collect();
    assert!(
        lines[0].contains("did you mean call.outcome?"),
        "{}",
        lines[0]
    );
    assert_eq!(lines[1], "  call.index == 1 and cal.outcome == busy");
    assert_eq!(lines[2].find('^'), lines[1].find("cal.outcome"));
    let output = run(&[&features, "-e", "call.\u{1b}[2J"]);
    assert_eq!(output.status, Some(2));
    assert!(!output.stderr.contains('\u{1b}'), "{}", output.stderr);
}

#[test]
fn fields_are_columns() {
    let features = capture("call-features");
    let check = |arguments: &[&str], expected: &str| {
        let output = run(&[&[features.as_str()], arguments].concat());
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        assert_eq!(output.stdout, expected, "{arguments:?}");
    };
    check(
        &[
            "-e",
            "call.index",
            "-e",
            "sip.from.user",
            "-e",
            "call.outcome",
            "-e",
            "call.media.audio",
        ],
        "1\talice\tcompleted\tboth,held,both\n2\talice\tcancelled\t\n3\talice\trejected\t\n\
         4\talice\tbusy\t\n5\talice\tcompleted\tboth\n6\tbob\tcompleted\tboth\n",
    );
    check(
        &[
            "-e",
            "frame.number",
            "-e",
            "sip.Status-Code",
            "-Y",
            "message.method == CANCEL",
        ],
        "336\t\n337\t\n338\t200\n339\t200\n",
    );
    let output = run(&[&features, "-e", "call.index", "--json"]);
    assert_eq!(output.status, Some(2));
}

#[test]
fn an_exported_call_is_the_same_call() {
    for (case, wanted, calls) in [
        ("proxied-call", "1", 1),
        ("call-features", "1", 1),
        // A transfer brings the call that it makes.
        ("call-features", "5", 2),
        ("one-way-audio", "alice", 1),
        ("lossy-call", "1", 1),
    ] {
        let folder = testdata().join("cases").join(case);
        let path = ["capture.pcap", "capture.pcapng"]
            .map(|name| folder.join(name))
            .into_iter()
            .find(|path| path.exists())
            .expect("a capture");
        let out = tempfile::tempdir().expect("a folder");
        let exported = out.path().join("call.pcapng");
        let exported_name = exported.to_str().expect("UTF-8");
        let path_name = path.to_str().expect("UTF-8");
        let output = run(&[
            "export",
            "pcap",
            path_name,
            "--call",
            wanted,
            "-w",
            exported_name,
        ]);
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        let (whole, part) = (document(&path, &[]), document(&exported, &[]));
        let told = part["calls"].as_array().expect("calls");
        assert_eq!(told.len(), calls, "{case}");
        for call in told {
            let same = whole["calls"].as_array().expect("calls").iter();
            let same = same
                .clone()
                .find(|other| other["call_id"] == call["call_id"])
                .expect("the call");
            for field in [
                "outcome",
                "messages",
                "retransmissions",
                "duplicates",
                "hops",
                "talk_ms",
                "ended_by",
                "pdd_ms",
                "duration_ms",
            ] {
                assert_eq!(call[field], same[field], "{case}: {field}");
            }
            let audio = |call: &serde_json::Value| {
                let media = call["media"].as_array().expect("media").clone();
                media
                    .iter()
                    .map(|media| format!("{} {}", media["audio"], media["packets_to_caller"]))
                    .collect::<Vec<_>>()
            };
            assert_eq!(audio(call), audio(same), "{case}");
        }
    }
}

#[test]
fn an_export_that_can_not_be_is_explained() {
    let features = capture("call-features");
    let out = tempfile::tempdir().expect("a folder");
    let file = out.path().join("x.pcapng");
    let file = file.to_str().expect("UTF-8");
    for (arguments, status) in [
        (
            vec!["export", "pcap", &features, "--call", "99", "-w", file],
            1,
        ),
        (
            vec![
                "export",
                "pcap",
                &features,
                "--stream",
                "stream-99",
                "-w",
                file,
            ],
            1,
        ),
        (vec!["export", "pcap", &features, "-w", file], 2),
        (vec!["export", "pcap", "-", "--call", "1", "-w", file], 2),
        (
            vec!["export", "pcap", "/nowhere", "--call", "1", "-w", file],
            3,
        ),
        (
            vec![
                "export",
                "pcap",
                &features,
                "--call",
                "1",
                "-w",
                "/nowhere/x",
            ],
            5,
        ),
        (
            vec![
                "export",
                "pcap",
                &features,
                "--call",
                "1",
                "-w",
                "/dev/full",
            ],
            5,
        ),
    ] {
        let output = run(&arguments);
        assert_eq!(
            output.status,
            Some(status),
            "{arguments:?}: {}",
            output.stderr
        );
        assert!(output.stderr.contains("error"), "{arguments:?}");
    }
    // One stream alone, to standard output.
    let output = run(&[
        "export", "pcap", &features, "--stream", "stream-1", "-w", file,
    ]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let report = document(std::path::Path::new(file), &[]);
    assert!(report["calls"].as_array().is_some_and(Vec::is_empty));
    assert!(report["summary"]["rtp_packets"].as_u64() > Some(100));
}
