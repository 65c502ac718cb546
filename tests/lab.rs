//! Captures of real programs against what the programs themselves counted.
//! The shipped cases are always tried; the folder that `SIP_INSPECT_TRACES`
//! names is tried too.

mod common;

use std::path::{Path, PathBuf};

use common::{document, testdata};
use serde_json::Value;

/// What is true of one call of a capture.
struct Fact {
    capture: &'static str,
    /// The `#` of the call.
    call: usize,
    /// Paths into the record, and values.
    says: &'static [(&'static str, &'static str)],
}

const SHIPPED: &[Fact] = &[
    Fact {
        capture: "proxied-call/capture.pcap",
        call: 1,
        says: &[
            ("outcome", "\"completed\""),
            ("ended_by", "\"caller\""),
            ("exchanges.0.result", "\"challenged\""),
            ("media.0.audio", "\"both\""),
            ("media.0.packets_to_callee", "213"),
            ("media.0.packets_to_caller", "214"),
            (
                "hops",
                r#"[["10.1.0.2:5060","203.0.113.10:5060"],["203.0.113.10:5060","10.2.0.2:5060"]]"#,
            ),
            ("ack_seen_by_callee", "true"),
            ("messages", "16"),
        ],
    },
    Fact {
        capture: "b2bua/capture.pcap.gz",
        call: 1,
        says: &[
            ("outcome", "\"completed\""),
            ("ended_by", "\"caller\""),
            ("media.0.packets_to_callee", "102"),
            ("media.0.packets_to_caller", "102"),
            ("legs.0.kind", "\"parties\""),
            ("legs.0.score", "0.7"),
            ("legs.1", "null"),
        ],
    },
    Fact {
        capture: "b2bua/capture.pcap.gz",
        call: 2,
        says: &[
            ("outcome", "\"completed\""),
            ("media.0.packets_to_callee", "102"),
            ("media.0.packets_to_caller", "103"),
            ("legs.0.kind", "\"parties\""),
        ],
    },
    Fact {
        capture: "call-features/capture.pcap",
        call: 1,
        says: &[
            ("exchanges.2.purpose", "\"hold\""),
            ("exchanges.3.purpose", "\"resume\""),
            ("media.1.audio", "\"held\""),
            ("media.2.audio", "\"both\""),
        ],
    },
    Fact {
        capture: "call-features/capture.pcap",
        call: 2,
        says: &[
            ("outcome", "\"cancelled\""),
            ("final_status", "487"),
            ("ended_by", "\"caller\""),
            ("end_method", "\"CANCEL\""),
        ],
    },
    Fact {
        capture: "call-features/capture.pcap",
        call: 3,
        says: &[
            ("outcome", "\"rejected\""),
            ("cause.by", "\"proxy\""),
            ("cause.class", "\"not-found\""),
        ],
    },
    Fact {
        capture: "call-features/capture.pcap",
        call: 4,
        says: &[("outcome", "\"busy\""), ("ended_by", "\"callee\"")],
    },
    Fact {
        capture: "call-features/capture.pcap",
        call: 5,
        says: &[
            ("exchanges.2.purpose", "\"transfer\""),
            ("exchanges.2.result", "\"done\""),
            ("legs.0.kind", "\"transferred-to\""),
        ],
    },
    Fact {
        capture: "call-features/capture.pcap",
        call: 6,
        says: &[
            ("legs.0.kind", "\"transferred-from\""),
            ("from_user", "\"bob\""),
        ],
    },
    Fact {
        capture: "one-way-audio/capture.pcapng",
        call: 1,
        says: &[
            ("media.0.audio", "\"caller-hears-nothing\""),
            ("media.0.packets_to_caller", "0"),
            ("media.0.packets_to_callee", "217"),
            ("messages", "10"),
            ("duplicates", "10"),
            ("caller_ip", "\"10.1.0.2\""),
        ],
    },
    Fact {
        capture: "lossy-call/capture.pcapng",
        call: 1,
        says: &[
            ("media.0.audio", "\"both\""),
            ("media.0.packets_to_caller", "196"),
            ("media.0.packets_to_callee", "194"),
        ],
    },
    Fact {
        capture: "sipp-dtmf/capture.pcap.gz",
        call: 3,
        says: &[
            ("media.0.packets_to_callee", "246"),
            ("media.0.packets_to_caller", "246"),
        ],
    },
    Fact {
        capture: "sipp-ipv6/capture.pcap",
        call: 2,
        says: &[
            ("outcome", "\"completed\""),
            ("media.0.audio", "\"unknown\""),
        ],
    },
    Fact {
        capture: "tcp-call/capture.pcap.zst",
        call: 1,
        says: &[
            ("outcome", "\"completed\""),
            ("media.0.packets_to_callee", "162"),
        ],
    },
];

