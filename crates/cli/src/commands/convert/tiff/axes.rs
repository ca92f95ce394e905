//! What the frames of a file are along: times, planes of depth, channels. Said by OME-TIFF and ImageJ in the
//! description of the first page.

use std::collections::BTreeMap;

use roxmltree::{Document, Node};

/// Axes before rows and columns, and what a pixel is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Axes {
    /// Names and lengths, of those that are longer than 1, in the order t, z, c.
    pub lengths: Vec<(char, u64)>,
    /// Which frame of the file is at each place, in C order.
    pub order: Vec<usize>,
    /// Of z, y and x, in micrometres, where known.
    pub pixel_um: [Option<f64>; 3],
    /// Seconds from one time to the next.
    pub time_step: Option<f64>,
    /// The names of channels.
    pub channels: Vec<String>,
}

impl Axes {
    /// Of a file with so many frames. `resolution` is how many pixels there are in one of ImageJ's units, along y
    /// and x. `Err` says why what the description has is not taken.
    pub fn of(
        description: &str,
        n_frames: usize,
        resolution: [Option<f64>; 2],
    ) -> Result<Option<Self>, String> {
        let found = if let Some(lines) = description.strip_prefix("ImageJ=") {
            Some(of_imagej(lines, n_frames, resolution))
        } else if description.contains("<OME") || description.contains("<ome:OME") {
            of_ome(description, n_frames)?
        } else {
            None
        };
        let Some(axes) = found else { return Ok(None) };
        let n: u64 = axes.lengths.iter().fold(1, |product, (_, length)| product.saturating_mul(*length));
        if n != n_frames as u64 {
            return Err(format!("its description speaks of {n} frames, and it has {n_frames}"));
        }
        Ok(Some(axes))
    }

    /// The name of the first axis if it is the only one, or if there are several.
    pub fn names(&self) -> Vec<String> {
        self.lengths.iter().map(|(name, _)| name.to_string()).collect()
    }
}

/// Channels change first, then planes, then times, as in the order t, z, c.
fn of_imagej(lines: &str, n_frames: usize, resolution: [Option<f64>; 2]) -> Axes {
    let properties: BTreeMap<&str, &str> = lines.lines().filter_map(|line| line.split_once('=')).collect();
    let number = |name| properties.get(name).and_then(|text| text.trim().parse::<f64>().ok());
    let length = |name| number(name).filter(|n| *n >= 1.0).map_or(1, |n| n as u64);
    let lengths = [('t', length("frames")), ('z', length("slices")), ('c', length("channels"))];
    let um = properties.get("unit").and_then(|unit| micrometres(unit));
    let pixel = |per_unit: Option<f64>| Some(um? / per_unit.filter(|n| *n > 0.0)?);
    let spacing = number("spacing").map(f64::abs);
    let step = number("finterval").or(number("fps").filter(|fps| *fps > 0.0).map(|fps| 1.0 / fps));
    let has_times = length("frames") > 1;
    Axes {
        lengths: lengths.into_iter().filter(|(_, n)| *n > 1).collect(),
        order: (0..n_frames).collect(),
        pixel_um: [
            spacing.zip(um).map(|(spacing, um)| spacing * um),
            pixel(resolution[0]),
            pixel(resolution[1]),
        ],
        time_step: step.filter(|step| *step > 0.0 && has_times),
        channels: vec![],
    }
}

