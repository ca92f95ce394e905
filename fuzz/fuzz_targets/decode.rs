//! Does decoding any bytes end in a chunk or an error?

#![no_main]

use h5h264_fuzz::bodies;

libfuzzer_sys::fuzz_target!(|stored: &[u8]| {
    bodies::decode(stored);
    bodies::decode_repaired(stored);
});
