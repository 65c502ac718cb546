//! The program as a process: exit status, texts, streams that fail.

mod common;

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::Stdio;

use common::{program, run, run_with, testdata};

fn capture() -> String {
    path("proxied-call/capture.pcap")
}

fn path(name: &str) -> String {
    let path = testdata().join("cases").join(name);
    path.to_str().expect("UTF-8").to_owned()
}

/// Runs and holds the status, the data and the notice against what is due.
#[track_caller]
fn check(arguments: &[&str], status: i32, in_stdout: &str, in_stderr: &str) {
    let output = run(arguments);
    assert_eq!(
        output.status,
        Some(status),
        "{arguments:?}: {}",
        output.stderr
    );
    assert!(
        output.stdout.contains(in_stdout),
        "{arguments:?}: {}",
        output.stdout
    );
    assert!(
        output.stderr.contains(in_stderr),
        "{arguments:?}: {}",
        output.stderr
    );
    assert!(
        !output.stderr.contains("panicked"),
        "{arguments:?}: {}",
        output.stderr
    );
}

#[test]
fn usage_is_explained() {
    check(&["--help"], 0, "analyze", "");
    check(&["--version"], 0, "sip-inspect", "");
    check(&["analyze", "--help"], 0, "Examples:", "");
    check(&[], 2, "", "Usage");
    check(&["analyze"], 2, "", "no capture is named");
    check(&["analyze", "--no-such-flag", "x"], 2, "", "--no-such-flag");
    check(&["analyze", &capture(), "--format", "xml"], 2, "", "xml");
    check(&["analyze", &capture(), "--memory", "0"], 2, "", "0");
}

#[test]
fn a_file_alone_is_enough() {
    check(&[&capture()], 0, "alice", "");
    check(&["-r", &capture()], 0, "alice", "");
    check(
        &[&capture(), "--json"],
        0,
        "\"schema\":\"sip-inspect/1\"",
        "",
    );
}

#[test]
fn m001_m002_what_is_no_capture_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, octets: &[u8]| -> String {
        let path = folder.path().join(name);
        fs::write(&path, octets).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    };
    let random: Vec<u8> = (0..4096_u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8 | 1)
        .collect();
    check(&[&file("empty", b"")], 3, "", "empty");
    check(&[&file("short", b"\xd4")], 3, "", "ends after 1 octets");
    check(
        &[&file("text", b"INVITE sip:a SIP/2.0\r\n")],
        3,
        "",
        "49 4e 56 49",
    );
    check(
        &[&file("elf", b"\x7fELF\x02\x01\x01")],
        3,
        "",
        "7f 45 4c 46",
    );
    check(&[&file("random", &random)], 3, "", "not a capture");
    check(
        &[&file("kuznetzov", b"\x34\xcd\xb2\xa1\0\0\0\0")],
        3,
        "",
        "not supported",
    );
    check(&["/no/such/file"], 3, "", "/no/such/file");
    check(&[&format!("{}/x", capture())], 3, "", "Not a directory");
    let locked = file("locked", b"\xd4\xc3\xb2\xa1");
    fs::set_permissions(&locked, std::os::unix::fs::PermissionsExt::from_mode(0o000))
        .expect("locked");
    if fs::File::open(&locked).is_err() {
        // Whoever runs this is not root, who may read everything.
        check(&[&locked], 3, "", "Permission denied");
    }
    check(
        &[folder.path().join("empty-folder").to_str().expect("UTF-8")],
        3,
        "",
        "empty-folder",
    );
    let nothing = folder.path().join("nothing");
    fs::create_dir(&nothing).expect("a folder");
    check(&[nothing.to_str().expect("UTF-8")], 3, "", "no capture");
    check(&["/dev/zero"], 3, "", "00 00 00 00");
    assert_eq!(run_with(&["-"], b"").status, Some(3));
}

