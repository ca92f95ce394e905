use std::ptr::NonNull;

use ffmpeg_sys_next as ff;
use h5filter::OutOfMemory;

use crate::error::Result;

/// An AVPacket.
pub struct Packet {
    pub(super) raw: NonNull<ff::AVPacket>,
}

// SAFETY: a packet may be used from any thread, by one at a time, which `&mut self` ensures.
unsafe impl Send for Packet {}

impl Packet {
    /// An empty packet.
    pub fn new() -> Result<Self> {
        // SAFETY: no preconditions; the result is null or a packet that we own.
        let raw = NonNull::new(unsafe { ff::av_packet_alloc() });
        Ok(Self { raw: raw.ok_or(OutOfMemory { bytes: size_of::<ff::AVPacket>() })? })
    }

    /// The packet, which lives as long as its owner.
    pub fn as_ptr(&mut self) -> *mut ff::AVPacket {
        self.raw.as_ptr()
    }

    /// What the encoder put into the packet.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the packet is ours and valid.
        let raw = unsafe { self.raw.as_ref() };
        match usize::try_from(raw.size) {
            // SAFETY: libavcodec keeps `size` bytes at `data` until the packet is written again,
            // which takes `&mut self`.
            Ok(len) if !raw.data.is_null() => unsafe { std::slice::from_raw_parts(raw.data, len) },
            _ => &[],
        }
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: the packet is ours and is freed once, here.
        unsafe { ff::av_packet_free(&mut raw) };
    }
}
