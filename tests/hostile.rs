//! Resolvers, relays and connections that misbehave toward probes: bounded, and a
//! clear verdict.

#![cfg(feature = "probe")]

mod common;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use common::peers::{peer, report};
use common::{program, run};
use serde_json::Value;

/// An answer to a DNS question with these records, each its type and its data.
fn dns_answer(question: &[u8], records: &[(&[u8], u16, Vec<u8>)]) -> Vec<u8> {
    let mut octets = question[..2].to_vec();
    octets.extend([0x81, 0x80, 0, 1]);
    octets.extend(u16::try_from(records.len()).expect("few").to_be_bytes());
    octets.extend([0, 0, 0, 0]);
    octets.extend(&question[12..]);
    for (name, kind, data) in records {
        octets.extend(*name);
        octets.extend(kind.to_be_bytes());
        octets.extend([0, 1, 0, 0, 0, 60]);
        octets.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
        octets.extend(data);
    }
    octets
}

/// A name on the wire.
fn wire(name: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in name.split('.') {
        octets.push(u8::try_from(label.len()).expect("short"));
        octets.extend(label.bytes());
    }
    octets.push(0);
    octets
}

/// The type that a question asks for.
fn kind(question: &[u8]) -> u16 {
    let end = question.len();
    u16::from_be_bytes([question[end - 4], question[end - 3]])
}

const SELF: &[u8] = &[0xc0, 12];

fn locate(resolver: &str, uri: &str) -> (Option<i32>, Value) {
    let output = run(&["probe", "dns", uri, "--resolver", resolver, "-q", "--json"]);
    (output.status, report(&output))
}

fn server(priority: u16, target: &str) -> Vec<u8> {
    let mut data = priority.to_be_bytes().to_vec();
    data.extend([0, 1, 0x13, 0xc4]);
    data.extend(wire(target));
    data
}

#[test]
fn m082_a_resolver_that_leads_everywhere_is_followed_so_far() {
    let (address, count) = peer(|socket, question, from| {
        let records: Vec<(&[u8], u16, Vec<u8>)> = match kind(question) {
            33 => (0..60)
                .map(|own| (SELF, 33, server(own, &format!("h{own}.x.test"))))
                .collect(),
            1 => vec![(SELF, 1, vec![192, 0, 2, 1])],
            _ => Vec::new(),
        };
        for _ in 0..100 {
            let _ = socket.send_to(&dns_answer(question, &records), from);
        }
    });
    let (status, report) = locate(&address, "sip:x.test");
    assert_eq!(status, Some(0), "{report}");
    let own = &report["measurements"];
    assert_eq!(own["is_cut"], true, "{own}");
    assert!(count.load(Ordering::SeqCst) <= 48, "{count:?}");
    assert!(
        report["evidence"]["strays"].as_u64() > Some(100),
        "{report}"
    );
}

#[test]
fn m082_names_in_circles_and_answers_of_strangers_lead_nowhere() {
    let (address, _) = peer(|socket, question, from| {
        // Another name for the same, which is another name for the first.
        let (a, b) = (wire("a.test"), wire("b.test"));
        let records: Vec<(&[u8], u16, Vec<u8>)> =
            vec![(SELF, 5, a.clone()), (&a, 5, b.clone()), (&b, 5, a.clone())];
        let _ = socket.send_to(&dns_answer(question, &records), from);
    });
    let (status, report) = locate(&address, "sip:x.test");
    assert_eq!(
        (status, &report["verdict"]),
        (Some(1), &"nowhere".into()),
        "{report}"
    );
    let stranger = Mutex::new(UdpSocket::bind("127.0.0.3:0").expect("a port"));
    let (address, count) = peer(move |socket, question, from| {
        let records: Vec<(&[u8], u16, Vec<u8>)> = vec![(SELF, 1, vec![192, 0, 2, 1])];
        let answer = dns_answer(question, &records);
        let stranger = stranger.lock().expect("not poisoned");
        let _ = stranger.send_to(&answer, from);
        // Of another question, and cut.
        let mut other = answer.clone();
        other[0] ^= 1;
        let _ = socket.send_to(&other, from);
        let _ = socket.send_to(&answer[..11], from);
        let _ = socket.send_to(&[0xff; 600], from);
    });
    let (status, report) = locate(&address, "sip:x.test:5060");
    assert_eq!(
        (status, &report["verdict"]),
        (Some(7), &"no-answer".into()),
        "{report}"
    );
    assert_eq!(count.load(Ordering::SeqCst), 6);
}

