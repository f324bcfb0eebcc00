//! `mirror add-tag`

mod concurrency;
mod list_file;
mod long_list;
mod new_image;
mod problems;
