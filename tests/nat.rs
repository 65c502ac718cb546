//! What NATs did, against what is known of them: traces of real ones in the
//! folder that `SIP_INSPECT_TRACES` names, and emulated ones.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use common::wire::{Read, judged, read};
use sip_inspect::report::{NatFindingRecord, NatMappingRecord, Record};

/// Rows and findings of packets.
fn nats(packets: &[Read]) -> (Vec<NatMappingRecord>, Vec<NatFindingRecord>) {
    let (mut rows, mut findings) = (Vec::new(), Vec::new());
    for record in judged(packets) {
        match record {
            Record::NatMapping(row) => rows.push(*row),
            Record::NatFinding(finding) => findings.push(*finding),
            _ => {}
        }
    }
    (rows, findings)
}

fn trace(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SIP_INSPECT_TRACES")?;
    Some(Path::new(&folder).join(name))
}

/// The values of a code, each once.
fn values<'f>(findings: &'f [NatFindingRecord], code: &str) -> BTreeSet<&'f str> {
    findings
        .iter()
        .filter(|own| own.code == code)
        .filter_map(|own| own.value.as_deref())
        .collect()
}

/// Whether a frame of Ethernet and IPv4 names an address.
fn names(packet: &Read, ip: [u8; 4]) -> bool {
    packet
        .data
        .get(26..34)
        .is_some_and(|ends| ends[..4] == ip || ends[4..] == ip)
}

const ALICE: [u8; 4] = [10, 1, 0, 2];

#[test]
fn behaviours_of_real_nats_come_out() {
    // Mapping and filtering; what one side shows, and both.
    for (kind, mapping, filtering) in [
        ("eim-eif", "endpoint-independent", "endpoint-independent"),
        ("eim-adf", "endpoint-independent", "address-dependent"),
        (
            "eim-apdf",
            "endpoint-independent",
            "address-and-port-dependent",
        ),
        (
            "eimr-apdf",
            "endpoint-independent",
            "address-and-port-dependent",
        ),
        (
            "adm-apdf",
            "address-dependent",
            "address-and-port-dependent",
        ),
        (
            "apdm-apdf",
            "address-and-port-dependent",
            "address-and-port-dependent",
        ),
    ] {
        let Some(path) = trace(&format!("natdisc-{kind}.pcapng")) else {
            return;
        };
        let both = read(&path);
        let (inside, outside): (Vec<Read>, Vec<Read>) =
            both.iter().cloned().partition(|own| names(own, ALICE));
        for (side, packets) in [("both", &both), ("inside", &inside)] {
            let (_, found) = nats(packets);
            assert_eq!(values(&found, "NAT002"), [mapping].into(), "{kind} {side}");
            assert_eq!(
                values(&found, "NAT003"),
                [filtering].into(),
                "{kind} {side}"
            );
            assert_eq!(
                values(&found, "NAT001"),
                ["behind-nat"].into(),
                "{kind} {side}"
            );
            let random = kind.starts_with("eimr") || !kind.starts_with("eim");
            let ports = values(&found, "NAT013");
            let possible: &[&str] = if random {
                &["random", "unknown"]
            } else {
                &["port-preserving", "unknown"]
            };
            assert!(
                ports.iter().all(|own| possible.contains(own)),
                "{kind} {ports:?}"
            );
        }
        // From outside nothing says that these are one socket.
        let (rows, found) = nats(&outside);
        assert!(rows.is_empty(), "{kind}: {rows:?}");
        for code in ["NAT002", "NAT003"] {
            assert!(values(&found, code).is_empty(), "{kind} {code}");
        }
    }
    let (rows, found) = nats(&read(&trace("natdisc-block.pcapng").expect("a folder")));
    assert!(rows.is_empty() && found.is_empty(), "{found:?}");
}

/// Rows of `conntrack -L` in a truth file: inside, outside, remote.
fn conntrack(truth: &str) -> BTreeSet<[String; 3]> {
    let mut rows = BTreeSet::new();
    for line in truth.lines().filter(|line| line.starts_with("udp ")) {
        let all = |key: &str| -> Vec<&str> {
            line.split_whitespace()
                .filter_map(|word| word.strip_prefix(key)?.strip_prefix('='))
                .collect()
        };
        let (src, dst, sport, dport) = (all("src"), all("dst"), all("sport"), all("dport"));
        let end = |ip: &str, port: &str| format!("{ip}:{port}");
        let first = [end(src[0], sport[0]), end(dst[0], dport[0])];
        let back = [end(src[1], sport[1]), end(dst[1], dport[1])];
        // What came in first stands the other way round.
        let is_out = src[0].starts_with("10.");
        let [inside, remote, outside] = if is_out {
            [first[0].clone(), first[1].clone(), back[1].clone()]
        } else {
            [back[0].clone(), first[0].clone(), first[1].clone()]
        };
        rows.insert([inside, outside, remote]);
    }
    rows
}

