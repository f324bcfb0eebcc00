//! `mirror sync`: lists, selection of rows, failed rows, and the cost of large lists and blobs.

mod failed_rows;
mod large_blob;
mod lists;
mod open_files;
mod scale;
mod selection;
