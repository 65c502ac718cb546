//! Rows of one kind, the first so many.

use std::io::{self, Write};

use colored::Colorize as _;
use comfy_table::{Cell, Table as Grid, presets};

/// Rows of a listing that are shown one by one.
const MAX_ROWS: usize = 40;

/// Rows below a head.
#[derive(Debug)]
pub(super) struct Listing<const N: usize> {
    head: [&'static str; N],
    /// What to ask `--section` for, to have them all.
    section: &'static str,
    rows: Vec<([String; N], u64)>,
    more: usize,
}

impl<const N: usize> Listing<N> {
    pub(super) const fn new(section: &'static str, head: [&'static str; N]) -> Self {
        Self {
            head,
            section,
            rows: Vec::new(),
            more: 0,
        }
    }

    /// Adds a row while there is room; `row` is made only then.
    pub(super) fn add(&mut self, row: impl FnOnce() -> [String; N]) {
        if self.rows.len() < MAX_ROWS {
            self.rows.push((row(), 1));
        } else {
            self.more += 1;
        }
    }

    /// Adds a row, or counts it with one whose first `same` cells are equal.
    pub(super) fn count(&mut self, row: [String; N], same: usize) {
        let known = self
            .rows
            .iter_mut()
            .find(|(known, _)| known.iter().zip(&row).take(same).all(|(a, b)| a == b));
        match known {
            Some((_, count)) => *count += 1,
            None => self.add(|| row),
        }
    }

    /// Writes them below an empty line, if there are any.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut grid = grid(&self.head);
        for (row, count) in &self.rows {
            let mut cells: Vec<Cell> = row.iter().map(Cell::new).collect();
            if *count > 1
                && let (Some(cell), Some(note)) = (cells.last_mut(), row.last())
            {
                *cell = Cell::new(format!("{count} times; the first: {note}"));
            }
            grid.add_row(cells);
        }
        writeln!(out)?;
        write_grid(out, &grid)?;
        if self.more > 0 {
            writeln!(
                out,
                "(+{} more: --format csv --section {})",
                self.more, self.section
            )?;
        }
        Ok(())
    }
}

/// An empty grid with this head.
pub(in crate::output) fn grid(head: &[&str]) -> Grid {
    let mut grid = Grid::new();
    grid.load_style(presets::NOTHING);
    grid.set_header(head.iter().map(|name| Cell::new(name.bold())));
    grid
}

/// Writes a grid without the spaces that pad its lines' ends.
pub(in crate::output) fn write_grid(out: &mut impl Write, grid: &Grid) -> io::Result<()> {
    for line in grid.to_string().lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
