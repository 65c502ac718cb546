//! Fax for scenes: what two machines say to each other, in datagrams of UDPTL.

/// A part with its length before it.
fn part(octets: &[u8]) -> Vec<u8> {
    let length = u8::try_from(octets.len()).expect("short");
    assert!(length < 128, "short");
    [&[length], octets].concat()
}

/// What one packet carries: a tone by its name, or a frame by that of T.30, `PPS-EOP` with
/// what follows. `bad` spells a frame with a wrong check sum.
fn said(word: &str) -> Vec<u8> {
    match word {
        "no-signal" => return vec![0],
        "cng" => return vec![1 << 1],
        "ced" => return vec![2 << 1],
        "v8-ansam" => return vec![0x20, 0],
        _ => {}
    }
    let field = |name: &str| match name {
        "DIS" => 0x01,
        "CSI" => 0x02,
        "DCS" => 0xc1,
        "TSI" => 0xc2,
        "CFR" => 0x21,
        "FTT" => 0x22,
        "MPS" => 0xf2,
        "EOP" => 0xf4,
        "PPS" => 0xfd,
        "MCF" => 0x31,
        "RTN" => 0x32,
        "PPR" => 0x3d,
        "DCN" => 0xdf,
        other => panic!("no frame {other}"),
    };
    let (name, after) = word.split_once('-').unwrap_or((word, ""));
    let mut frame = vec![0xff, 0xc8];
    match name {
        "bad" => frame.push(0x01),
        // 14,400 bit/s, no error correction.
        "DCS" => frame.extend([field(name), 0, 0x04]),
        "PPS" => frame.extend([field(name), field(after), 0, 0, 0]),
        _ => frame.push(field(name)),
    }
    let length = u16::try_from(frame.len() - 1).expect("short").to_be_bytes();
    // Two fields: octets of a frame, then its end with the end of the signal.
    let end = if name == "bad" { 0x50 } else { 0x40 };
    [&[0xc0, 2, 0x80][..], &length, &frame, &[end]].concat()
}

/// Datagrams of one direction, with their places: each word of `says` is one, lost where `!` stands before it.
/// The numbers go on from `history`, of which `repeats` are sent again.
pub(crate) fn datagrams(
    says: &str,
    repeats: usize,
    history: &mut Vec<Vec<u8>>,
) -> Vec<(u64, Vec<u8>)> {
    let mut datagrams = Vec::new();
    for (place, word) in (0_u64..).zip(says.split(',')) {
        let is_lost = word.starts_with('!');
        let own = said(word.trim_start_matches('!'));
        let before: Vec<Vec<u8>> = history
            .iter()
            .rev()
            .take(repeats)
            .map(|own| part(own))
            .collect();
        let number = u16::try_from(history.len()).expect("short").to_be_bytes();
        let count = u8::try_from(before.len()).expect("short");
        let datagram = [&number[..], &part(&own), &[0, count], &before.concat()].concat();
        if !is_lost {
            datagrams.push((place, datagram));
        }
        history.push(own);
    }
    datagrams
}
