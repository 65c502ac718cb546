//! Recorded faults: each has exactly one root, the right one, and its healthy
//! twin has none.

mod common;

use std::path::PathBuf;

use common::wire::{judged, read};
use sip_inspect::report::{DiagnosticRecord, Record};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/faults")
}

/// What explains what a user would complain of: the root of each call, and
/// outside calls whatever follows from nothing and can be noticed.
fn roots(path: &std::path::Path) -> Vec<DiagnosticRecord> {
    let records = judged(&read(path));
    assert!(!records.is_empty(), "{}", path.display());
    let of_calls: Vec<(String, Option<String>)> = records
        .iter()
        .filter_map(|record| match record {
            Record::Call(call) => Some((call.call_id.clone(), call.root_cause.clone())),
            _ => None,
        })
        .collect();
    let is_root = |own: &DiagnosticRecord| {
        let call = own
            .call_id
            .as_ref()
            .and_then(|id| of_calls.iter().find(|(known, _)| known == id));
        match call {
            Some((_, root)) => root.as_ref() == Some(&own.id),
            None => {
                let rule = sip_inspect::rules::find(&own.code).expect("a rule");
                own.caused_by.is_none() && rule.symptom.is_some()
            }
        }
    };
    records
        .iter()
        .filter_map(|record| match record {
            Record::Diagnostic(own) if is_root(own) => Some((**own).clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn each_fault_has_one_root_and_its_twin_none() {
    let expected = std::fs::read_to_string(folder().join("roots.txt")).expect("roots.txt");
    let mut faults = Vec::new();
    let mut names = Vec::new();
    for line in expected.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, code, party] = words.as_slice() else {
            panic!("{line}");
        };
        names.push((*name).to_owned());
        let found = roots(&folder().join(name).join("fault.pcapng.gz"));
        let told: Vec<_> = found
            .iter()
            .map(|own| (own.code.as_str(), own.party.as_deref().unwrap_or("-")))
            .collect();
        if told != [(*code, *party)] {
            faults.push(format!("{name}: {told:?}, not {code} {party}"));
        }
        if found
            .iter()
            .any(|own| own.points.iter().all(|point| point.frames.is_empty()))
        {
            faults.push(format!("{name}: no frame is named"));
        }
        let healthy = roots(&folder().join(name).join("healthy.pcapng.gz"));
        if !healthy.is_empty() {
            let told: Vec<_> = healthy
                .iter()
                .map(|own| (&own.code, &own.message))
                .collect();
            faults.push(format!("{name}, healthy: {told:?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // Each recording is looked at.
    let mut folders: Vec<String> = std::fs::read_dir(folder())
        .expect("a folder")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("a name"))
        .collect();
    folders.sort();
    assert_eq!(names, folders);
    assert!(names.len() >= 25);
}
