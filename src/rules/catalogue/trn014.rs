//! A WebSocket carries SIP without saying so when it was opened.
//!
//! The client names the protocol `sip` in its request, and the server the same in its answer:
//! else neither knows that the other speaks it, and browsers close the connection at once.
//!
//! Fix: pass `Sec-WebSocket-Protocol: sip` on in both directions; a proxy for HTTP in front of the
//! server often drops it.

use crate::engine::connection::Connection;
use crate::rules::{Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TRN014",
    name: "ws-subprotocol",
    severity: Severity::Error,
    rfc: "RFC 7118",
    section: "4",
    source: include_str!("trn014.rs"),
    flags: &[
        "0 A:4000>B:80 octets text=GET_/_HTTP/1.1\\r\\nUpgrade:_websocket\\r\\n\\r\\n over=tcp
         1 B:80>A:4000 octets text=HTTP/1.1_101_X\\r\\nUpgrade:_websocket\\r\\nSec-WebSocket-Protocol:_sip\\r\\n\\r\\n over=tcp
         10 A:4000>B:80 OPTIONS over=ws
         20 B:80>A:4000 200 method=OPTIONS over=ws",
        "0 A:4000>B:80 octets text=GET_/_HTTP/1.1\\r\\nUpgrade:_websocket\\r\\nSec-WebSocket-Protocol:_sip\\r\\n\\r\\n over=tcp
         1 B:80>A:4000 octets text=HTTP/1.1_101_X\\r\\nUpgrade:_websocket\\r\\n\\r\\n over=tcp
         10 A:4000>B:80 OPTIONS over=ws
         20 B:80>A:4000 200 method=OPTIONS over=ws",
    ],
    accepts: &[
        "0 A:4000>B:80 octets text=GET_/_HTTP/1.1\\r\\nUpgrade:_websocket\\r\\nSec-WebSocket-Protocol:_sip\\r\\n\\r\\n over=tcp
         1 B:80>A:4000 octets text=HTTP/1.1_101_X\\r\\nUpgrade:_websocket\\r\\nSec-WebSocket-Protocol:_sip\\r\\n\\r\\n over=tcp
         10 A:4000>B:80 OPTIONS over=ws
         20 B:80>A:4000 200 method=OPTIONS over=ws",
        // Without SIP it is none.
        "0 A:4000>B:80 octets text=GET_/_HTTP/1.1\\r\\nUpgrade:_websocket\\r\\n\\r\\n over=tcp
         1 B:80>A:4000 octets text=HTTP/1.1_101_X\\r\\nUpgrade:_websocket\\r\\n\\r\\n over=tcp
         10 A:4000>B:80 octets text=hello over=ws",
    ],
    check: Check::Connection(check),
    ..Rule::BASE
};

fn check(connection: &Connection, found: &mut Findings) {
    let Some(web) = connection.web.filter(|_| connection.sip_messages > 0) else {
        return;
    };
    let (who, by) = match (web.is_asked, web.is_granted) {
        (Some(false), _) => ("the client did not ask for", connection.flow.src),
        (_, Some(false)) => ("the server did not grant", connection.flow.dst),
        _ => return,
    };
    found.add(
        format!(
            "SIP passes between {} and {} in a WebSocket for which {who} the protocol sip",
            connection.flow.src, connection.flow.dst
        ),
        [connection.first],
    );
    found.by(by.ip.to_string());
}
