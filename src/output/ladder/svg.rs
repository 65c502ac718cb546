//! A ladder as a picture, alone or in a page; neither needs anything else.

use std::io::{self, Write};

use super::{Ladder, RungKind};

const LANE: usize = 220;
const ROW: usize = 34;
const TOP: usize = 84;
const LEFT: usize = 110;

/// Text in XML: what is markup is escaped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

const fn colour(kind: RungKind) -> &'static str {
    match kind {
        RungKind::Request => "#1f2933",
        RungKind::Provisional => "#0b7285",
        RungKind::Success => "#2b8a3e",
        RungKind::Failure => "#c92a2a",
        RungKind::Media => "#1864ab",
    }
}

/// Draws it.
///
/// # Errors
///
/// When `out` can't be written.
pub fn draw(ladder: &Ladder, out: &mut impl Write) -> io::Result<()> {
    let x = |lane: usize| LEFT + 60 + lane * LANE;
    let width = x(ladder.lanes.len().max(1) - 1) + 120 + 420;
    let height = TOP + (ladder.rungs.len() + 1) * ROW;
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"DejaVu Sans, Helvetica, Arial, sans-serif\" font-size=\"13\">"
    )?;
    writeln!(
        out,
        "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"
    )?;
    writeln!(
        out,
        "<text x=\"16\" y=\"28\" font-size=\"16\" font-weight=\"bold\" fill=\"#1f2933\">{}</text>",
        escaped(&ladder.title)
    )?;
    if ladder.omitted > 0 {
        writeln!(
            out,
            "<text x=\"16\" y=\"46\" fill=\"#c92a2a\">{} more are not drawn</text>",
            ladder.omitted
        )?;
    }
    for (lane, host) in ladder.lanes.iter().enumerate() {
        let at = x(lane);
        let kind = if ladder.nats.contains(&lane) {
            "NAT "
        } else {
            ""
        };
        writeln!(
            out,
            "<text x=\"{at}\" y=\"{}\" text-anchor=\"middle\" font-weight=\"bold\" fill=\"#1f2933\">{kind}{}</text>\
             <line x1=\"{at}\" y1=\"{}\" x2=\"{at}\" y2=\"{}\" stroke=\"#cbd2d9\"/>",
            TOP - 24,
            escaped(host),
            TOP - 14,
            height - 10
        )?;
    }
    for (rung, number) in ladder.rungs.iter().zip(1..) {
        let y = TOP + number * ROW - ROW / 3;
        let (from, to) = (x(rung.from), x(rung.to));
        let paint = colour(rung.kind);
        writeln!(
            out,
            "<text x=\"16\" y=\"{y}\" fill=\"#7b8794\">{:.3} s</text>",
            rung.at_s
        )?;
        let (stroke, dash) = match rung.kind {
            RungKind::Media => (5, ""),
            RungKind::Provisional => (1, " stroke-dasharray=\"5 3\""),
            _ => (1, ""),
        };
        let toward = if to >= from {
            to.saturating_sub(8)
        } else {
            to + 8
        };
        writeln!(
            out,
            "<line x1=\"{from}\" y1=\"{y}\" x2=\"{toward}\" y2=\"{y}\" stroke=\"{paint}\" stroke-width=\"{stroke}\"{dash} stroke-opacity=\"0.85\"/>"
        )?;
        let (tip, wing) = if to >= from {
            (to, to.saturating_sub(10))
        } else {
            (to, to + 10)
        };
        writeln!(
            out,
            "<polygon points=\"{tip},{y} {wing},{} {wing},{}\" fill=\"{paint}\"/>",
            y - 5,
            y + 5
        )?;
        let middle = usize::midpoint(from, to);
        // A letter is about seven units wide; what has no room stands beside.
        let room = (from.abs_diff(to).max(LANE) - 20) / 7;
        let mut label = rung.label.clone();
        let mut told = rung.told();
        if label.chars().count() > room {
            told = format!("{label} {told}").trim_end().to_owned();
            label = label.chars().take(room.saturating_sub(1)).collect();
            label.push('…');
        }
        writeln!(
            out,
            "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" fill=\"{paint}\">{}</text>",
            y - 6,
            escaped(&label)
        )?;
        if let Some(lane) = rung.through {
            let at = x(lane);
            writeln!(
                out,
                "<circle cx=\"{at}\" cy=\"{y}\" r=\"4\" fill=\"#ffffff\" stroke=\"{paint}\"/>"
            )?;
        }
        let beside = x(ladder.lanes.len().max(1) - 1) + 30;
        writeln!(
            out,
            "<text x=\"{beside}\" y=\"{y}\" font-size=\"11\" fill=\"#52606d\">{}</text>",
            escaped(&told)
        )?;
    }
    writeln!(out, "</svg>")
}

/// A page with one picture after the other. It may load nothing and run
/// nothing.
///
/// # Errors
///
/// When `out` can't be written.
pub fn page(ladders: &[Ladder], out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>Call flow</title></head><body>"
    )?;
    for ladder in ladders {
        draw(ladder, out)?;
    }
    writeln!(out, "</body></html>")
}

#[cfg(test)]
mod tests {
    use super::super::Rung;
    use super::*;

    #[test]
    fn m042_m043_strangers_markup_stays_text() {
        let hostile = "<img src=x onerror=alert(1)>\"'&</script>";
        let ladder = Ladder {
            title: hostile.to_owned(),
            lanes: vec![hostile.to_owned(), "b".to_owned()],
            nats: Vec::new(),
            rungs: vec![Rung {
                at_s: 0.0,
                from: 0,
                to: 1,
                through: None,
                label: hostile.to_owned(),
                note: hostile.to_owned(),
                copies: 1,
                kind: RungKind::Request,
            }],
            omitted: 0,
            drawn: Vec::new(),
        };
        let mut out = Vec::new();
        page(&[ladder], &mut out).expect("a vector takes all");
        let text = String::from_utf8(out).expect("UTF-8");
        assert!(
            !text.contains("<img") && !text.contains("</script"),
            "{text}"
        );
        assert_eq!(
            text.matches("&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;")
                .count(),
            4
        );
    }
}
