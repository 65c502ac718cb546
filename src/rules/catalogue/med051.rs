//! DTLS was spoken and no way to protect media agreed on.
//!
//! Media need the extension `use_srtp` with a protection profile that both sides have. Without
//! it the handshake succeeds, and there are no keys for SRTP.
//!
//! Fix: offer SRTP_AES128_CM_HMAC_SHA1_80, and SRTP_AEAD_AES_128_GCM, at both ends.

use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "MED051",
    name: "dtls-profile-missing",
    severity: Severity::Error,
    rfc: "RFC 5764",
    section: "4.1.1",
    symptom: Some("no-audio"),
    source: include_str!("med051.rs"),
    flags: &[
        "0 A>B INVITE sdp=4000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_E4:F6:0D:0A:A6:D7:F3:D3:B6:A6:49:4B:1C:86:1B:99:F6:49:C6:F9:EC:51:AB:AF:20:1B:20:F2:97:32:7C:95 line=a=setup:actpass
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_2D:71:16:42:B7:26:B0:44:01:62:7C:A9:FB:AC:32:F5:C8:53:0F:B1:90:3C:C4:DB:02:25:87:17:92:1A:48:81 line=a=setup:active
         30 A>B ACK branch=2 to=t
         100 B:5000>A:4000 octets hex=16fefd000000000000000000360100002a000000000000002afefd070707070707070707070707070707070707070707070707070707070707070700000002c02b0100",
        "0 A>B INVITE sdp=4000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_E4:F6:0D:0A:A6:D7:F3:D3:B6:A6:49:4B:1C:86:1B:99:F6:49:C6:F9:EC:51:AB:AF:20:1B:20:F2:97:32:7C:95 line=a=setup:actpass
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_2D:71:16:42:B7:26:B0:44:01:62:7C:A9:FB:AC:32:F5:C8:53:0F:B1:90:3C:C4:DB:02:25:87:17:92:1A:48:81 line=a=setup:active
         30 A>B ACK branch=2 to=t
         100 B:5000>A:4000 octets hex=16fefd00000000000000000043010000370000000000000037fefd070707070707070707070707070707070707070707070707070707070707070700000002c02b0100000b000e000700040001000700
         110 A:4000>B:5000 octets hex=16fefd00000000000000000032020000260000000000000026fefd080808080808080808080808080808080808080808080808080808080808080800c02b00",
    ],
    accepts: &[
        "0 A>B INVITE sdp=4000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_E4:F6:0D:0A:A6:D7:F3:D3:B6:A6:49:4B:1C:86:1B:99:F6:49:C6:F9:EC:51:AB:AF:20:1B:20:F2:97:32:7C:95 line=a=setup:actpass
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_2D:71:16:42:B7:26:B0:44:01:62:7C:A9:FB:AC:32:F5:C8:53:0F:B1:90:3C:C4:DB:02:25:87:17:92:1A:48:81 line=a=setup:active
         30 A>B ACK branch=2 to=t
         100 B:5000>A:4000 octets hex=16fefd00000000000000000043010000370000000000000037fefd070707070707070707070707070707070707070707070707070707070707070700000002c02b0100000b000e000700040001000700
         110 A:4000>B:5000 octets hex=16fefd0000000000000000003d020000310000000000000031fefd080808080808080808080808080808080808080808080808080808080808080800c02b000009000e00050002000100",
        "0 A>B INVITE sdp=4000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_E4:F6:0D:0A:A6:D7:F3:D3:B6:A6:49:4B:1C:86:1B:99:F6:49:C6:F9:EC:51:AB:AF:20:1B:20:F2:97:32:7C:95 line=a=setup:actpass
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_2D:71:16:42:B7:26:B0:44:01:62:7C:A9:FB:AC:32:F5:C8:53:0F:B1:90:3C:C4:DB:02:25:87:17:92:1A:48:81 line=a=setup:active
         30 A>B ACK branch=2 to=t
         110 A:4000>B:5000 octets hex=16fefd00000000000000000032020000260000000000000026fefd080808080808080808080808080808080808080808080808080808080808080800c02b00",
        "0 A>B INVITE sdp=4000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_E4:F6:0D:0A:A6:D7:F3:D3:B6:A6:49:4B:1C:86:1B:99:F6:49:C6:F9:EC:51:AB:AF:20:1B:20:F2:97:32:7C:95 line=a=setup:actpass
         20 B>A 200 to=t sdp=5000 swap=RTP/AVP=>UDP/TLS/RTP/SAVP line=a=fingerprint:sha-256_2D:71:16:42:B7:26:B0:44:01:62:7C:A9:FB:AC:32:F5:C8:53:0F:B1:90:3C:C4:DB:02:25:87:17:92:1A:48:81 line=a=setup:active
         30 A>B ACK branch=2 to=t
         100 B:5000>A:4000 octets hex=16fefd00000000000000000043010000370000000000000037fefd070707070707070707070707070707070707070707070707070707070707070700000002c02b0100000b000e000700040001000700
         110 A:4000>B:5000 octets hex=16fefd0000000000000000003a0200002e000000000000002efefd0808080808080808080808080808080808080808080808080808080808080808001301000006002b0002fefc",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for own in &context.call().dtls {
        let (client, server) = (own.flow.src, own.flow.dst);
        let message = match (&own.offered, own.chosen) {
            (Some(offered), _) if offered.is_empty() => {
                format!("the DTLS hello of {client} offers no protection profile for SRTP")
            }
            (Some(_), Some(None)) => {
                format!("{server} takes none of the profiles for SRTP that {client} offers")
            }
            _ => continue,
        };
        found.add(message, [own.first]);
    }
}
