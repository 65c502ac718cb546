//! What NATs did, against what is known of them: traces of real ones in the
//! folder that `SIP_INSPECT_TRACES` names, and emulated ones.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use common::scene;
use common::wire::{Read, judged, read};
use sip_inspect::nat::behavior::Dependence;
use sip_inspect::nat::emulator::{Config, Nat};
use sip_inspect::nat::ports::Allocation;
use sip_inspect::net::Endpoint;
use sip_inspect::packet::LinkType;
use sip_inspect::report::{NatFindingRecord, NatMappingRecord, Record};
use sip_inspect::time::Timestamp;

/// Rows and findings of packets.
fn nats(packets: &[Read]) -> (Vec<NatMappingRecord>, Vec<NatFindingRecord>) {
    let (mut rows, mut findings) = (Vec::new(), Vec::new());
    for record in judged(packets) {
        match record {
            Record::NatMapping(row) => rows.push(*row),
            Record::NatFinding(finding) => findings.push(*finding),
            _ => {}
        }
    }
    (rows, findings)
}

fn trace(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SIP_INSPECT_TRACES")?;
    Some(Path::new(&folder).join(name))
}

/// The values of a code, each once.
fn values<'f>(findings: &'f [NatFindingRecord], code: &str) -> BTreeSet<&'f str> {
    findings
        .iter()
        .filter(|own| own.code == code)
        .filter_map(|own| own.value.as_deref())
        .collect()
}

/// Whether a frame of Ethernet and IPv4 names an address.
fn names(packet: &Read, ip: [u8; 4]) -> bool {
    packet
        .data
        .get(26..34)
        .is_some_and(|ends| ends[..4] == ip || ends[4..] == ip)
}

const ALICE: [u8; 4] = [10, 1, 0, 2];

#[test]
fn behaviours_of_real_nats_come_out() {
    // Mapping and filtering; what one side shows, and both.
    for (kind, mapping, filtering) in [
        ("eim-eif", "endpoint-independent", "endpoint-independent"),
        ("eim-adf", "endpoint-independent", "address-dependent"),
        (
            "eim-apdf",
            "endpoint-independent",
            "address-and-port-dependent",
        ),
        (
            "eimr-apdf",
            "endpoint-independent",
            "address-and-port-dependent",
        ),
        (
            "adm-apdf",
            "address-dependent",
            "address-and-port-dependent",
        ),
        (
            "apdm-apdf",
            "address-and-port-dependent",
            "address-and-port-dependent",
        ),
    ] {
        let Some(path) = trace(&format!("natdisc-{kind}.pcapng")) else {
            return;
        };
        let both = read(&path);
        let (inside, outside): (Vec<Read>, Vec<Read>) =
            both.iter().cloned().partition(|own| names(own, ALICE));
        for (side, packets) in [("both", &both), ("inside", &inside)] {
            let (_, found) = nats(packets);
            assert_eq!(values(&found, "NAT002"), [mapping].into(), "{kind} {side}");
            assert_eq!(
                values(&found, "NAT003"),
                [filtering].into(),
                "{kind} {side}"
            );
            assert_eq!(
                values(&found, "NAT001"),
                ["behind-nat"].into(),
                "{kind} {side}"
            );
            let random = kind.starts_with("eimr") || !kind.starts_with("eim");
            let ports = values(&found, "NAT013");
            let possible: &[&str] = if random {
                &["random", "unknown"]
            } else {
                &["port-preserving", "unknown"]
            };
            assert!(
                ports.iter().all(|own| possible.contains(own)),
                "{kind} {ports:?}"
            );
        }
        // From outside nothing says that these are one socket.
        let (rows, found) = nats(&outside);
        assert!(rows.is_empty(), "{kind}: {rows:?}");
        for code in ["NAT002", "NAT003"] {
            assert!(values(&found, code).is_empty(), "{kind} {code}");
        }
    }
    let (rows, found) = nats(&read(&trace("natdisc-block.pcapng").expect("a folder")));
    assert!(rows.is_empty() && found.is_empty(), "{found:?}");
}