/// An answer to a STUN request: its header turned, and these attributes.
fn stun_answer(request: &[u8], class: u8, attributes: &[u8]) -> Vec<u8> {
    let mut octets = vec![request[0] | 1, request[1] | class];
    octets.extend(
        u16::try_from(attributes.len())
            .expect("short")
            .to_be_bytes(),
    );
    octets.extend(&request[4..20]);
    octets.extend(attributes);
    octets
}

/// 401 with a realm and a nonce.
fn challenge(request: &[u8]) -> Vec<u8> {
    let mut attributes = vec![0, 9, 0, 4, 0, 0, 4, 1];
    attributes.extend([0, 0x14, 0, 4]);
    attributes.extend(b"test");
    attributes.extend([0, 0x15, 0, 4]);
    attributes.extend(b"once");
    stun_answer(request, 0x10, &attributes)
}

fn relay(address: &str) -> (Option<i32>, Value) {
    let output = program()
        .args(["probe", "turn", address, "--user", "alice", "-q", "--json"])
        .env("SIP_INSPECT_PASSWORD", "canary-7f3a")
        .output()
        .expect("the program runs");
    let output = common::Output {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    assert!(!output.stdout.contains("canary"), "{output:?}");
    (output.status, report(&output))
}

#[test]
fn m083_relays_that_challenge_for_ever_are_left() {
    let (address, count) = peer(|socket, request, from| {
        let _ = socket.send_to(&challenge(request), from);
    });
    let (status, report) = relay(&address);
    assert_eq!(
        (status, &report["verdict"]),
        (Some(1), &"refused".into()),
        "{report}"
    );
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

/// A relay that knows no password grants nothing.
#[test]
fn m083_an_allocation_that_is_not_signed_is_none() {
    let mut turn = 0;
    let (address, _) = peer(move |socket, request, from| {
        turn += 1;
        if turn == 1 {
            let _ = socket.send_to(&challenge(request), from);
            return;
        }
        // XOR-RELAYED-ADDRESS, XOR-MAPPED-ADDRESS and LIFETIME, without a signature.
        let xored = [0, 1, 0x32, 0x9a, 0x5e, 0x12, 0xa4, 0x43];
        let mut attributes = vec![0, 0x16, 0, 8];
        attributes.extend(xored);
        attributes.extend([0, 0x20, 0, 8]);
        attributes.extend(xored);
        attributes.extend([0, 0x0d, 0, 4, 0, 0, 2, 0x58]);
        for _ in 0..1000 {
            let _ = socket.send_to(&stun_answer(request, 0, &attributes), from);
        }
    });
    let (status, report) = relay(&address);
    assert_eq!(
        (status, &report["verdict"]),
        (Some(7), &"no-answer".into()),
        "{report}"
    );
    assert!(
        report["evidence"]["strays"].as_u64() > Some(100),
        "{report}"
    );
}

/// Connections on which TLS or WebSocket never begins, or nonsense comes.
#[test]
fn m084_connections_that_never_get_anywhere_are_left() {
    let check = |nonsense: &'static [u8], transport: &str| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer);
                let _ = stream.write_all(nonsense);
                held.push(stream);
            }
        });
        let uri = format!("sip:{address}");
        let words = [
            "probe",
            "options",
            &uri,
            "--transport",
            transport,
            "-c",
            "1",
            "-q",
            "--json",
        ];
        let output = run(&words);
        let report = report(&output);
        assert_eq!(output.status, Some(7), "{transport} {nonsense:?}: {report}");
        assert_eq!(report["verdict"], "no-answer", "{report}");
        assert_eq!(report["measurements"]["answers"], 0);
    };
    let nonsense: [&[u8]; 3] = [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"\x16\x03\x03\xff\xff\x02\x00\x00",
    ];
    // Each takes its time.
    std::thread::scope(|scope| {
        for transport in ["tls", "ws", "wss"] {
            for own in nonsense {
                scope.spawn(move || check(own, transport));
            }
        }
        scope.spawn(|| check(b"SIP/2.0 200 OK\r\n\xff\xff\xff\xff", "tcp"));
    });
}

