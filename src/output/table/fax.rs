//! Faxes, all calls together.

use colored::Colorize as _;

use super::listing::Listing;
use crate::output::escape::terminal;
use crate::report::{CallRecord, FaxRecord, FaxStreamRecord};

/// An empty table.
pub(super) const fn listing() -> Listing<6> {
    let head = ["Call", "Fax", "Result", "Pages", "Lost", "Note"];
    Listing::new("calls", head)
}

/// The faxes of a call.
pub(super) fn rows(call: &CallRecord) -> impl Iterator<Item = [String; 6]> {
    call.media
        .iter()
        .filter_map(|media| media.t38.as_deref())
        .filter(|fax| !fax.streams.is_empty())
        .map(|fax| row(call.index, fax))
}

fn row(index: u64, fax: &FaxRecord) -> [String; 6] {
    let number = |own: &Option<String>| match own {
        Some(own) => terminal(own).into_owned(),
        None => "?".to_owned(),
    };
    let (caller, callee) = (number(&fax.caller_identity), number(&fax.callee_identity));
    let way = match fax.sender.as_deref() {
        Some("callee") => format!("{callee} -> {caller}"),
        _ => format!("{caller} -> {callee}"),
    };
    let result = match fax.result.as_str() {
        "complete" => fax.result.green(),
        "unknown" => fax.result.normal(),
        _ => fax.result.red(),
    };
    let pages = match (fax.pages_confirmed, fax.pages_sent) {
        (confirmed, sent) if confirmed == sent => sent.to_string(),
        (confirmed, sent) => format!("{confirmed} of {sent}"),
    };
    let lost: Vec<String> = ["caller", "callee"]
        .into_iter()
        .filter_map(|side| (fax.streams.iter()).find(|stream| stream.by == side))
        .map(losses)
        .collect();
    let mut note = Vec::new();
    note.extend(fax.reason.clone());
    note.extend(fax.bit_rate.map(|rate| format!("{rate} bit/s")));
    if fax.error_correction_mode == Some(true) {
        note.push("ECM".to_owned());
    }
    note.extend(fax.resolution.clone());
    [
        index.to_string(),
        way,
        result.to_string(),
        pages,
        lost.join(" / "),
        note.join(", "),
    ]
}

/// `2 of 300`, and how many of them for good.
fn losses(stream: &FaxStreamRecord) -> String {
    let all = format!("{} of {}", stream.lost, stream.expected);
    match stream.unrecovered {
        0 => all,
        for_good => format!("{all} {}", format!("({for_good} for good)").red()),
    }
}