/// Ways through a NAT that a few packets show, with the rows that they add.
#[test]
fn ways_through_are_named() {
    let check = |text: &str, expected: &[&str], row: Option<(&str, &str)>| {
        let records = scene::records(text);
        let mut told: Vec<&str> = Vec::new();
        let mut rows = Vec::new();
        for record in &records {
            match record {
                Record::NatFinding(own) if own.code == "NAT015" && own.subject == "10.0.0.1" => {
                    told.extend(own.values.iter().map(String::as_str));
                }
                Record::NatMapping(own)
                    if own.learned_by.iter().any(|how| how == "port-mapping") =>
                {
                    rows.push((
                        format!("{} {}:{}", own.protocol, own.inside_ip, own.inside_port),
                        format!("{}:{}", own.outside_ip, own.outside_port),
                    ));
                }
                _ => {}
            }
        }
        assert_eq!(told, expected, "{text}");
        let row = row.map(|(inside, outside)| (inside.to_owned(), outside.to_owned()));
        assert_eq!(rows, Vec::from_iter(row), "{text}");
    };
    // The NAT of A is known by STUN.
    let known = "0 A:4000>P:3478 stun request id=1
         5 P:3478>A:4000 stun success id=1 mapped=R:7000\n";
    let pmp = "10 A:4000>B:5351 octets hex=0000
         11 B:5351>A:4000 octets hex=0080000000000009c6336412
         12 A:4000>B:5351 octets hex=0001000013c4ea6000000e10
         13 B:5351>A:4000 octets hex=008100000000000913c4ea6000000e10";
    let expected = Some(("udp 10.0.0.1:5060", "198.51.100.18:60000"));
    check(&format!("{known}{pmp}"), &["nat-pmp"], expected);
    let refused = pmp.replace("008100000", "008100020");
    check(&format!("{known}{refused}"), &[], None);
    let nonce = "00".repeat(24);
    let pcp = format!(
        "10 B:5351>A:4000 octets hex=0281000000000e10{}{}0600000013c4ea6100000000000000000000ffffc6336412",
        "00".repeat(16),
        &nonce[..24]
    );
    let expected = Some(("tcp 10.0.0.1:5060", "198.51.100.18:60001"));
    check(&format!("{known}{pcp}"), &["pcp"], expected);
    let upnp = "10 A:4100>B:5000 tcp S
         11 B:5000>A:4100 tcp SA
         12 A:4100>B:5000 octets over=tcp text=POST_/ctl_HTTP/1.1\\r\\nSOAPAction:_x#GetExternalIPAddress\\r\\n\\r\\n
         13 B:5000>A:4100 octets over=tcp text=HTTP/1.1_200_OK\\r\\n\\r\\n<NewExternalIPAddress>198.51.100.18</NewExternalIPAddress>
         14 A:4100>B:5000 octets over=tcp text=POST_/ctl_HTTP/1.1\\r\\nSOAPAction:_x#AddPortMapping\\r\\n\\r\\n
         15 A:4100>B:5000 octets over=tcp text=<NewExternalPort>6000</NewExternalPort><NewProtocol>UDP</NewProtocol><NewInternalPort>5060</NewInternalPort><NewInternalClient>10.0.0.1</NewInternalClient>
         16 B:5000>A:4100 octets over=tcp text=HTTP/1.1_200_OK\\r\\n\\r\\n";
    let expected = Some(("udp 10.0.0.1:5060", "198.51.100.18:6000"));
    check(&format!("{known}{upnp}"), &["upnp"], expected);
    let refused = upnp.replace(
        "16 B:5000>A:4100 octets over=tcp text=HTTP/1.1_200",
        "16 B:5000>A:4100 octets over=tcp text=HTTP/1.1_500",
    );
    check(&format!("{known}{refused}"), &[], None);
    let register = "10 A:5060>P:5060 REGISTER header=Contact:_<sip:a@10.0.0.1;ob>;reg-id=1;+sip.instance=\"<urn:x>\"
         11 P:5060>A:5060 200 method=REGISTER to=t header=Require:_outbound";
    check(&format!("{known}{register}"), &["outbound"], None);
    let without = register.replace(" header=Require:_outbound", "");
    check(&format!("{known}{without}"), &[], None);
    // The peer asks through a server, or tries first and then finds another way.
    let server = "100 A:4000>Q:7000 octets text=here
         105 Q:7000>A:4000 octets text=known
         3000 S:6000>Q:7000 octets text=call_me
         3010 Q:7000>A:4000 octets text=S_calls
         3020 A:4000>S:6000 octets text=hello
         3030 S:6000>A:4000 octets text=welcome";
    check(&format!("{known}{server}"), &["connection-reversal"], None);
    let asked = server.replace("3000 S:6000>Q:7000", "3000 A:4000>Q:7000");
    check(&format!("{known}{asked}"), &[], None);
    let late = server
        .replace("3020 A", "4500 A")
        .replace("3030 S", "4600 S");
    check(&format!("{known}{late}"), &[], None);
    let tried = "100 S:6000>R:7001 tcp S
         1100 S:6000>R:7001 tcp S
         2000 A:4100>S:6001 tcp S
         2001 S:6001>A:4100 tcp SA";
    check(&format!("{known}{tried}"), &["connection-reversal"], None);
    let answered = format!("{tried}\n 101 R:7001>S:6000 tcp SA");
    check(&format!("{known}{answered}"), &[], None);
}