const TRACES: &[Fact] = &[
    Fact {
        capture: "call-udp-pcmu.pcap",
        call: 1,
        says: &[
            ("media.0.packets_to_caller", "277"),
            ("media.0.packets_to_callee", "277"),
            ("media.0.codec", "\"PCMU\""),
        ],
    },
    Fact {
        capture: "call-features.pcap",
        call: 1,
        says: &[
            ("pdd_ms", "5.567"),
            ("talk_ms", "6298.341"),
            ("exchanges.2.purpose", "\"hold\""),
            ("exchanges.3.purpose", "\"resume\""),
        ],
    },
    Fact {
        capture: "nat-noalg.both.pcapng",
        call: 1,
        says: &[
            ("media.0.audio", "\"caller-hears-nothing\""),
            ("media.0.packets_to_caller", "0"),
            ("media.0.packets_to_callee", "248"),
        ],
    },
    Fact {
        capture: "nat-noalg.wan.pcap",
        call: 1,
        says: &[
            ("media.0.audio", "\"caller-hears-nothing\""),
            ("media.0.packets_to_caller", "0"),
        ],
    },
    Fact {
        capture: "nat-natfix.both.pcapng",
        call: 1,
        says: &[
            ("media.0.audio", "\"caller-hears-nothing\""),
            ("media.0.packets_to_callee", "270"),
        ],
    },
    Fact {
        capture: "nat-alg.both.pcapng",
        call: 1,
        says: &[
            ("media.0.audio", "\"both\""),
            ("messages", "10"),
            ("duplicates", "10"),
        ],
    },
    Fact {
        capture: "call-opus.pcap",
        call: 1,
        says: &[("media.0.codec", "\"opus\""), ("media.0.audio", "\"both\"")],
    },
    Fact {
        capture: "call-srtp-mand.pcap",
        call: 1,
        says: &[
            ("media.0.crypto", "\"AES_CM_128_HMAC_SHA1_80\""),
            ("media.0.audio", "\"both\""),
        ],
    },
    Fact {
        capture: "call-dtls_srtp.pcap",
        call: 1,
        says: &[
            ("media.0.crypto", "\"dtls\""),
            ("media.0.audio", "\"both\""),
        ],
    },
    Fact {
        capture: "stun-only.all.pcapng",
        call: 1,
        says: &[("media.0.audio", "\"both\"")],
    },
    Fact {
        capture: "ice-direct.all.pcapng",
        call: 1,
        says: &[("media.1.audio", "\"both\""), ("media.0.ice", "true")],
    },
];

/// The value at a path such as `media.0.audio`.
fn at<'v>(value: &'v Value, path: &str) -> &'v Value {
    path.split('.')
        .fold(value, |value, step| match step.parse::<usize>() {
            Ok(index) => &value[index],
            Err(_) => &value[step],
        })
}

