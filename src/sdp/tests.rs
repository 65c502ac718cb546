use super::*;

const OFFER: &str = "v=0\r\no=alice 53 7 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1/127\r\n\
    t=0 0\r\na=sendonly\r\na=group:BUNDLE 0 1\r\nm=audio 49170 RTP/SAVPF 0 96 101\r\na=rtpmap:96 opus/48000/2\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=ptime:30\r\na=rtcp:53020 IN IP4 192.0.2.9\r\na=rtcp-mux\r\na=mid:0\r\n\
    a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0\r\n\
    a=candidate:1 1 UDP 2130706431 10.0.1.1 8998 typ host\r\na=ice-ufrag:F7gI\r\n\
    m=image 5000 udptl t38\r\nc=IN IP6 2001:db8::5\r\na=inactive\r\n";

#[test]
fn an_offer_with_everything() {
    let read = SessionDescription::parse(OFFER.as_bytes());
    assert_eq!(read.malformed, 0);
    assert_eq!(read.bundle, ["0", "1"]);
    let origin = read.origin.as_ref().expect("an origin");
    assert_eq!(
        (origin.session_id.as_str(), origin.session_version.as_str()),
        ("53", "7")
    );
    let [audio, fax] = read.media.as_slice() else {
        panic!("two media");
    };
    assert_eq!(audio.kind, MediaKind::Audio);
    assert_eq!(audio.payload_types.as_slice(), [0, 96, 101]);
    assert_eq!(audio.effective_direction(), MediaDirection::SendOnly);
    assert_eq!(
        audio.endpoint().map(|at| at.to_string()).as_deref(),
        Some("192.0.2.1:49170")
    );
    assert_eq!(
        audio.rtcp_endpoint().map(|at| at.to_string()).as_deref(),
        Some("192.0.2.9:53020")
    );
    assert_eq!(
        audio.codec(96).map(|map| (map.encoding, map.clock_rate)),
        Some(("opus".into(), 48000))
    );
    assert_eq!(
        audio.codec(0).map(|map| map.encoding).as_deref(),
        Some("PCMU")
    );
    assert_eq!(audio.codec(97), None);
    assert_eq!(audio.dtmf_payload_type(), Some(101));
    assert_eq!(audio.ptime_ms, Some(30));
    assert_eq!(audio.crypto, ["AES_CM_128_HMAC_SHA1_80"]);
    assert!(audio.rtcp_mux && audio.is_rtp() && audio.is_secure());
    assert_eq!(audio.candidates.len(), 1);
    assert_eq!(fax.kind, MediaKind::Image);
    assert_eq!(fax.connection, "2001:db8::5".parse().ok());
    assert_eq!(fax.effective_direction(), MediaDirection::Inactive);
    assert!(!fax.is_rtp());
    // The key itself is a secret and is kept nowhere.
    assert!(!format!("{read:?}").contains("c2VjcmV0"));
}

#[test]
fn bad_lines_cost_themselves_alone() {
    let check = |line: &str, media: usize, malformed: u32| {
        let text = format!("v=0\n{line}\nm=audio 9 RTP/AVP 8\n");
        let read = SessionDescription::parse(text.as_bytes());
        assert_eq!(
            (read.media.len(), read.malformed),
            (media, malformed),
            "{line}"
        );
    };
    check("o=my user 1 2 IN IP4 h", 1, 0);
    check("o=x", 1, 1);
    check("m=audio", 2, 1);
    check("m=audio 4294967296 RTP/AVP 0", 2, 1);
    check("a=rtpmap:x", 1, 1);
    check("a=rtpmap:96 opus/0", 1, 1);
    check("a=ptime:-5", 1, 1);
    check("nonsense", 1, 1);
    check("c=IN IP4 not-an-address", 1, 1);
    check("a=anything:else", 1, 0);
}

#[test]
fn the_old_way_to_hold_is_a_direction() {
    let check = |direction: &str, expected| {
        let text = format!("c=IN IP4 0.0.0.0\nm=audio 9 RTP/AVP 0\n{direction}\n");
        let read = SessionDescription::parse(text.as_bytes());
        assert_eq!(read.media[0].effective_direction(), expected);
        assert_eq!(read.media[0].endpoint(), None);
    };
    check("", MediaDirection::SendOnly);
    check("a=sendrecv", MediaDirection::SendOnly);
    check("a=recvonly", MediaDirection::Inactive);
}

#[test]
fn an_offer_cut_anywhere_is_read() {
    let mut last = 0;
    for cut in 0..OFFER.len() {
        let read = SessionDescription::parse(&OFFER.as_bytes()[..cut]);
        assert!(read.media.len() >= last, "{cut}");
        last = read.media.len();
    }
}

#[test]
fn endless_descriptions_are_bounded() {
    let media = "m=audio 9 RTP/AVP 0\n".repeat(MAX_MEDIA + 1);
    assert_eq!(
        SessionDescription::parse(media.as_bytes()).media.len(),
        MAX_MEDIA
    );
    let candidate = "a=candidate:1 1 UDP 1 10.0.1.1 8998 typ host\n".repeat(MAX_ATTRIBUTES + 1);
    let read = SessionDescription::parse(format!("m=audio 9 RTP/AVP 0\n{candidate}").as_bytes());
    assert_eq!(read.media[0].candidates.len(), MAX_ATTRIBUTES);
}

#[test]
fn candidates_that_follow_are_read_by_medium() {
    let candidate =
        |number: u8| format!("a=candidate:{number} 1 UDP 1 10.0.1.{number} 8998 typ host\r\n");
    let check = |body: &str, expected: &[(Option<&str>, Option<&str>, usize, bool)]| {
        let read = IceFragment::parse(body.as_bytes());
        let found: Vec<_> = (read.media.iter())
            .map(|own| {
                let (mid, ufrag) = (own.mid.as_deref(), own.ice_ufrag.as_deref());
                (mid, ufrag, own.candidates.len(), own.has_all_candidates)
            })
            .collect();
        assert_eq!(found, expected, "{body}");
    };
    let [one, two] = [candidate(1), candidate(2)];
    let media = "m=audio 9 RTP/AVP 0\r\na=mid:0\r\n";
    check(
        &format!(
            "a=ice-ufrag:F7gI\r\n{media}{one}{two}m=video 9 RTP/AVP 96\r\na=mid:v\r\na=end-of-candidates\r\n"
        ),
        &[
            (Some("0"), Some("F7gI"), 2, false),
            (Some("v"), Some("F7gI"), 0, true),
        ],
    );
    // What is said of all media is said of each.
    check(
        &format!("a=ice-ufrag:F7gI\r\na=end-of-candidates\r\n{media}{one}"),
        &[(Some("0"), Some("F7gI"), 1, true)],
    );
    check(
        &format!("a=ice-ufrag:F7gI\r\n{one}"),
        &[(None, Some("F7gI"), 1, false)],
    );
    check(
        &format!("{two}{media}{one}"),
        &[(Some("0"), None, 2, false)],
    );
    check("a=end-of-candidates\r\n", &[(None, None, 0, true)]);
    check("a=ice-ufrag:F7gI\r\n", &[]);
    check("", &[]);
}
