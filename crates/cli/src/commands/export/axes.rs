//! What the dimensions of a dataset are, as `convert` and others write it, for files that say it in their own words.

use std::fmt::Write;

use anyhow::{Result, ensure};
use hdf5::types::{VarLenAscii, VarLenUnicode};
use hdf5::{Attribute, Dataset};

use super::frames::Frames;

/// The dimensions before rows and columns, and what a pixel is.
pub struct Axes {
    /// t, z or c, and lengths, in their order.
    lengths: Vec<(char, u64)>,
    /// Of z, y and x, in micrometres, where known.
    pub pixel_um: [Option<f64>; 3],
    time_step: Option<f64>,
    channels: Vec<String>,
}

impl Axes {
    /// An error if there are more dimensions than times, planes and channels.
    pub fn of(frames: &Frames<'_>, fps: Option<f64>) -> Result<Self> {
        let leading = &frames.shape[..frames.n_leading];
        ensure!(
            leading.len() <= 3,
            "{} dimensions (expected at most times, planes of depth and channels before height and width)",
            frames.shape.len()
        );
        let labels = texts(frames.dataset, "DIMENSION_LABELS");
        let named: Vec<Option<char>> = (0..leading.len()).map(|i| axis(labels.get(i)?)).collect();
        // Those without a name, from the first on.
        let free = ['t', 'z', 'c'].into_iter().filter(|axis| !named.contains(&Some(*axis)));
        let mut free = free.collect::<Vec<_>>().into_iter();
        let mut known = Vec::new();
        for name in named {
            let is_new = name.is_some_and(|name| !known.contains(&name));
            known.extend(name.filter(|_| is_new).or_else(|| free.next()));
        }
        let sizes = frames
            .dataset
            .attr("element_size_um")
            .and_then(|sizes| sizes.read_raw::<f64>())
            .unwrap_or_default();
        let usable = |um: f64| Some(um).filter(|um| um.is_finite() && *um > 0.0);
        let pixel_um = match sizes[..] {
            [z, y, x] => [usable(z), usable(y), usable(x)],
            [y, x] => [None, usable(y), usable(x)],
            _ => [None; 3],
        };
        let step = frames.dataset.attr("time_step_s").and_then(|step| step.read_scalar::<f64>()).ok();
        Ok(Self {
            lengths: known.into_iter().zip(leading.iter().copied()).collect(),
            pixel_um,
            time_step: step.or(fps.map(|fps| 1.0 / fps)),
            channels: texts(frames.dataset, "channels"),
        })
    }

    fn length(&self, axis: char) -> u64 {
        self.lengths.iter().find(|(name, _)| *name == axis).map_or(1, |(_, n)| *n)
    }

    /// ImageJ's properties: channels change first, then planes, then times.
    pub fn imagej(&self) -> String {
        let [t, z, c] = ['t', 'z', 'c'].map(|axis| self.length(axis));
        let mut text = format!("ImageJ=1.54f\nimages={}\n", t * z * c);
        for (name, n) in [("channels", c), ("slices", z), ("frames", t)] {
            if n > 1 {
                let _ = writeln!(text, "{name}={n}");
            }
        }
        if [t, z, c].iter().filter(|n| **n > 1).count() > 1 {
            text.push_str("hyperstack=true\nmode=grayscale\n");
        }
        if let [z, Some(_), Some(_)] = self.pixel_um {
            text.push_str("unit=micron\n");
            if let Some(z) = z {
                let _ = writeln!(text, "spacing={z}");
            }
        }
        if let Some(step) = self.time_step.filter(|_| t > 1) {
            let _ = writeln!(text, "finterval={step}\nfps={}", 1.0 / step);
        }
        text.push_str("loop=false\n");
        text
    }

    /// Whether frames are in the order that ImageJ has.
    pub fn are_in_imagejs_order(&self) -> bool {
        let long = self.lengths.iter().filter(|(_, n)| *n > 1);
        long.map(|(axis, _)| "tzc".find(*axis)).is_sorted()
    }

    /// OME-XML, of the 2016-06 schema.
    pub fn ome(&self, [height, width, n_components]: [u32; 3], type_name: &str) -> String {
        // The last changes first.
        let mut order: Vec<char> = self.lengths.iter().rev().map(|(axis, _)| *axis).collect();
        order.extend(
            ['c', 'z', 't']
                .into_iter()
                .filter(|axis| self.length(*axis) == 1 && !order.contains(axis))
                .collect::<Vec<_>>(),
        );
        let order: String = order.into_iter().collect::<String>().to_uppercase();
        let [t, z, c] = ['t', 'z', 'c'].map(|axis| self.length(axis));
        let mut sizes = String::new();
        for (axis, um) in ["Z", "Y", "X"].into_iter().zip(self.pixel_um) {
            if let Some(um) = um {
                let _ = write!(sizes, r#" PhysicalSize{axis}="{um}" PhysicalSize{axis}Unit="µm""#);
            }
        }
        if let Some(step) = self.time_step.filter(|_| t > 1) {
            let _ = write!(sizes, r#" TimeIncrement="{step}" TimeIncrementUnit="s""#);
        }
        let channel = |i: u64| {
            let name = self.channels.get(i as usize).filter(|_| self.channels.len() as u64 == c);
            let name = name.map_or(String::new(), |name| format!(r#" Name="{}""#, escaped(name)));
            format!(r#"<Channel ID="Channel:0:{i}" SamplesPerPixel="{n_components}"{name}/>"#)
        };
        let channels: String = (0..c).map(channel).collect();
        let size_c = c * u64::from(n_components);
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.openmicroscopy.org/Schemas/OME/2016-06 http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd" Creator="h5h264"><Image ID="Image:0" Name="frames"><Pixels ID="Pixels:0" DimensionOrder="XY{order}" Type="{type_name}" SizeX="{width}" SizeY="{height}" SizeC="{size_c}" SizeZ="{z}" SizeT="{t}" Interleaved="{is_interleaved}"{sizes}>{channels}<TiffData IFD="0" PlaneCount="{n}"/></Pixels></Image></OME>"#,
            is_interleaved = n_components > 1,
            n = t * z * c,
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What a label means.
fn axis(label: &str) -> Option<char> {
    match &*label.to_lowercase() {
        "t" | "time" | "frame" | "frames" => Some('t'),
        "z" | "slice" | "slices" | "plane" | "depth" => Some('z'),
        "c" | "channel" | "channels" => Some('c'),
        _ => None,
    }
}

/// The strings of an attribute; none if it is not there.
fn texts(dataset: &Dataset, name: &str) -> Vec<String> {
    let Ok(attribute) = dataset.attr(name) else { return vec![] };
    let ascii = |attribute: &Attribute| {
        attribute.read_raw::<VarLenAscii>().ok().map(|all| all.iter().map(ToString::to_string).collect())
    };
    let utf8 = |attribute: &Attribute| {
        attribute.read_raw::<VarLenUnicode>().ok().map(|all| all.iter().map(ToString::to_string).collect())
    };
    utf8(&attribute).or_else(|| ascii(&attribute)).unwrap_or_default()
}
