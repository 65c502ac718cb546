//! Names of fields, and where they stand in records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::Value;

use super::FilterError;
use crate::report::Document;

/// A field as the user names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// As written.
    pub name: String,
    /// Where it stands: a section of the document and a path in its records.
    places: Vec<Place>,
    /// Whether it stands for the record itself.
    kind: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    section: &'static str,
    /// Empty for the record itself.
    path: Vec<String>,
    /// Whether the name says that it is of this section.
    is_prefixed: bool,
}

impl Field {
    /// Finds the field of this name.
    ///
    /// # Errors
    ///
    /// The name is not known; the error may tell one that is near.
    pub fn find(name: &str) -> Result<Self, FilterError> {
        Names::all()
            .field(name)
            .map_err(|near| unknown(name, near, 0))
    }

    /// Whether records of a section can have it.
    #[must_use]
    pub fn is_of(&self, section: &str) -> bool {
        self.places.iter().any(|place| place.section == section)
    }

    /// Whether the name says that it is a field of a section.
    #[must_use]
    pub fn is_prefixed(&self, section: &str) -> bool {
        let mut places = self.places.iter();
        places.any(|place| place.section == section && place.is_prefixed)
    }

    /// Whether it stands for a kind of record, not for a part of one.
    pub(super) const fn is_kind(&self) -> bool {
        self.kind
    }

    /// Its values in a record of a section; lists are taken apart.
    #[must_use]
    pub fn values<'v>(&self, section: &str, record: &'v Value) -> Vec<&'v Value> {
        let mut values = Vec::new();
        for place in self.places.iter().filter(|place| place.section == section) {
            gather(record, &place.path, &mut values);
        }
        values
    }

    /// The same, where the name says that it is of that section.
    pub(super) fn values_of_prefix<'v>(&self, section: &str, record: &'v Value) -> Vec<&'v Value> {
        if self.is_prefixed(section) {
            self.values(section, record)
        } else {
            Vec::new()
        }
    }
}

fn gather<'v>(value: &'v Value, path: &[String], into: &mut Vec<&'v Value>) {
    match (value, path) {
        (Value::Array(members), _) => {
            for member in members {
                gather(member, path, into);
            }
        }
        (_, []) => into.push(value),
        (Value::Object(parts), [first, rest @ ..]) => {
            if let Some(part) = parts.get(first) {
                gather(part, rest, into);
            }
        }
        _ => {}
    }
}

/// What a user writes before a field, and the section it means.
const PREFIXES: [(&str, &str); 19] = [
    ("nat_mapping", "nat_mappings"),
    ("nat_finding", "nat_findings"),
    ("diagnostic", "diagnostics"),
    ("call", "calls"),
    ("registration", "registrations"),
    ("subscription", "subscriptions"),
    ("transaction", "transactions"),
    ("stream", "rtp_streams"),
    ("rtp_stream", "rtp_streams"),
    ("stun", "stun_exchanges"),
    ("stun_exchange", "stun_exchanges"),
    ("turn", "turn_allocations"),
    ("turn_allocation", "turn_allocations"),
    ("ice", "ice_sessions"),
    ("ice_session", "ice_sessions"),
    ("connection", "connections"),
    ("dns", "dns_lookups"),
    ("dns_lookup", "dns_lookups"),
    ("message", "messages"),
];

/// Kinds of records that a protocol's name alone stands for.
const KINDS: [(&str, &[&str]); 16] = [
    ("nat", &["nat_mappings", "nat_findings"]),
    ("diagnostic", &["diagnostics"]),
    (
        "sip",
        &[
            "calls",
            "transactions",
            "registrations",
            "subscriptions",
            "messages",
        ],
    ),
    ("call", &["calls"]),
    ("rtp", &["rtp_streams"]),
    ("stream", &["rtp_streams"]),
    ("stun", &["stun_exchanges"]),
    ("turn", &["turn_allocations"]),
    ("ice", &["ice_sessions"]),
    ("dns", &["dns_lookups"]),
    ("tcp", &["connections"]),
    ("registration", &["registrations"]),
    ("subscription", &["subscriptions"]),
    ("transaction", &["transactions"]),
    ("connection", &["connections"]),
    ("message", &["messages"]),
];

