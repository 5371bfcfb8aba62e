//! Byte offsets to lines and columns.

use std::collections::BTreeSet;

use super::node::Position;

/// Further into a line than this the column is counted in bytes, so that a text of one line takes linear time.
const COUNTED_BYTES: usize = 4096;

/// Where the lines of a text begin.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0)
            .chain(breaks.map(|(at, _)| at + 1))
            .collect();
        Self { text, starts }
    }

    /// The place of a byte offset; the end of the text where it lies beyond.
    pub(super) fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let index = self
            .starts
            .partition_point(|start| *start <= offset)
            .saturating_sub(1);
        let start = self.starts.get(index).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default();
        let column = if before.len() <= COUNTED_BYTES {
            before.chars().count()
        } else {
            before.len()
        };
        Position::new(index + 1, column + 1)
    }

    /// Where a line begins, counted from 1.
    pub(super) fn start(&self, line: u32) -> usize {
        let index = (line as usize).saturating_sub(1);
        self.starts.get(index).copied().unwrap_or(self.text.len())
    }

    /// A line without its break, counted from 1; empty where there is none.
    pub(super) fn line(&self, line: u32) -> &'t str {
        let rest = self.text.get(self.start(line)..).unwrap_or_default();
        rest.lines().next().unwrap_or_default()
    }

    /// The text.
    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// The text with the contents of these lines left out; the others keep their numbers.
    pub(super) fn without(&self, lines: &BTreeSet<u32>) -> String {
        let mut rest = String::with_capacity(self.text.len());
        for (index, line) in self.text.split_inclusive('\n').enumerate() {
            let is_out = u32::try_from(index + 1).is_ok_and(|number| lines.contains(&number));
            match (is_out, line.ends_with('\n')) {
                (false, _) => rest.push_str(line),
                (true, true) => rest.push('\n'),
                (true, false) => {}
            }
        }
        rest
    }
}
