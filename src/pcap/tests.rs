use super::*;

const STAMP: Timestamp = Timestamp::from_nanos(1_700_000_000_123_456_789);

/// Interface, time and octets of a packet.
type Read = (usize, Timestamp, Vec<u8>);

/// Every packet of a file, and how the walk ended.
fn walk(mut octets: &[u8]) -> (Vec<Read>, Result<usize, CaptureError>) {
    let mut decoder = Decoder::new();
    let mut packets = Vec::new();
    loop {
        match decoder.step(octets) {
            Err(error) => return (packets, Err(error)),
            Ok(Step::NeedMore(_)) => return (packets, Ok(octets.len())),
            Ok(Step::Skipped { consumed }) => octets = &octets[consumed..],
            Ok(Step::Packet {
                consumed,
                interface,
                timestamp,
                data,
                ..
            }) => {
                packets.push((interface, timestamp, data.to_vec()));
                octets = &octets[consumed..];
            }
        }
    }
}

fn classic_file() -> Vec<u8> {
    let mut writer = PcapWriter::new(Vec::new(), LinkType(1)).expect("a vector takes all");
    for data in [&b"first"[..], b"", b"third packet"] {
        writer.packet(STAMP, data, 0).expect("a vector takes all");
    }
    writer.finish().expect("a vector takes all")
}

fn ng_file() -> Vec<u8> {
    let interfaces = [("if0", LinkType(1)), ("if1", LinkType(113))];
    let mut writer = PcapNgWriter::new(Vec::new(), &interfaces).expect("a vector takes all");
    writer
        .packet(0, STAMP, b"zero", 4)
        .expect("a vector takes all");
    writer
        .packet(1, STAMP, b"one", 3)
        .expect("a vector takes all");
    writer.finish().expect("a vector takes all")
}

/// Swaps the byte order of every 32-bit word of a classic file's structure.
fn swapped(file: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let word = |at: usize| -> [u8; 4] { file[at..at + 4].try_into().expect("four octets") };
    let flip = |mut word: [u8; 4]| {
        word.reverse();
        word
    };
    out.extend(flip(word(0)));
    out.extend([file[5], file[4], file[7], file[6]]);
    for at in [8, 12, 16, 20] {
        out.extend(flip(word(at)));
    }
    let mut at = 24;
    while at < file.len() {
        for field in 0..4 {
            out.extend(flip(word(at + 4 * field)));
        }
        let length = u32::from_le_bytes(word(at + 8)) as usize;
        out.extend(&file[at + 16..at + 16 + length]);
        at += 16 + length;
    }
    out
}

#[test]
fn m007_both_byte_orders_and_both_clocks_read_alike() {
    let little = classic_file();
    let expected = walk(&little);
    assert_eq!(expected.0.len(), 3);
    assert_eq!(expected.0[2], (0, STAMP, b"third packet".to_vec()));
    assert_eq!(walk(&swapped(&little)), expected);
    let mut micro = little;
    micro[..4].copy_from_slice(&0xa1b2_c3d4_u32.to_le_bytes());
    // 123456789 read as microseconds is 123.456789 seconds.
    let shifted = Timestamp::from_nanos(1_700_000_123_456_789_000);
    assert_eq!(walk(&micro).0[0].1, shifted);
}

#[test]
fn pcapng_keeps_the_interface_of_each_packet() {
    let (packets, end) = walk(&ng_file());
    assert_eq!(end, Ok(0));
    assert_eq!(packets[0], (0, STAMP, b"zero".to_vec()));
    assert_eq!(packets[1], (1, STAMP, b"one".to_vec()));
}

#[test]
fn a_file_cut_anywhere_gives_all_whole_packets() {
    for file in [classic_file(), ng_file()] {
        let whole = walk(&file).0;
        let mut last = 0;
        for cut in 4..file.len() {
            let (packets, end) = walk(&file[..cut]);
            assert!(end.is_ok(), "cut at {cut}");
            assert!(packets.len() >= last && packets.len() <= whole.len());
            assert_eq!(packets[..], whole[..packets.len()]);
            last = packets.len();
        }
    }
}