/// Wireshark's names, and the fields that say the same.
const ALIASES: [(&str, &[&str]); 34] = [
    ("sip.Method", &["method", "exchanges.method"]),
    ("sip.CSeq.method", &["method", "exchanges.method"]),
    ("sip.CSeq.seq", &["cseq", "exchanges.cseq"]),
    ("sip.Call-ID", &["call_id", "call_ids"]),
    (
        "sip.Status-Code",
        &[
            "status",
            "final_status",
            "last_status",
            "exchanges.final_status",
        ],
    ),
    ("sip.from.user", &["from_user"]),
    ("sip.to.user", &["to_user"]),
    ("sip.from.addr", &["from_uri"]),
    ("sip.to.addr", &["to_uri"]),
    ("sip.from.tag", &["from_tag", "dialogs.from_tag"]),
    ("sip.to.tag", &["to_tag", "dialogs.to_tag"]),
    ("sip.r-uri", &["request_uri"]),
    ("sip.Via.branch", &["branch"]),
    ("sip.contact.uri", &["contact", "bindings.contact"]),
    ("sip.auth.username", &["auth_user"]),
    ("sip.auth.realm", &["auth_realm"]),
    (
        "sip.User-Agent",
        &["user_agent", "caller_user_agent", "callee_user_agent"],
    ),
    ("sip.Event", &["event"]),
    ("rtp.ssrc", &["ssrc"]),
    ("rtp.p_type", &["payload_types"]),
    ("stun.att.ipv4", &["mapped_ip"]),
    ("stun.id", &["transaction_id"]),
    ("dns.qry.name", &["name"]),
    ("dns.qry.type", &["qtype"]),
    ("tls.handshake.extensions_server_name", &["sni"]),
    (
        "ip.src",
        &["src_ip", "caller_ip", "source_ip", "subscriber_ip"],
    ),
    (
        "ip.dst",
        &["dst_ip", "callee_ip", "registrar_ip", "notifier_ip"],
    ),
    (
        "ip.addr",
        &[
            "src_ip",
            "dst_ip",
            "caller_ip",
            "callee_ip",
            "source_ip",
            "registrar_ip",
            "received_ip",
            "subscriber_ip",
            "notifier_ip",
            "media.caller_ip",
            "media.callee_ip",
        ],
    ),
    ("udp.srcport", &["src_port", "caller_port", "source_port"]),
    (
        "udp.dstport",
        &["dst_port", "callee_port", "registrar_port"],
    ),
    (
        "udp.port",
        &[
            "src_port",
            "dst_port",
            "caller_port",
            "callee_port",
            "source_port",
            "registrar_port",
            "media.caller_port",
            "media.callee_port",
        ],
    ),
    ("frame.number", &["frame", "frames", "points.frames"]),
    ("frame.time", &["timestamp", "started"]),
    ("frame.len", &["length"]),
];

/// Other spellings of Wireshark's that mean the same.
const SAME: [(&str, &str); 8] = [
    ("ipv6.src", "ip.src"),
    ("ipv6.dst", "ip.dst"),
    ("ipv6.addr", "ip.addr"),
    ("tcp.srcport", "udp.srcport"),
    ("tcp.dstport", "udp.dstport"),
    ("tcp.port", "udp.port"),
    ("sip.Request-URI", "sip.r-uri"),
    ("sip.call_id", "sip.Call-ID"),
];

/// All names that there are.
#[derive(Debug)]
pub(super) struct Names {
    paths: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Names {
    /// The names, as the schema of the document has them; gathered once.
    pub(super) fn all() -> &'static Self {
        static ALL: LazyLock<Names> = LazyLock::new(Names::gathered);
        &ALL
    }

    fn gathered() -> Self {
        let schema = schemars::schema_for!(Document).to_value();
        let mut paths = BTreeMap::new();
        for section in Document::SECTIONS.into_iter().chain(["messages"]) {
            let mut own = BTreeSet::new();
            let place = &schema["properties"][section];
            walk(&schema, place, "", 0, &mut own);
            paths.insert(section, own);
        }
        Self { paths }
    }

