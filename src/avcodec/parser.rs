use std::ptr::{self, NonNull};

use ffmpeg_sys_next as ff;
use h5filter::OutOfMemory;

use super::context::Context;
use crate::error::{Result, damaged, reserve};

/// What the parser gets at a time.
const PIECE_BYTES: usize = 1 << 20;

/// Cuts an elementary stream into access units, each with the parameter sets before it. An error
/// if they are not `n_units`.
pub fn access_units(stream: &[u8], n_units: usize) -> Result<Vec<&[u8]>> {
    let context = Context::h264_decoder()?;
    let parser = Parser::open()?;
    // libavcodec's readers look at some bytes beyond the end.
    let mut padded = reserve(stream.len() + ff::AV_INPUT_BUFFER_PADDING_SIZE as usize)?;
    padded.extend_from_slice(stream);
    padded.resize(stream.len() + ff::AV_INPUT_BUFFER_PADDING_SIZE as usize, 0u8);
    let mut units = Vec::new();
    // Where the access unit that is being read starts, and how far the parser has read.
    let (mut start, mut position) = (0, 0);
    loop {
        let n_bytes = (stream.len() - position).min(PIECE_BYTES);
        let (mut unit, mut unit_bytes) = (ptr::null_mut(), 0);
        // SAFETY: parser and context are valid; n_bytes and the padding lie within `padded`; the
        // unit that comes back is only measured.
        let n_read = unsafe {
            ff::av_parser_parse2(
                parser.0.as_ptr(),
                context.raw.as_ptr(),
                &mut unit,
                &mut unit_bytes,
                padded[position..].as_ptr(),
                n_bytes as i32,
                ff::AV_NOPTS_VALUE,
                ff::AV_NOPTS_VALUE,
                0,
            )
        };
        position += usize::try_from(n_read).map_err(|_| damaged!("a stream that can't be parsed"))?;
        if let Some(n_bytes) = usize::try_from(unit_bytes).ok().filter(|&n| n > 0) {
            let unit = stream.get(start..start + n_bytes);
            units.push(unit.ok_or_else(|| damaged!("a stream that can't be parsed"))?);
            start += n_bytes;
            if units.len() > n_units {
                return Err(damaged!("more than the expected {n_units} pictures"));
            }
        } else if n_bytes == 0 {
            break;
        }
    }
    if units.len() != n_units {
        return Err(damaged!("{} pictures (expected {n_units})", units.len()));
    }
    Ok(units)
}

struct Parser(NonNull<ff::AVCodecParserContext>);

impl Parser {
    fn open() -> Result<Self> {
        // SAFETY: no preconditions; the result is null or a parser that we own.
        let raw = NonNull::new(unsafe { ff::av_parser_init(ff::AVCodecID::AV_CODEC_ID_H264 as i32) });
        Ok(Self(raw.ok_or(OutOfMemory { bytes: size_of::<ff::AVCodecParserContext>() })?))
    }
}

impl Drop for Parser {
    fn drop(&mut self) {
        // SAFETY: the parser is ours and is closed once, here.
        unsafe { ff::av_parser_close(self.0.as_ptr()) };
    }
}
