//! Images as one file, for the way across an air gap.
//!
//! A bundle holds the images of a list in one OCI image layout, as a tar archive, a directory or a stream, so
//! that other tools can read it too. It is written in one pass and needs no other disk space; everything in
//! it is checked against its digest when it is read.
