//! Packets as they stand on a wire, made here.

use sip_inspect::engine::Config as EngineConfig;
use sip_inspect::inspector::{Config, Inspector, PointInfo};
use sip_inspect::packet::{CapturePoint, LinkType, Packet};
use sip_inspect::time::Timestamp;

/// A packet of Ethernet.
pub(crate) fn packet(number: u32, at: Timestamp, data: &[u8]) -> Packet<'_> {
    Packet {
        number,
        timestamp: at,
        capture_point: CapturePoint(0),
        link_type: LinkType(1),
        original_length: u32::try_from(data.len()).expect("short"),
        data,
    }
}

/// A frame of Ethernet, IPv4 and UDP, to 192.0.2.1.
pub(crate) fn udp(src: u32, src_port: u16, dst_port: u16, payload: &[u8]) -> Vec<u8> {
    let total = u16::try_from(28 + payload.len()).expect("short");
    let length = u16::try_from(8 + payload.len()).expect("short");
    let mut frame = vec![0; 12];
    frame.extend([8, 0, 0x45, 0]);
    frame.extend(total.to_be_bytes());
    frame.extend([0, 1, 0, 0, 64, 17, 0, 0]);
    frame.extend(src.to_be_bytes());
    frame.extend([192, 0, 2, 1]);
    frame.extend(src_port.to_be_bytes());
    frame.extend(dst_port.to_be_bytes());
    frame.extend(length.to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(payload);
    frame
}

/// Runs packets through an inspector; the records as JSON must be JSON.
pub(crate) fn records(packets: &[(Timestamp, Vec<u8>)]) -> Vec<serde_json::Value> {
    let mut inspector = Inspector::new(Config {
        engine: EngineConfig {
            messages: true,
            ..EngineConfig::default()
        },
        transactions: true,
        ..Config::default()
    });
    inspector.add_point(PointInfo {
        file: "f".to_owned(),
        interface: "i".to_owned(),
        link_type: LinkType(1),
        digits: 9,
        dropped: None,
    });
    let mut records = Vec::new();
    let mut take = |inspector: &mut Inspector| {
        while let Some(record) = inspector.poll_record() {
            let mut line = Vec::new();
            sip_inspect::output::escape::write_json(&mut line, &record)
                .expect("a vector takes all");
            let text = String::from_utf8(line).expect("UTF-8");
            assert!(
                !text.contains("NaN") && !text.chars().any(char::is_control),
                "{text}"
            );
            records.push(serde_json::from_str(&text).expect("JSON"));
        }
    };
    for ((at, data), number) in packets.iter().zip(1..) {
        inspector.handle(&packet(number, *at, data));
        take(&mut inspector);
    }
    inspector.finish();
    take(&mut inspector);
    records
}
