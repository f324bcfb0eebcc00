//! The few DER encodings that `rcgen` does not make.

/// Encodes a value with its tag.
pub(super) fn encode(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut encoded = vec![tag];
    let length = content.len();
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => encoded.push(short),
        Ok(one) => encoded.extend([0x81, one]),
        Err(_) => {
            let two = u16::try_from(length).expect("at most 64 KiB");
            encoded.push(0x82);
            encoded.extend(two.to_be_bytes());
        }
    }
    encoded.extend_from_slice(content);
    encoded
}

/// Returns the first element inside a SEQUENCE with its header, such as the signed part of a certificate.
pub(super) fn first_element(sequence: &[u8]) -> &[u8] {
    let (start, _) = header(sequence);
    let rest = &sequence[start..];
    let (start, length) = header(rest);
    &rest[..start + length]
}

/// Returns the lengths of the header and the content of a value.
fn header(encoded: &[u8]) -> (usize, usize) {
    match encoded[1] {
        short if short < 0x80 => (2, usize::from(short)),
        long => {
            let bytes = usize::from(long & 0x7f);
            let length = encoded[2..2 + bytes].iter();
            (
                2 + bytes,
                length.fold(0, |length, byte| length << 8 | usize::from(*byte)),
            )
        }
    }
}
