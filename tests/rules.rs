//! The catalogue of rules: each flags what it must and accepts what it must.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use common::scene;
use common::wire::{Read, judged, read};
use sip_inspect::report::Record;
use sip_inspect::rules::{CATALOGUE, Severity};

/// Codes of what is found in a scene, with what each follows from.
fn found(text: &str) -> Vec<(String, Option<String>)> {
    let records = scene::records(text);
    let diagnostics: Vec<_> = records
        .iter()
        .filter_map(|record| match record {
            Record::Diagnostic(diagnostic) => Some(diagnostic),
            _ => None,
        })
        .collect();
    let nats = records.iter().filter_map(|record| match record {
        Record::NatFinding(finding) => Some((finding.code.clone(), None)),
        _ => None,
    });
    diagnostics
        .iter()
        .map(|diagnostic| {
            let cause = diagnostics
                .iter()
                .find(|other| Some(&other.id) == diagnostic.caused_by.as_ref());
            (
                diagnostic.code.clone(),
                cause.map(|cause| cause.code.clone()),
            )
        })
        .chain(nats)
        .collect()
}

/// What goes well, and no rule may call an error or a warning.
const HEALTHY: [&str; 8] = [
    "0 A>B INVITE sdp=4000
     1 B>A 100
     10 B>A 180 to=t
     20 B>A 200 to=t sdp=5000
     30 A>B ACK branch=2 to=t
     40 A:4000>B:5000 rtp n=150
     40 B:5000>A:4000 rtp n=150
     3100 A>B BYE to=t branch=9 cseq=2
     3101 B>A 200 to=t branch=9 cseq=2 method=BYE",
    "0 A>B INVITE sdp=4000
     10 B>A 183 to=t sdp=5000
     4000 A>B CANCEL
     4001 B>A 200 to=t method=CANCEL
     4002 B>A 487 to=t
     4003 A>B ACK to=t",
    "0 A>B INVITE sdp=4000
     10 B>A 486 to=t
     11 A>B ACK to=t",
    "0 A>B INVITE
     10 B>A 200 to=t sdp=5000
     20 A>B ACK branch=2 to=t sdp=4000
     2000 A>B INVITE to=t cseq=2 branch=3 sdp=4000/sendonly
     2010 B>A 200 to=t cseq=2 branch=3 sdp=5000/recvonly
     2020 A>B ACK to=t cseq=2 branch=4
     3000 B>A BYE tag=t to=f branch=9
     3001 A>B 200 tag=t to=f branch=9 method=BYE",
    "0 A>B REGISTER header=Contact:_<sip:a@10.0.0.1>;expires=60
     1 B>A 401 method=REGISTER to=t header=WWW-Authenticate:_Digest_realm=\"x\",nonce=\"y\",qop=\"auth\",algorithm=MD5
     2 A>B REGISTER cseq=2 branch=2 header=Contact:_<sip:a@10.0.0.1>;expires=60 header=Authorization:_Digest_username=\"alice\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",qop=auth,nc=00000001,cnonce=\"z\",response=\"0123456789abcdef0123456789abcdef\",algorithm=MD5
     3 B>A 200 method=REGISTER cseq=2 branch=2 to=u header=Contact:_<sip:a@10.0.0.1>;expires=60
     50000 A>B REGISTER cseq=3 branch=3 header=Contact:_<sip:a@10.0.0.1>;expires=0
     50001 B>A 200 method=REGISTER cseq=3 branch=3 to=v",
    "0 A>B OPTIONS
     1 B>A 200 to=t method=OPTIONS header=Allow:_INVITE,ACK",
    "0 A>B SUBSCRIBE header=Event:_presence header=Expires:_600
     1 B>A 200 to=t method=SUBSCRIBE header=Expires:_600
     2 B>A NOTIFY tag=t to=f branch=n header=Event:_presence header=Subscription-State:_active;expires=600
     3 A>B 200 tag=t to=f branch=n method=NOTIFY",
    "0 A>B INVITE sdp=4000 header=Supported:_100rel
     10 B>A 183 to=t sdp=5000 header=Require:_100rel header=RSeq:_1
     20 A>B PRACK to=t cseq=2 branch=2 header=RAck:_1_1_INVITE
     30 B>A 200 to=t cseq=2 branch=2 method=PRACK
     40 B>A 200 to=t
     50 A>B ACK to=t branch=3
     3000 A>B BYE to=t branch=9 cseq=3
     3001 B>A 200 to=t branch=9 cseq=3 method=BYE",
];

