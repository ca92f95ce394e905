//! Are any options taken or refused, and do those that were taken fit their chunks?

#![no_main]

use h5h264_fuzz::{Dataset, MAX_CHUNK_BYTES, bodies};

libfuzzer_sys::fuzz_target!(|dataset: Dataset| {
    bodies::options(&dataset.passed, &dataset.chunk_shape, dataset.element, MAX_CHUNK_BYTES);
});
