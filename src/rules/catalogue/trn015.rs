//! A message of a WebSocket holds more than one message of SIP.
//!
//! Each message of SIP takes one of the WebSocket, and needs no Content-Length there. A receiver
//! that relies on that takes the second for the body of the first, or drops both.
//!
//! Fix: let the sender put each message into one of its own; a gateway from TCP cuts the stream
//! before it passes messages on.

use crate::engine::connection::Connection;
use crate::rules::{Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TRN015",
    name: "ws-one-message-per-frame",
    severity: Severity::Error,
    rfc: "RFC 7118",
    section: "5",
    source: include_str!("trn015.rs"),
    flags: &[
        "0 A:4000>B:80 octets text=GET_/_HTTP/1.1\\r\\nUpgrade:_websocket\\r\\nSec-WebSocket-Protocol:_sip\\r\\n\\r\\n over=tcp
         1 B:80>A:4000 octets text=HTTP/1.1_101_X\\r\\nUpgrade:_websocket\\r\\nSec-WebSocket-Protocol:_sip\\r\\n\\r\\n over=tcp
         10 A:4000>B:80 octets text=OPTIONS_sip:b_SIP/2.0\\r\\nVia:_SIP/2.0/WS_a.invalid;branch=z9hG4bK1\\r\\nFrom:_<sip:a>;tag=a\\r\\nTo:_<sip:b>\\r\\nCall-ID:_1\\r\\nCSeq:_1_OPTIONS\\r\\nContent-Length:_0\\r\\n\\r\\nOPTIONS_sip:b_SIP/2.0\\r\\nVia:_SIP/2.0/WS_a.invalid;branch=z9hG4bK2\\r\\nFrom:_<sip:a>;tag=a\\r\\nTo:_<sip:b>\\r\\nCall-ID:_2\\r\\nCSeq:_1_OPTIONS\\r\\nContent-Length:_0\\r\\n\\r\\n over=ws",
    ],
    accepts: &[
        "0 A:4000>B:80 octets text=GET_/_HTTP/1.1\\r\\nUpgrade:_websocket\\r\\nSec-WebSocket-Protocol:_sip\\r\\n\\r\\n over=tcp
         1 B:80>A:4000 octets text=HTTP/1.1_101_X\\r\\nUpgrade:_websocket\\r\\nSec-WebSocket-Protocol:_sip\\r\\n\\r\\n over=tcp
         10 A:4000>B:80 octets text=OPTIONS_sip:b_SIP/2.0\\r\\nVia:_SIP/2.0/WS_a.invalid;branch=z9hG4bK1\\r\\nFrom:_<sip:a>;tag=a\\r\\nTo:_<sip:b>\\r\\nCall-ID:_1\\r\\nCSeq:_1_OPTIONS\\r\\nContent-Length:_0\\r\\n\\r\\n over=ws
         20 A:4000>B:80 octets text=OPTIONS_sip:b_SIP/2.0\\r\\nVia:_SIP/2.0/WS_a.invalid;branch=z9hG4bK2\\r\\nFrom:_<sip:a>;tag=a\\r\\nTo:_<sip:b>\\r\\nCall-ID:_2\\r\\nCSeq:_1_OPTIONS\\r\\nContent-Length:_0\\r\\n\\r\\n over=ws",
        // An empty line behind it is none.
        "0 A:4000>B:80 octets text=GET_/_HTTP/1.1\\r\\nUpgrade:_websocket\\r\\nSec-WebSocket-Protocol:_sip\\r\\n\\r\\n over=tcp
         1 B:80>A:4000 octets text=HTTP/1.1_101_X\\r\\nUpgrade:_websocket\\r\\nSec-WebSocket-Protocol:_sip\\r\\n\\r\\n over=tcp
         10 A:4000>B:80 octets text=OPTIONS_sip:b_SIP/2.0\\r\\nVia:_SIP/2.0/WS_a.invalid;branch=z9hG4bK1\\r\\nFrom:_<sip:a>;tag=a\\r\\nTo:_<sip:b>\\r\\nCall-ID:_1\\r\\nCSeq:_1_OPTIONS\\r\\nContent-Length:_0\\r\\n\\r\\n\\r\\n\\r\\n over=ws",
    ],
    check: Check::Connection(check),
    ..Rule::BASE
};

fn check(connection: &Connection, found: &mut Findings) {
    let Some((at, count)) = connection.web.and_then(|own| own.crowded) else {
        return;
    };
    found.add(
        format!(
            "between {} and {}, {count} {} more than one of SIP",
            connection.flow.src,
            connection.flow.dst,
            match count {
                1 => "message of a WebSocket holds",
                _ => "messages of a WebSocket hold",
            }
        ),
        [at],
    );
}