#[test]
fn m003_a_header_cut_anywhere_is_refused() {
    let whole = fs::read(capture()).expect("a capture");
    for cut in 0..24 {
        let output = run_with(&["-"], &whole[..cut]);
        assert_eq!(output.status, Some(3), "{cut}: {}", output.stderr);
    }
    // A capture without packets is one.
    let output = run_with(&["-", "--json"], &whole[..24]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert!(output.stdout.contains("\"packets\":0"));
}

#[test]
fn m004_a_cut_file_gives_all_whole_packets() {
    let whole = fs::read(capture()).expect("a capture");
    let mut last = 0;
    for cut in (24..3000).step_by(61) {
        let output = run_with(&["-", "--json"], &whole[..cut]);
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        let document: serde_json::Value = serde_json::from_str(&output.stdout).expect("JSON");
        let packets = document["summary"]["packets"].as_u64().expect("a number");
        assert!(packets >= last, "{cut}");
        last = packets;
        let complete = output.stderr.is_empty();
        assert_eq!(document["summary"]["complete"], complete, "{cut}");
        if !complete {
            assert!(
                output.stderr.contains("cut inside packet"),
                "{}",
                output.stderr
            );
        }
    }
    assert!(last > 3);
    let output = run_with(&["-", "--strict", "-q"], &whole[..1000]);
    assert_eq!((output.status, output.stderr.as_str()), (Some(4), ""));
    assert_eq!(run_with(&["-", "--strict"], &whole).status, Some(0));
}

#[test]
fn m009_compressed_input_is_read_and_bombs_are_not() {
    check(&[&path("sipp-dtmf/capture.pcap.gz")], 0, "completed", "");
    check(&[&path("tcp-call/capture.pcap.zst")], 0, "completed", "");
    let mut bomb = fs::read(capture()).expect("a capture");
    bomb.truncate(24);
    bomb.resize(80 * 1024 * 1024, 0);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packed, &bomb).expect("a vector takes all");
    let packed = packed.finish().expect("a vector takes all");
    let output = run_with(&["-", "--strict", "--format", "ndjson"], &packed);
    assert_eq!(output.status, Some(4), "{}", output.stderr);
    assert!(output.stderr.contains("bomb"), "{}", output.stderr);
    let cut = run_with(&["-", "--strict"], &packed[..packed.len() / 2]);
    assert!(matches!(cut.status, Some(3 | 4)), "{}", cut.stderr);
}

#[test]
fn standard_input_reads_as_the_file_does() {
    let octets = fs::read(capture()).expect("a capture");
    let piped = run_with(&["-", "--format", "csv"], &octets);
    let named = run(&["analyze", &capture(), "--format", "csv"]);
    let named = named.stdout.replace("capture.pcap", "-");
    assert_eq!(piped.stdout, named);
}

#[test]
fn m016_several_files_are_merged_by_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = fs::read(capture()).expect("a capture");
    // The same capture, its packets dealt out to two files in turn.
    let (mut odd, mut even) = (whole[..24].to_vec(), whole[..24].to_vec());
    let (mut at, mut number) = (24, 0);
    while at < whole.len() {
        let length = u32::from_le_bytes(whole[at + 8..at + 12].try_into().expect("four"));
        let end = at + 16 + length as usize;
        let part = if number % 2 == 0 { &mut even } else { &mut odd };
        part.extend(&whole[at..end]);
        (at, number) = (end, number + 1);
    }
    let (a, b) = (
        folder.path().join("b-even.pcap"),
        folder.path().join("a-odd.pcap"),
    );
    fs::write(&a, even).expect("written");
    fs::write(&b, odd).expect("written");
    fs::write(folder.path().join("notes.txt"), "not a capture").expect("written");
    for arguments in [
        vec![a.to_str().expect("UTF-8"), b.to_str().expect("UTF-8")],
        vec![folder.path().to_str().expect("UTF-8"), "-q"],
    ] {
        let output = run(&[&arguments[..], &["--json"]].concat());
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        let document: serde_json::Value = serde_json::from_str(&output.stdout).expect("JSON");
        assert_eq!(document["calls"][0]["outcome"], "completed");
        assert_eq!(document["summary"]["packets"], number);
        assert_eq!(
            document["summary"]["capture_points"]
                .as_array()
                .map(Vec::len),
            Some(2)
        );
    }
}