fn check(folder: &Path, facts: &[Fact]) {
    for fact in facts {
        let path: PathBuf = folder.join(fact.capture);
        let report = document(&path, &[]);
        let call = &report["calls"][fact.call - 1];
        for (name, expected) in fact.says {
            let expected: Value = serde_json::from_str(expected).expect("JSON");
            assert_eq!(
                *at(call, name),
                expected,
                "{} call {} {name}",
                fact.capture,
                fact.call
            );
        }
    }
}

#[test]
fn shipped_captures_tell_what_happened() {
    check(&testdata().join("cases"), SHIPPED);
}

#[test]
fn lab_traces_tell_what_happened() {
    if let Some(folder) = std::env::var_os("SIP_INSPECT_TRACES") {
        check(Path::new(&folder), TRACES);
    }
}

#[test]
fn streams_at_two_points_are_tied() {
    let report = document(&testdata().join("cases/lossy-call/capture.pcapng"), &[]);
    let streams = report["rtp_streams"].as_array().expect("streams");
    assert_eq!(streams.len(), 4);
    for stream in streams {
        let same = stream["same_as"].as_array().expect("ids");
        assert_eq!(same.len(), 1, "{stream}");
        let other = streams
            .iter()
            .find(|other| other["id"] == same[0])
            .expect("a stream");
        assert_eq!(other["ssrc"], stream["ssrc"]);
        assert_ne!(other["capture_points"], stream["capture_points"]);
    }
}

#[test]
fn every_stream_has_one_row_and_no_call_gets_anothers() {
    let report = document(&testdata().join("cases/sipp-dtmf/capture.pcap.gz"), &[]);
    let streams = report["rtp_streams"].as_array().expect("streams");
    // Three calls, two directions, sound and digits.
    assert_eq!(streams.len(), 12);
    for call in report["calls"].as_array().expect("calls") {
        let own = streams
            .iter()
            .filter(|stream| stream["call_id"] == call["call_id"]);
        assert_eq!(own.count(), 4, "{}", call["call_id"]);
    }
}

/// Mapped addresses that a server told whoever asked from `src`, and how often.
fn mapped(report: &Value, src: &str) -> Vec<(String, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for exchange in report["stun_exchanges"].as_array().expect("exchanges") {
        if exchange["src_ip"] == src
            && let Some(address) = exchange["mapped_ip"].as_str()
        {
            *counts.entry(address.to_owned()).or_insert(0) += 1;
        }
    }
    counts.into_iter().collect()
}

#[test]
fn stun_tells_the_outside_address() {
    let Some(folder) = std::env::var_os("SIP_INSPECT_TRACES") else {
        return;
    };
    let folder = Path::new(&folder);
    let report = document(&folder.join("stun-only.nat1lan.pcap"), &[]);
    assert_eq!(mapped(&report, "10.1.0.2"), [("203.0.113.1".to_owned(), 2)]);
    for kind in [
        "eim-eif",
        "eim-adf",
        "eim-apdf",
        "eimr-apdf",
        "adm-apdf",
        "apdm-apdf",
    ] {
        let report = document(&folder.join(format!("natdisc-{kind}.pcapng")), &[]);
        let inside = mapped(&report, "10.1.0.2");
        assert!(
            matches!(inside.as_slice(), [(address, count)] if address == "203.0.113.1" && *count >= 4),
            "{kind}: {inside:?}"
        );
        // The server answers from its other address where it was asked to,
        // and where the NAT lets that in.
        let elsewhere = report["stun_exchanges"]
            .as_array()
            .expect("exchanges")
            .iter()
            .filter(|exchange| {
                exchange["src_ip"] == "10.1.0.2" && exchange["answered_from"].is_string()
            })
            .count();
        assert_eq!(
            elsewhere > 0,
            kind == "eim-eif" || kind == "eim-adf",
            "{kind}"
        );
    }
    // A server that is blocked answers nothing.
    let report = document(&folder.join("natdisc-block.pcapng"), &[]);
    assert_eq!(mapped(&report, "10.1.0.2"), []);
    assert!(report["summary"]["stun_exchanges"].as_u64() > Some(0));
}