/// Clocks of two captures differ, by seconds or by an hour: rows and verdicts
/// stay the same.
#[test]
fn clocks_that_differ_change_nothing() {
    for name in [
        "adm-adf",
        "apdm-eif",
        "apdmp-apdf",
        "eim-apdf",
        "media-relay",
    ] {
        let path = format!("testdata/nats/{name}.pcapng.gz");
        let mut plain = read(Path::new(&path));
        // Those that were recorded at one point are taken apart.
        let is_one = plain.iter().all(|own| own.point == 0);
        for packet in plain.iter_mut().filter(|_| is_one) {
            packet.point = u16::from(!names(packet, ALICE));
        }
        let (rows, found) = nats(&plain);
        for ahead in [
            -3_600_000_000_000_i64,
            -3_000_000_000,
            700_000_000,
            3_600_000_000_000,
        ] {
            let mut skewed = plain.clone();
            for packet in skewed.iter_mut().filter(|own| own.point == 1) {
                packet.at = packet.at.offset(ahead);
            }
            skewed.sort_by_key(|own| own.at);
            let (skewed_rows, skewed_found) = nats(&skewed);
            assert_eq!(told(&skewed_rows), told(&rows), "{name} {ahead}");
            for code in ["NAT002", "NAT003", "NAT013"] {
                let expected = values(&found, code);
                assert_eq!(
                    values(&skewed_found, code),
                    expected,
                    "{name} {code} {ahead}"
                );
            }
        }
    }
}

/// Other datagrams are looked for on the other side though that was captured
/// later: what comes first there is in the middle here.
#[test]
fn sides_that_begin_at_different_times_are_joined() {
    let check = |late_by: u16, expected: usize| {
        let frame = |src: [u8; 4], ttl: u8, number: u16| {
            let mut payload = [0xc1_u8; 64];
            payload[2..4].copy_from_slice(&number.to_be_bytes());
            let udp = [
                &4000_u16.to_be_bytes()[..],
                &443_u16.to_be_bytes(),
                &[0, 72, 0, 0],
            ]
            .concat();
            let id = number.to_be_bytes();
            let head = [0x45, 0, 0, 92, id[0], id[1], 0, 0, ttl, 17, 0, 0];
            [&head[..], &src, &[198, 51, 100, 7], &udp, &payload].concat()
        };
        let mut packets = Vec::new();
        for number in 1..200_u16 {
            let at = 1_000_000_000 + u64::from(number) * 20_000_000;
            let mut push = |point, late, data: Vec<u8>| {
                packets.push(Read {
                    at: Timestamp::from_nanos(at + late),
                    point,
                    link_type: LinkType(101),
                    original_length: 92,
                    data,
                });
            };
            push(0, 0, frame([10, 0, 0, 1], 64, number));
            if number > late_by {
                push(1, 100_000, frame([203, 0, 113, 9], 63, number));
            }
        }
        assert_eq!(nats(&packets).0.len(), expected, "{late_by}");
    };
    check(0, 1);
    check(2, 1);
    check(150, 1);
    check(199, 0);
}

