use std::ptr::{self, NonNull};

use ffmpeg_sys_next as ff;
use h5filter::OutOfMemory;

use super::context::Context;
use crate::error::{Error, Result};

/// Cuts an elementary stream into access units, each with the parameter sets before it.
pub fn access_units(stream: &[u8]) -> Result<Vec<&[u8]>> {
    let context = Context::h264_decoder()?;
    let parser = Parser::open()?;
    let mut units = Vec::new();
    // Where the access unit that is being read starts, and how far the parser has read.
    let (mut start, mut position) = (0, 0);
    loop {
        // libavcodec's readers may look at bytes beyond the end, so they get a padded copy.
        let rest = &stream[position..];
        let mut piece = rest[..rest.len().min(PIECE_BYTES)].to_vec();
        let n_bytes = piece.len();
        piece.resize(n_bytes + ff::AV_INPUT_BUFFER_PADDING_SIZE as usize, 0);
        let (mut unit, mut unit_bytes) = (ptr::null_mut(), 0);
        // SAFETY: parser and context are valid, `piece` holds n_bytes and the padding; the unit
        // that comes back is only measured.
        let n_read = unsafe {
            ff::av_parser_parse2(
                parser.0.as_ptr(),
                context.raw.as_ptr(),
                &mut unit,
                &mut unit_bytes,
                piece.as_ptr(),
                n_bytes as i32,
                ff::AV_NOPTS_VALUE,
                ff::AV_NOPTS_VALUE,
                0,
            )
        };
        let n_read =
            usize::try_from(n_read).map_err(|_| Error::Codec("the stream can't be parsed".into()))?;
        position += n_read;
        if let Some(n) = usize::try_from(unit_bytes).ok().filter(|&n| n > 0) {
            let end = start + n;
            units.push(
                stream.get(start..end).ok_or_else(|| Error::Codec("the stream can't be parsed".into()))?,
            );
            start = end;
        } else if n_bytes == 0 {
            return Ok(units);
        }
    }
}

/// What the parser gets at a time.
const PIECE_BYTES: usize = 1 << 20;

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