#[test]
fn m005_m006_impossible_lengths_are_errors_not_allocations() {
    let mut file = classic_file();
    for (length, refused) in [
        (MAX_PACKET, false),
        (MAX_PACKET + 1, true),
        (u32::MAX, true),
    ] {
        file[24 + 8..24 + 12].copy_from_slice(&length.to_le_bytes());
        let (_, end) = walk(&file);
        assert_eq!(end.is_err(), refused, "{length}");
    }
    let good = ng_file();
    for length in [0_u32, 1, 11, 13, MAX_BLOCK + 4, u32::MAX] {
        let mut bad = good.clone();
        let at = u32::from_le_bytes(good[4..8].try_into().expect("four octets")) as usize;
        bad[at + 4..at + 8].copy_from_slice(&length.to_le_bytes());
        assert!(
            matches!(walk(&bad).1, Err(CaptureError::BadBlock { .. })),
            "{length}"
        );
    }
    let mut bad = good;
    let trailer = bad.len() - 4;
    bad[trailer] ^= 4;
    assert!(matches!(walk(&bad).1, Err(CaptureError::BadBlock { .. })));
}

#[test]
fn what_is_no_capture_says_how_it_begins() {
    assert_eq!(
        walk(b"\x7fELF and more").1,
        Err(CaptureError::NotACapture(*b"\x7fELF"))
    );
    assert!(matches!(
        walk(&[0xa1, 0xb2, 0xcd, 0x34, 0, 0]).1,
        Err(CaptureError::Unsupported(_))
    ));
}

#[test]
fn m006_any_time_resolution_is_understood() {
    let check = |resolution: u8, units: u64, offset: Option<i64>, expected: u64| {
        let mut file = Vec::new();
        file.extend(&ng_file()[..28]);
        let mut body = vec![1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, resolution, 0, 0, 0];
        if let Some(offset) = offset {
            body.extend([14, 0, 8, 0]);
            body.extend(offset.to_le_bytes());
        }
        for (kind, body) in [
            (1_u32, body),
            (6, {
                let mut packet = vec![0; 4];
                packet.extend(u32::try_from(units >> 32).expect("fits").to_le_bytes());
                packet.extend(
                    u32::try_from(units & 0xffff_ffff)
                        .expect("fits")
                        .to_le_bytes(),
                );
                packet.extend([0; 8]);
                packet
            }),
        ] {
            let length = u32::try_from(body.len() + 12).expect("short");
            file.extend(kind.to_le_bytes());
            file.extend(length.to_le_bytes());
            file.extend(body);
            file.extend(length.to_le_bytes());
        }
        let (packets, _) = walk(&file);
        assert_eq!(
            packets[0].1,
            Timestamp::from_nanos(expected),
            "{resolution}"
        );
    };
    check(0, 5, None, 5_000_000_000);
    check(3, 5, None, 5_000_000);
    check(9, 5, None, 5);
    check(12, 5000, None, 5);
    check(0x80 | 10, 1024, None, 1_000_000_000);
    check(6, 5, Some(2), 2_000_005_000);
    check(6, 5, Some(i64::MIN), 0);
    check(127, 5, None, 0);
    check(0xff, 5, None, 0);
}

#[test]
fn the_length_on_the_wire_outlives_a_copy() {
    for (given, kept) in [(0, 3), (3, 3), (900, 900)] {
        let mut classic = PcapWriter::new(Vec::new(), LinkType(1)).expect("a vector takes all");
        classic
            .packet(STAMP, b"cut", given)
            .expect("a vector takes all");
        let mut ng =
            PcapNgWriter::new(Vec::new(), &[("if0", LinkType(1))]).expect("a vector takes all");
        ng.packet(0, STAMP, b"cut", given)
            .expect("a vector takes all");
        for file in [classic.finish(), ng.finish()] {
            let file = file.expect("a vector takes all");
            let mut decoder = Decoder::new();
            let mut rest = file.as_slice();
            let mut lengths = Vec::new();
            while let Ok(step) = decoder.step(rest) {
                let consumed = match step {
                    Step::NeedMore(_) => break,
                    Step::Skipped { consumed } => consumed,
                    Step::Packet {
                        consumed,
                        original_length,
                        ..
                    } => {
                        lengths.push(original_length);
                        consumed
                    }
                };
                rest = &rest[consumed..];
            }
            assert_eq!(lengths, [kept], "{given}");
        }
    }
}