/// What is kept out is told by what both sides saw when: it takes one clock.
#[test]
fn filters_are_known_by_clocks_that_differ() {
    let filters = |text: &str| -> Vec<(Option<String>, Vec<String>)> {
        let records = scene::records(text);
        let found = records.into_iter().filter_map(|record| match record {
            Record::NatFinding(own) if own.code == "NAT003" => Some((own.value, own.values)),
            _ => None,
        });
        found.collect()
    };
    let mut compared = 0;
    for seed in (0..400).filter(|seed| seed % 7 != 6) {
        let (world, config, _) = scene_of(seed);
        // With a pool the order decides which address is whose.
        if world.side != Side::Both || config.outside.len() > 1 {
            continue;
        }
        let plain = filters(&world.lines.join("\n"));
        for ahead in [3_000, 3_600_000] {
            let skewed = world.lines.iter().map(|line| {
                let (ms, rest) = line.split_once(' ').expect("a time");
                let ms: u64 = ms.parse().expect("milliseconds");
                let by = if rest.contains(" at=1") { ahead } else { 0 };
                format!("{} {rest}", ms + by)
            });
            let skewed: Vec<String> = skewed.collect();
            assert_eq!(filters(&skewed.join("\n")), plain, "seed {seed} {ahead}");
            compared += 1;
        }
    }
    assert!(compared > 50, "{compared}");
}

/// Traces recorded in network namespaces, which are shipped.
const SHIPPED: [(&str, &str, &[&str]); 17] = [
    ("fw", "NAT001", &["firewall"]),
    ("eim-eif_hair", "NAT002", &["endpoint-independent"]),
    ("eim-eif_hair", "NAT003", &["endpoint-independent"]),
    ("eim-eif_hair", "NAT011", &["works"]),
    ("eim-apdf", "NAT011", &["no"]),
    ("apdmp-apdf", "NAT002", &["address-and-port-dependent"]),
    ("apdmp-apdf", "NAT013", &["sequential"]),
    ("adm-adf", "NAT002", &["address-dependent"]),
    ("adm-adf", "NAT003", &["address-dependent"]),
    ("apdm-eif", "NAT002", &["address-and-port-dependent"]),
    ("apdm-eif", "NAT003", &["endpoint-independent"]),
    ("cgn", "NAT007", &["double-nat"]),
    ("cgn", "NAT008", &["cgn"]),
    ("media-relay", "NAT015", &["media-relay"]),
    ("reversal-tcp", "NAT015", &["connection-reversal"]),
    ("reversal-udp", "NAT015", &["connection-reversal"]),
    ("ice-prflx", "NAT015", &["ice-prflx", "options-ping"]),
];

#[test]
fn shipped_traces_show_what_was_set_up() {
    for (name, code, expected) in SHIPPED {
        let path = format!("testdata/nats/{name}.pcapng.gz");
        let (rows, found) = nats(&read(Path::new(&path)));
        let expected: BTreeSet<&str> = expected.iter().copied().collect();
        assert_eq!(values(&found, code), expected, "{name} {code}");
        let truth = std::fs::read_to_string(format!("testdata/nats/{name}.conntrack.txt"));
        let truth = conntrack(&truth.expect("the truth"));
        // A firewall has rows that translate nothing; of ICE one NAT of two was
        // captured inside, and a carrier's NAT is also seen as one with the
        // customer's.
        let told = told(&rows);
        let missing: Vec<_> = truth
            .difference(&told)
            .filter(|row| row[0] != row[1])
            .collect();
        assert_eq!(missing, Vec::<&[String; 3]>::new(), "{name}");
        let is_whole = !matches!(name, "ice-prflx" | "cgn");
        assert!(!is_whole || told.is_subset(&truth), "{name}: {told:?}");
    }
}

/// Rows of `conntrack -L` in a truth file: inside, outside, remote.
fn conntrack(truth: &str) -> BTreeSet<[String; 3]> {
    let mut rows = BTreeSet::new();
    let is_row = |line: &&str| line.starts_with("udp ") || line.starts_with("tcp ");
    for line in truth.lines().filter(is_row) {
        let all = |key: &str| -> Vec<&str> {
            line.split_whitespace()
                .filter_map(|word| word.strip_prefix(key)?.strip_prefix('='))
                .collect()
        };
        let (src, dst, sport, dport) = (all("src"), all("dst"), all("sport"), all("dport"));
        let end = |ip: &str, port: &str| format!("{ip}:{port}");
        let first = [end(src[0], sport[0]), end(dst[0], dport[0])];
        let back = [end(src[1], sport[1]), end(dst[1], dport[1])];
        // What came in first stands the other way round.
        let is_out = src[0].starts_with("10.");
        let [inside, remote, outside] = if is_out {
            [first[0].clone(), first[1].clone(), back[1].clone()]
        } else {
            [back[0].clone(), first[0].clone(), first[1].clone()]
        };
        rows.insert([inside, outside, remote]);
    }
    rows
}

