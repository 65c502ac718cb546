//! Media inside TURN, against what the server and the phones counted.

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;

use common::document;
use serde_json::Value;

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
