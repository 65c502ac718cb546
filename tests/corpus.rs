//! Public captures against what tshark says of them, in the folder that
//! `SIP_INSPECT_CORPUS` names. Every difference stands in a list, with the
//! frames and the reason; a difference that is gone must leave the list.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// File, a part of the difference, and why it stands.
const DIFFERENCES: [(&str, &str, &str); 2] = [
    (
        "srtp1.o.rtp",
        "packets 246 for 251",
        "frames 243, 245, 247, 249, 251 are ICMP errors; tshark counts the RTP that they quote, we count ICMP errors",
    ),
    (
        "javier-pastor+ptavi-p5/sip.cap",
        "jitter 82.029 for 67.28",
        "video: frames with one timestamp in several packets (111/112, 120/121, ...); the estimate of RFC 3550 \
         goes over all packets, tshark's over the first of each picture",
    ),
];

fn captures(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the corpus") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            captures(&path, into);
        } else if let Some(capture) = path.to_string_lossy().strip_suffix(".oracle.json") {
            into.push(PathBuf::from(capture));
        }
    }
    into.sort();
}

fn load(path: &Path) -> Value {
    let text = std::fs::read(path).expect("an oracle");
    serde_json::from_str(&String::from_utf8_lossy(&text)).expect("JSON")
}

/// What tshark and we say differently of one capture.
fn differences(oracle: &Value, ours: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let empty = Vec::new();
    let list = |value: &Value| value.as_array().unwrap_or(&empty).clone();
    // SIP: frame, Call-ID and what it is.
    let mut theirs = BTreeSet::new();
    for call in list(&oracle["sip"]["per_call"]) {
        for message in list(&call["methods_sequence"]) {
            let what = message[3]
                .as_str()
                .unwrap_or("?")
                .split(' ')
                .next()
                .unwrap_or("?")
                .to_owned();
            let call_id = call["call_id"].as_str().unwrap_or_default().to_owned();
            theirs.insert((message[0].as_u64().unwrap_or(0), what, call_id));
        }
    }
    let mut mine = BTreeSet::new();
    for message in list(&ours["messages"]) {
        let what = match (&message["kind"], message["status"].as_u64()) {
            (Value::String(kind), Some(status)) if kind == "response" => status.to_string(),
            _ => message["method"].as_str().unwrap_or("?").to_owned(),
        };
        let call_id = message["call_id"].as_str().unwrap_or_default().to_owned();
        mine.insert((message["frame"].as_u64().unwrap_or(0), what, call_id));
    }
    for (frame, what, _) in theirs.difference(&mine) {
        found.push(format!("SIP {frame} {what}"));
    }
    for (frame, what, _) in mine.difference(&theirs) {
        found.push(format!("extra SIP {frame} {what}"));
    }
    // STUN: every transaction, with its method and the address it tells.
    for message in list(&oracle["stun"]) {
        if message["dissector"] != "stun" || message["transaction_id"].is_null() {
            continue;
        }
        let same: Vec<Value> = list(&ours["stun_exchanges"])
            .into_iter()
            .filter(|own| own["transaction_id"] == message["transaction_id"])
            .collect();
        let method = same.iter().any(|own| own["method"] == message["method"]);
        let mapped = &message["xor_mapped"];
        if !method || !(mapped.is_null() || same.iter().any(|own| own["mapped_address"] == *mapped))
        {
            found.push(format!("STUN {} {}", message["frame"], message["method"]));
        }
    }
    // RTP: streams that SDP announces, or with a static payload type.
    let hex =
        |value: &Value| u64::from_str_radix(value.as_str()?.trim_start_matches("0x"), 16).ok();
    let key = |stream: &Value| {
        (
            stream["src"].clone().to_string(),
            stream["sport"].as_u64(),
            stream["dst"].clone().to_string(),
            stream["dport"].as_u64(),
            hex(&stream["ssrc"]),
        )
    };
    let announced: Vec<_> = list(&oracle["rtp"]).iter().map(key).collect();
    let heuristic = &oracle["rtp_heuristic"];
    let streams = if heuristic.is_array() {
        list(heuristic)
    } else {
        list(&oracle["rtp"])
    };
    for stream in streams {
        let types = stream["payload_types"].as_object().expect("payload types");
        let packets: i64 = types.values().filter_map(Value::as_i64).sum();
        let reported = stream["lost"].as_i64().unwrap_or(0);
        let is_static = stream["payload_type"]
            .as_u64()
            .is_some_and(|kind| kind < 35);
        if packets < 10
            || reported.abs() > 10 * packets
            || !(is_static || announced.contains(&key(&stream)))
        {
            continue;
        }
        let duplicates = stream["duplicate_seq"].as_i64().unwrap_or(0);
        let lost = reported + stream["packets"].as_i64().unwrap_or(0) - (packets - duplicates);
        let where_to = format!(
            "{}:{} {}",
            stream["src"].as_str().unwrap_or("?"),
            stream["sport"],
            stream["ssrc"]
        );
        let own = list(&ours["rtp_streams"]).into_iter().rfind(|own| {
            own["src_ip"] == stream["src"]
                && own["src_port"] == stream["sport"]
                && own["dst_ip"] == stream["dst"]
                && own["dst_port"] == stream["dport"]
                && own["ssrc"].as_u64() == hex(&stream["ssrc"])
        });
        let Some(own) = own else {
            found.push(format!("stream missing {where_to}"));
            continue;
        };
        let number = |name: &str| own[name].as_i64().unwrap_or(-1);
        if (number("packets") - packets).abs() > (packets / 200).max(1) {
            found.push(format!(
                "packets {} for {packets}: {where_to}",
                number("packets")
            ));
            continue;
        }
        if (number("lost") - lost).abs() > (lost.abs() / 100).max(1) {
            found.push(format!("lost {} for {lost}: {where_to}", number("lost")));
            continue;
        }
        if is_static && types.len() == 1 && duplicates == 0 {
            let theirs = stream["mean_jitter_ms"].as_f64().unwrap_or(0.0);
            let mine = own["jitter_ms"].as_f64().unwrap_or(-1.0);
            if (mine - theirs).abs() > (theirs * 0.1).max(0.5) {
                found.push(format!("jitter {mine} for {theirs}: {where_to}"));
            }
        }
    }
    found
}

