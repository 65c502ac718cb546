//! Packets as they stand on a wire, made here.

use sip_inspect::capture::{Inputs, Notice, PacketSource};
use sip_inspect::engine::Config as EngineConfig;
use sip_inspect::inspector::{Config, Inspector, PointInfo};
use sip_inspect::packet::{CapturePoint, LinkType, Packet};
use sip_inspect::report::Record;
use sip_inspect::time::Timestamp;

/// A packet of Ethernet.
pub(crate) fn packet(number: u32, at: Timestamp, data: &[u8]) -> Packet<'_> {
    Packet {
        number,
        timestamp: at,
        file: 0,
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

/// A packet of a file, with the capture point it came from.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) at: Timestamp,
    pub(crate) point: u16,
    pub(crate) link_type: LinkType,
    pub(crate) original_length: u32,
    pub(crate) data: Vec<u8>,
}

struct Reading {
    packets: Vec<Read>,
}

impl PacketSource for Reading {
    fn point(&mut self, _point: PointInfo) {}

    fn packet(&mut self, packet: &Packet<'_>) -> bool {
        self.packets.push(Read {
            at: packet.timestamp,
            point: packet.capture_point.0,
            link_type: packet.link_type,
            original_length: packet.original_length,
            data: packet.data.to_vec(),
        });
        true
    }

    fn notice(&mut self, _notice: &Notice) {}

    fn progress(&mut self, _octets: u64) {}
}

/// All packets of a capture.
pub(crate) fn read(path: &std::path::Path) -> Vec<Read> {
    let mut reading = Reading {
        packets: Vec::new(),
    };
    if let Ok(mut inputs) = Inputs::open(&[path.to_owned()], 1 << 30) {
        inputs.read(&mut reading);
    }
    reading.packets
}

/// The records of such packets.
pub(crate) fn judged(packets: &[Read]) -> Vec<Record> {
    let mut inspector = Inspector::new(Config::default());
    for point in 0..=packets.iter().map(|packet| packet.point).max().unwrap_or(0) {
        inspector.add_point(PointInfo {
            file: "f".to_owned(),
            interface: format!("if{point}"),
            link_type: LinkType(1),
            digits: 9,
            dropped: None,
        });
    }
    for (packet, number) in packets.iter().zip(1..) {
        inspector.handle(&Packet {
            number,
            timestamp: packet.at,
            file: 0,
            capture_point: CapturePoint(packet.point),
            link_type: packet.link_type,
            original_length: packet.original_length,
            data: &packet.data,
        });
    }
    inspector.finish();
    std::iter::from_fn(|| inspector.poll_record()).collect()
}
