use std::mem::MaybeUninit;

use h5filter::Element;

use crate::algorithm::Algorithm;
use crate::constants::Constants;
use crate::number::Number;

/// Calculates the pixels from `start`, a multiple of [`LANES`](crate::constants::LANES), as many as
/// `frame` has bytes for. `raw` holds those pixels only. Returns how many bytes of `frame` were written,
/// from its start: all, unless raw numbers or constants are missing.
///
/// Done with the widest vector instructions of this processor. The results are the same: each operation on
/// each number is rounded by itself.
pub fn calibrate<T: Number>(
    algorithm: Algorithm,
    element: &Element,
    constants: &Constants<T>,
    start: usize,
    raw: &[u8],
    frame: &mut [MaybeUninit<u8>],
) -> usize {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("f16c") {
        // SAFETY: the processor has the instructions.
        return unsafe { with_avx2(algorithm, element, constants, start, raw, frame) };
    }
    super::pieces(algorithm, element, constants, start, raw, frame)
}

/// All of it is inlined, and so compiled for these instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,f16c")]
fn with_avx2<T: Number>(
    algorithm: Algorithm,
    element: &Element,
    constants: &Constants<T>,
    start: usize,
    raw: &[u8],
    frame: &mut [MaybeUninit<u8>],
) -> usize {
    super::pieces(algorithm, element, constants, start, raw, frame)
}