/// A probe and the program's own server, in a time of their own, with what is between
/// them: so much of it is lost, so much damaged.
mod between {
    use std::collections::BTreeMap;

    use sip_inspect::net::{Endpoint, Transport};
    use sip_inspect::probe::{Found, Input, Probe, Transmit};
    use sip_inspect::serve::digest::Users;
    use sip_inspect::serve::{sip, stun};
    use sip_inspect::time::Timestamp;

    pub(crate) fn endpoint(text: &str) -> Endpoint {
        let address: std::net::SocketAddr = text.parse().expect("an endpoint");
        Endpoint::new(address.ip(), address.port())
    }

    /// What arrives somewhere.
    enum Arrival {
        Server(Transmit),
        Probe(u16, Endpoint, Vec<u8>),
    }

    pub(crate) struct Between {
        pub(crate) rng: fastrand::Rng,
        /// In percent.
        pub(crate) lost: u32,
        pub(crate) damaged: u32,
        pub(crate) desk: sip::Desk,
        now: Timestamp,
        under_way: BTreeMap<(Timestamp, u64), Arrival>,
        pub(crate) sent: u64,
        count: u64,
    }

    impl Between {
        pub(crate) fn new(seed: u64, lost: u32, damaged: u32) -> Self {
            let ports = (0..8).map(|own| {
                let port = 20_000 + own * 2;
                (Endpoint::new(endpoint("192.0.2.1:1").ip, port), port + 1)
            });
            Self {
                rng: fastrand::Rng::with_seed(seed),
                lost,
                damaged,
                desk: sip::Desk::new(sip::Config {
                    local: endpoint("192.0.2.1:5060"),
                    users: Some(Users::parse("alice:word").expect("users")),
                    media: ports.collect(),
                    rng: fastrand::Rng::with_seed(seed + 1),
                }),
                now: Timestamp::from_nanos(1_700_000_000_000_000_000),
                under_way: BTreeMap::new(),
                sent: 0,
                count: 0,
            }
        }

        fn local(socket: u16) -> Endpoint {
            Endpoint::new(
                endpoint("198.51.100.7:1").ip,
                30_000_u16.wrapping_add(socket),
            )
        }

        fn put(&mut self, mut arrival: Arrival) {
            let (Arrival::Server(Transmit { octets, .. }) | Arrival::Probe(_, _, octets)) =
                &mut arrival;
            if self.rng.u32(..100) < self.lost {
                return;
            }
            if self.rng.u32(..100) < self.damaged && !octets.is_empty() {
                for _ in 0..self.rng.usize(1..4) {
                    let place = self.rng.usize(..octets.len());
                    match self.rng.u8(..4) {
                        0 => octets[place] = self.rng.u8(..),
                        1 => octets.truncate(place.max(1)),
                        2 => octets.insert(
                            place,
                            *b"\r\n;<>\0\xff\t".get(self.rng.usize(..8)).expect("one"),
                        ),
                        _ => octets.extend_from_within(place..),
                    }
                }
            }
            self.count += 1;
            let later = self.now.offset(self.rng.i64(1_000_000..30_000_000));
            self.under_way.insert((later, self.count), arrival);
        }

