//! One call inside each kind of tunnel, as programs and kernels make them.

mod common;

use common::{document, testdata};
use serde_json::{Value, json};

/// One way through a tunnel: its kind, its ends' last numbers and its key.
type Way = (&'static str, [u8; 2], Option<u32>);

/// The same tunnel both ways.
fn both(kind: &'static str, key: Option<u32>) -> Vec<Way> {
    vec![(kind, [1, 2], key), (kind, [2, 1], key)]
}

/// The call is whole, with so many messages, and came through these tunnels.
fn check(name: &str, messages: u64, tunnels: &[Way]) {
    let report = document(&testdata().join("tunnels").join(name), &[]);
    assert_eq!(report["summary"]["sip_messages"], messages, "{name}");
    assert_eq!(
        report["calls"].as_array().map(Vec::len),
        Some(1),
        "{name}: {}",
        report["calls"]
    );
    let call = &report["calls"][0];
    assert_eq!(call["outcome"], "completed", "{name}");
    assert_eq!(call["legs"], json!([]), "{name}");
    let tunnels = tunnels.iter().map(|(kind, [src, dst], key)| {
        json!({
            "kind": kind,
            "src_ip": format!("198.51.100.{src}"),
            "dst_ip": format!("198.51.100.{dst}"),
            "key": key,
        })
    });
    let expected: Vec<Value> = tunnels.collect();
    assert_eq!(call["tunnels"], Value::from(expected), "{name}");
}

#[test]
fn a_call_is_the_same_inside_each_tunnel() {
    check("ipip.pcap", 6, &both("ip", None));
    check("6in4.pcap", 6, &both("ip", None));
    check("gre.pcap", 6, &both("gre", Some(42)));
    check("gretap.pcap", 6, &both("gre", None));
    check("erspan1.pcap", 6, &both("erspan", Some(42)));
    check("erspan2.pcap", 6, &both("erspan", Some(42)));
    check("geneve.pcap", 6, &both("geneve", Some(42)));
    check("gtpu.pcap", 6, &both("gtp-u", Some(1)));
    check("../cases/vxlan/capture.pcap", 6, &both("vxlan", Some(42)));
    // Tags, labels and PPP on Ethernet have no ends, so they are no tunnels.
    for name in ["qinq.pcap", "mpls.pcap", "pppoe.pcap"] {
        check(name, 6, &[]);
    }
    // Each end gives the tunnel and the session in it a number of its own.
    let l2tp = [
        ("l2tp", [1, 2], Some(64_098 << 16 | 65_117)),
        ("l2tp", [2, 1], Some(38_267 << 16 | 25_852)),
    ];
    check("l2tp.pcap", 6, &l2tp);
    check("hep3-compressed.pcap", 12, &[("hep", [2, 1], Some(42))]);
}
