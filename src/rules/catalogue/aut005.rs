//! Credentials lack a part, or a part is not of the right form.
//!
//! They have username, realm, nonce, uri and response; with qop also cnonce, and nc of eight
//! hexadecimal digits. The server can't verify them.
//!
//! Fix: compare the Authorization with the challenge, part by part.

use crate::octets;
use crate::rules::{CallContext, Check, Findings, Needs, Rule, Severity};
use crate::sip::header::HeaderName;
use crate::sip::header::auth_parameter;
use crate::sip::header::unquoted;

pub(super) const RULE: Rule = Rule {
    code: "AUT005",
    name: "credentials-malformed",
    severity: Severity::Error,
    rfc: "RFC 7616",
    section: "3.4",
    causes: &["AUT011", "REG017"],
    source: include_str!("aut005.rs"),
    flags: &[
        "0 A>B REGISTER header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",response=\"0123456789abcdef0123456789abcdef\"",
        "0 A>B REGISTER header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",qop=auth,nc=1,cnonce=\"z\",response=\"0123456789abcdef0123456789abcdef\"",
        "0 A>B REGISTER header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",response=\"0123\"",
    ],
    accepts: &[
        "0 A>B REGISTER header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"y\",uri=\"sip:x\",response=\"0123456789abcdef0123456789abcdef\"",
        "0 A>B REGISTER header=Authorization:_Digest_username=\"a\",realm=\"x\",nonce=\"\",uri=\"sip:x\",response=\"\"",
    ],
    needs: Needs::fields(&[HeaderName::Authorization, HeaderName::ProxyAuthorization]),
    check: Check::Call(check),
    ..Rule::BASE
};

fn check(context: &CallContext<'_>, found: &mut Findings) {
    for message in context.originals().filter(|own| own.is_request()) {
        for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
            for value in message.fields(name) {
                if let Some(fault) = fault(value) {
                    // The response itself is a secret.
                    let scheme = octets::span(value, 0, 6);
                    found.quote(
                        message,
                        scheme,
                        format!("the credentials of {} {fault}", message.told()),
                    );
                }
            }
        }
    }
}

fn fault(value: &[u8]) -> Option<String> {
    if !value
        .get(..6)
        .is_some_and(|own| own.eq_ignore_ascii_case(b"digest"))
    {
        return None;
    }
    let parameter = |name: &str| auth_parameter(value, name).map(unquoted);
    // IMS phones register with nothing in it first.
    let response = parameter("response");
    if response.is_some_and(<[u8]>::is_empty) {
        return None;
    }
    for name in ["username", "realm", "nonce", "uri", "response"] {
        if parameter(name).is_none() && !(name == "username" && parameter("username*").is_some()) {
            return Some(format!("lack {name}"));
        }
    }
    if parameter("qop").is_some() {
        if parameter("cnonce").is_none() {
            return Some("lack cnonce".to_owned());
        }
        let nc = parameter("nc").unwrap_or_default();
        if nc.len() != 8 || !nc.iter().all(u8::is_ascii_hexdigit) {
            return Some("have no nc of eight hexadecimal digits".to_owned());
        }
    }
    let algorithm = parameter("algorithm")
        .map(octets::text)
        .unwrap_or_default()
        .to_ascii_uppercase();
    let expected = match algorithm.trim_end_matches("-SESS") {
        "" | "MD5" => 32,
        "SHA-256" | "SHA-512-256" => 64,
        _ => return None,
    };
    let response = response.unwrap_or_default();
    let good = response.len() == expected && response.iter().all(u8::is_ascii_hexdigit);
    (!good).then(|| format!("have no response of {expected} hexadecimal digits"))
}