fn told(rows: &[NatMappingRecord]) -> BTreeSet<[String; 3]> {
    rows.iter()
        .filter_map(|row| {
            let remote = format!("{}:{}", row.remote_ip.as_deref()?, row.remote_port?);
            Some([
                format!("{}:{}", row.inside_ip, row.inside_port),
                format!("{}:{}", row.outside_ip, row.outside_port),
                remote,
            ])
        })
        .collect()
}

#[test]
fn the_table_is_that_of_the_nat() {
    for name in [
        "natdisc-eim-eif.pcapng",
        "natdisc-eim-adf.pcapng",
        "natdisc-eim-apdf.pcapng",
        "natdisc-eimr-apdf.pcapng",
        "natdisc-adm-apdf.pcapng",
        "natdisc-apdm-apdf.pcapng",
        "nat-alg.both.pcapng",
        "nat-noalg.both.pcapng",
        "nat-natfix.both.pcapng",
    ] {
        let Some(path) = trace(name) else { return };
        let stem = name.split('.').next().expect("a stem");
        let truth = trace(&format!("{stem}.truth.txt")).expect("a folder");
        let truth = std::fs::read_to_string(truth).expect("the truth");
        let (rows, _) = nats(&read(&path));
        assert_eq!(told(&rows), conntrack(&truth), "{name}");
    }
}

#[test]
fn techniques_and_gateways_are_named() {
    for (name, code, expected, values_of) in [
        (
            "nat-alg.both.pcapng",
            "NAT009",
            &["alg"][..],
            &["Via", "Contact", "SDP c=", "SDP o="][..],
        ),
        ("nat-noalg.both.pcapng", "NAT009", &[], &[]),
        ("nat-natfix.both.pcapng", "NAT009", &[], &[]),
        ("nat-noalg.both.pcapng", "NAT015", &["rport"], &[]),
        (
            "nat-natfix.both.pcapng",
            "NAT015",
            &["options-ping"],
            &["rport"],
        ),
        (
            "punch-udp-eim-apdf.pcap",
            "NAT015",
            &["udp-hole-punch"],
            &[],
        ),
        (
            "punch-tcp-eim-apdf.pcap",
            "NAT015",
            &["tcp-simultaneous-open"],
            &[],
        ),
        ("ice-direct.nat1lan.pcap", "NAT015", &["ice-srflx"], &[]),
        ("ice-relay.nat1lan.pcap", "NAT015", &["turn-relay"], &[]),
        ("stun-only.nat1lan.pcap", "NAT015", &["stun-rewritten"], &[]),
        ("ice-direct.nat1wan.pcap", "NAT015", &["ice-srflx"], &[]),
        (
            "ice-direct.all.pcapng",
            "NAT002",
            &["endpoint-independent", "unknown"],
            &[],
        ),
        (
            "ice-relay.all.pcapng",
            "NAT002",
            &["address-and-port-dependent", "unknown"],
            &[],
        ),
        (
            "ice-relay.all.pcapng",
            "NAT003",
            &["address-and-port-dependent", "unknown"],
            &[],
        ),
        (
            "stun-only.all.pcapng",
            "NAT003",
            &["endpoint-independent", "unknown"],
            &[],
        ),
        (
            "stun-only.all.pcapng",
            "NAT015",
            &["stun-rewritten", "rport"],
            &[],
        ),
    ] {
        let Some(path) = trace(name) else { return };
        let (_, found) = nats(&read(&path));
        let expected: BTreeSet<&str> = expected.iter().copied().collect();
        assert_eq!(values(&found, code), expected, "{name} {code}");
        for value in values_of {
            let has = found
                .iter()
                .any(|own| own.code == code && own.values.iter().any(|known| known == value));
            assert!(has, "{name} {code} {value}: {found:?}");
        }
    }
}

/// Traffic of two hosts behind an emulated NAT, as a scene.
struct World {
    nats: Vec<Nat>,
    ms: u64,
    id: u32,
    lines: Vec<String>,
    side: Side,
    has_alg: bool,
}

