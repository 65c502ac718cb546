//! A request in a WebSocket has a Via of another transport.
//!
//! The Via says how the answer goes back: `WS`, or `WSS` over TLS. With another one a server
//! looks for a way that a browser doesn't have, or refuses the request.
//!
//! Fix: let the client write `SIP/2.0/WS` or `SIP/2.0/WSS` into its Via, and a gateway add one of
//! its own instead of passing on what it got.

use crate::net::Transport;
use crate::octets;
use crate::rules::{CallContext, Check, Findings, Rule, Severity};

pub(super) const RULE: Rule = Rule {
    code: "TRN016",
    name: "ws-via",
    severity: Severity::Warning,
    rfc: "RFC 7118",
    section: "5.2.1",
    source: include_str!("trn016.rs"),
    flags: &[
        "0 A:4000>B:80 octets text=GET_/_HTTP/1.1\\r\\nUpgrade:_websocket\\r\\nSec-WebSocket-Protocol:_sip\\r\\n\\r\\n over=tcp
         1 B:80>A:4000 octets text=HTTP/1.1_101_X\\r\\nUpgrade:_websocket\\r\\nSec-WebSocket-Protocol:_sip\\r\\n\\r\\n over=tcp
         10 A:4000>B:80 OPTIONS over=ws swap=2.0/UDP=>2.0/TCP",
    ],
    accepts: &[
        "0 A:4000>B:80 octets text=GET_/_HTTP/1.1\\r\\nUpgrade:_websocket\\r\\nSec-WebSocket-Protocol:_sip\\r\\n\\r\\n over=tcp
         1 B:80>A:4000 octets text=HTTP/1.1_101_X\\r\\nUpgrade:_websocket\\r\\nSec-WebSocket-Protocol:_sip\\r\\n\\r\\n over=tcp
         10 A:4000>B:80 OPTIONS over=ws swap=2.0/UDP=>2.0/ws",
        // What terminates TLS passes on what the client said.
        "0 A:4000>B:80 octets text=GET_/_HTTP/1.1\\r\\nUpgrade:_websocket\\r\\nSec-WebSocket-Protocol:_sip\\r\\n\\r\\n over=tcp
         1 B:80>A:4000 octets text=HTTP/1.1_101_X\\r\\nUpgrade:_websocket\\r\\nSec-WebSocket-Protocol:_sip\\r\\n\\r\\n over=tcp
         10 A:4000>B:80 OPTIONS over=ws swap=2.0/UDP=>2.0/WSS",
        "0 A>B OPTIONS over=tcp swap=2.0/UDP=>2.0/TCP",
    ],
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    let in_web = |transport| matches!(transport, Transport::Ws | Transport::Wss);
    let mut requests = context.messages.iter().filter(|own| own.is_request());
    let wrong = requests.find_map(|own| {
        let via = own
            .sip
            .top_via()
            .ok()
            .filter(|_| in_web(own.flow().transport))?;
        let is = |name: &str| via.transport.eq_ignore_ascii_case(name.as_bytes());
        // Of UDP TRN002 speaks, in any stream.
        let is_other = !["WS", "WSS", "UDP"].into_iter().any(is);
        is_other.then_some((own, via.transport))
    });
    if let Some((message, named)) = wrong {
        found.quote(
            message,
            named,
            format!(
                "{} comes in a WebSocket and its Via says {}",
                message.told(),
                octets::text(named).to_ascii_uppercase()
            ),
        );
    }
}
