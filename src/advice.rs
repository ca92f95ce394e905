//! Chunk shapes that suit frames.

/// A chunk's size in bytes at most, as long as it holds a frame.
pub const DEFAULT_TARGET_BYTES: u64 = 16 << 20;
/// More frames gain little, and each has to be decoded to get at one of them...
const ENOUGH_FRAMES: u64 = 10;
/// ...but what is less than this is decoded in no time, and smaller chunks cost more than they give.
const SMALL_BYTES: u64 = 1 << 20;
/// A frame of more than so many targets is cut into bands of rows, of whole macroblocks.
const MAX_TARGETS: u64 = 4;
const MACROBLOCK_LINES: u64 = 16;

/// A chunk shape for a dataset of frames, (…, height, width) or (…, height, width, 3 or 4): whole frames,
/// about ten of them. A length of 0 stands for one that is not known yet. Python's `h5h264.chunks` gives
/// the same.
pub fn chunk_shape(shape: &[u64], item_bytes: u64, target_bytes: u64) -> Vec<u64> {
    let (leading, frame) = shape.split_at(shape.len() - n_frame_dimensions(shape));
    let mut frame: Vec<u64> = frame.iter().map(|n| *n.max(&1)).collect();
    cut(&mut frame, item_bytes, target_bytes);
    let frame_bytes = frame.iter().product::<u64>().saturating_mul(item_bytes).max(1);
    let mut room = (target_bytes / frame_bytes).min(ENOUGH_FRAMES.max(SMALL_BYTES / frame_bytes)).max(1);
    let mut chunk: Vec<u64> = leading
        .iter()
        .rev()
        .map(|&n| {
            let part = even_part(n, room);
            room = if part == n { (room / part).max(1) } else { 1 };
            part
        })
        .collect();
    chunk.reverse();
    chunk.extend(frame);
    chunk
}

/// As the filter sees it (docs/cd_values.md): height and width, and colour after them.
fn n_frame_dimensions(shape: &[u64]) -> usize {
    let n = if shape.len() > 1 && matches!(shape.last(), Some(3 | 4)) { 3 } else { 2 };
    n.min(shape.len())
}

/// Cuts frames that are much too large into bands.
fn cut(frame: &mut [u64], item_bytes: u64, target_bytes: u64) {
    let limit = MAX_TARGETS * target_bytes;
    let row_bytes = frame.iter().skip(1).product::<u64>().saturating_mul(item_bytes).max(1);
    let is_line = frame.len() == 1;
    let Some(height) = frame.first_mut() else { return };
    if height.saturating_mul(row_bytes) <= limit {
        return;
    }
    let most = (limit / row_bytes).max(1);
    let is_below = is_line || most < MACROBLOCK_LINES;
    *height = (*height).min(if is_below { most } else { most / MACROBLOCK_LINES * MACROBLOCK_LINES });
}

/// At most `most` of `n`, so that the last chunk is not much emptier than the others.
fn even_part(n: u64, most: u64) -> u64 {
    if n == 0 { most } else { n.div_ceil(n.div_ceil(most)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_have_about_ten_whole_frames() {
        let advice = |shape: &[u64], item_bytes| chunk_shape(shape, item_bytes, DEFAULT_TARGET_BYTES);
        assert_eq!(advice(&[1000, 512, 512], 2), [10, 512, 512]);
        assert_eq!(advice(&[12, 512, 512], 2), [6, 512, 512]);
        assert_eq!(advice(&[1000, 64, 64, 3], 1), [84, 64, 64, 3]);
        assert_eq!(advice(&[0, 512, 512], 2), [10, 512, 512]);
        assert_eq!(advice(&[7, 3, 512, 512], 2), [3, 3, 512, 512]);
        assert_eq!(advice(&[5, 16384, 16384], 1), [1, 4096, 16384]);
        assert_eq!(advice(&[100], 4), [100]);
    }
}
