//! Making strangers' text harmless.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use serde_json::ser::Formatter;

/// Characters that a terminal obeys or that change how text is read: controls
/// of both sets, marks of direction, separators of lines, invisible spaces.
const fn is_harmful(character: char) -> bool {
    matches!(
        character,
        '\u{0}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Text for a terminal: what is harmful stands as `\x1b` or `\u{202e}`.
#[must_use]
pub fn terminal(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\t' => out.push(' '),
            harmful if is_harmful(harmful) && u32::from(harmful) < 0x100 => {
                let _ = write!(out, "\\x{:02x}", u32::from(harmful));
            }
            harmful if is_harmful(harmful) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(harmful));
            }
            harmless => out.push(harmless),
        }
    }
    Cow::Owned(out)
}

/// Text for a cell of a spreadsheet: what begins like a formula does not.
#[must_use]
pub fn csv(text: &str) -> String {
    let text = terminal(text);
    if text.starts_with(['=', '+', '-', '@']) {
        format!("'{text}")
    } else {
        text.into_owned()
    }
}

/// Writes JSON in which nothing harmful stands raw.
#[derive(Clone, Copy, Debug)]
pub struct SafeJson;

impl Formatter for SafeJson {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        // Below 0x20 everything is escaped before it comes here.
        // Without a way out of the loop several octets are compared at a time.
        if (fragment.bytes()).fold(true, |is_plain, octet| is_plain & (octet < 0x7f)) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some(at) = rest.find(is_harmful) {
            let (before, from) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            let mut characters = from.chars();
            if let Some(harmful) = characters.next() {
                let mut units = [0; 2];
                for unit in harmful.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

/// A value as safe JSON, on one line.
///
/// # Errors
///
/// When it can't be written.
pub fn write_json(out: &mut impl io::Write, value: &impl serde::Serialize) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(out, SafeJson);
    value.serialize(&mut serializer).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "\u{1b}[31m\u{0}\u{7f}\u{9b}2J\u{202e}abc\u{2028}\u{feff}\u{e0041}é\n";

    #[test]
    fn m039_terminals_get_no_commands() {
        assert_eq!(
            terminal(HOSTILE),
            "\\x1b[31m\\x00\\x7f\\x9b2J\\u{202e}abc\\u{2028}\\u{feff}\\u{e0041}é\\x0a"
        );
        assert!(matches!(terminal("plain é"), Cow::Borrowed(_)));
    }

    #[test]
    fn m041_spreadsheets_get_no_formulas() {
        for (text, expected) in [
            ("=cmd|x", "'=cmd|x"),
            ("+49", "'+49"),
            ("-1", "'-1"),
            ("@x", "'@x"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(csv(text), expected);
        }
    }

    #[test]
    fn m039_json_stays_the_same_text_with_nothing_harmful_raw() {
        let mut out = Vec::new();
        write_json(&mut out, &HOSTILE).expect("a vector takes all");
        let text = String::from_utf8(out).expect("UTF-8");
        assert!(!text.contains(is_harmful), "{text}");
        let back: String = serde_json::from_str(&text).expect("JSON");
        assert_eq!(back, HOSTILE);
    }
}
