//! Media inside TURN, against what the server and the phones counted.

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;

use common::{document, scene, testdata};
use serde_json::{Value, json};
use sip_inspect::report::Record;

fn trace(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SIP_INSPECT_TRACES")?;
    Some(PathBuf::from(folder).join(name))
}

fn list<'v>(report: &'v Value, section: &str) -> &'v [Value] {
    report[section].as_array().expect("a section")
}

/// Packets and octets to peers, as coturn's log has them when each session ends.
const SERVER: [(u64, u64, u64); 4] = [
    (49207, 629, 107_256),
    (49239, 630, 107_424),
    (49227, 14, 1320),
    (49243, 14, 1300),
];

#[test]
fn media_inside_turn_are_found_and_counted() {
    let Some(path) = trace("ice-relay.all.pcapng") else {
        return;
    };
    let report = document(&path, &[]);
    let mut sent = BTreeMap::new();
    for own in list(&report, "turn_allocations") {
        let to_peers = &own["to_peers"];
        let packets = to_peers["indications"].as_u64().expect("a number")
            + to_peers["channel_packets"].as_u64().expect("a number");
        let bytes = to_peers["bytes"].as_u64().expect("a number");
        sent.insert(
            own["relayed_port"].as_u64().expect("a port"),
            (packets, bytes),
        );
        assert_eq!(own["state"], "released");
        assert_eq!(own["lifetime_s"], 600);
        assert_eq!(own["challenges"], 1);
        assert_eq!(own["unknown_channel_packets"], 0);
        assert!(own["call_id"].is_string());
    }
    let expected: BTreeMap<u64, (u64, u64)> =
        SERVER.iter().map(|own| (own.0, (own.1, own.2))).collect();
    assert_eq!(sent, expected);
    // As the phones counted, at each of the three places.
    let streams = list(&report, "rtp_streams");
    assert_eq!(streams.len(), 6);
    for stream in streams {
        let to_caller = stream["direction"] == "to-caller";
        assert_eq!(stream["packets"], if to_caller { 618 } else { 617 });
        assert_eq!(stream["lost"], 0);
        assert_eq!(stream["association"], "turn");
        assert_eq!(stream["tunnel"]["kind"], "turn");
        assert_eq!(stream["same_as"].as_array().map(Vec::len), Some(2));
    }
    assert_eq!(report["calls"][0]["media"][0]["audio"], "both");
}

#[test]
fn the_shipped_recording_agrees_with_server_and_phones() {
    let path = common::testdata().join("cases/turn-relay/capture.pcap.gz");
    let report = document(&path, &[]);
    let sent: Vec<(u64, u64, u64)> = list(&report, "turn_allocations")
        .iter()
        .map(|own| {
            let number = |path: &str| own.pointer(path).and_then(Value::as_u64).expect("a number");
            let packets = number("/to_peers/indications") + number("/to_peers/channel_packets");
            (number("/relayed_port"), packets, number("/to_peers/bytes"))
        })
        .collect();
    let [first, .., last] = SERVER;
    assert_eq!(sent, [first, last]);
    let packets: Vec<u64> = list(&report, "rtp_streams")
        .iter()
        .inspect(|own| assert_eq!(own["association"], "turn"))
        .map(|own| own["packets"].as_u64().expect("a number"))
        .collect();
    assert_eq!(packets, [618, 617]);
}

#[test]
fn where_ice_chose_the_direct_way_no_media_pass_the_relay() {
    let Some(path) = trace("ice-direct.nat1lan.pcap") else {
        return;
    };
    let report = document(&path, &[]);
    // A first packet takes another way before the pair is chosen.
    let streams = list(&report, "rtp_streams").iter();
    let mut packets: Vec<u64> = streams
        .inspect(|own| assert!(own["tunnel"].is_null(), "{own}"))
        .map(|own| own["packets"].as_u64().expect("a number"))
        .collect();
    packets.sort_unstable();
    assert_eq!(packets, [1, 273, 274]);
    for own in list(&report, "turn_allocations") {
        assert!(own["relayed_port"].is_number() && own["state"] == "released");
    }
}

/// As coturn's log says of its sessions, and the client of itself.
#[test]
fn connections_over_tcp_carry_what_the_server_counted() {
    let report = document(&testdata().join("cases/turn-tcp/capture.pcap"), &[]);
    let allocations = list(&report, "turn_allocations");
    let mut told: Vec<Value> = (allocations.iter())
        .map(|own| {
            let connections = own["connections"].as_array().expect("connections");
            let ways = connections.iter().map(|own| {
                json!([
                    own["incoming"],
                    own["bytes_to_peer"],
                    own["bytes_from_peer"],
                    own["bound"].is_string()
                ])
            });
            let none = (&own["to_peers"]["bytes"], &own["from_peers"]["bytes"]);
            assert_eq!(none, (&json!(0), &json!(0)));
            json!([own["relays"], ways.collect::<Vec<_>>()])
        })
        .collect();
    told.sort_by_key(Value::to_string);
    // The first allocation of the client has no use.
    let expected = json!([
        ["tcp", []],
        ["tcp", [[false, 1000, 1000, true]]],
        ["tcp", [[true, 1000, 1000, true]]],
    ]);
    let mut expected = expected.as_array().expect("a list").clone();
    expected.sort_by_key(Value::to_string);
    assert_eq!(told, expected);
}

