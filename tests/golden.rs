//! What the program prints for each shipped capture, and what all output has
//! in common.

mod common;

use std::path::PathBuf;

use common::{cases, run, testdata, update};

/// The capture of a case, whatever its kind.
fn capture(case: &std::path::Path) -> PathBuf {
    std::fs::read_dir(case)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.to_string_lossy().contains("/capture."))
        .expect("a capture")
}

#[test]
fn every_case_prints_what_is_expected() {
    for case in cases() {
        let capture = capture(&case);
        let path = capture.to_str().expect("UTF-8");
        let output = run(&["analyze", path, "--format", "ndjson", "--messages"]);
        assert_eq!(
            output.status,
            Some(0),
            "{}: {}",
            case.display(),
            output.stderr
        );
        let expected = case.join("expected.ndjson");
        if update() {
            std::fs::write(&expected, &output.stdout).expect("written");
        }
        let expected = std::fs::read_to_string(&expected).expect("expected.ndjson");
        for (number, (line, expected)) in output.stdout.lines().zip(expected.lines()).enumerate() {
            assert_eq!(line, expected, "{} line {}", case.display(), number + 1);
        }
        assert_eq!(
            output.stdout.lines().count(),
            expected.lines().count(),
            "{}",
            case.display()
        );
    }
}

/// The ladders of a case, as people see them.
#[test]
fn ladders_look_as_they_did() {
    for (case, call, name) in [
        ("proxied-call", "1", "flow.svg"),
        ("proxied-call", "1", "flow.txt"),
        ("call-features", "5", "flow.txt"),
        ("lossy-call", "1", "flow.txt"),
        ("tcp-call", "1", "flow.txt"),
        ("turn-relay", "1", "flow.txt"),
        ("b2bua", "1", "flow.txt"),
    ] {
        let case = testdata().join("cases").join(case);
        let capture = capture(&case);
        let format = if name.ends_with("svg") { "svg" } else { "text" };
        let path = capture.to_str().expect("UTF-8");
        let output = run(&["flow", path, call, "--format", format, "--color", "never"]);
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        let expected = case.join(name);
        if update() {
            std::fs::write(&expected, &output.stdout).expect("written");
        }
        let expected = std::fs::read_to_string(&expected).expect("the ladder");
        assert_eq!(output.stdout, expected, "{} {name}", case.display());
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for case in cases() {
        let capture = capture(&case);
        let path = capture.to_str().expect("UTF-8");
        for format in ["json", "ndjson", "csv", "table"] {
            let arguments = ["analyze", path, "--format", format, "--transactions"];
            assert_eq!(
                run(&arguments).stdout,
                run(&arguments).stdout,
                "{path} {format}"
            );
        }
    }
}

#[test]
fn every_output_keeps_to_the_schema() {
    let schema: serde_json::Value = serde_json::from_str(&run(&["schema"]).stdout).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for case in cases() {
        let capture = capture(&case);
        let path = capture.to_str().expect("UTF-8");
        for extra in [
            &[][..],
            &["--messages", "--transactions", "--header", "User-Agent"],
        ] {
            let arguments = [&["analyze", path, "--json"], extra].concat();
            let output = run(&arguments);
            let document: serde_json::Value = serde_json::from_str(&output.stdout).expect("JSON");
            let errors: Vec<String> = validator
                .iter_errors(&document)
                .map(|error| format!("{} at {}", error, error.instance_path))
                .collect();
            assert!(errors.is_empty(), "{path}: {errors:?}");
        }
    }
    // The check can fail.
    assert!(!validator.is_valid(&serde_json::json!({"schema": "sip-inspect/1"})));
}

#[test]
fn json_and_ndjson_say_the_same() {
    for case in cases() {
        let capture = capture(&case);
        let path = capture.to_str().expect("UTF-8");
        let document: serde_json::Value =
            serde_json::from_str(&run(&["analyze", path, "--json"]).stdout).expect("JSON");
        let lines = run(&["analyze", path, "--format", "ndjson"]).stdout;
        let lines: Vec<serde_json::Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        for (kind, section) in [
            ("call", "calls"),
            ("rtp_stream", "rtp_streams"),
            ("transaction", "transactions"),
        ] {
            let of_kind: Vec<&serde_json::Value> =
                lines.iter().filter(|line| line["type"] == kind).collect();
            let members = document[section].as_array().expect("a section");
            assert_eq!(of_kind.len(), members.len(), "{path} {section}");
            for member in members {
                let line = of_kind
                    .iter()
                    .find(|line| line["id"] == member["id"])
                    .expect("a line");
                for (name, value) in member.as_object().expect("an object") {
                    assert_eq!(&line[name], value, "{path} {} {name}", member["id"]);
                }
            }
        }
        let last = lines.last().expect("a line");
        assert_eq!(
            (&last["type"], &last["schema"]),
            (&"summary".into(), &"sip-inspect/1".into())
        );
        assert_eq!(last["calls"], document["summary"]["calls"]);
    }
}