        /// What the server does with what comes.
        fn serve(&mut self, transmit: Transmit) {
            let Transmit { socket, to, octets } = transmit;
            let from = Self::local(socket.number);
            let answer = match to.port {
                3478 => {
                    let addresses = stun::Addresses {
                        primary: endpoint("192.0.2.1:3478"),
                        alternate: None,
                    };
                    let reply = stun::answer(&addresses, addresses.primary, from, &octets);
                    reply.map(|own| own.octets)
                }
                53 => (octets.len() > 16).then(|| {
                    let name = &super::wire("host.test")[..];
                    let records: Vec<(&[u8], u16, Vec<u8>)> = match super::kind(&octets) {
                        35 => vec![(
                            super::SELF,
                            35,
                            [
                                &[0, 1, 0, 1, 1, b's', 7][..],
                                b"SIP+D2U",
                                &[0],
                                &super::wire("_sip._udp.x.test"),
                            ]
                            .concat(),
                        )],
                        33 => vec![(super::SELF, 33, super::server(1, "host.test"))],
                        1 => vec![
                            (super::SELF, 5, name.to_vec()),
                            (name, 1, vec![192, 0, 2, 9]),
                        ],
                        _ => Vec::new(),
                    };
                    super::dns_answer(&octets, &records)
                }),
                port @ 20_000..=20_015 => {
                    let slot = usize::from((port - 20_000) / 2);
                    self.desk.media(self.now, slot, from, &octets)
                }
                _ => {
                    let is_stream = socket.transport.is_stream();
                    let peer = sip::Peer {
                        from,
                        transport: if is_stream {
                            Transport::Tcp
                        } else {
                            Transport::Udp
                        },
                        connection: is_stream.then_some(u64::from(socket.number)),
                    };
                    self.desk.handle(self.now, peer, &octets);
                    while let Some(sent) = self.desk.poll_transmit() {
                        let number = sent.to.port.wrapping_sub(30_000);
                        self.put(Arrival::Probe(number, to, sent.octets));
                    }
                    None
                }
            };
            if let Some(octets) = answer {
                self.put(Arrival::Probe(socket.number, to, octets));
            }
        }

        /// What was sent last arrives too.
        fn settle(&mut self) {
            while let Some(((at, _), arrival)) = self.under_way.pop_first() {
                self.now = at;
                if let Arrival::Server(transmit) = arrival {
                    self.serve(transmit);
                }
            }
        }

        /// Runs a probe to its end; it must come to one.
        pub(crate) fn run(&mut self, probe: &mut dyn Probe) -> Found {
            let end = self.now.offset(600_000_000_000);
            probe.handle_timeout(self.now);
            let mut turns = (0, self.now);
            loop {
                turns = if turns.1 == self.now {
                    (turns.0 + 1, turns.1)
                } else {
                    (0, self.now)
                };
                assert!(turns.0 < 1000, "time stands still: {:?}", probe.found());
                while let Some(transmit) = probe.poll_transmit() {
                    let socket = transmit.socket.number;
                    if transmit.octets.is_empty() {
                        let local = Self::local(socket);
                        probe.handle(self.now, Input::Opened { socket, local });
                    } else {
                        self.sent += 1;
                        assert!(self.sent < 3000, "it sends for ever");
                        self.put(Arrival::Server(transmit));
                    }
                }
                let Some(due) = probe.poll_timeout() else {
                    self.settle();
                    return probe.found();
                };
                let next = self.under_way.keys().next().map(|own| own.0);
                let desk = self.desk.poll_timeout();
                let first = [Some(due), next, desk].into_iter().flatten().min();
                self.now = first.expect("one").max(self.now);
                assert!(self.now < end, "it never ends");
                if desk.is_some_and(|own| own <= self.now) {
                    self.desk.handle_timeout(self.now);
                    while let Some(sent) = self.desk.poll_transmit() {
                        let number = sent.to.port.wrapping_sub(30_000);
                        let from = endpoint("192.0.2.1:5060");
                        self.put(Arrival::Probe(number, from, sent.octets));
                    }
                }
                if next.is_some_and(|own| own <= self.now) {
                    match self.under_way.pop_first().map(|own| own.1) {
                        Some(Arrival::Server(transmit)) => self.serve(transmit),
                        Some(Arrival::Probe(socket, from, octets)) => {
                            let octets = &octets;
                            let local = Self::local(socket);
                            probe.handle(
                                self.now,
                                Input::Received {
                                    socket,
                                    local,
                                    from,
                                    octets,
                                },
                            );
                        }
                        None => {}
                    }
                }
                if due <= self.now {
                    probe.handle_timeout(self.now);
                }
            }
        }
    }
}