/// OME-XML of the first image in it.
fn of_ome(description: &str, n_frames: usize) -> Result<Option<Axes>, String> {
    // Some programs write zeros or line breaks behind it.
    let document =
        Document::parse(description.trim()).map_err(|e| format!("its OME-XML can't be read: {e}"))?;
    let Some(pixels) = document.descendants().find(|node| node.tag_name().name() == "Pixels") else {
        return Ok(None);
    };
    let length = |name| pixels.attribute(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or(1).max(1);
    let children = |name: &'static str| pixels.children().filter(move |node| node.tag_name().name() == name);
    let samples =
        children("Channel").filter_map(|node| node.attribute("SamplesPerPixel")?.parse::<u64>().ok());
    let samples_per_pixel = samples.max().unwrap_or(1).max(1);
    let n_channels = (length("SizeC") / samples_per_pixel).max(1);
    let lengths = [('t', length("SizeT")), ('z', length("SizeZ")), ('c', n_channels)];
    let n = lengths.iter().fold(1, |product: u64, (_, n)| product.saturating_mul(*n));
    if n != n_frames as u64 {
        return Err(format!("its OME-XML speaks of {n} frames, and it has {n_frames}"));
    }
    let names = children("Channel").filter_map(|node| node.attribute("Name").map(str::to_owned));
    let channels: Vec<_> = names.collect();
    let um = |name: &str| {
        let unit = pixels.attribute(&*format!("{name}Unit")).unwrap_or("µm");
        Some(pixels.attribute(name)?.parse::<f64>().ok()? * micrometres(unit)?)
    };
    let step = pixels.attribute("TimeIncrement").and_then(|text| text.parse::<f64>().ok());
    let unit = pixels.attribute("TimeIncrementUnit").unwrap_or("s");
    Ok(Some(Axes {
        order: order(pixels, lengths, n_frames)?,
        lengths: lengths.into_iter().filter(|(_, n)| *n > 1).collect(),
        pixel_um: [um("PhysicalSizeZ"), um("PhysicalSizeY"), um("PhysicalSizeX")],
        time_step: step.zip(seconds(unit)).map(|(step, seconds)| step * seconds),
        channels: if channels.len() as u64 == n_channels { channels } else { vec![] },
    }))
}

/// Which page is at each place in the order t, z, c.
fn order(pixels: Node<'_, '_>, lengths: [(char, u64); 3], n_frames: usize) -> Result<Vec<usize>, String> {
    let [n_t, n_z, n_c] = lengths.map(|(_, n)| n as usize);
    let place = |t: usize, z: usize, c: usize| (t * n_z + z) * n_c + c;
    // Of the axes behind X and Y, the first changes first.
    let named = pixels.attribute("DimensionOrder").unwrap_or("XYCZT");
    let fastest: Vec<char> = named.chars().filter(|axis| "TZC".contains(*axis)).collect();
    let length = |axis| match axis {
        'T' => n_t,
        'Z' => n_z,
        _ => n_c,
    };
    // The place of the i-th frame behind one that is at these coordinates.
    let behind = |from: [usize; 3], i: usize| {
        let mut at = from;
        let mut rest = i;
        for axis in &fastest {
            let index = "TZC".find(*axis).unwrap_or(0);
            rest += at[index];
            at[index] = rest % length(*axis);
            rest /= length(*axis);
        }
        place(at[0], at[1], at[2])
    };
    let mut order = vec![usize::MAX; n_frames];
    let mut next = 0;
    let mut parts: Vec<_> = pixels.children().filter(|node| node.tag_name().name() == "TiffData").collect();
    let files = parts.iter().flat_map(|part| part.children()).filter_map(|uuid| uuid.attribute("FileName"));
    if files.collect::<std::collections::BTreeSet<_>>().len() > 1 {
        return Err("its OME-XML speaks of several files".into());
    }
    if parts.iter().all(|part| part.attributes().len() == 0) {
        parts.clear();
    }
    for part in &parts {
        let number = |name| part.attribute(name).and_then(|text| text.parse::<usize>().ok());
        let page = number("IFD").unwrap_or(next);
        let is_all = number("IFD").is_none() && number("PlaneCount").is_none();
        let n = number("PlaneCount").unwrap_or(if is_all { n_frames } else { 1 });
        let from = ["FirstT", "FirstZ", "FirstC"].map(|name| number(name).unwrap_or(0));
        for i in 0..n.min(n_frames) {
            if let Some(at) = order.get_mut(behind(from, i)) {
                *at = page + i;
            }
        }
        next = page + n;
    }
    if parts.is_empty() {
        (0..n_frames).for_each(|i| order[behind([0; 3], i)] = i);
    }
    let mut seen = order.clone();
    seen.sort_unstable();
    match seen.iter().enumerate().all(|(i, page)| i == *page) {
        true => Ok(order),
        false => Err("its OME-XML does not say of each frame where it is".into()),
    }
}

/// How many micrometres a unit is.
fn micrometres(unit: &str) -> Option<f64> {
    Some(match unit.trim() {
        "µm" | "μm" | "um" | "micron" | "microns" | "\\u00B5m" | "micrometer" => 1.0,
        "pm" => 1e-6,
        "nm" | "nanometer" => 1e-3,
        "mm" | "millimeter" => 1e3,
        "cm" => 1e4,
        "m" | "meter" => 1e6,
        "inch" | "in" => 25_400.0,
        "Å" => 1e-4,
        _ => return None,
    })
}

fn seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "s" | "sec" => 1.0,
        "ms" => 1e-3,
        "µs" | "μs" => 1e-6,
        "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imagej_says_lengths_and_sizes() {
        let text = "ImageJ=1.54f\nimages=12\nchannels=2\nslices=3\nframes=2\nunit=micron\nspacing=0.5\nfinterval=2.5\n";
        let axes = Axes::of(text, 12, [Some(4.0), Some(8.0)]).unwrap().unwrap();
        assert_eq!(axes.lengths, [('t', 2), ('z', 3), ('c', 2)]);
        assert_eq!((axes.pixel_um, axes.time_step), ([Some(0.5), Some(0.25), Some(0.125)], Some(2.5)));
        assert!(Axes::of(text, 11, [None; 2]).is_err());
        assert_eq!(Axes::of("a flower", 3, [None; 2]), Ok(None));
    }

    #[test]
    fn ome_says_which_page_is_where() {
        let ome = |order, parts| {
            format!(
                r#"<OME><Image><Pixels DimensionOrder="{order}" SizeX="9" SizeY="9" SizeZ="2" SizeC="1" SizeT="3"
                PhysicalSizeX="100" PhysicalSizeXUnit="nm">{parts}</Pixels></Image></OME>"#
            )
        };
        let of = |order, parts| Axes::of(&ome(order, parts), 6, [None; 2]).map(|axes| axes.unwrap());
        let axes = of("XYCZT", "").unwrap();
        assert_eq!((axes.lengths, axes.order), (vec![('t', 3), ('z', 2)], vec![0, 1, 2, 3, 4, 5]));
        assert_eq!(axes.pixel_um[2], Some(0.1));
        assert_eq!(of("XYTZC", "").unwrap().order, [0, 3, 1, 4, 2, 5]);
        assert_eq!(of("XYCZT", r#"<TiffData IFD="0" PlaneCount="6"/>"#).unwrap().order, [0, 1, 2, 3, 4, 5]);
        let swapped = r#"<TiffData IFD="0" FirstZ="1" PlaneCount="1"/><TiffData IFD="1" PlaneCount="1"/>
            <TiffData IFD="2" FirstT="1" PlaneCount="4"/>"#;
        assert_eq!(of("XYCZT", swapped).unwrap().order, [1, 0, 2, 3, 4, 5]);
        assert!(of("XYCZT", r#"<TiffData IFD="0" PlaneCount="1"/>"#).is_err());
    }
}