/// Where it is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Inside,
    Outside,
    /// At two capture points.
    Both,
    /// At one that sees both sides.
    Mixed,
}

fn endpoint(letter: char, port: u16) -> Endpoint {
    let number = u8::try_from(u32::from(letter) - u32::from('A') + 1).expect("a letter");
    let ip = match letter {
        'X' => [100, 64, 0, number],
        'P'..='W' => [198, 51, 100, number],
        _ => [10, 0, 0, number],
    };
    Endpoint::new(ip.into(), port)
}

fn letter(endpoint: Endpoint) -> String {
    let std::net::IpAddr::V4(ip) = endpoint.ip else {
        panic!("IPv4");
    };
    let letter = char::from(b'A' + ip.octets()[3] - 1);
    format!("{letter}:{}", endpoint.port)
}

impl World {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.ms * 1_000_000)
    }

    fn line(&mut self, is_inside: bool, from: Endpoint, to: Endpoint, what: &str) {
        let (point, ttl) = match (self.side, is_inside) {
            (Side::Inside, false) | (Side::Outside, true) => return,
            (Side::Both, false) => (1, 63),
            (_, false) => (0, 63),
            (_, true) => (0, 64),
        };
        let (ms, from, to) = (self.ms, letter(from), letter(to));
        self.lines
            .push(format!("{ms} {from}>{to} {what} at={point} ttl={ttl}"));
    }

    /// A packet goes out; how it is seen there. `outside` is what an ALG makes
    /// of it.
    fn out(&mut self, src: Endpoint, dst: Endpoint, what: &str, outside: &str) -> Endpoint {
        self.ms += 2;
        self.line(true, src, dst, what);
        let mut seen = src;
        let now = self.now();
        for nat in &mut self.nats {
            seen = nat.outbound(now, seen, dst).expect("a port");
        }
        let what = if self.has_alg { outside } else { what };
        self.line(false, seen, dst, what);
        seen
    }

    /// A packet comes back; whether it is let in.
    fn back(&mut self, src: Endpoint, dst: Endpoint, what: &str) -> bool {
        self.ms += 2;
        // What comes in has more hops left outside.
        self.line(false, src, dst, &format!("{what} down=1"));
        let now = self.now();
        let mut to = Some(dst);
        for nat in self.nats.iter_mut().rev() {
            to = to.and_then(|to| nat.inbound(now, src, to));
        }
        if let Some(to) = to {
            self.line(true, src, to, &format!("{what} down=1"));
        }
        to.is_some()
    }

    /// Asks a STUN server, from another address or port if `change` says so.
    fn stun(&mut self, src: Endpoint, server: Endpoint, change: u16) {
        self.id += 1;
        let id = self.id;
        let wish = if change > 0 {
            format!(" change={change}")
        } else {
            String::new()
        };
        let ask = format!("stun request id={id}{wish}");
        let seen = self.out(src, server, &ask, &ask);
        let other = |letter| if letter == 'P' { 'Q' } else { 'P' };
        let name = letter(server);
        let own = name.chars().next().expect("a letter");
        let from = Endpoint::new(
            endpoint(if change & 4 > 0 { other(own) } else { own }, 0).ip,
            if change & 2 > 0 { 3479 } else { 3478 },
        );
        // Asked at the other port, it answers from there.
        let from = if server.port == 3479 { server } else { from };
        let what = format!(
            "stun success id={id} mapped={} other={}:3479",
            letter(seen),
            other(own)
        );
        self.back(from, seen, &what);
    }
}

/// A number below `bound` out of a seed.
fn pick(state: &mut u64, bound: u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % bound
}

