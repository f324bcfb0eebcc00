//! Entry points for fuzzing.

use crate::object_reader::read_objects;

/// Reads any bytes as a stream of objects.
pub fn objects(data: &[u8]) {
    let mut images = 0usize;
    // An error is as good an outcome as objects.
    read_objects(data, &mut |object| images += object.images.len()).ok();
}
