//! Archives from foreign sources, read in memory.

mod decompression;
mod tar_reader;

pub(crate) use decompression::decompressed;
pub(crate) use tar_reader::TarReader;
