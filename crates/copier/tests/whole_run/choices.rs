//! The choices that the bytes of an input determine.

use arbitrary::Unstructured;

/// A sequence of choices. After the last byte, each choice is the first one, which is honest. An input that
/// is shorter or has more zeros gives a simpler run.
pub struct Choices<'a>(Unstructured<'a>);

impl<'a> Choices<'a> {
    pub fn new(input: &'a [u8]) -> Self {
        Self(Unstructured::new(input))
    }

    /// Returns a number from 0 to `max`.
    pub fn up_to(&mut self, max: usize) -> usize {
        self.0.int_in_range(0..=max).unwrap_or(0)
    }

    /// Returns true in one of `count` cases, and false when the bytes are used up.
    pub fn one_in(&mut self, count: usize) -> bool {
        self.up_to(count - 1) == count - 1
    }

    pub fn pick<'b, T>(&mut self, table: &'b [T]) -> &'b T {
        &table[self.up_to(table.len() - 1)]
    }
}
