//! The headers and the order of the archive.

use super::forgery::{FIRST_BLOB, with_entry, with_header, with_long_member};
use super::{Row, row};
use crate::bundles::{append, ended, header};

/// Returns a path that is too long for a header, with the zero that ends it.
fn long_name(directory: &str) -> Vec<u8> {
    format!("{directory}/{}\0", "a".repeat(128)).into_bytes()
}

#[expect(clippy::too_many_lines, reason = "one table")]
pub(super) fn rows() -> Vec<Row> {
    vec![
        row("nothing", |_| Vec::new(), "it is empty"),
        row("no tar", |_| vec![b'x'; 4096], "no tar archive"),
        row("gzip", |_| vec![0x1f, 0x8b, 8, 0], "gzip data"),
        row(
            "end of a tar only",
            |_| ended(Vec::new()),
            "starts with its end",
        ),
        row(
            "other member first",
            |it| {
                ended(
                    it.entries()
                        .split_off(512 + it.document().len().next_multiple_of(512)),
                )
            },
            "starts with `oci-layout`",
        ),
        row(
            "symbolic link",
            |it| with_entry(&it, "blobs/sha256/x", b'2', b""),
            "a symbolic link",
        ),
        row(
            "hard link",
            |it| with_entry(&it, "blobs/sha256/x", b'1', b""),
            "a hard link",
        ),
        row(
            "character device",
            |it| with_entry(&it, "blobs/sha256/x", b'3', b""),
            "a character device",
        ),
        row(
            "block device",
            |it| with_entry(&it, "blobs/sha256/x", b'4', b""),
            "a block device",
        ),
        row(
            "directory",
            |it| with_entry(&it, "blobs/sha256/", b'5', b""),
            "a directory",
        ),
        row(
            "named pipe",
            |it| with_entry(&it, "blobs/sha256/x", b'6', b""),
            "a named pipe",
        ),
        row(
            "sparse file",
            |it| with_entry(&it, "blobs/sha256/x", b'S', b""),
            "a sparse file",
        ),
        row(
            "PAX header",
            |it| with_entry(&it, "x", b'x', b"20 path=/etc/passwd\n"),
            "an extended header (PAX)",
        ),
        row(
            "global PAX header",
            |it| with_entry(&it, "x", b'g', b"14 size=99999\n"),
            "an extended header (PAX)",
        ),
        row(
            "GNU long name",
            |it| with_entry(&it, "././@LongLink", b'L', b"/etc/passwd\0"),
            "a long name of GNU tar",
        ),
        row(
            "GNU long link",
            |it| with_entry(&it, "././@LongLink", b'K', b"/etc/passwd\0"),
            "a long name of GNU tar",
        ),
        row(
            "long name of another member",
            |it| with_entry(&it, "././@LongLink", b'L', &long_name("etc/passwd")),
            "not that of the member after it",
        ),
        row(
            "long name upwards",
            |it| with_long_member(&it, &long_name("blobs/../..")),
            "is no member of a bundle",
        ),
        row(
            "long name that goes on after a zero",
            |it| with_long_member(&it, &[&long_name("blobs/sha512")[..], b"/x\0"].concat()),
            "does not end with zeros",
        ),
        row(
            "long name of 2 KiB",
            |it| with_long_member(&it, &[&[b'a'; 2048][..], b"\0"].concat()),
            "a long name of GNU tar",
        ),
        row(
            "unknown kind",
            |it| with_entry(&it, "x", b'Z', b""),
            "of type 'Z'",
        ),
        row(
            "absolute path",
            |it| with_entry(&it, "/etc/passwd", b'0', b"x"),
            "`/etc/passwd` is no member",
        ),
        row(
            "path upwards",
            |it| with_entry(&it, "blobs/sha256/../../../etc/passwd", b'0', b"x"),
            "is no member of a bundle",
        ),
        row(
            "terminal sequence in a path",
            |it| with_entry(&it, "\u{1b}]0;x\u{7}", b'0', b"x"),
            "\\u{1b}]0;x\\u{7}",
        ),
        row(
            "unlisted member",
            |it| with_entry(&it, &format!("blobs/sha256/{}", "a".repeat(64)), b'0', b"x"),
            "which mirror.json does not list",
        ),
        row(
            "member twice",
            |mut it| {
                let member = it.members[0].clone();
                it.members.insert(FIRST_BLOB, member);
                it.archive()
            },
            "the member oci-layout twice",
        ),
        row(
            "other order",
            |mut it| {
                it.members.swap(0, 1);
                it.archive()
            },
            "where mirror.json lists oci-layout",
        ),
        row(
            "member is missing",
            |mut it| {
                it.members.pop();
                it.archive()
            },
            "the archive ends early",
        ),
        row(
            "larger than listed",
            |it| with_header(&it, |header| header.set_size(99_999)),
            "has 99999 bytes, and mirror.json lists",
        ),
        row(
            "smaller than listed",
            |it| with_header(&it, |header| header.set_size(1)),
            "has 1 bytes, and mirror.json lists",
        ),
        row(
            "size of 2^63",
            |it| with_header(&it, |header| header.set_size(1 << 63)),
            "does not fit into 63 bits",
        ),
        row(
            "size is no number",
            |it| with_header(&it, |header| header.as_old_mut().size = *b"zzzzzzzzzzzz"),
            "is not valid",
        ),
        row(
            "wrong checksum",
            |mut it| {
                it.members.truncate(FIRST_BLOB);
                let mut archive = it.entries();
                let mut bad = *header("blobs/x", 0).as_bytes();
                bad[0] = b'X';
                archive.extend_from_slice(&bad);
                archive.resize(archive.len() + (1 << 20), 0);
                archive
            },
            "its checksum is wrong",
        ),
        row(
            "old format",
            |it| with_header(&it, |header| header.as_old_mut().pad[..8].fill(0)),
            "not in the ustar format",
        ),
        row(
            "cut off",
            |it| {
                let mut archive = it.archive();
                archive.truncate(archive.len() / 2);
                archive
            },
            "the archive ends early",
        ),
        row("no end", |it| it.entries(), "the archive ends early"),
        row(
            "data after the end",
            |it| {
                let mut archive = it.archive();
                archive.extend_from_slice(&[b'x'; 512]);
                archive
            },
            "other data after its end",
        ),
        row(
            "zeros without end",
            |it| {
                let mut archive = it.archive();
                archive.resize(archive.len() + (2 << 20), 0);
                archive
            },
            "more than a mebibyte of zeros",
        ),
        row(
            "mirror.json of 4 GiB",
            |_| {
                let mut archive = header("mirror.json", 1 << 32).as_bytes().to_vec();
                archive.resize(8192, b' ');
                archive
            },
            "more than the maximum of",
        ),
        row(
            "signature of 1 GiB",
            |it| {
                let mut archive = Vec::new();
                append(
                    &mut archive,
                    &header("mirror.json", it.document().len()),
                    &it.document(),
                );
                append(&mut archive, &header("mirror.json.sig", 1 << 30), b"x");
                archive
            },
            "more than the maximum of",
        ),
        row(
            "zstd bomb",
            |it| {
                let mut archive = it.entries();
                archive.resize(512 << 20, 0);
                zstd::encode_all(&archive[..], 1).unwrap()
            },
            "a mebibyte of zeros",
        ),
        row(
            "zstd with a large window",
            |it| {
                let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
                encoder.window_log(27).unwrap();
                std::io::Write::write_all(&mut encoder, &it.archive()).unwrap();
                encoder.finish().unwrap()
            },
            "cannot be decompressed",
        ),
        row(
            "damaged zstd",
            |it| {
                let mut archive = zstd::encode_all(&it.archive()[..], 1).unwrap();
                let middle = archive.len() / 2;
                archive[middle..middle + 64].fill(0xff);
                archive
            },
            "cannot use the bundle",
        ),
    ]
}
