use super::*;
use crate::t38::t30::Command;

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("digits"), 16);
    digits
        .chunks(2)
        .map(|own| pair(own).expect("an octet"))
        .collect()
}

/// A datagram, read: its number, what is new, and what it repeats or covers.
#[track_caller]
fn check(hex: &str, expected: Option<&str>) {
    let datagram = octets(hex);
    let read = UdptlPacket::parse(&datagram).and_then(|packet| {
        let recovery = match &packet.recovery {
            Recovery::Redundancy(before) => format!("repeats {}", before.len()),
            Recovery::Parity { span, parities } => format!("{parities} parities over {span}"),
        };
        let said = match Ifp::parse(packet.primary, 0)? {
            Ifp::Indicator(number) => Ifp::indicator_name(number).to_owned(),
            Ifp::Data { modulation, fields } => format!("data {} {fields:02x?}", modulation.0),
        };
        Some(format!("{} {said}, {recovery}", packet.sequence_number))
    });
    assert_eq!(read.as_deref(), expected, "{hex}");
}

#[test]
fn datagrams_of_a_real_machine_are_read() {
    check("0000 01 00 00 00", Some("0 no-signal, repeats 0"));
    check("0001 01 04 00 01 01 00", Some("1 ced, repeats 1"));
    check(
        "0004 06 c001800000ff 00 03 01 06 01 00 01 04",
        Some("4 data 0 [(Hdlc, [ff])], repeats 3"),
    );
    // A frame's last octet, then its end: without octets, a half octet is enough.
    check(
        "018e 01 00 00 03 03 c00140 06 c001800000c8 06 c00180000000",
        Some("398 no-signal, repeats 3"),
    );
    check(
        "0026 06 c00180000001 80 01 03 03 06 c001800000be 06 c00180000097 06 c00180000020",
        Some("38 data 0 [(Hdlc, [01])], 3 parities over 3"),
    );
    check(
        "0005 07 c00280000031 40 00 00",
        Some("5 data 0 [(Hdlc, [31]), (FrameGood, [])], repeats 0"),
    );
}

#[test]
fn what_is_not_one_whole_packet_is_none() {
    for hex in [
        "",
        "0000",
        "0000 01",
        "0000 01 00",
        "0000 01 00 00",
        // Nothing new; one octet too many; a kind of recovery that there is not.
        "0000 00 00 00",
        "0000 01 00 00 00 00",
        "0000 01 00 40 00",
        // A part longer than the rest, a length in fragments, more parts than there may be.
        "0000 05 00 00 00",
        "0000 c1 00 00 00",
        "0000 01 00 00 02 01 00",
        "0000 01 00 00 80 41",
        // A span of two octets.
        "0000 01 00 80 02 00 03 00",
        // STUN, RTP, and a message of SIP.
        "0001 0000 2112a442 000102030405060708090a0b",
        "8000 0001 000000a0 00000007 ffffffffffffffff",
        "4f505449 4f4e5320 7369703a 61",
    ] {
        check(hex, None);
    }
}

/// What a packet carries, by both ways to write it.
#[track_caller]
fn carries(hex: &str, version: u8, expected: Option<(u8, &[FieldKind])>) {
    let packet = octets(hex);
    let read = match Ifp::parse(&packet, version) {
        Some(Ifp::Data { modulation, fields }) => {
            let kinds: Vec<FieldKind> = fields.iter().map(|(kind, _)| *kind).collect();
            Some((modulation.0, kinds))
        }
        Some(Ifp::Indicator(number)) => Some((number, Vec::new())),
        None => None,
    };
    let expected = expected.map(|(number, kinds)| (number, kinds.to_vec()));
    assert_eq!(read, expected, "{hex} of version {version}");
}

#[test]
fn fields_are_read_as_the_version_writes_them() {
    use FieldKind::{FrameBad, FrameGood, Hdlc, SignalEnd};
    // Octets, then the end of the frame and of the signal.
    carries("c0 02 80 0000 31 40", 0, Some((0, &[Hdlc, FrameGood])));
    carries("c0 02 80 0000 31 20", 1, Some((0, &[Hdlc, FrameGood])));
    carries("c0 01 30", 0, Some((0, &[FrameBad])));
    carries("c0 01 18", 1, Some((0, &[FrameBad])));
    // Two without octets: four bits each in the first version, five in the others.
    carries("c0 02 21", 0, Some((0, &[FrameGood, SignalEnd])));
    carries("c0 02 10 40", 1, Some((0, &[FrameGood, SignalEnd])));
    // Data without fields, and the modulations of V.34 and V.33.
    carries("40", 0, Some((0, &[])));
    carries("50", 0, Some((8, &[])));
    carries("60 00", 0, Some((9, &[])));
    carries("61 40", 0, Some((14, &[])));
    carries("61 80", 0, None);
    // Indicators: the last of the first version, the first and the last that came later.
    carries("1e", 0, Some((15, &[])));
    carries("20 00", 0, Some((16, &[])));
    carries("21 80", 0, Some((22, &[])));
    carries("21 c0", 0, None);
    // An indicator has no data; a modulation that there is not; no octet is left over.
    carries("80 00", 0, None);
    carries("52", 0, None);
    carries("00 00", 0, None);
    carries("c0 ff", 0, None);
    carries("c0 01 80 0001 31", 0, None);
}

#[track_caller]
fn says(hex: &str, expected: Option<&str>) {
    let read = T30Frame::parse(&octets(hex)).map(|frame| {
        let mut told = vec![frame.signal.name().to_owned()];
        told.extend(frame.after.map(|after| after.name().to_owned()));
        told.extend(frame.identity);
        told.extend(frame.command.map(|own| {
            let Command {
                bit_rate,
                error_correction,
                resolution,
            } = own;
            format!("{bit_rate} {error_correction} {}", resolution.name())
        }));
        told.join(" ")
    });
    assert_eq!(read.as_deref(), expected, "{hex}");
}

#[test]
fn frames_are_read() {
    let csi = "ffc002 8c4ccc2cac6cec040c2c049c2cd404040404040404";
    says(csi, Some("CSI +49 40 7654321"));
    says("ffc8c2 04", Some("TSI"));
    says("ffc801 2077 1f21018901010118", Some("DIS"));
    says("ffc8c1 0004", Some("DCS 14400 false standard"));
    says("ffc8c1 0006 01 20", Some("DCS 14400 true fine"));
    says("ffc841 0000 00 00 00 80", Some("DCS 2400 false superfine"));
    says("ffc841 0024", Some("DCS 9600 false standard"));
    says("ffc8c1 0018", Some("DCS"));
    says("ffc8c1", Some("DCS"));
    says("ffc8fd f4 000005", Some("PPS EOP"));
    says("ffc8fd 00 000005", Some("PPS NULL"));
    says("ffc8fd", Some("PPS"));
    says("ffc831", Some("MCF"));
    says("ffc8b1", Some("MCF"));
    says("ffc85f", Some("DCN"));
    says("ffc80f", Some("other"));
    for hex in ["", "ff", "ffc8", "fec831", "ff0031", "ff13fb"] {
        says(hex, None);
    }
}
