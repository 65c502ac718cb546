//! A whole capture: reading, decoding, the engine with time as the packets say
//! it, and records as JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_inspect::engine::Config as EngineConfig;
use sip_inspect::engine::limits::Limits;
use sip_inspect::inspector::{Config, Inspector, PointInfo};
use sip_inspect::output::escape::write_json;
use sip_inspect::packet::{CapturePoint, LinkType, Packet};
use sip_inspect::pcap::{Decoder, Step};

fn drain(inspector: &mut Inspector) {
    while let Some(record) = inspector.poll_record() {
        let mut line = Vec::new();
        write_json(&mut line, &record).expect("a vector takes all");
        let text = std::str::from_utf8(&line).expect("UTF-8");
        assert!(!text.chars().any(char::is_control), "{text}");
        let _: serde_json::Value = serde_json::from_str(text).expect("JSON");
    }
}

fuzz_target!(|octets: &[u8]| {
    let mut inspector = Inspector::new(Config {
        engine: EngineConfig {
            limits: Limits::within(1024 * 1024),
            messages: true,
            headers: vec!["Subject".to_owned()],
            ..EngineConfig::default()
        },
        transactions: true,
        ..Config::default()
    });
    for number in 0..4 {
        inspector.add_point(PointInfo {
            file: "f".to_owned(),
            interface: format!("if{number}"),
            link_type: LinkType(1),
            digits: 9,
            dropped: None,
        });
    }
    let mut decoder = Decoder::new();
    let (mut rest, mut number) = (octets, 0);
    while let Ok(step) = decoder.step(rest) {
        match step {
            Step::NeedMore(wanted) => {
                assert!(wanted > rest.len());
                break;
            }
            Step::Skipped { consumed } => {
                assert!(consumed > 0);
                rest = &rest[consumed..];
            }
            Step::Packet {
                consumed,
                interface,
                timestamp,
                original_length,
                data,
            } => {
                number += 1;
                let link_type = decoder.interfaces()[interface].link_type;
                inspector.handle(&Packet {
                    number,
                    timestamp,
                    file: 0,
                    capture_point: CapturePoint(u16::try_from(interface % 4).expect("few")),
                    link_type,
                    original_length,
                    data,
                });
                drain(&mut inspector);
                assert!(consumed > 0);
                rest = &rest[consumed..];
            }
        }
    }
    inspector.finish();
    drain(&mut inspector);
});