fn told(rows: &[NatMappingRecord]) -> BTreeSet<[String; 3]> {
    rows.iter()
        .filter(|row| row.protocol == "udp")
        .filter_map(|row| {
            let remote = format!("{}:{}", row.remote_ip.as_deref()?, row.remote_port?);
            Some([
                format!("{}:{}", row.inside_ip, row.inside_port),
                format!("{}:{}", row.outside_ip, row.outside_port),
                remote,
            ])
        })
        .collect()
}

#[test]
fn the_table_is_that_of_the_nat() {
    for name in [
        "natdisc-eim-eif.pcapng",
        "natdisc-eim-adf.pcapng",
        "natdisc-eim-apdf.pcapng",
        "natdisc-eimr-apdf.pcapng",
        "natdisc-adm-apdf.pcapng",
        "natdisc-apdm-apdf.pcapng",
        "nat-alg.both.pcapng",
        "nat-noalg.both.pcapng",
        "nat-natfix.both.pcapng",
    ] {
        let Some(path) = trace(name) else { return };
        let stem = name.split('.').next().expect("a stem");
        let truth = trace(&format!("{stem}.truth.txt")).expect("a folder");
        let truth = std::fs::read_to_string(truth).expect("the truth");
        let (rows, _) = nats(&read(&path));
        assert_eq!(told(&rows), conntrack(&truth), "{name}");
    }
}

#[test]
fn techniques_and_gateways_are_named() {
    for (name, code, expected, values_of) in [
        (
            "nat-alg.both.pcapng",
            "NAT009",
            &["alg"][..],
            &["Via", "Contact", "SDP c=", "SDP o="][..],
        ),
        ("nat-noalg.both.pcapng", "NAT009", &[], &[]),
        ("nat-natfix.both.pcapng", "NAT009", &[], &[]),
        ("nat-noalg.both.pcapng", "NAT015", &["rport"], &[]),
        (
            "nat-natfix.both.pcapng",
            "NAT015",
            &["options-ping"],
            &["rport"],
        ),
        (
            "punch-udp-eim-apdf.pcap",
            "NAT015",
            &["udp-hole-punch"],
            &[],
        ),
        (
            "punch-tcp-eim-apdf.pcap",
            "NAT015",
            &["tcp-simultaneous-open"],
            &[],
        ),
        ("ice-direct.nat1lan.pcap", "NAT015", &["ice-srflx"], &[]),
        ("ice-relay.nat1lan.pcap", "NAT015", &["turn-relay"], &[]),
        ("stun-only.nat1lan.pcap", "NAT015", &["stun-rewritten"], &[]),
        ("ice-direct.nat1wan.pcap", "NAT015", &["ice-srflx"], &[]),
        (
            "ice-direct.all.pcapng",
            "NAT002",
            &["endpoint-independent", "unknown"],
            &[],
        ),
        (
            "ice-relay.all.pcapng",
            "NAT002",
            &["address-and-port-dependent", "unknown"],
            &[],
        ),
        (
            "ice-relay.all.pcapng",
            "NAT003",
            &["address-and-port-dependent", "unknown"],
            &[],
        ),
        (
            "stun-only.all.pcapng",
            "NAT003",
            &["endpoint-independent", "unknown"],
            &[],
        ),
        (
            "stun-only.all.pcapng",
            "NAT015",
            &["stun-rewritten", "rport"],
            &[],
        ),
    ] {
        let Some(path) = trace(name) else { return };
        let (_, found) = nats(&read(&path));
        let expected: BTreeSet<&str> = expected.iter().copied().collect();
        assert_eq!(values(&found, code), expected, "{name} {code}");
        for value in values_of {
            let has = found
                .iter()
                .any(|own| own.code == code && own.values.iter().any(|known| known == value));
            assert!(has, "{name} {code} {value}: {found:?}");
        }
    }
}
