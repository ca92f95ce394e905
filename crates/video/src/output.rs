use std::path::{Path, PathBuf};

use h5h264::avcodec::Coded;

use crate::annexb;
use crate::container::Container;
use crate::error::{Result, unsupported};
use crate::muxer::Muxer;
use crate::parameter_sets;
use crate::shape::{FrameRate, FrameShape};

/// A file with what an encoder makes.
pub(crate) struct Output {
    path: PathBuf,
    container: Container,
    shape: FrameShape,
    frame_rate: FrameRate,
    /// Waits for what a decoder needs, which comes at the start of the file.
    muxer: Option<Muxer>,
    /// The last parameter sets, as they came and as they are written.
    found: Vec<u8>,
    written: Vec<u8>,
}

impl Output {
    /// An error if the container does not hold such frames.
    pub(crate) fn new(
        path: &Path,
        container: Container,
        shape: FrameShape,
        frame_rate: FrameRate,
    ) -> Result<Self> {
        container.check(shape.format, frame_rate)?;
        let (found, written) = (vec![], vec![]);
        Ok(Self { path: path.into(), container, shape, frame_rate, muxer: None, found, written })
    }

    /// Starts the file with what a decoder needs.
    pub(crate) fn start(&mut self, extradata: &[u8]) -> Result<()> {
        let Self { path, container, shape, frame_rate, .. } = self;
        self.muxer = Some(Muxer::create(path, *container, shape, *frame_rate, extradata)?);
        Ok(())
    }

    /// Adds the packet of a frame.
    pub(crate) fn write(&mut self, packet: &[u8], is_key_frame: bool) -> Result<()> {
        match &mut self.muxer {
            Some(muxer) => muxer.write(packet, is_key_frame),
            None => Err(unsupported!("the first frame has no parameter sets")),
        }
    }

    /// Adds a frame of H.264. The first has the parameter sets.
    pub(crate) fn write_access_unit(&mut self, access_unit: &[u8]) -> Result<()> {
        let is_key_frame = annexb::is_key_frame(access_unit);
        let (found, slices) = annexb::split_parameter_sets(access_unit);
        if found.is_empty() {
            return self.write(access_unit, is_key_frame);
        }
        if self.found != found {
            self.written = parameter_sets::with_frame_rate(found, self.frame_rate)?;
            self.found = found.to_vec();
        }
        let written = self.written.clone();
        if self.muxer.is_none() {
            self.start(&written)?;
        }
        self.write(&[&written, slices].concat(), is_key_frame)
    }

    /// Adds some frames of H.264.
    pub(crate) fn write_coded(&mut self, coded: &Coded) -> Result<()> {
        let mut rest = &coded.stream[..];
        for &n_bytes in &coded.access_unit_bytes {
            let access_unit;
            (access_unit, rest) = rest.split_at(n_bytes);
            self.write_access_unit(access_unit)?;
        }
        Ok(())
    }

    /// Completes the file. An error if there was no frame.
    pub(crate) fn finish(self) -> Result<()> {
        let muxer = self.muxer.filter(|muxer| muxer.n_frames() > 0);
        muxer.ok_or_else(|| unsupported!("a video without frames"))?.finish()
    }
}