    /// The field of this name, or the name that is nearest to it.
    pub(super) fn field(&self, name: &str) -> Result<Field, Option<String>> {
        let same = SAME.iter().find(|(other, _)| *other == name);
        let known = same.map_or(name, |(_, known)| known);
        let alias = ALIASES
            .iter()
            .find(|(alias, _)| alias.eq_ignore_ascii_case(known));
        let mut places = Vec::new();
        let mut kind = false;
        if let Some((_, paths)) = alias {
            for path in *paths {
                self.find(path, None, &mut places);
            }
        } else if let Some((_, sections)) = KINDS.iter().find(|(kind, _)| *kind == name) {
            kind = true;
            for &section in *sections {
                places.push(Place {
                    section,
                    path: Vec::new(),
                    is_prefixed: false,
                });
            }
        } else {
            let (prefix, path) = name.split_once('.').unwrap_or(("", name));
            let section = PREFIXES.iter().find(|(known, _)| *known == prefix);
            match section {
                Some((_, section)) => self.find(path, Some(*section), &mut places),
                None => self.find(name, None, &mut places),
            }
        }
        if places.is_empty() {
            return Err(self.nearest(name));
        }
        Ok(Field {
            name: name.to_owned(),
            places,
            kind,
        })
    }

    fn find(&self, path: &str, only: Option<&str>, into: &mut Vec<Place>) {
        for (&section, paths) in &self.paths {
            if only.is_none_or(|only| only == section) && paths.contains(path) {
                into.push(Place {
                    section,
                    path: path.split('.').map(str::to_owned).collect(),
                    is_prefixed: only.is_some(),
                });
            }
        }
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let of_sections = PREFIXES.iter().flat_map(|(prefix, section)| {
            let paths = self.paths.get(section).into_iter().flatten();
            paths.map(move |path| format!("{prefix}.{path}"))
        });
        ALIASES
            .iter()
            .map(|(alias, _)| (*alias).to_owned())
            .chain(of_sections)
            .map(|known| (distance(name, &known), known))
            .min()
            .filter(|(distance, _)| *distance <= name.len() / 2 + 1)
            .map(|(_, known)| known)
    }
}

/// The fault of a name that is not known.
pub(super) fn unknown(name: &str, near: Option<String>, position: usize) -> FilterError {
    let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
    FilterError {
        message: format!("there is no field {name:?}{hint} (`sip-inspect schema` lists all)"),
        position,
    }
}

/// Letters that must change to make one name of another (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (number, left) in a.chars().take(80).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], number + 1);
        for (place, right) in b.iter().enumerate() {
            let change = diagonal + usize::from(left != *right);
            diagonal = row[place + 1];
            row[place + 1] = change.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[b.len()]
}

/// Gathers the paths of a schema, through lists and references.
fn walk(root: &Value, schema: &Value, path: &str, depth: u8, into: &mut BTreeSet<String>) {
    if depth > 8 {
        return;
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        walk(root, &root["$defs"][name], path, depth + 1, into);
    }
    for key in ["anyOf", "allOf", "oneOf"] {
        for part in schema[key].as_array().into_iter().flatten() {
            walk(root, part, path, depth + 1, into);
        }
    }
    walk_items(root, schema, path, depth, into);
    for (name, part) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        walk(root, part, &path, depth + 1, into);
        into.insert(path);
    }
}

fn walk_items(root: &Value, schema: &Value, path: &str, depth: u8, into: &mut BTreeSet<String>) {
    if schema["items"].is_object() {
        walk(root, &schema["items"], path, depth + 1, into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_leads_somewhere() {
        let names = Names::all();
        for (alias, paths) in ALIASES {
            for path in paths {
                let mut places = Vec::new();
                names.find(path, None, &mut places);
                assert!(!places.is_empty(), "{alias}: {path}");
            }
            assert!(names.field(alias).is_ok(), "{alias}");
        }
        for (other, known) in SAME {
            assert_eq!(
                names.field(other).map(|field| field.places),
                names.field(known).map(|field| field.places)
            );
        }
        for (prefix, section) in PREFIXES {
            assert!(names.paths.contains_key(section), "{prefix}");
        }
    }

    #[test]
    fn a_slip_is_met_with_the_right_name() {
        let names = Names::all();
        for (slip, right) in [
            ("call.outcom", Some("call.outcome")),
            ("stream.jiter_ms", Some("stream.jitter_ms")),
            ("sip.method2", Some("sip.Method")),
            ("zzzzzzzzzz", None),
        ] {
            assert_eq!(
                names.field(slip).err().flatten().as_deref(),
                right,
                "{slip}"
            );
        }
    }
}
