//! `mirror sync`: lists, selection of rows, failed rows, and the cost of large lists and blobs.

mod arch_tags;
mod failed_rows;
mod flooding_source;
mod foreign_layers;
mod hostile_memory;
mod large_blob;
mod lists;
mod open_files;
mod report_file;
mod scale;
mod selection;
mod tag_column;