fn scene_of(seed: u64) -> (World, Config, bool) {
    let mut state = seed;
    let kinds = Dependence::ALL;
    let outside = |letter| endpoint(letter, 0).ip;
    let is_double = seed % 7 == 6;
    let mut config = Config {
        allocation: [
            Allocation::Preserving,
            Allocation::Sequential,
            Allocation::Random,
        ][pick(&mut state, 3) as usize],
        keeps_parity: pick(&mut state, 2) == 0,
        hairpins: pick(&mut state, 2) == 0,
        lifetime_ns: 1_000_000_000 * i64::try_from(20 + pick(&mut state, 60)).expect("short"),
        refreshes_inbound: pick(&mut state, 2) == 0,
        filters_by_endpoint: pick(&mut state, 4) == 0,
        follows_sessions: pick(&mut state, 4) == 0,
        is_paired: pick(&mut state, 3) > 0,
        seed,
        ..Config::of(
            kinds[usize::try_from(seed % 3).expect("short")],
            kinds[usize::try_from(seed / 3 % 3).expect("short")],
            outside('R'),
        )
    };
    if pick(&mut state, 3) == 0 {
        config.outside.push(outside('S'));
    }
    let mut nats = vec![Nat::new(config.clone())];
    if is_double {
        let inner = Config {
            seed: seed + 1,
            ..Config::of(Dependence::Endpoint, Dependence::Endpoint, outside('X'))
        };
        nats.insert(0, Nat::new(inner));
    }
    let side = [Side::Inside, Side::Outside, Side::Both, Side::Mixed][pick(&mut state, 4) as usize];
    let mut world = World {
        nats,
        ms: 1000,
        id: 0,
        lines: Vec::new(),
        side,
        has_alg: pick(&mut state, 5) == 0,
    };
    let (p, q, sip) = (
        endpoint('P', 3478),
        endpoint('Q', 3478),
        endpoint('V', 5060),
    );
    let base = 4000 + 100 * u16::try_from(pick(&mut state, 50)).expect("short");
    for (number, host) in ['A', 'B'].into_iter().enumerate() {
        let own = |port: u16| {
            endpoint(
                host,
                base + 10 * u16::try_from(number).expect("short") + port,
            )
        };
        // What a phone, or a tester, does at its start; not all of them all of it.
        if pick(&mut state, 4) > 0 {
            world.stun(own(0), p, 0);
            world.stun(own(0), q, 0);
            if pick(&mut state, 3) > 0 {
                world.stun(own(0), endpoint('P', 3479), 0);
            }
        }
        if pick(&mut state, 3) > 0 {
            for change in [0, 6, 2, 6, 2] {
                world.stun(own(1), p, change);
            }
        }
        // Signalling.
        let phone = endpoint(host, 5060);
        let branch = format!("r{number}");
        let contact = |name: &str| {
            format!(
                "REGISTER call=r{number} branch={branch} uri=sip:x header=Contact:_<sip:{host}@{name}>"
            )
        };
        let seen = world.out(phone, sip, &contact("10.9.9.9"), &contact("198.51.100.18"));
        let answer = format!(
            "200 call=r{number} branch={branch} method=REGISTER to=t swap=UDP_h0=>UDP_{};received={};rport={}",
            phone.ip, seen.ip, seen.port
        );
        world.back(sip, seen, &answer);
        // A call, whose description names the inside.
        let call = |what: &str, more: &str| format!("{what} call=c{number} tag=c{number} {more}");
        let body = |ip: &str, port: u16| {
            let lines = [
                "v=0".to_owned(),
                format!("o=-_1_1_IN_IP4_{ip}"),
                "s=-".to_owned(),
                format!("c=IN_IP4_{ip}"),
                "t=0_0".to_owned(),
                format!("m=audio_{port}_RTP/AVP_0"),
            ];
            let kind = "header=Content-Type:_application/sdp header=Contact:_<sip:x@x>";
            format!("{kind} body={}\\r\\n", lines.join("\\r\\n"))
        };
        let offer = body(&phone.ip.to_string(), own(4).port);
        let invite = call("INVITE", &format!("branch=i{number} {offer}"));
        let seen = world.out(phone, sip, &invite, &format!("{invite} header=X-Alg:_yes"));
        let peer = 7000 + 2 * u16::try_from(number).expect("short");
        let offer = body("198.51.100.20", peer);
        let answer = call("200", &format!("branch=i{number} to=t {offer}"));
        world.back(sip, seen, &answer);
        let ack = call("ACK", &format!("branch=k{number} to=t"));
        world.out(phone, sip, &ack, &ack);
        // Media, both ways.
        let (media, peer) = (
            own(4),
            endpoint('T', 7000 + 2 * u16::try_from(number).expect("short")),
        );
        if pick(&mut state, 3) > 0 {
            world.stun(media, p, 0);
        }
        let seen = world.out(media, peer, "rtp n=12", "rtp n=12");
        world.back(peer, seen, "rtp n=12");
        world.ms += 500;
        // Somebody whom nobody asked.
        let stranger = endpoint('U', 9000);
        world.back(stranger, seen, &format!("stun request id={}", 200 + number));
    }
    // To the neighbour, by its outside address.
    if world.nats.len() == 1 && pick(&mut state, 2) == 0 {
        let (from, neighbour) = (endpoint('A', base), endpoint('B', 5060));
        let seen = world.out(neighbour, sip, "crlf", "crlf");
        world.ms += 2;
        let now = world.now();
        world.line(true, from, seen, "stun request id=250");
        if let Some((from, to)) = world.nats[0].hairpin(now, from, seen) {
            world.line(true, from, to, "stun request id=250 down=1");
        }
    }
    // Silences.
    for gap in [5_000, 15_000, 40_000, 100_000] {
        world.ms += gap;
        world.stun(endpoint('A', base), p, 0);
    }
    (world, config, is_double)
}

