use std::ffi::CString;
use std::ptr::{self, NonNull};

use ffmpeg_sys_next as ff;
use h5h264::avcodec::{Packet, check};
use h5h264::error::Error as CodecError;

use crate::error::Result;
use crate::shape::FrameRate;

/// Parameter sets in Annex B format that say how many frames a second has. The encoder of the filter
/// always says 25, and players and converters believe it as they believe the container.
pub(crate) fn with_frame_rate(parameter_sets: &[u8], frame_rate: FrameRate) -> Result<Vec<u8>> {
    let mut filter = BitstreamFilter::open(frame_rate)?;
    let size = i32::try_from(parameter_sets.len())
        .map_err(|_| CodecError::Codec("parameter sets of over 2 GiB".into()))?;
    let mut packet = Packet::new()?;
    let raw = packet.as_ptr();
    // SAFETY: the packet is ours and empty; `size` bytes are allocated and written.
    unsafe {
        check(ff::av_new_packet(raw, size), "no memory for a packet")?;
        ptr::copy_nonoverlapping(parameter_sets.as_ptr(), (*raw).data, parameter_sets.len());
    }
    // SAFETY: the filter is initialised; it takes what is in the packet and puts the result there.
    unsafe {
        check(ff::av_bsf_send_packet(filter.0.as_mut(), raw), "the frame rate can't be set")?;
        check(ff::av_bsf_receive_packet(filter.0.as_mut(), raw), "the frame rate can't be set")?;
    }
    Ok(packet.bytes().to_vec())
}

/// An AVBSFContext.
struct BitstreamFilter(NonNull<ff::AVBSFContext>);

impl BitstreamFilter {
    /// What changes the frame rate in parameter sets.
    fn open(frame_rate: FrameRate) -> Result<Self> {
        // SAFETY: the name is NUL-terminated; filters are static.
        let filter = unsafe { ff::av_bsf_get_by_name(c"h264_metadata".as_ptr()) };
        if filter.is_null() {
            return Err(CodecError::Codec("this libavcodec was built without h264_metadata".into()).into());
        }
        let mut raw = ptr::null_mut();
        // SAFETY: the filter is one; `raw` gets a context that is ours, or null.
        check(unsafe { ff::av_bsf_alloc(filter, &mut raw) }, "no memory for a filter")?;
        let raw = NonNull::new(raw).ok_or_else(|| CodecError::Codec("no memory for a filter".into()))?;
        let bsf = Self(raw);
        // Ticks are those of fields, of which a frame has two.
        let rate = format!("{}/{}", 2 * i64::from(frame_rate.num), frame_rate.den);
        let rate = CString::new(rate).expect("digits have no NUL");
        // SAFETY: the context is ours and not initialised; its private options start with an AVClass, and
        // the strings are copied.
        unsafe {
            let context = raw.as_ptr();
            (*(*context).par_in).codec_id = ff::AVCodecID::AV_CODEC_ID_H264;
            let options = (*context).priv_data;
            let set = |name: &std::ffi::CStr, value: &std::ffi::CStr| {
                check(
                    ff::av_opt_set(options, name.as_ptr(), value.as_ptr(), 0),
                    "the frame rate can't be set",
                )
            };
            set(c"tick_rate", &rate)?;
            set(c"fixed_frame_rate_flag", c"1")?;
            check(ff::av_bsf_init(context), "the frame rate can't be set")?;
        }
        Ok(bsf)
    }
}

impl Drop for BitstreamFilter {
    fn drop(&mut self) {
        let mut raw = self.0.as_ptr();
        // SAFETY: the context is ours and is freed once, here.
        unsafe { ff::av_bsf_free(&mut raw) };
    }
}