#[test]
fn every_difference_from_tshark_is_known() {
    let Some(corpus) = std::env::var_os("SIP_INSPECT_CORPUS") else {
        return;
    };
    let mut paths = Vec::new();
    captures(Path::new(&corpus), &mut paths);
    assert!(paths.len() >= 100, "{}", paths.len());
    let (mut unknown, mut met) = (Vec::new(), BTreeSet::new());
    for path in &paths {
        let name = path.to_string_lossy().into_owned();
        let output = common::run(&["analyze", &name, "--json", "--messages"]);
        assert!(
            matches!(output.status, Some(0 | 3)),
            "{name}: {}",
            output.stderr
        );
        assert!(
            !output.stderr.contains("panicked"),
            "{name}: {}",
            output.stderr
        );
        let ours = match output.status {
            Some(0) => serde_json::from_str(&output.stdout).expect("JSON"),
            _ => Value::Null,
        };
        let oracle = load(Path::new(&format!("{name}.oracle.json")));
        for difference in differences(&oracle, &ours) {
            let listed = DIFFERENCES
                .iter()
                .position(|(file, part, _)| name.ends_with(file) && difference.contains(part));
            match listed {
                Some(listed) => {
                    met.insert(listed);
                }
                None => unknown.push(format!("{name}: {difference}")),
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert_eq!(
        met.len(),
        DIFFERENCES.len(),
        "a difference is gone: {met:?}"
    );
}

#[test]
fn proprietary_and_encrypted_media_make_no_calls() {
    let Some(corpus) = std::env::var_os("SIP_INSPECT_CORPUS") else {
        return;
    };
    let mut paths = Vec::new();
    captures(Path::new(&corpus), &mut paths);
    for path in paths {
        let oracle = load(Path::new(&format!("{}.oracle.json", path.display())));
        if oracle["sip"]["messages"].as_u64().unwrap_or(0) == 0
            && !path.to_string_lossy().contains("hep")
        {
            let output = common::run(&["analyze", path.to_str().expect("UTF-8"), "--json"]);
            if output.status == Some(0) {
                let ours: Value = serde_json::from_str(&output.stdout).expect("JSON");
                assert_eq!(ours["summary"]["calls"], 0, "{}", path.display());
            }
        }
    }
}