#[test]
fn filters_choose_packets_and_calls() {
    let features = path("call-features/capture.pcap");
    let calls = |arguments: &[&str]| -> u64 {
        let output = run(&[&["analyze", &features, "--json"], arguments].concat());
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        let document: serde_json::Value = serde_json::from_str(&output.stdout).expect("JSON");
        document["summary"]["calls"].as_u64().expect("a number")
    };
    assert_eq!(calls(&[]), 6);
    assert_eq!(calls(&["--call", "3"]), 1);
    assert_eq!(calls(&["--call", "carol"]), 3);
    assert_eq!(calls(&["--call", "no such call"]), 0);
    assert_eq!(calls(&["-c", "12"]), 0);
    #[cfg(feature = "live")]
    {
        assert_eq!(calls(&["-f", "host 203.0.113.30"]), 3);
        check(
            &["analyze", &features, "-f", "no such filter"],
            2,
            "",
            "does not compile",
        );
    }
}

#[test]
fn m066_a_closed_pipe_ends_quietly() {
    let mut child = program()
        .args([
            "analyze",
            &path("call-features/capture.pcap"),
            "--format",
            "ndjson",
            "--messages",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut first = [0];
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_exact(&mut first).expect("an octet");
    drop(stdout);
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn m067_a_full_disk_is_told() {
    for (format, expected) in [("json", 5), ("ndjson", 5), ("csv", 5), ("table", 5)] {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("/dev/full");
        let output = program()
            .args(["analyze", &capture(), "--format", format])
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .expect("the program ends");
        assert_eq!(output.status.code(), Some(expected), "{format}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("not written whole"), "{format}: {stderr}");
    }
    check(
        &["analyze", &capture(), "-o", "/no/such/folder/out"],
        5,
        "",
        "/no/such/folder/out",
    );
    check(
        &["analyze", &capture(), "-o", "/dev/full"],
        5,
        "",
        "/dev/full",
    );
}

#[test]
fn output_goes_where_it_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let file: PathBuf = folder.path().join("out.json");
    let output = run(&[
        "analyze",
        &capture(),
        "--json",
        "-o",
        file.to_str().expect("UTF-8"),
    ]);
    assert_eq!((output.status, output.stdout.as_str()), (Some(0), ""));
    let written = fs::read_to_string(file).expect("written");
    assert_eq!(written, run(&["analyze", &capture(), "--json"]).stdout);
}

#[test]
fn colours_are_used_when_asked_for() {
    let escapes = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = program();
        command.args(arguments).envs(variables.iter().copied());
        let output = command.output().expect("the program ends");
        output.stdout.contains(&0x1b)
    };
    let capture = capture();
    assert!(!escapes(&[&capture], &[]));
    assert!(escapes(&[&capture, "--color", "always"], &[]));
    assert!(escapes(&[&capture], &[("CLICOLOR_FORCE", "1")]));
    assert!(!escapes(
        &[&capture, "--color", "never"],
        &[("CLICOLOR_FORCE", "1")]
    ));
}

#[test]
fn digits_are_masked_unless_asked_for() {
    let capture = path("sipp-dtmf/capture.pcap.gz");
    let digits = |arguments: &[&str]| -> Vec<String> {
        let output = run(&[&["analyze", &capture, "--json"], arguments].concat());
        let document: serde_json::Value = serde_json::from_str(&output.stdout).expect("JSON");
        let streams = document["rtp_streams"].as_array().expect("streams").clone();
        streams
            .iter()
            .filter_map(|stream| stream["dtmf"].as_str())
            .filter(|digits| !digits.is_empty())
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(digits(&[]), ["*"; 6]);
    assert_eq!(digits(&["--show-digits"]), ["1"; 6]);
}

#[test]
fn header_fields_are_added_when_asked_for() {
    let output = run(&[
        "analyze",
        &capture(),
        "--json",
        "--messages",
        "--header",
        "user-agent",
    ]);
    let document: serde_json::Value = serde_json::from_str(&output.stdout).expect("JSON");
    let agent = document["calls"][0]["headers"]["user-agent"]
        .as_str()
        .expect("a value");
    assert!(agent.starts_with("baresip"), "{agent}");
    let messages = document["messages"].as_array().expect("messages");
    assert!(
        messages
            .iter()
            .any(|message| message["headers"]["user-agent"].is_string())
    );
}

#[test]
fn csv_has_a_row_per_record() {
    let output = run(&[
        "analyze",
        &path("call-features/capture.pcap"),
        "--format",
        "csv",
    ]);
    let mut reader = csv::Reader::from_reader(output.stdout.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let column = |name: &str| {
        header
            .iter()
            .position(|known| known == name)
            .expect("a column")
    };
    let outcomes: Vec<String> = reader
        .records()
        .map(|row| row.expect("a row")[column("outcome")].to_owned())
        .collect();
    assert_eq!(
        outcomes,
        [
            "completed",
            "cancelled",
            "rejected",
            "busy",
            "completed",
            "completed"
        ]
    );
    for section in ["rtp-streams", "transactions", "messages"] {
        let output = run(&[
            "analyze",
            &capture(),
            "--format",
            "csv",
            "--section",
            section,
        ]);
        let rows = csv::Reader::from_reader(output.stdout.as_bytes())
            .into_records()
            .count();
        assert!(rows > 1, "{section}");
    }
}

#[cfg(debug_assertions)]
#[test]
fn m075_an_internal_error_loses_nothing_found_before() {
    let features = path("call-features/capture.pcap");
    let output = run(&[
        "analyze",
        &features,
        "--json",
        "--inject-fault",
        "panic@frame=700",
    ]);
    assert_eq!(output.status, Some(70));
    assert!(
        output.stderr.contains("internal error"),
        "{}",
        output.stderr
    );
    let document: serde_json::Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!(document["summary"]["complete"], false);
    assert_eq!(document["summary"]["packets"], 699);
    assert_eq!(document["calls"][0]["outcome"], "completed");
}

#[test]
fn a_ladder_shows_hops_legs_and_media() {
    let features = path("call-features/capture.pcap");
    let flow = |arguments: &[&str]| run(&[&["flow", &features], arguments].concat());
    // The transfer and the call that it led to, in one picture.
    let output = flow(&["5"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert!(
        lines[0].starts_with("call 5: alice to bob") && lines[0].contains("call 6: bob to carol"),
        "{}",
        lines[0]
    );
    for host in ["10.1.0.2", "203.0.113.10", "10.2.0.2", "203.0.113.30"] {
        assert!(lines[1].contains(host), "{}", lines[1]);
    }
    for what in ["INVITE", "407 Proxy", "REFER", "202 Accepted", "BYE"] {
        assert!(output.stdout.contains(what), "{what}");
    }
    assert_eq!(output.stdout.matches("RTP PCMU").count(), 4);
    assert!(
        lines
            .iter()
            .any(|line| line.contains("INVITE") && line.contains("SDP PCMU 10.1.0.2:"))
    );
    // A hold says so where it is offered.
    assert!(flow(&["1"]).stdout.contains("sendonly"));
    // Six calls are listed; a call may be named by its user; what is none is told.
    assert!(flow(&[]).stdout.contains("6 calls"));
    assert!(flow(&["--call", "nobody"]).stdout.starts_with("call 3:"));
    assert_eq!(flow(&["--call", "no such call"]).status, Some(1));
    let svg = flow(&["5", "--format", "svg"]).stdout;
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    let page = flow(&["5", "--format", "html"]).stdout;
    assert!(
        page.contains("default-src 'none'") && !page.contains("http://")
            || page.matches("http://").count()
                == page.matches("http://www.w3.org/2000/svg").count()
    );
    // Each message is drawn once, though it was captured on both sides.
    let output = run(&["flow", &path("one-way-audio/capture.pcapng")]);
    assert_eq!(
        output.stdout.matches("─ BYE ─").count(),
        1,
        "{}",
        output.stdout
    );
}

#[test]
fn statistics_completions_and_manuals_are_printed() {
    let features = path("call-features/capture.pcap");
    check(&["stats", &features], 0, "SER   answered", "");
    let output = run(&["stats", &features, "--format", "json"]);
    let stats: serde_json::Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!(stats["calls"], 6);
    assert_eq!(stats["session_establishment_ratio"]["counted"], 3);
    assert_eq!(stats["codecs"]["PCMU"], 6);
    check(&["stats"], 2, "", "FILE");
    check(&["stats", "/no/such/file"], 3, "", "/no/such/file");
    for shell in ["bash", "zsh", "fish"] {
        check(&["completions", shell], 0, "sip-inspect", "");
    }
    check(&["man"], 0, ".TH", "");
    check(&["man", "analyze"], 0, "show\\-digits", "");
    check(&["man", "nothing"], 2, "", "no such verb");
}

#[test]
fn the_doctor_says_what_is_allowed() {
    let output = run(&["doctor", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&output.stdout).expect("JSON");
    let healthy = told["healthy"].as_bool().expect("a verdict");
    assert_eq!(output.status, Some(i32::from(!healthy)));
    let checks = told["checks"].as_array().expect("checks");
    for check in checks {
        let is_bad = check["state"] == "bad";
        assert_eq!(is_bad, check["fix"].is_string(), "{check}");
    }
    let table = run(&["doctor"]);
    assert_eq!(
        table.stdout.matches("good  ").count(),
        checks
            .iter()
            .filter(|check| check["state"] == "good")
            .count()
    );
    // Without a place for long reports something is wrong.
    let output = program()
        .args(["doctor"])
        .env("TMPDIR", "/nowhere")
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("TMPDIR"));
}

#[test]
fn a_check_gates_by_its_status() {
    let faulty = path("one-way-audio/capture.pcapng");
    let healthy = path("proxied-call/capture.pcap");
    for (arguments, status) in [
        (vec!["check", &faulty], 1),
        (vec!["check", &faulty, "--fail-on", "never"], 0),
        (vec!["check", &faulty, "--ignore", "MED015,NAT005"], 0),
        (vec!["check", &faulty, "--ignore", "med,nat"], 0),
        (vec!["check", &faulty, "--select", "TXN"], 0),
        (
            vec!["check", &faulty, "--severity", "MED015=warning,NAT005=info"],
            0,
        ),
        (
            vec![
                "check",
                &faulty,
                "--severity",
                "MED015=warning,NAT005=info",
                "--fail-on",
                "warning",
            ],
            1,
        ),
        (vec!["check", &healthy], 0),
        (vec!["check", &healthy, "--min-calls", "1"], 0),
        (vec!["check", &healthy, "--min-calls", "2"], 1),
        (vec!["check", &healthy, "--select", "XYZ"], 2),
        (vec!["check", &healthy, "--severity", "MED015=loud"], 2),
        (vec!["check", "/nowhere"], 3),
        (vec!["explain", "TXN014"], 0),
        (vec!["explain", "--list"], 0),
        (vec!["explain", "NOPE01"], 2),
        (vec!["explain"], 2),
    ] {
        let output = run(&arguments);
        assert_eq!(
            output.status,
            Some(status),
            "{arguments:?}: {}",
            output.stderr
        );
    }
    let text = run(&["check", &faulty]).stdout;
    for part in [
        "error[MED015]",
        "--> ",
        "RFC 3264 5",
        "must act: caller",
        "help: ",
        "2 errors,",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let sarif = run(&["check", &faulty, "--format", "sarif"]).stdout;
    let sarif: serde_json::Value = serde_json::from_str(&sarif).expect("JSON");
    assert_eq!(sarif["version"], "2.1.0");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(
        (&result["ruleId"], &result["level"]),
        (&"NAT005".into(), &"error".into())
    );
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .expect("rules");
    assert!(rules.iter().any(|rule| rule["id"] == "MED015"));
    let junit = run(&["check", &faulty, "--format", "junit"]).stdout;
    assert!(
        junit.contains("tests=\"2\" failures=\"1\"") && junit.contains("<failure type=\"NAT005\"")
    );
    let github = run(&["check", &faulty, "--format", "github"]).stdout;
    assert!(github.contains("\n::error file="), "{github}");
    let json = run(&["check", &faulty, "--format", "json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["summary"]["diagnostics"]["error"], 2);
    let lines = run(&["check", &faulty, "--format", "ndjson"]).stdout;
    assert_eq!(
        lines
            .lines()
            .filter(|line| line.contains(r#""error""#))
            .count(),
        2
    );
}
