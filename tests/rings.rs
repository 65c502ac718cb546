//! Captures that are written as many files, one after the other, are one capture.

mod common;

use std::path::{Path, PathBuf};

use common::document;
use serde_json::Value;

/// The header of a classic capture, and its packets with theirs.
fn packets(path: &Path) -> (Vec<u8>, Vec<Vec<u8>>) {
    let octets = std::fs::read(path).expect("a capture");
    let (head, mut rest) = octets.split_at(24);
    let mut packets = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[8..12].try_into().expect("four octets"));
        let length = 16 + usize::try_from(length).expect("small");
        packets.push(rest[..length].to_vec());
        rest = &rest[length..];
    }
    (head.to_vec(), packets)
}

/// A folder with so many files; `place` says in which each packet stands.
fn folder(name: &str, files: usize, place: impl Fn(usize, usize) -> usize) -> PathBuf {
    let (head, packets) = packets(Path::new("testdata/cases/proxied-call/capture.pcap"));
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut parts = vec![head; files];
    for (number, packet) in packets.iter().enumerate() {
        parts[place(number, packets.len())].extend(packet);
    }
    for (number, part) in parts.iter().enumerate() {
        let path = folder.join(format!("ring{number:04}.pcap"));
        std::fs::write(path, part).expect("a file");
    }
    folder
}

/// A report without what names files and frames.
fn without_places(mut report: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for name in ["frame", "frames", "points", "file", "files"] {
                    fields.remove(name);
                }
                fields.values_mut().for_each(strip);
            }
            Value::Array(members) => members.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut report);
    report
}

#[test]
fn files_that_follow_one_another_are_one_capture_point() {
    let whole = document(Path::new("testdata/cases/proxied-call/capture.pcap"), &[]);
    let expected = without_places(whole);
    // Two, some of which stay open, and more than stay open.
    for files in [2, 7, 40] {
        let folder = folder(&format!("ring-{files}"), files, |number, count| {
            number * files / count
        });
        let report = document(&folder, &[]);
        assert_eq!(
            report["summary"]["files"].as_array().map(Vec::len),
            Some(files)
        );
        assert_eq!(without_places(report), expected, "{files} files");
    }
}

#[test]
fn frames_are_named_with_the_file_that_they_are_of() {
    let folder = folder("ring-named", 3, |number, count| number * 3 / count);
    let report = document(&folder, &["--messages"]);
    let (_, packets) = packets(Path::new("testdata/cases/proxied-call/capture.pcap"));
    let third = packets.len().div_ceil(3);
    let mut seen = 0;
    for point in report["calls"][0]["points"].as_array().expect("a list") {
        let file = point["file"].as_str().expect("a name");
        for frame in point["frames"].as_array().expect("a list") {
            assert!(
                frame.as_u64() <= u64::try_from(third).ok(),
                "{file} {frame}"
            );
            let message = report["messages"].as_array().expect("a list").iter();
            let named = { message }.any(|own| own["file"] == file && own["frame"] == *frame);
            assert!(named, "{file} {frame}");
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
    // What is exported is the call, of all three files.
    let out = folder.join("out.pcapng");
    let run = common::run(&[
        "export",
        "pcap",
        folder.to_str().expect("a path"),
        "--call",
        "1",
        "-w",
        out.to_str().expect("a path"),
    ]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let exported = document(&out, &[]);
    for field in ["messages", "outcome", "talk_ms"] {
        assert_eq!(exported["calls"][0][field], report["calls"][0][field]);
    }
}

#[test]
fn files_of_the_same_time_are_two_capture_points() {
    // Each packet stands in one of two files, by turns.
    let folder = folder("ring-woven", 2, |number, _| number % 2);
    let report = document(&folder, &[]);
    let points = report["summary"]["capture_points"]
        .as_array()
        .expect("a list");
    assert_eq!(points.len(), 2);
    // By one name each, since both interfaces have the same.
    let names: Vec<&Value> = (report["rtp_streams"].as_array().expect("a list").iter())
        .map(|own| &own["capture_points"][0])
        .collect();
    assert!(names.iter().any(|own| *own == "ring0000.pcap"), "{names:?}");
    assert!(names.iter().any(|own| *own == "ring0001.pcap"), "{names:?}");
}
