//! The certificate of DTLS is not the one that the description promised.
//!
//! The fingerprint in the description is what binds the keys of the media to the signalling:
//! where it does not fit, the other side must end the handshake. Somebody sits between, or a
//! device describes one certificate and uses another.
//!
//! Fix: let the device describe the certificate that it uses, again after a restart; a media
//! relay that ends DTLS must write its own fingerprint.

use crate::engine::session::Side;
use crate::net::Endpoint;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};
use crate::tls::Digests;

pub(super) const RULE: Rule = Rule {
    code: "SDP037",
    name: "fingerprint-mismatch",
    severity: Severity::Error,
    rfc: "RFC 8122",
    section: "5",
    symptom: Some("no-audio"),
    source: include_str!("sdp037.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_2D:71:16:42:B7:26:B0:44:01:62:7C:A9:FB:AC:32:F5:C8:53:0F:B1:90:3C:C4:DB:02:25:87:17:92:1A:48:81 line=a=setup:actpass
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_2D:71:16:42:B7:26:B0:44:01:62:7C:A9:FB:AC:32:F5:C8:53:0F:B1:90:3C:C4:DB:02:25:87:17:92:1A:48:81 line=a=setup:active
         30 A>B ACK branch=2 to=t
         100 B:5000>A:4000 octets hex=16fefd00000000000000000043010000370000000000000037fefd070707070707070707070707070707070707070707070707070707070707070700000002c02b0100000b000e000700040001000700
         110 A:4000>B:5000 octets hex=16fefd0000000000000000003d020000310000000000000031fefd080808080808080808080808080808080808080808080808080808080808080800c02b000009000e00050002000100
         111 A:4000>B:5000 octets hex=16fefd000000000000000000140b00000800010000000000080000050000023000",
        "0 A>B INVITE sdp=4000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_2D:71:16:42:B7:26:B0:44:01:62:7C:A9:FB:AC:32:F5:C8:53:0F:B1:90:3C:C4:DB:02:25:87:17:92:1A:48:81 line=a=setup:actpass
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_2D:71:16:42:B7:26:B0:44:01:62:7C:A9:FB:AC:32:F5:C8:53:0F:B1:90:3C:C4:DB:02:25:87:17:92:1A:48:81 line=a=setup:active
         30 A>B ACK branch=2 to=t
         100 B:5000>A:4000 octets hex=16fefd00000000000000000043010000370000000000000037fefd070707070707070707070707070707070707070707070707070707070707070700000002c02b0100000b000e000700040001000700
         120 B:5000>A:4000 octets hex=16fefd000000000000000000140b00000800010000000000080000050000023000",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_E4:F6:0D:0A:A6:D7:F3:D3:B6:A6:49:4B:1C:86:1B:99:F6:49:C6:F9:EC:51:AB:AF:20:1B:20:F2:97:32:7C:95 line=a=setup:actpass
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_2D:71:16:42:B7:26:B0:44:01:62:7C:A9:FB:AC:32:F5:C8:53:0F:B1:90:3C:C4:DB:02:25:87:17:92:1A:48:81 line=a=setup:active
         30 A>B ACK branch=2 to=t
         100 B:5000>A:4000 octets hex=16fefd00000000000000000043010000370000000000000037fefd070707070707070707070707070707070707070707070707070707070707070700000002c02b0100000b000e000700040001000700
         110 A:4000>B:5000 octets hex=16fefd0000000000000000003d020000310000000000000031fefd080808080808080808080808080808080808080808080808080808080808080800c02b000009000e00050002000100
         111 A:4000>B:5000 octets hex=16fefd000000000000000000140b00000800010000000000080000050000023000",
        "0 A>B INVITE sdp=4000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-1_F9:44:DC:D6:35:F9:80:1F:7A:C9:0A:40:7F:BC:47:99:64:DE:C0:24 line=a=setup:actpass
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_2D:71:16:42:B7:26:B0:44:01:62:7C:A9:FB:AC:32:F5:C8:53:0F:B1:90:3C:C4:DB:02:25:87:17:92:1A:48:81 line=a=setup:active
         30 A>B ACK branch=2 to=t
         100 B:5000>A:4000 octets hex=16fefd00000000000000000043010000370000000000000037fefd070707070707070707070707070707070707070707070707070707070707070700000002c02b0100000b000e000700040001000700
         110 A:4000>B:5000 octets hex=16fefd0000000000000000003d020000310000000000000031fefd080808080808080808080808080808080808080808080808080808080808080800c02b000009000e00050002000100
         111 A:4000>B:5000 octets hex=16fefd000000000000000000140b00000800010000000000080000050000023000",
        "0 A>B INVITE sdp=4000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:md5_00:11 line=a=setup:actpass
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_2D:71:16:42:B7:26:B0:44:01:62:7C:A9:FB:AC:32:F5:C8:53:0F:B1:90:3C:C4:DB:02:25:87:17:92:1A:48:81 line=a=setup:active
         30 A>B ACK branch=2 to=t
         100 B:5000>A:4000 octets hex=16fefd00000000000000000043010000370000000000000037fefd070707070707070707070707070707070707070707070707070707070707070700000002c02b0100000b000e000700040001000700
         110 A:4000>B:5000 octets hex=16fefd0000000000000000003d020000310000000000000031fefd080808080808080808080808080808080808080808080808080808080808080800c02b000009000e00050002000100
         111 A:4000>B:5000 octets hex=16fefd000000000000000000140b00000800010000000000080000050000023000",
        "0 A>B INVITE sdp=4000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_2D:71:16:42:B7:26:B0:44:01:62:7C:A9:FB:AC:32:F5:C8:53:0F:B1:90:3C:C4:DB:02:25:87:17:92:1A:48:81 line=a=setup:actpass
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_2D:71:16:42:B7:26:B0:44:01:62:7C:A9:FB:AC:32:F5:C8:53:0F:B1:90:3C:C4:DB:02:25:87:17:92:1A:48:81 line=a=setup:active
         30 A>B ACK branch=2 to=t
         100 B:5000>A:4000 octets hex=16fefd00000000000000000043010000370000000000000037fefd070707070707070707070707070707070707070707070707070707070707070700000002c02b0100000b000e000700040001000700
         110 R:4000>B:5000 octets hex=16fefd0000000000000000003d020000310000000000000031fefd080808080808080808080808080808080808080808080808080808080808080800c02b000009000e00050002000100
         111 R:4000>B:5000 octets hex=16fefd000000000000000000140b00000800010000000000080000050000023000",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for own in &context.call().dtls {
        let ends = [own.flow.src, own.flow.dst];
        for (end, certificate) in ends.into_iter().zip(&own.certificates) {
            let Some(certificate) = certificate else {
                continue;
            };
            if let Some(side) = stranger(context, end, certificate) {
                let message = format!(
                    "the certificate of DTLS that {end} shows has none of the fingerprints that \
                     the {} described",
                    side.name()
                );
                found.add(message, [own.first]);
                found.by(side.name());
            }
        }
    }
}

/// Whose address shows a certificate that nobody described.
fn stranger(context: &CallContext<'_>, end: Endpoint, shown: &Digests) -> Option<Side> {
    let session = &context.call().session;
    let owner = session.addresses.iter().find(|own| own.endpoint == end)?;
    // A relay on the way describes itself: the fingerprint of any description will do.
    let described = || session.descriptions().flat_map(|own| &own.media);
    let fits = |told: &String| shown.fit(told);
    if described().any(|own| own.fingerprint.as_ref().and_then(fits) == Some(true)) {
        return None;
    }
    let mut promised = session.epochs.iter().filter_map(|epoch| {
        let medium = epoch.medium(owner.side, usize::from(owner.media))?;
        fits(medium.fingerprint.as_ref()?)
    });
    promised.any(|fits| !fits).then_some(owner.side)
}
