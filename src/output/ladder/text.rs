//! A ladder on a terminal.

use std::io::{self, Write};

use colored::{Color, Colorize as _};

use super::{Ladder, RungKind};

/// Octets before the first lane: the time.
const MARGIN: usize = 12;
/// The narrowest that two lanes may stand apart.
const NARROW: usize = 14;
/// The widest.
const WIDE: usize = 32;

/// Draws it for a terminal of `width` columns.
///
/// # Errors
///
/// When `out` can't be written.
pub fn draw(ladder: &Ladder, out: &mut impl Write, width: usize) -> io::Result<()> {
    writeln!(out, "{}", ladder.title.bold())?;
    if ladder.rungs.is_empty() {
        return writeln!(out, "(nothing to draw)");
    }
    let gaps = ladder.lanes.len().saturating_sub(1).max(1);
    // A third of the width is left for what there is to say beside a rung.
    let between = (width.saturating_sub(MARGIN) * 2 / 3 / gaps).clamp(NARROW, WIDE);
    let column = |lane: usize| MARGIN + lane * between + between / 4;
    let whole = column(ladder.lanes.len().saturating_sub(1)) + between / 2;
    let mut head = vec![' '; whole + between];
    for (lane, host) in ladder.lanes.iter().enumerate() {
        let name = if ladder.nats.contains(&lane) {
            format!("NAT {host}")
        } else {
            host.clone()
        };
        let shown: String = name.chars().take(between.saturating_sub(1)).collect();
        let start = column(lane).saturating_sub(shown.chars().count() / 2);
        put(&mut head, start, &shown);
    }
    writeln!(out, "{}", line(&head).bold())?;
    for rung in &ladder.rungs {
        let mut row = vec![' '; whole];
        for lane in 0..ladder.lanes.len() {
            put(&mut row, column(lane), "│");
        }
        put(&mut row, 0, &format!("{:>9.3}", rung.at_s));
        let (left, right) = (
            column(rung.from.min(rung.to)),
            column(rung.from.max(rung.to)),
        );
        let fill = if rung.kind == RungKind::Media {
            "═"
        } else {
            "─"
        };
        let mut note = rung.told();
        if left == right {
            // To itself: through the same host, or on its loopback.
            put(&mut row, left + 1, "↩");
            note = format!("{} {note}", rung.label);
        } else {
            for at in left + 1..right {
                put(&mut row, at, fill);
            }
            let (at, head) = if rung.to > rung.from {
                (right - 1, "▶")
            } else {
                (left + 1, "◀")
            };
            put(&mut row, at, head);
            // What passes a NAT is another packet beyond it: the label stands on
            // the longer side.
            let nat = rung.through.map(column);
            let nat = nat.filter(|at| (left + 1..right).contains(at));
            let (left, right) = match nat {
                Some(at) if at - left >= right - at => (left, at),
                Some(at) => (at, right),
                None => (left, right),
            };
            let room = (right - left).saturating_sub(5);
            let shown: String = rung.label.chars().take(room).collect();
            if shown.chars().count() < rung.label.chars().count() {
                note = format!("{} {note}", rung.label);
            }
            let start = left + (right - left).saturating_sub(shown.chars().count() + 1) / 2;
            put(&mut row, start, &format!(" {shown} "));
            if let Some(at) = nat {
                put(&mut row, at, "┼");
            }
        }
        let drawn = match rung.kind {
            RungKind::Request => line(&row).normal(),
            RungKind::Provisional => line(&row).color(Color::Cyan),
            RungKind::Success => line(&row).color(Color::Green),
            RungKind::Failure => line(&row).color(Color::Red),
            RungKind::Media => line(&row).color(Color::Blue),
        };
        writeln!(out, "{}", format!("{drawn}  {}", note.trim()).trim_end())?;
    }
    if ladder.omitted > 0 {
        writeln!(out, "(+{} more)", ladder.omitted)?;
    }
    Ok(())
}

fn put(row: &mut [char], at: usize, text: &str) {
    for (place, character) in row.iter_mut().skip(at).zip(text.chars()) {
        *place = character;
    }
}

fn line(row: &[char]) -> String {
    row.iter().collect::<String>().trim_end().to_owned()
}
