//! One call inside each kind of tunnel, as programs and kernels make them.

mod common;

use common::{document, testdata};
use serde_json::{Value, json};

/// The call is whole, and came through this tunnel, both ways. Tags and labels
/// have no ends, so they are no tunnels.
fn check(name: &str, tunnel: Option<(&str, Option<u32>)>) {
    let report = document(&testdata().join("tunnels").join(name), &[]);
    assert_eq!(report["summary"]["sip_messages"], 6, "{name}");
    assert_eq!(
        report["calls"].as_array().map(Vec::len),
        Some(1),
        "{name}: {}",
        report["calls"]
    );
    let call = &report["calls"][0];
    assert_eq!(call["outcome"], "completed", "{name}");
    assert_eq!(call["legs"], json!([]), "{name}");
    let expected: Vec<Value> = tunnel
        .into_iter()
        .flat_map(|(kind, key)| {
            [(1, 2), (2, 1)].map(|(src, dst)| {
                json!({
                    "kind": kind,
                    "src_ip": format!("198.51.100.{src}"),
                    "dst_ip": format!("198.51.100.{dst}"),
                    "key": key,
                })
            })
        })
        .collect();
    assert_eq!(call["tunnels"], Value::from(expected), "{name}");
}

#[test]
fn a_call_is_the_same_inside_each_tunnel() {
    check("ipip.pcap", Some(("ip", None)));
    check("6in4.pcap", Some(("ip", None)));
    check("gre.pcap", Some(("gre", Some(42))));
    check("gretap.pcap", Some(("gre", None)));
    check("erspan1.pcap", Some(("erspan", Some(42))));
    check("erspan2.pcap", Some(("erspan", Some(42))));
    check("geneve.pcap", Some(("geneve", Some(42))));
    check("qinq.pcap", None);
    check("mpls.pcap", None);
    check("../cases/vxlan/capture.pcap", Some(("vxlan", Some(42))));
}