#[test]
fn registrations_are_the_registrars_table() {
    let check = |path: &Path, expected: &[(&str, &str, &str)]| {
        let report = document(path, &[]);
        let found: Vec<(String, String, String)> = report["registrations"]
            .as_array()
            .expect("registrations")
            .iter()
            .map(|registration| {
                let text = |name: &str| registration[name].as_str().unwrap_or("-").to_owned();
                (
                    text("address_of_record"),
                    text("state"),
                    text("received_ip"),
                )
            })
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(user, state, seen)| {
                ((*user).to_owned(), (*state).to_owned(), (*seen).to_owned())
            })
            .collect();
        assert_eq!(found, expected, "{}", path.display());
        for registration in report["registrations"].as_array().expect("registrations") {
            if registration["state"] == "registered" {
                assert_eq!(registration["expires_granted_s"], 300);
                assert_eq!(
                    (&registration["challenges"], &registration["auth_failures"]),
                    (&1.into(), &0.into())
                );
                assert_eq!(registration["events"].as_array().map(Vec::len), Some(4));
            }
        }
    };
    check(
        &testdata().join("cases/call-features/capture.pcap"),
        &[
            ("alice@lab.test", "registered", "-"),
            ("bob@lab.test", "registered", "-"),
            ("carol@lab.test", "registered", "-"),
        ],
    );
    check(
        &testdata().join("cases/one-way-audio/capture.pcapng"),
        &[("alice@lab.test", "registered", "203.0.113.1")],
    );
    if let Some(folder) = std::env::var_os("SIP_INSPECT_TRACES") {
        // A scanner: names that do not exist, then passwords of one that does.
        let report = document(&Path::new(&folder).join("scan-sipvicious.pcap"), &[]);
        let registrations = report["registrations"].as_array().expect("registrations");
        let not_found = registrations
            .iter()
            .filter(|registration| registration["last_status"] == 404);
        assert!(not_found.count() > 40);
        let cracked = registrations.iter().find(|registration| {
            registration["auth_user"] == "alice" && registration["auth_failures"].as_u64() > Some(1)
        });
        assert!(cracked.is_some());
    }
}

#[test]
fn connections_say_who_speaks_with_whom() {
    let report = document(&testdata().join("cases/tcp-call/capture.pcap.zst"), &[]);
    let connections = report["connections"].as_array().expect("connections");
    let messages: u64 = connections
        .iter()
        .filter_map(|connection| connection["sip_messages"].as_u64())
        .sum();
    assert_eq!((connections.len(), messages), (3, 24));
    let Some(folder) = std::env::var_os("SIP_INSPECT_TRACES") else {
        return;
    };
    let path = Path::new(&folder).join("call-tls.pcap");
    let report = document(&path, &[]);
    let connections = report["connections"].as_array().expect("connections");
    assert_eq!(connections.len(), 3);
    for connection in connections {
        assert_eq!(
            (&connection["tls_version"], &connection["state"]),
            (&"TLS 1.3".into(), &"open".into())
        );
        assert!(connection["encrypted_not_decoded"].as_u64() > Some(0));
    }
    let table = common::run(&[path.to_str().expect("UTF-8")]).stdout;
    assert!(
        table.contains("3 TLS connections are not decoded"),
        "{table}"
    );
    let path = Path::new(&folder).join("call-dtls_srtp.pcap");
    let report = document(&path, &[]);
    let connections = report["connections"].as_array().expect("connections");
    assert_eq!(connections.len(), 2);
    for connection in connections {
        assert_eq!(
            (
                &connection["transport"],
                &connection["tls_version"],
                &connection["cert_subject"],
                &connection["call_id"],
            ),
            (
                &"dtls".into(),
                &"DTLS 1.2".into(),
                &"CN=dtls@baresip".into(),
                &report["calls"][0]["call_id"],
            )
        );
    }
}
