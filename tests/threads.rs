//! Any number of threads gives the same octets.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sip_inspect::workload::{Plan, generate};

fn run(file: &Path, threads: &str, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sip-inspect"))
        .arg("analyze")
        .arg(file)
        .args(["--threads", threads])
        .args(more)
        .output()
        .expect("the program runs")
}

/// One thread is the measure of two and four.
fn check(file: &Path, more: &[&str]) {
    let alone = run(file, "1", more);
    for threads in ["2", "4"] {
        let together = run(file, threads, more);
        let what = format!("{} with {threads} threads, {more:?}", file.display());
        assert!(together.stdout == alone.stdout, "{what}: another report");
        assert_eq!(together.status, alone.status, "{what}");
        assert_eq!(together.stderr, alone.stderr, "{what}");
    }
}

/// A folder with a made-up capture in it, and how many packets it has.
fn made(plan: &Plan) -> (tempfile::TempDir, usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let out = std::fs::File::create(folder.path().join("made.pcap")).expect("a file");
    let workload = generate(plan);
    workload
        .write(std::io::BufWriter::new(out))
        .expect("room for it");
    (folder, workload.packets.len())
}

fn captures(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            found.extend(captures(&path));
        } else if path.extension().is_some_and(|kind| {
            ["pcap", "pcapng", "cap", "gz", "zst"].contains(&kind.to_str().unwrap_or_default())
        }) {
            found.push(path);
        }
    }
    found
}

#[test]
fn the_shipped_captures_and_the_corpus() {
    let shipped = captures(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata"));
    assert!(shipped.len() > 20);
    let corpus = std::env::var_os("SIP_INSPECT_CORPUS");
    for file in shipped.into_iter().chain(corpus.iter().flat_map(|folder| {
        let found = captures(Path::new(folder));
        assert!(!found.is_empty());
        found
    })) {
        check(&file, &["--format", "ndjson"]);
    }
}

/// Many batches and many calls at a time, in every way of reading them.
#[test]
fn a_made_up_capture_of_everything() {
    let (folder, _) = made(&Plan::mix(3, 400));
    let file = folder.path().join("made.pcap");
    check(&file, &["--format", "json", "--messages", "--transactions"]);
    check(&file, &["--format", "table"]);
    check(
        &file,
        &["--format", "ndjson", "-Y", "call.outcome == \"busy\""],
    );
    check(&file, &["--format", "json", "--count", "20000"]);
    check(&file, &["--format", "json", "--count", "1"]);
    check(&file, &["--format", "csv", "--section", "diagnostics"]);
}

/// What was found before a fault is told with any number of threads.
#[cfg(debug_assertions)]
#[test]
fn m075_a_fault_loses_nothing_that_was_found() {
    let (folder, packets) = made(&Plan::mix(4, 100));
    let file = folder.path().join("made.pcap");
    let at = format!("panic@frame={}", packets / 2);
    let more = ["--format", "ndjson", "--inject-fault", &at];
    let alone = run(&file, "1", &more);
    assert!(alone.stdout.len() > 10_000);
    for threads in ["2", "4"] {
        let together = run(&file, threads, &more);
        assert!(together.stdout == alone.stdout, "{threads} threads");
        assert_eq!(together.status, alone.status);
    }
}