#[test]
fn no_rule_holds_anything_against_what_goes_well() {
    for text in HEALTHY {
        let weighty: Vec<_> = scene::records(text)
            .into_iter()
            .filter_map(|record| match record {
                Record::Diagnostic(own) if own.severity != "info" => Some((own.code, own.message)),
                _ => None,
            })
            .collect();
        assert_eq!(weighty, [], "{text}");
    }
}

#[test]
fn every_rule_flags_what_it_must_and_accepts_what_it_must() {
    let mut faults = Vec::new();
    for rule in CATALOGUE {
        for (scenes, expected) in [(rule.flags, true), (rule.accepts, false)] {
            for text in scenes {
                let codes = found(text);
                let flagged = codes.iter().any(|(code, _)| code == rule.code);
                if flagged != expected {
                    faults.push(format!("{} {expected}: {codes:?}\n{text}", rule.code));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn a_lost_acknowledgment_is_one_root_with_its_consequences() {
    let text = "0 A>B INVITE
        20 B>A 200 to=t header=Contact:_<sip:b@192.168.7.7>
        30 A>C ACK branch=2 to=t uri=sip:b@192.168.7.7
        520 B>A 200 to=t header=Contact:_<sip:b@192.168.7.7>
        1520 B>A 200 to=t header=Contact:_<sip:b@192.168.7.7>
        32020 B>A BYE tag=t to=f branch=9
        32021 A>B 200 tag=t to=f branch=9 method=BYE";
    let told = found(text);
    let follows = |code: &str| {
        let own = told.iter().find(|(known, _)| known == code);
        own.expect("found").1.clone()
    };
    assert_eq!(follows("DLG040"), None);
    assert_eq!(follows("TXN014").as_deref(), Some("DLG040"));
    assert_eq!(follows("DLG037").as_deref(), Some("DLG040"));
    let records = scene::records(text);
    let call = records.iter().find_map(|record| match record {
        Record::Call(call) => Some(call),
        _ => None,
    });
    let call = call.expect("a call");
    let root = records.iter().find_map(|record| match record {
        Record::Diagnostic(own) if Some(&own.id) == call.root_cause.as_ref() => Some(own),
        _ => None,
    });
    let root = root.expect("a root");
    assert_eq!(
        (root.code.as_str(), root.party.as_deref()),
        ("DLG040", Some("callee"))
    );
    assert_eq!(call.symptoms, ["dropped"]);
    assert_eq!(call.diagnostics.len(), told.len());
}

/// Codes of the errors in a capture, and those of the roots of its calls.
fn errors(packets: &[Read]) -> (BTreeSet<String>, Vec<String>) {
    let records = judged(packets);
    let mut roots: Vec<&String> = Vec::new();
    for record in &records {
        if let Record::Call(call) = record {
            roots.extend(&call.root_cause);
        }
    }
    let mut codes = BTreeSet::new();
    let mut root_codes = Vec::new();
    for record in &records {
        if let Record::Diagnostic(own) = record {
            if own.severity == "error" {
                codes.insert(own.code.clone());
            }
            if roots.contains(&&own.id) {
                root_codes.push(own.code.clone());
            }
        }
    }
    (codes, root_codes)
}

/// Captures that ship, and those that lie beside.
fn captures() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = common::cases()
        .iter()
        .flat_map(|case| std::fs::read_dir(case).expect("a folder"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().contains("/capture."))
        .collect();
    if let Some(folder) = std::env::var_os("SIP_INSPECT_TRACES") {
        let beside = std::fs::read_dir(folder).expect("a folder");
        paths.extend(
            beside
                .map(|entry| entry.expect("an entry").path())
                .filter(|path| {
                    let name = path.to_string_lossy();
                    name.contains(".pcap") && !name.contains("scan-")
                }),
        );
    }
    paths.sort();
    paths
}

/// Where a capture is cut: before every SIP message, and at random places;
/// where not all of them are asked for, enough of them.
fn cuts(whole: &[Read], thorough: bool) -> Vec<usize> {
    let is_sip = |packet: &Read| packet.data.windows(7).any(|text| text == b"SIP/2.0");
    let all = whole.iter().enumerate();
    let mut places: Vec<usize> = all
        .filter(|(_, packet)| is_sip(packet))
        .map(|(place, _)| place)
        .collect();
    let mut rng = fastrand::Rng::with_seed(4);
    let count = if thorough { 200 } else { 20 };
    places.extend((0..count).map(|_| rng.usize(0..whole.len())));
    places.sort_unstable();
    places.dedup();
    let step = match thorough {
        true => 1,
        false => places.len().div_ceil(60).max(1),
    };
    places.into_iter().step_by(step).collect()
}

/// What parts of a capture raise that the whole does not.
fn false_alarms(path: &Path, thorough: bool) -> Vec<String> {
    let whole = read(path);
    if whole.is_empty() {
        return Vec::new();
    }
    let (known, roots) = errors(&whole);
    let mut alarms = Vec::new();
    let mut check = |part: &[Read], what: &str| {
        let (codes, found) = errors(part);
        let new: Vec<_> = codes.difference(&known).collect();
        if !new.is_empty() || found.len() > roots.len() {
            alarms.push(format!(
                "{} {what}: {new:?} {found:?}, not {roots:?}",
                path.display()
            ));
        }
    };
    for place in cuts(&whole, thorough) {
        check(&whole[place..], &format!("without what is before {place}"));
        check(&whole[..place], &format!("without what follows {place}"));
    }
    let twice: Vec<Read> = whole
        .iter()
        .flat_map(|packet| [packet.clone(), packet.clone()])
        .collect();
    check(&twice, "with every packet twice");
    let most = if thorough { 40 } else { 400 };
    for host in hosts(&whole).into_iter().take(most) {
        for (from, to) in [(Some(host), None), (None, Some(host))] {
            let one: Vec<Read> = whole
                .iter()
                .filter(|packet| {
                    let (source, target) = ends(packet).unzip();
                    (from.is_some() && source == from) || (to.is_some() && target == to)
                })
                .cloned()
                .collect();
            check(&one, &format!("with one direction of {host:?} alone"));
        }
    }
    alarms
}

/// `SIP_INSPECT_CUTS=all` cuts at every place, and the public captures too.
#[test]
fn parts_of_a_capture_raise_no_error_that_the_whole_does_not_have() {
    let thorough = std::env::var_os("SIP_INSPECT_CUTS").is_some();
    let mut paths = captures();
    if let Some(corpus) = std::env::var_os("SIP_INSPECT_CORPUS").filter(|_| thorough) {
        gather(Path::new(&corpus), &mut paths);
    }
    let next = AtomicUsize::new(0);
    let alarms: Vec<String> = std::thread::scope(|scope| {
        let work = || {
            let mut alarms = Vec::new();
            while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                alarms.extend(false_alarms(path, thorough));
            }
            alarms
        };
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        let done = threads.into_iter().map(|thread| thread.join());
        done.flat_map(|alarms| alarms.expect("no panic")).collect()
    });
    assert!(alarms.is_empty(), "{}", alarms.join("\n"));
}

/// From whom to whom an IPv4 packet over Ethernet goes.
fn ends(packet: &Read) -> Option<([u8; 4], [u8; 4])> {
    let is_ip = packet.data.get(12..14) == Some(&[8, 0]);
    let address = |at: usize| packet.data.get(at..at + 4)?.try_into().ok();
    is_ip.then_some((address(26)?, address(30)?))
}

fn hosts(packets: &[Read]) -> BTreeSet<[u8; 4]> {
    let ends = packets.iter().take(2000).filter_map(ends);
    ends.flat_map(|(from, to)| [from, to]).collect()
}

/// Errors in calls that went well, by the word of the programs that made them.
#[test]
fn healthy_calls_have_no_error_and_no_root() {
    for path in captures() {
        let name = path.to_string_lossy();
        let healthy = [
            "proxied-call",
            "tcp-call",
            "sipp-ipv6",
            "call-pcma",
            "call-opus",
            "call-udp-pcmu",
            "sipp-udp6",
            "call-srtp",
            "call-dtls",
        ];
        if healthy.iter().any(|own| name.contains(own)) {
            assert_eq!(
                errors(&read(&path)),
                (BTreeSet::new(), Vec::new()),
                "{name}"
            );
        }
        if name.contains("sipp-dtmf") {
            // Its scenario answers with a codec that was not offered.
            let own = BTreeSet::from(["SDP013".to_owned()]);
            assert_eq!(errors(&read(&path)).0, own, "{name}");
        }
    }
}

/// What fires at error or warning over the public captures and the lab's
/// traces, and why it is true: `CODE CAPTURE | WHY`.
const REVIEWED: &str = include_str!("reviewed.txt");

#[test]
fn each_finding_over_real_captures_was_reviewed() {
    let mut paths = Vec::new();
    for name in ["SIP_INSPECT_CORPUS", "SIP_INSPECT_TRACES"] {
        if let Some(folder) = std::env::var_os(name) {
            gather(Path::new(&folder), &mut paths);
        }
    }
    paths.sort();
    let reviewed: Vec<(&str, &str)> = REVIEWED
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (pair, why) = line.split_once(" | ").expect("a reason");
            assert!(why.len() > 10, "{line}");
            pair.split_once(' ').expect("a code and a capture")
        })
        .collect();
    let mut unknown = Vec::new();
    let mut met = BTreeSet::new();
    for path in &paths {
        let mut codes = BTreeSet::new();
        for record in judged(&read(path)) {
            if let Record::Diagnostic(own) = record
                && own.severity != "info"
            {
                codes.insert(own.code.clone());
            }
        }
        for code in codes {
            let known = reviewed.iter().position(|(known, name)| {
                *known == code && path.to_string_lossy().replace('+', "/").ends_with(name)
            });
            match known {
                Some(known) => {
                    met.insert(known);
                }
                None => unknown.push(format!("{code} {}", path.display())),
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
    if std::env::var_os("SIP_INSPECT_CORPUS").is_some()
        && std::env::var_os("SIP_INSPECT_TRACES").is_some()
    {
        assert_eq!(met.len(), reviewed.len(), "{met:?}");
    }
}

/// Rules that only scenes show: no capture of a real flow has what they look
/// for. `UPDATE=1` writes the list anew.
#[test]
fn rules_that_only_scenes_show_are_marked() {
    let folders = ["SIP_INSPECT_CORPUS", "SIP_INSPECT_TRACES"].map(std::env::var_os);
    let mut paths = Vec::new();
    gather(Path::new("testdata"), &mut paths);
    for folder in folders.iter().flatten() {
        gather(Path::new(folder), &mut paths);
    }
    let mut shown = BTreeSet::new();
    for path in &paths {
        for record in judged(&read(path)) {
            match record {
                Record::Diagnostic(own) => shown.insert(own.code.clone()),
                Record::NatFinding(own) => shown.insert(own.code.clone()),
                _ => false,
            };
        }
    }
    let list = Path::new("tests/synthetic.txt");
    let marked = std::fs::read_to_string(list).expect("the list");
    let (head, marked): (Vec<_>, Vec<_>) = marked.lines().partition(|line| line.starts_with('#'));
    let wrong: Vec<_> = marked
        .iter()
        .filter(|code| shown.contains(**code))
        .collect();
    let whole = folders.iter().all(Option::is_some);
    if whole && std::env::var_os("UPDATE").is_some() {
        let codes = CATALOGUE.iter().map(|rule| rule.code);
        let lines = head
            .into_iter()
            .chain(codes.filter(|code| !shown.contains(*code)));
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        return std::fs::write(list, text).expect("written");
    }
    assert!(wrong.is_empty(), "shown by captures: {wrong:?}");
    if whole {
        let unmarked: Vec<_> = CATALOGUE
            .iter()
            .filter(|rule| !shown.contains(rule.code) && !marked.contains(&rule.code))
            .map(|rule| rule.code)
            .collect();
        assert!(unmarked.is_empty(), "only scenes show: {unmarked:?}");
    }
}

/// Captures below a folder.
fn gather(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            gather(&path, into);
        } else if path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().contains("cap"))
        {
            into.push(path);
        }
    }
}

/// More transactions under one Call-ID than are followed: what is not followed
/// any more is not missing.
#[test]
fn what_a_bound_left_out_is_not_held_against_anybody() {
    let challenge = r#"header=WWW-Authenticate:_Digest_realm="x",nonce="y""#;
    let answer = r#"header=Authorization:_Digest_username="alice",realm="x",nonce="y",uri="sip:x",response="0123456789abcdef0123456789abcdef""#;
    let mut text = "0 A>B REGISTER\n1 B>A 200 method=REGISTER to=t\n".to_owned();
    for round in 0..300 {
        let (ms, first, second) = (round * 20_000 + 5000, round * 2 + 2, round * 2 + 3);
        text += &format!(
            "{ms} A>B REGISTER cseq={first} branch={first} {answer}
            {0} B>A 401 method=REGISTER cseq={first} branch={first} to=t {challenge}
            {1} A>B REGISTER cseq={second} branch={second} {answer}
            {2} B>A 200 method=REGISTER cseq={second} branch={second} to=t\n",
            ms + 1,
            ms + 2,
            ms + 3
        );
    }
    let records = scene::records(&text);
    let bounds: Vec<_> = records
        .iter()
        .filter_map(|record| match record {
            Record::Limit(limit) => Some(limit.limit.as_str()),
            _ => None,
        })
        .collect();
    assert!(bounds.contains(&"transactions-per-call"), "{bounds:?}");
    let heavy: Vec<_> = found(&text)
        .into_iter()
        .filter(|(code, _)| {
            sip_inspect::rules::find(code).expect("a rule").severity != Severity::Info
        })
        .collect();
    assert_eq!(heavy, []);
}

#[test]
fn the_readme_lists_the_rules() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&path).expect("README.md");
    let begin = "<!-- made by the test of the rules; UPDATE=1 rewrites it -->\n";
    let (head, rest) = text.split_once(begin).expect("the beginning of the table");
    let (table, tail) = rest.split_once("<!-- rules end -->").expect("its end");
    let mut expected = "| code | severity | what |\n|---|---|---|\n".to_owned();
    for rule in CATALOGUE {
        let severity = rule.severity.name();
        expected += &format!(
            "| {} {} | {severity} | {} |\n",
            rule.code,
            rule.name,
            rule.title()
        );
    }
    if common::update() {
        let new = format!("{head}{begin}{expected}<!-- rules end -->{tail}");
        std::fs::write(&path, new).expect("written");
        return;
    }
    assert_eq!(table, expected, "UPDATE=1 cargo test --test rules");
}

/// Each finding about NATs over public captures, with a line on why it is true.
const REVIEWED_NATS: &str = include_str!("reviewed_nats.txt");

#[test]
fn each_finding_about_nats_was_reviewed() {
    let Some(folder) = std::env::var_os("SIP_INSPECT_CORPUS") else {
        return;
    };
    let mut paths = Vec::new();
    gather(Path::new(&folder), &mut paths);
    let mut found = BTreeSet::new();
    for path in &paths {
        let below = path.strip_prefix(&folder).expect("below the folder");
        for record in judged(&read(path)) {
            if let Record::NatFinding(own) = record {
                let value = own.value.unwrap_or_default();
                let (code, name) = (own.code, below.display());
                found.insert(format!("{code} {value} {} {name}", own.subject));
            }
        }
    }
    let reviewed: BTreeSet<String> = REVIEWED_NATS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (what, why) = line.split_once(" | ").expect("a reason");
            assert!(why.len() > 10, "{line}");
            what.to_owned()
        })
        .collect();
    let unknown: Vec<_> = found.difference(&reviewed).collect();
    let gone: Vec<_> = reviewed.difference(&found).collect();
    assert!(
        unknown.is_empty() && gone.is_empty(),
        "{unknown:#?} {gone:#?}"
    );
}
