//! Video: frames are told by their timestamps, and the far end's wishes are counted.

mod common;

use common::scene;
use sip_inspect::report::{Record, StreamRecord};

const CALL: &str = "\
0 A>B INVITE sdp=4000 video=6000
10 B>A 200 to=t sdp=5000 video=7000
11 A>B ACK to=t branch=2
";

/// Packets of type 96, so many a frame, a frame each so many milliseconds; 90,000 ticks
/// are a second.
fn frames(count: u32, packets: u32, every_ms: u32) -> String {
    let mut text = String::new();
    for frame in 0..count {
        for packet in 0..packets {
            let sequence = frame * packets + packet;
            let ticks = frame * every_ms * 90;
            let marker = if packet + 1 == packets { "e0" } else { "60" };
            text += &format!(
                "{} A:6000>B:7000 octets hex=80{marker}{sequence:04x}{ticks:08x}00000009{}\n",
                100 + frame * every_ms,
                "5c".repeat(40)
            );
        }
    }
    text
}

fn video(text: &str) -> StreamRecord {
    let records = scene::records(&format!("{CALL}{text}")).into_iter();
    let mut streams = records.filter_map(|record| match record {
        Record::RtpStream(stream) => Some(*stream),
        _ => None,
    });
    streams.next().expect("a stream")
}

#[test]
fn frames_are_counted_by_their_timestamps() {
    let check = |count, packets, every_ms, rate: Option<f64>| {
        let stream = video(&frames(count, packets, every_ms));
        assert_eq!(stream.payload_kind, "video");
        assert_eq!(stream.video_frames, Some(u64::from(count)));
        assert_eq!(stream.frame_rate, rate, "{count} of {packets}");
    };
    check(60, 1, 40, Some(25.0));
    check(60, 5, 40, Some(25.0));
    check(30, 3, 100, Some(10.0));
    // Of one frame there is no rate.
    check(1, 12, 40, None);
}

#[test]
fn whole_pictures_that_are_asked_for_are_counted() {
    // PLI, FIR, and a NACK, of B about A's source 9.
    let wishes = "\
500 B:7001>A:6001 octets hex=80c900010000000a81ce00020000000a00000009
600 B:7001>A:6001 octets hex=80c900010000000a84ce00040000000a000000000000000901000000
700 B:7001>A:6001 octets hex=80c900010000000a81cd00030000000a0000000900050000
";
    let stream = video(&(frames(60, 2, 40) + wishes));
    assert_eq!((stream.picture_requests, stream.nacks), (2, 1));
    // Sound has no frames.
    let records = scene::records(&format!("{CALL}100 A:4000>B:5000 rtp n=100\n"));
    let sound = records.iter().find_map(|record| match record {
        Record::RtpStream(stream) => Some((stream.video_frames, stream.frame_rate)),
        _ => None,
    });
    assert_eq!(sound, Some((None, None)));
}
