//! The torture messages of RFC 4475 and RFC 5118: every one is read, and what
//! it says is what it says. They lie in the folder that `SIP_INSPECT_CORPUS`
//! names; where it names none, only the messages made here are tried.

mod common;

use std::path::PathBuf;

use sip_inspect::inspector::{Config, Inspector};
use sip_inspect::report::Record;
use sip_inspect::rules::Profile;
use sip_inspect::sip::header::HeaderName;
use sip_inspect::sip::{Anomaly, SipMessage, StartLine};
use sip_inspect::time::Timestamp;

fn folder(name: &str) -> Option<PathBuf> {
    let corpus = std::env::var_os("SIP_INSPECT_CORPUS")?;
    Some(PathBuf::from(corpus).join(name))
}

fn files(folder: &PathBuf) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .expect("the corpus")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "dat"))
        .map(|path| {
            let name = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, std::fs::read(path).expect("a message"))
        })
        .collect();
    files.sort();
    files
}

/// Reads a message and hands it to `look`.
fn with<T>(files: &[(String, Vec<u8>)], name: &str, look: impl FnOnce(&SipMessage<'_>) -> T) -> T {
    let (_, octets) = files.iter().find(|(known, _)| known == name).expect(name);
    look(&SipMessage::parse(octets).expect(name))
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

#[test]
fn m035_every_message_of_rfc_4475_is_readable() {
    let Some(folder) = folder("rfc4475") else {
        return;
    };
    let files = files(&folder);
    assert_eq!(files.len(), 49);
    for (name, octets) in &files {
        let message = SipMessage::parse(octets).expect(name);
        assert!(
            octets.ends_with(message.octets()),
            "{name}: octets are kept"
        );
        assert!(message.header_fields().len() >= 3, "{name}");
        // What is read once is read the same again.
        let again = SipMessage::parse(message.octets()).expect(name);
        assert_eq!(again.header_fields(), message.header_fields(), "{name}");
        assert_eq!(again.body(), message.body(), "{name}");
        // Cut anywhere, it is still no more than what was there.
        for cut in (0..octets.len()).step_by(7) {
            if let Some(cut_message) = SipMessage::parse(&octets[..cut]) {
                assert!(
                    cut_message.header_fields().len() <= message.header_fields().len() + 1,
                    "{name} at {cut}"
                );
            }
        }
    }
}

#[test]
fn valid_messages_say_what_they_say() {
    let Some(folder) = folder("rfc4475") else {
        return;
    };
    let files = files(&folder);
    with(&files, "wsinv", |message| {
        assert_eq!(
            message
                .from()
                .and_then(|from| from.tag())
                .map(text)
                .as_deref(),
            Some("98asjd8")
        );
        assert_eq!(
            message.to().and_then(|to| to.tag()).map(text).as_deref(),
            Some("1918181833n")
        );
        assert_eq!(
            message.value(HeaderName::MaxForwards).map(text).as_deref(),
            Some("0068")
        );
        assert_eq!(message.cseq().map(|cseq| cseq.number), Ok(9));
        let vias: Vec<String> = message
            .values(HeaderName::Via)
            .map(|value| {
                let via = sip_inspect::sip::header::Via::parse(value).expect("a via");
                format!(
                    "{} {} {}",
                    text(via.transport),
                    text(via.sent_by),
                    text(via.branch.unwrap_or_default())
                )
            })
            .collect();
        assert_eq!(
            vias,
            [
                "UDP 192.0.2.2 390skdjuw",
                "TCP spindle.example.com z9hG4bK9ikj8",
                "UDP 192.168.255.111 z9hG4bK30239"
            ]
        );
        assert_eq!(
            message
                .contact()
                .and_then(|contact| contact.parameter("q"))
                .map(text)
                .as_deref(),
            Some("0.33")
        );
        assert_eq!(message.body().len(), 150);
        assert!(
            message
                .header_fields()
                .iter()
                .any(|field| text(field.value).contains(";;,,;;,;"))
        );
    });
    with(&files, "intmeth", |message| {
        let StartLine::Request { method, .. } = message.start_line() else {
            panic!("no request");
        };
        assert_eq!(
            method.as_str(),
            "!interesting-Method0123456789_*+`.%indeed'~"
        );
        assert_eq!(
            message.value(HeaderName::MaxForwards).map(text).as_deref(),
            Some("255")
        );
    });
    with(&files, "esc02", |message| {
        let StartLine::Request { method, .. } = message.start_line() else {
            panic!("no request");
        };
        assert_eq!(method.as_str(), "RE%47IST%45R");
        assert_eq!(message.values(HeaderName::Contact).count(), 2);
    });
    with(&files, "escnull", |message| {
        let contacts: Vec<String> = message.values(HeaderName::Contact).map(text).collect();
        assert_eq!(contacts.len(), 2);
        assert!(contacts.iter().all(|contact| contact.contains("%00")));
        assert_ne!(contacts[0], contacts[1]);
    });
    with(&files, "semiuri", |message| {
        let StartLine::Request { request_uri, .. } = message.start_line() else {
            panic!("no request");
        };
        let uri = sip_inspect::sip::Uri::parse(request_uri);
        assert_eq!(text(uri.user), "user;par=u%40example.net");
        assert_eq!(text(uri.host), "example.com");
    });
    with(&files, "transports", |message| {
        let transports: Vec<String> = message
            .values(HeaderName::Via)
            .filter_map(|value| sip_inspect::sip::header::Via::parse(value).ok())
            .map(|via| text(via.transport))
            .collect();
        assert_eq!(transports, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
    });
    with(&files, "mpart01", |message| {
        assert_eq!(message.body().len(), 553)
    });
    with(&files, "longreq", |message| {
        assert_eq!(message.body().len(), 150)
    });
    with(&files, "dblreq", |message| {
        // What follows the message in its datagram is none of it.
        assert_eq!(message.body(), b"");
        assert!(message.anomalies().contains(&Anomaly::TrailingOctets));
    });
    with(&files, "lwsdisp", |message| {
        assert_eq!(
            message.from().map(|from| from.display_text()).as_deref(),
            Some("caller")
        );
    });
    with(&files, "unreason", |message| {
        let StartLine::Response {
            status_code,
            reason_phrase,
        } = message.start_line()
        else {
            panic!("no response");
        };
        assert_eq!(*status_code, Some(200));
        assert!(text(reason_phrase).starts_with("= 2**3 * 5**2 "));
        assert!(!reason_phrase.is_ascii() && std::str::from_utf8(reason_phrase).is_ok());
    });
    with(&files, "noreason", |message| {
        assert_eq!(
            *message.start_line(),
            StartLine::Response {
                status_code: Some(100),
                reason_phrase: b""
            }
        );
    });
    with(&files, "cparam01", |message| {
        let contact = message.contact().expect("a contact");
        assert_eq!(contact.parameter("unknownparam"), Some(&b""[..]));
        assert_eq!(contact.parsed_uri().parameter("unknownparam"), None);
    });
    with(&files, "cparam02", |message| {
        let contact = message.contact().expect("a contact");
        assert_eq!(contact.parameter("unknownparam"), None);
        assert_eq!(
            contact.parsed_uri().parameter("unknownparam"),
            Some(&b""[..])
        );
    });
    with(&files, "inv2543", |message| {
        let via = message.top_via().expect("a via");
        assert_eq!(via.branch, None);
        assert!(message.sdp().is_some());
    });
}

#[test]
fn broken_messages_are_named_as_such() {
    let Some(folder) = folder("rfc4475") else {
        return;
    };
    let files = files(&folder);
    for (name, anomaly) in [
        ("clerr", Anomaly::ContentLengthTooLarge),
        ("ncl", Anomaly::ContentLengthInvalid),
        ("ltgtruri", Anomaly::StartLineSpacing),
        ("lwsruri", Anomaly::StartLineSpacing),
        ("lwsstart", Anomaly::StartLineSpacing),
        ("trws", Anomaly::StartLineSpacing),
        ("badvers", Anomaly::Version),
        ("bigcode", Anomaly::StatusCode),
        ("baddn", Anomaly::NoBlankLine),
    ] {
        with(&files, name, |message| {
            assert!(
                message.anomalies().contains(&anomaly),
                "{name}: {:?}",
                message.anomalies()
            );
        });
    }
    with(&files, "scalar02", |message| {
        assert!(message.cseq().is_err())
    });
    with(&files, "scalarlg", |message| {
        assert!(message.cseq().is_err())
    });
    with(&files, "bigcode", |message| {
        // 4294967301 must not wrap to 5.
        assert!(matches!(
            message.start_line(),
            StartLine::Response {
                status_code: None,
                ..
            }
        ));
    });
    for name in ["mismatch01", "mismatch02"] {
        with(&files, name, |message| {
            let StartLine::Request { method, .. } = message.start_line() else {
                panic!("no request");
            };
            assert_ne!(*method, message.cseq().expect("a CSeq").method, "{name}");
        });
    }
    with(&files, "insuf", |message| {
        assert!(message.call_id().is_none() || message.from().is_none() || message.to().is_none());
    });
    with(&files, "badbranch", |message| {
        assert_eq!(
            message.top_via().expect("a via").branch,
            Some(&b"z9hG4bK"[..])
        );
    });
    with(&files, "multi01", |message| {
        assert!(
            message
                .header_fields()
                .iter()
                .filter(|field| field.kind == HeaderName::CallId)
                .count()
                > 1
        );
    });
}

#[test]
fn m035_every_message_of_rfc_5118_is_readable() {
    let Some(folder) = folder("rfc5118") else {
        return;
    };
    let files = files(&folder);
    assert_eq!(files.len(), 12);
    for (name, octets) in &files {
        assert!(SipMessage::parse(octets).is_some(), "{name}");
    }
    let uri = |name: &str| {
        with(&files, name, |message| {
            let StartLine::Request { request_uri, .. } = message.start_line() else {
                panic!("no request");
            };
            let uri = sip_inspect::sip::Uri::parse(request_uri);
            (text(uri.host), uri.port)
        })
    };
    assert_eq!(uri("ipv6-good"), ("2001:db8::10".to_owned(), None));
    assert_eq!(
        uri("port-ambiguous"),
        ("2001:db8::10:5070".to_owned(), None)
    );
    assert_eq!(
        uri("port-unambiguous"),
        ("2001:db8::10".to_owned(), Some(5070))
    );
    let received = |name: &str| {
        with(&files, name, |message| {
            text(
                message
                    .top_via()
                    .expect("a via")
                    .received
                    .expect("received"),
            )
        })
    };
    assert_eq!(
        received("via-received-param-with-delim"),
        "[2001:db8::9:255]"
    );
    assert_eq!(received("via-received-param-no-delim"), "2001:db8::9:255");
    with(&files, "ipv6-in-sdp", |message| {
        let sdp =
            sip_inspect::sdp::SessionDescription::parse(message.sdp().expect("a description"));
        let address = sdp.media[0].connection.expect("an address");
        assert!(address.is_ipv6());
    });
}

#[test]
fn messages_made_here_are_read_without_the_corpus() {
    let folded = b"OPTIONS sip:a SIP/2.0\r\nTo:\r\n  sip:b\r\n ;tag=1\r\nl: 0\r\n\r\n";
    let message = SipMessage::parse(folded).expect("a message");
    assert_eq!(
        message.to().and_then(|to| to.tag()).map(text).as_deref(),
        Some("1")
    );
    assert_eq!(message.anomalies(), []);
}

/// What the rules say of each message of RFC 4475, on its own in a datagram: a
/// code that must be among the findings, or none for what may have no error.
const VERDICTS: &[(&str, Option<&str>)] = &[
    ("wsinv", None),
    ("intmeth", None),
    ("esc01", None),
    ("escnull", None),
    ("esc02", None),
    ("lwsdisp", None),
    ("longreq", None),
    ("dblreq", None),
    ("semiuri", None),
    ("transports", None),
    ("mpart01", None),
    ("unreason", None),
    ("noreason", None),
    ("badinv01", Some("SYN018")),
    ("clerr", Some("SYN009")),
    ("ncl", Some("SYN011")),
    ("scalar02", Some("SYN008")),
    ("scalarlg", Some("SYN008")),
    ("quotbal", Some("SYN022")),
    ("ltgtruri", Some("SYN001")),
    ("lwsruri", Some("SYN001")),
    ("lwsstart", Some("SYN001")),
    ("trws", Some("SYN001")),
    ("escruri", Some("SYN026")),
    ("baddate", Some("SYN034")),
    ("regbadct", Some("SYN028")),
    ("badaspec", Some("SYN024")),
    ("baddn", Some("SYN023")),
    ("badvers", Some("SYN002")),
    ("mismatch01", Some("SYN007")),
    ("mismatch02", Some("SYN007")),
    ("bigcode", Some("SYN032")),
    ("badbranch", Some("SYN017")),
    ("insuf", Some("SYN003")),
    ("unkscm", Some("SYN025")),
    ("novelsc", Some("SYN025")),
    ("unksm2", None),
    ("bext01", None),
    ("invut", None),
    ("regaut01", None),
    ("multi01", Some("SYN006")),
    ("mcl01", Some("SYN006")),
    ("bcast", None),
    ("zeromf", None),
    ("cparam01", None),
    ("cparam02", None),
    ("regescrt", None),
    ("sdp01", None),
    ("inv2543", Some("SYN016")),
];

#[test]
fn the_rules_say_of_each_message_what_it_is() {
    let Some(folder) = folder("rfc4475") else {
        return;
    };
    let mut faults = Vec::new();
    for (name, octets) in files(&folder) {
        let expected = VERDICTS.iter().find(|(known, _)| *known == name);
        let (_, expected) = expected.expect(&name);
        let packet = common::wire::udp(0xc000_0207, 5060, 5060, &octets);
        let mut inspector = Inspector::new(Config {
            profile: Profile::Strict,
            ..Config::default()
        });
        inspector.handle(&common::wire::packet(1, Timestamp::from_nanos(1), &packet));
        inspector.finish();
        let mut found = Vec::new();
        while let Some(record) = inspector.poll_record() {
            if let Record::Diagnostic(own) = record {
                found.push((own.code.clone(), own.severity.clone()));
            }
        }
        let errors: Vec<&str> = found
            .iter()
            .filter(|(_, severity)| severity == "error")
            .map(|(code, _)| code.as_str())
            // Some are meant for other transports than a datagram.
            .filter(|code| *code != "TRN002")
            .collect();
        let good = match expected {
            Some(code) => found.iter().any(|(known, _)| known == code),
            None => errors.is_empty(),
        };
        if !good {
            faults.push(format!("{name}: {found:?}, expected {expected:?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
