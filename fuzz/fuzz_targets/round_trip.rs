//! Does any chunk come back?

#![no_main]

use h5h264_fuzz::{Chunk, bodies};

libfuzzer_sys::fuzz_target!(|chunk: Chunk| {
    let Chunk { dataset, bytes } = chunk;
    // Options that do not fit are refused; the target `options` looks at those.
    let _ = bodies::round_trip(&dataset.passed, &dataset.chunk_shape, dataset.element, &bytes);
});