/// As the client said of itself: an allocation that moves stays one.
#[test]
fn allocations_that_moved_carry_what_the_client_counted() {
    let report = document(&testdata().join("cases/turn-mobility/capture.pcap"), &[]);
    let allocations = list(&report, "turn_allocations");
    assert_eq!(allocations.len(), 5);
    let mut sums = BTreeMap::new();
    for own in allocations {
        let moves = own["moves"].as_array().expect("moves");
        assert_eq!(moves.len(), 1, "{own}");
        assert_ne!(moves[0]["from_port"], own["src_port"]);
        assert!(own["relayed_port"].is_number(), "{own}");
        for way in ["to_peers", "from_peers"] {
            for count in ["channel_packets", "bytes"] {
                *sums.entry((way, count)).or_insert(0) +=
                    own[way][count].as_u64().expect("a count");
            }
        }
    }
    let expected = [
        (("to_peers", "channel_packets"), 40),
        (("to_peers", "bytes"), 4000),
        (("from_peers", "channel_packets"), 40),
        (("from_peers", "bytes"), 4000),
    ];
    assert_eq!(sums, BTreeMap::from(expected));
}

/// What comes behind a ConnectionBind is the peer's, from the first octet: SIP too.
#[test]
fn sip_inside_a_connection_over_tcp_is_read_where_it_belongs() {
    let begin = "\
0 A:4000>B:3478 stun request id=1 method=3 over=tcp
5 B:3478>A:4000 stun success id=1 method=3 relayed=P:6000 mapped=A:4000 lifetime=600 over=tcp
10 A:4000>B:3478 stun request id=2 method=10 peer=C:5060 over=tcp
15 B:3478>A:4000 stun success id=2 method=10 connection=77 over=tcp
20 A:4001>B:3478 stun request id=3 method=11 connection=77 over=tcp
";
    let call = "\
30 A:4001>B:3478 INVITE over=tcp
40 B:3478>A:4001 200 to=t over=tcp
50 A:4001>B:3478 ACK to=t over=tcp
";
    let told = |text: &str| {
        let mut messages = Vec::new();
        let mut passed = Vec::new();
        for record in scene::records(text) {
            match record {
                Record::Call(call) => {
                    let hops = (call.hops.iter()).map(|[from, to]| format!("{from} {to}"));
                    messages.extend(hops);
                    assert_eq!(call.tunnels[0].kind, "turn");
                }
                Record::TurnAllocation(own) => passed.extend(
                    (own.connections.iter())
                        .map(|own| (own.bound.is_some(), own.bytes_to_peer > 0)),
                ),
                _ => {}
            }
        }
        (messages, passed)
    };
    let granted = "25 B:3478>A:4001 stun success id=3 method=11 over=tcp\n";
    let (hops, passed) = told(&[begin, granted, call].concat());
    assert_eq!(hops, ["198.51.100.16:6000 10.0.0.3:5060"]);
    assert_eq!(passed, [(true, true)]);
    // The client's port may be used again, for a connection to the server itself.
    let reused = "\
60 A:4001>B:3478 tcp FA
61 B:3478>A:4001 tcp FA
70 A:4001>B:3478 stun request id=9 method=3 over=tcp
75 B:3478>A:4001 stun success id=9 method=3 relayed=P:6002 mapped=A:4001 lifetime=600 over=tcp
";
    let records = scene::records(&[begin, granted, call, reused].concat());
    let allocations: Vec<_> = (records.iter())
        .filter_map(|own| match own {
            Record::TurnAllocation(own) => {
                Some((own.src_ip.as_str(), own.src_port, own.relayed_port))
            }
            _ => None,
        })
        .collect();
    let expected = [
        ("10.0.0.1", 4000, Some(6000)),
        ("10.0.0.1", 4001, Some(6002)),
    ];
    assert_eq!(allocations, expected);
    // A number that comes again is another connection.
    let again = [begin, granted, call].concat();
    let later = again
        .replace("A:4000", "A:4010")
        .replace("A:4001", "A:4011");
    let later: String = (later.lines())
        .map(|line| line.split_once(' ').expect("a time"))
        .map(|(ms, rest)| {
            format!(
                "{} {rest} call=other\n",
                ms.parse::<u64>().expect("a time") + 700_000
            )
        })
        .collect();
    assert_eq!(told(&(again + &later)).1, [(true, true); 2]);
    // Where the server refused, nothing passed.
    let refused = "25 B:3478>A:4001 stun error=447 id=3 method=11 over=tcp\n";
    assert_eq!(
        told(&[begin, refused].concat()),
        (vec![], vec![(false, false)])
    );
}