/// Each probe, and what it says when nothing is damaged.
fn probes(seed: u64) -> Vec<(Box<dyn sip_inspect::probe::Probe>, &'static str)> {
    use between::endpoint;
    use sip_inspect::probe::target::SipTarget;
    use sip_inspect::probe::{Carrier, Credentials, Ids};
    use sip_inspect::probe::{alg, call, dns, options, register, stun, turn};

    let rng = || fastrand::Rng::with_seed(seed + 2);
    let target = |text: &str| SipTarget::parse(text).expect("a URI");
    let servers = || vec![endpoint("192.0.2.1:5060")];
    let credentials = || Credentials {
        user: "alice".to_owned(),
        password: Some("word".to_owned()),
        realm: None,
    };
    let carrier = [Carrier::Udp, Carrier::Tcp][usize::from(seed.is_multiple_of(3))];
    let caller = |user: &str| {
        Box::new(call::CallProbe::new(call::Config {
            servers: servers(),
            target: target(&format!("sip:{user}@192.0.2.1")),
            caller: Some(target("sip:alice@192.0.2.1")),
            credentials: credentials(),
            transport: carrier,
            talk_ns: 1_000_000_000,
            ring_ns: 5_000_000_000,
            payload_types: vec![0, 8],
            digits: vec![1, 2],
            rng: rng(),
        }))
    };
    vec![
        (caller("echo"), "audio-comes-back"),
        (caller("early"), "audio-comes-back"),
        (caller("moved"), "audio-comes-back"),
        (caller("secret"), "audio-comes-back"),
        (caller("ring"), "not-answered"),
        (
            Box::new(options::OptionsProbe::new(options::Config {
                servers: servers(),
                target: target("sip:192.0.2.1"),
                transport: carrier,
                count: 3,
                interval_ns: 100_000_000,
                trace: false,
                rng: rng(),
            })),
            "alive",
        ),
        (
            Box::new(register::RegisterProbe::new(register::Config {
                servers: servers(),
                target: target("sip:alice@192.0.2.1"),
                credentials: credentials(),
                transport: carrier,
                expires_s: 60,
                rng: rng(),
            })),
            "registered",
        ),
        (
            Box::new(alg::AlgProbe::new(alg::Config {
                server: endpoint("192.0.2.1:5060"),
                control: 6060,
                rng: rng(),
            })),
            "no-alg",
        ),
        (
            Box::new(stun::StunProbe::new(stun::Config {
                servers: vec![endpoint("192.0.2.1:3478")],
                transport: carrier,
                count: 3,
                interval_ns: 100_000_000,
                credentials: credentials(),
                ids: Ids::Seeded(rng()),
            })),
            "answered",
        ),
        (
            Box::new(dns::DnsProbe::new(dns::Config {
                resolver: endpoint("192.0.2.1:53"),
                wanted: dns::Wanted::Uri(dns::located("sip:x.test").expect("a URI")),
                rng: rng(),
            })),
            "located",
        ),
        (
            // A server of STUN that relays nothing.
            Box::new(turn::TurnProbe::new(turn::Config {
                servers: vec![endpoint("192.0.2.1:3478")],
                transport: carrier,
                credentials: credentials(),
                is_secret: false,
                count: 10,
                rng: rng(),
            })),
            "no-answer",
        ),
    ]
}

#[test]
fn m082_each_probe_ends_whatever_comes() {
    for seed in 0..150 {
        for lost_and_damaged in [(0, 0), (20, 0), (0, 30), (20, 60)] {
            let (lost, damaged) = lost_and_damaged;
            for (mut probe, expected) in probes(seed) {
                let mut between = between::Between::new(seed, lost, damaged);
                let found = between.run(probe.as_mut());
                let told = (seed, lost, damaged, expected, &found.verdict);
                assert!(!found.verdict.is_empty(), "{told:?}");
                if (lost, damaged) == (0, 0) {
                    assert_eq!(found.verdict, expected, "{told:?} {found:?}");
                }
                // No call is left up where its BYE could arrive.
                if damaged == 0 && lost == 0 {
                    assert_eq!(between.desk.poll_timeout(), None, "{told:?}");
                }
            }
        }
    }
}
