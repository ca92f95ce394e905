use ffmpeg_sys_next as ff;
use h5h264::avcodec::{Context, Frame, Packet, check};

use crate::error::Result;
use crate::h264::copy_rows;
use crate::shape::FrameShape;

/// FFV1, version 3: slices that are coded at the same time, each with a checksum, every frame a key
/// frame.
pub(crate) struct Ffv1Encoder {
    context: Context,
    frame: Frame,
    packet: Packet,
    row_bytes: usize,
    next_pts: i64,
}

impl Ffv1Encoder {
    pub(crate) fn open(shape: &FrameShape, n_threads: usize) -> Result<Self> {
        let slices = n_slices(shape);
        let format = shape.format.pixel_format();
        // At most MAX_PICTURE_SIDE.
        let (width, height) = (shape.width as i32, shape.height as i32);
        let mut context = Context::encoder(c"ffv1")?;
        {
            // SAFETY: the context is ours and not open yet.
            let raw = unsafe { &mut *context.as_ptr() };
            raw.width = width;
            raw.height = height;
            raw.pix_fmt = format;
            raw.time_base = ff::AVRational { num: 1, den: 25 };
            raw.color_range = ff::AVColorRange::AVCOL_RANGE_JPEG;
            raw.gop_size = 1;
            raw.level = if slices == 0 { 1 } else { 3 };
            // Packets come at once from slices; from whole frames they would come later.
            raw.thread_type = ff::FF_THREAD_SLICE;
            raw.thread_count = n_threads as i32;
            raw.slices = slices;
        }
        context.set("slicecrc", if slices == 0 { "0" } else { "1" })?;
        context.open()?;
        let frame = Frame::with_picture(format, width, height)?;
        Ok(Self { context, frame, packet: Packet::new()?, row_bytes: shape.row_bytes(), next_pts: 0 })
    }

    /// What a decoder has to have before the first packet.
    pub(crate) fn extradata(&mut self) -> &[u8] {
        // SAFETY: the context is ours and open.
        let raw = unsafe { &*self.context.as_ptr() };
        match usize::try_from(raw.extradata_size) {
            // SAFETY: an encoder that is open keeps `extradata_size` bytes there.
            Ok(len) if !raw.extradata.is_null() => unsafe { std::slice::from_raw_parts(raw.extradata, len) },
            _ => &[],
        }
    }

    /// Codes a frame and returns its packet.
    pub(crate) fn encode(&mut self, frame: &[u8]) -> Result<&[u8]> {
        self.frame.make_writable()?;
        copy_rows(frame, self.row_bytes, self.frame.lines_mut()?);
        // SAFETY: the frame is ours and valid.
        unsafe { (*self.frame.as_ptr()).pts = self.next_pts };
        self.next_pts += 1;
        // SAFETY: the context is open, the frame has the size and format it was opened for.
        let status = unsafe { ff::avcodec_send_frame(self.context.as_ptr(), self.frame.as_ptr()) };
        check(status, "a frame can't be encoded")?;
        // SAFETY: the context is open; the packet is ours, and what it held is released by the call.
        let status = unsafe { ff::avcodec_receive_packet(self.context.as_ptr(), self.packet.as_ptr()) };
        check(status, "an encoded frame did not come")?;
        Ok(self.packet.bytes())
    }
}

/// How many slices a frame has: a fixed number, so that a file does not depend on the machine; 0 stands for
/// version 1, which has none.
///
/// FFmpeg 5.1 makes zeros of slices of one row or column, and has no single slice for frames that are larger
/// than 352 × 288.
fn n_slices(shape: &FrameShape) -> i32 {
    let is_large = shape.width > 352 || shape.height > 288;
    match (shape.height.min(shape.width), is_large) {
        (1, _) | (2..4, true) => 0,
        (4..64, true) => 4,
        (2..64, false) => 1,
        _ => 16,
    }
}

/// Whether a packet of FFV1, version 3 (RFC 9043, 4.5 and 4.9), is damaged, as far as it has checksums.
/// libavcodec would make up the slices that are.
pub(crate) fn is_damaged(packet: &[u8]) -> bool {
    // With checksums: size, error_status and slice_crc_parity; without: size.
    match (slices(packet, 8), slices(packet, 3)) {
        (Some(slices), _) => slices.iter().any(|slice| crc(slice) != 0),
        (None, without_checksums) => without_checksums.is_none(),
    }
}

/// The slices, last first, if they make up the packet. Each ends in `footer_bytes` bytes, which start with
/// the size of what is before them.
fn slices(mut packet: &[u8], footer_bytes: usize) -> Option<Vec<&[u8]>> {
    let mut slices = Vec::new();
    while !packet.is_empty() {
        let footer = packet.len().checked_sub(footer_bytes)?;
        let [high, middle, low] = packet[footer..][..3] else { return None };
        let slice_bytes = u32::from_be_bytes([0, high, middle, low]) as usize;
        let (before, slice) = packet.split_at_checked(footer.checked_sub(slice_bytes)?)?;
        slices.push(slice);
        packet = before;
    }
    Some(slices)
}

/// 0 if a slice is as it was written.
fn crc(slice: &[u8]) -> u32 {
    // SAFETY: the table is static, and so many bytes are there.
    unsafe {
        let table = ff::av_crc_get_table(ff::AVCRCId::AV_CRC_32_IEEE);
        ff::av_crc(table, 0, slice.as_ptr(), slice.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::FrameFormat;

    #[test]
    fn every_flipped_bit_is_damage() {
        let shape = FrameShape::new(70, 66, FrameFormat::Gray16).unwrap();
        let frame: Vec<u8> = (0..shape.frame_bytes()).map(|i| (i / 3) as u8).collect();
        let mut encoder = Ffv1Encoder::open(&shape, 1).unwrap();
        let packet = encoder.encode(&frame).unwrap().to_vec();
        assert!(slices(&packet, 8).unwrap().len() > 1);
        assert!(!is_damaged(&packet));
        for bit in 0..8 * packet.len() {
            let mut damaged = packet.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(is_damaged(&damaged), "bit {bit}");
        }
        assert!(is_damaged(&packet[1..]));
    }
}