/// 900 seeds: nine behaviours, capture points, and all that may vary. No verdict
/// may be wrong; how many there are is told.
#[test]
#[expect(clippy::print_stdout, reason = "the shares are for the reader")]
fn verdicts_agree_with_emulated_nats() {
    let mut told: std::collections::BTreeMap<&str, [u32; 2]> = std::collections::BTreeMap::new();
    for seed in 0..900 {
        let (world, config, is_double) = scene_of(seed);
        let text = world.lines.join("\n");
        let mut found = Vec::new();
        let mut rows = Vec::new();
        for record in scene::records(&text) {
            match record {
                Record::NatFinding(own) => found.push(*own),
                Record::NatMapping(own) => rows.push(*own),
                _ => {}
            }
        }
        let about = format!(
            "seed {seed}, {:?}, {config:?}, double {is_double}",
            world.side
        );
        let truth = [
            ("NAT002", config.mapping.name()),
            ("NAT003", config.filtering.name()),
            ("NAT013", config.allocation.name()),
        ];
        for (code, truth) in truth {
            for finding in found.iter().filter(|own| own.code == code) {
                // The inner one of two is another NAT.
                if is_double && finding.subject.contains("100.64.") {
                    continue;
                }
                let value = finding.value.as_deref().expect("a value");
                let known = value != "unknown";
                let of_two = is_double && code == "NAT013";
                assert!(
                    !known || value == truth || of_two,
                    "{code} {value}, not {truth}: {about}\n{finding:#?}\n{text}"
                );
                told.entry(code).or_default()[usize::from(known)] += 1;
            }
        }
        let has = |code: &str| found.iter().any(|own| own.code == code);
        let sees_both = matches!(world.side, Side::Both | Side::Mixed);
        assert_eq!(has("NAT009"), world.has_alg && sees_both, "{about}");
        assert!(!has("NAT007") || is_double, "{about}");
        for finding in found.iter().filter(|own| own.code == "NAT011") {
            let works = finding.value.as_deref() == Some("works");
            assert!(!works || config.hairpins, "{finding:?} {about}\n{text}");
        }
        let may_pool = config.outside.len() > 1 && !config.is_paired;
        assert!(!has("NAT012") || may_pool, "{about}\n{text}");
        // Rows are what the emulator did: no outside address that it lacks.
        for row in &rows {
            let outside: std::net::IpAddr = row.outside_ip.parse().expect("an address");
            let known = config.outside.contains(&outside) || is_double;
            assert!(known, "{row:?} {about}");
        }
        for finding in found.iter().filter(|own| own.code == "NAT004") {
            let value = finding.value.as_deref().expect("a value");
            let bounds = value
                .trim_matches(['(', ']'])
                .split_once(", ")
                .expect("two");
            let life = config.lifetime_ns / 1_000_000_000;
            let (alive, dead) = (
                bounds.0.parse::<i64>().expect("one"),
                bounds.1.parse::<i64>().ok(),
            );
            assert!(alive <= life, "{value} {about}");
            assert!(dead.is_none_or(|dead| dead >= life), "{value} {about}");
        }
    }
    for (code, [unknown, known]) in &told {
        println!("{code}: {known} known, {unknown} not enough evidence");
        assert!(*known > 300, "{code} {known}");
    }
}
