//! Chunks of every kind that is stored differently.

use h5filter::{Element, SampleKind};
use h5h264::payload::{Content, Payload};
use h5h264::picture::PixelFormat;
use h5h264::transform::{Coding, Mapping};
use h5h264::{filter, options};

/// A chunk, and the filter parameters stored with its dataset.
#[derive(Clone, Debug)]
pub struct Example {
    pub name: String,
    pub cd_values: Vec<u32>,
    pub chunk: Vec<u8>,
}

impl Example {
    /// What the filter stores for the chunk.
    pub fn encode(&self) -> Vec<u8> {
        filter::encode(&self.cd_values, &self.chunk).unwrap_or_else(|e| panic!("{}: {e}", self.name)).to_vec()
    }
}

/// How a chunk of this project's layout is stored, in words.
pub fn describe(stored: &[u8]) -> String {
    match Payload::read(stored).expect("a whole payload").content {
        Content::Raw(_) => "as it is".into(),
        Content::Resized(_) => "resized".into(),
        Content::Coded { header, .. } => {
            let mut words = vec![match header.transform.mapping {
                Mapping::Integer { .. } => "integers",
                Mapping::OrderedFloat { .. } => "ordered floats",
                Mapping::RotatedFloat { .. } => "rotated floats",
                Mapping::IntegralFloat { .. } => "integral floats",
            }];
            words.extend(header.big_endian.then_some("big-endian"));
            words.extend(header.transform.table.is_some().then_some("table"));
            words.extend(header.transform.planes.iter().map(|plane| match plane.coding {
                Coding::Constant(_) => "constant",
                Coding::Raw => "raw",
                Coding::Video => "video",
                Coding::Noise => "noise",
                Coding::Zstd => "zstd",
            }));
            if let Some(bits) = header.transform.noise_bits() {
                words.push(if bits.is_narrow() { "narrow" } else { "wide" });
            }
            let n_strips = header.geometry.height.div_ceil(header.strip_height);
            words.extend((n_strips > 1).then_some("strips"));
            if let Some(video) = header.video {
                words.push(if video.format == PixelFormat::Rgb { "rgb" } else { "gray" });
                let n_parts = video.access_unit_bytes.len() / header.geometry.n_frames / n_strips;
                words.extend((n_parts > 1).then_some("parts"));
            }
            words.extend(header.padding.is_some().then_some("padding"));
            words.join(" ")
        }
    }
}

/// One example of each kind, of `n` frames of `h` rows of `w` pixels.
pub fn examples([n, h, w]: [u64; 3]) -> Vec<Example> {
    let shape = &[n, h, w];
    let default = Element { kind: SampleKind::Unsigned, sample_bytes: 1, n_samples: 1, big_endian: false };
    let unsigned = |sample_bytes| Element { sample_bytes, ..default };
    let float = |sample_bytes| Element { kind: SampleKind::Float, sample_bytes, ..default };
    let f32_le = |value: f64| (value as f32).to_le_bytes().to_vec();
    vec![
        example("noise", shape, unsigned(1), |at| vec![at.noise(8)]),
        example("movie", shape, unsigned(1), |at| vec![(at.smooth() * 100.0) as u8]),
        example("noisy", shape, unsigned(2), |at| {
            le16((at.smooth() * 3000.0) as u16 + u16::from(at.noise(4)))
        }),
        example("wide_range", shape, unsigned(4), |at| {
            ((at.smooth() * 9e6) as u32 + u32::from(at.noise(2))).to_le_bytes().to_vec()
        }),
        example("several_planes", shape, unsigned(4), |at| {
            ((at.smooth() * 9e6) as u32).to_le_bytes().to_vec()
        }),
        example("few_values", shape, unsigned(4), |at| {
            [7u32, 70_000, u32::MAX, 700][(at.smooth() * 3.99) as usize].to_le_bytes().to_vec()
        }),
        example("low_bits_unused", shape, unsigned(2), |at| le16(((at.smooth() * 4095.0) as u16) << 4)),
        example("constant", shape, unsigned(2), |_| le16(0xabcd)),
        example("big_endian", shape, Element { big_endian: true, ..unsigned(2) }, |at| {
            ((at.smooth() * 2000.0) as u16).to_be_bytes().to_vec()
        }),
        example("signed", shape, Element { kind: SampleKind::Signed, ..unsigned(2) }, |at| {
            le16((at.smooth() * 600.0 - 300.0) as i16 as u16)
        }),
        example("signed_64_bits", shape, Element { kind: SampleKind::Signed, ..unsigned(8) }, |at| {
            ((at.smooth() * 1e5 - 5e4) as i64).to_le_bytes().to_vec()
        }),
        example("floats", shape, float(4), |at| f32_le(at.smooth() + 0.1)),
        example("floats_around_zero", shape, float(4), |at| {
            f32_le((at.smooth() + 0.5) * (1.0 - 2.0 * f64::from(at.noise(1))))
        }),
        example("special_floats", shape, float(4), |at| {
            let specials =
                [f32::NAN, -0.0, f32::INFINITY, f32::NEG_INFINITY, 1e-40, f32::from_bits(0xffc1_2345)];
            let special = specials.get(at.noise(8) as usize).copied();
            special.unwrap_or(at.smooth() as f32).to_le_bytes().to_vec()
        }),
        example("counts_in_floats", shape, float(4), |at| f32_le((at.smooth() * 500.0).floor() - 100.0)),
        example("counts_in_doubles", shape, float(8), |at| {
            (at.smooth() * 900.0).floor().to_le_bytes().to_vec()
        }),
        example("halves", shape, float(2), |at| le16(half::f16::from_f64(at.smooth() * 100.0).to_bits())),
        example("complex", shape, Element { n_samples: 2, ..float(4) }, |at| {
            [f32_le((at.smooth() * 3.0).cos()), f32_le((at.smooth() * 3.0).sin())].concat()
        }),
        example("colour", &[n, h, w, 3], unsigned(1), |at| {
            vec![((at.smooth() + at.component as f64 / 5.0) * 100.0) as u8]
        }),
        example("four_components", &[n, h, w, 4], unsigned(1), |at| {
            vec![((at.smooth() + at.component as f64 / 5.0) * 100.0) as u8]
        }),
        example("opaque", shape, Element { kind: SampleKind::Bytes, n_samples: 6, ..default }, |at| {
            (0..6).map(|i| (at.smooth() * 99.0) as u8 + i).collect()
        }),
        example("tiny_frames", &[n * h * w / 64, 8, 8], unsigned(1), |at| vec![at.t as u8]),
        example("labels", shape, unsigned(2), |at| le16((at.x / 9 * 1000 + at.y / 7 * 77) as u16)),
        example("repeated_doubles", shape, float(8), |at| {
            (1.0 / (1 + at.x % 7 + at.y % 5) as f64).to_le_bytes().to_vec()
        }),
        example("roots", shape, float(8), |at| ((at.i + 1) as f64).sqrt().to_le_bytes().to_vec()),
        example("padded", &[n + 3, h, w], unsigned(2), |at| {
            le16(if at.t < n { (at.smooth() * 3000.0) as u16 + u16::from(at.noise(4)) } else { 0xfffe })
        }),
        example("padded_colour", &[n + 1, h, w, 3], unsigned(1), |at| {
            vec![if at.t < n { (at.smooth() * 99.0) as u8 } else { at.component as u8 }]
        }),
        movie(example("plain_movie", shape, unsigned(1), |at| vec![(at.smooth() * 100.0) as u8])),
        movie(example("plain_colour_movie", &[n, h, w, 3], unsigned(1), |at| {
            vec![((at.smooth() + at.component as f64 / 5.0) * 100.0) as u8]
        })),
    ]
}

/// Chunks whose frames do not fit one picture, or are large enough for strips or slices.
pub fn large_examples() -> Vec<Example> {
    let bytes = Element { kind: SampleKind::Unsigned, sample_bytes: 1, n_samples: 1, big_endian: false };
    let words = Element { sample_bytes: 2, ..bytes };
    vec![
        example("long_lines", &[1, 16, 17_000], words, |at| {
            le16((at.x / 500 * 1500) as u16 + u16::from(at.noise(8)))
        }),
        example("tall_frames", &[1, 33_000, 5], words, |at| {
            le16((at.y / 1000 * 1500) as u16 + u16::from(at.noise(8)))
        }),
        example("tall_pixels", &[1, 33_000, 16, 4], words, |at| {
            le16((at.y / 1000 * 1500) as u16 + u16::from(at.noise(3)))
        }),
        example("strips", &[2, 280, 512], words, |at| le16((at.y / 16 + at.x / 16 * 600 + at.t) as u16)),
        example("colour_strips", &[1, 160, 160, 3], words, |at| {
            le16(((at.smooth() + at.component as f64 / 5.0) * 180.0) as u16)
        }),
        example("tall_colour", &[1, 16_400, 20, 3], bytes, |at| vec![(at.y / 90 + at.component) as u8]),
        example("big_endian_strips_of_ranks", &[2, 300, 300], Element { big_endian: true, ..words }, |at| {
            (((at.smooth() * 200.0) as u16 + u16::from(at.noise(1))) * 37).to_be_bytes().to_vec()
        }),
        example("noisy_strips", &[1, 520, 512], words, |at| {
            le16((at.smooth() * 3000.0) as u16 + u16::from(at.noise(2)))
        }),
        movie(example("two_slices", &[2, 512, 512], bytes, |at| vec![(at.y / 16 + at.x / 8 + at.t) as u8])),
        example("picture_in_noise", &[2, 256, 256], words, |at| {
            le16(
                (at.smooth() * 20_000.0) as u16 + (u16::from(at.noise(8)) << 2 | u16::from(at.noise(6)) >> 4),
            )
        }),
    ]
}

/// The same in the original's layout, where it has one.
pub fn examples_in_original_layout([n, h, w]: [u64; 3]) -> Vec<Example> {
    let mut found: Vec<_> = examples([n, h, w])
        .into_iter()
        .filter(|example| ["noise", "movie", "noisy", "wide_range"].contains(&&*example.name))
        .collect();
    for example in &mut found {
        example.name.insert_str(0, "original_");
        example.cd_values[4] = 1;
    }
    found
}

/// The same, of which the frames shall be a plain movie.
fn movie(mut example: Example) -> Example {
    example.cd_values[4] = 2;
    example
}

fn example(name: &str, shape: &[u64], element: Element, sample: impl Fn(At) -> Vec<u8>) -> Example {
    let cd_values = options::resolve_for(&[], shape, element).unwrap_or_else(|e| panic!("{name}: {e}"));
    let n_components = shape.get(3).copied().unwrap_or(1);
    let mut chunk = Vec::new();
    for i in 0..shape.iter().product() {
        let pixel = i / n_components;
        let (x, row) = (pixel % shape[2], pixel / shape[2]);
        chunk.extend(sample(At { i, t: row / shape[1], y: row % shape[1], x, component: i % n_components }));
    }
    assert_eq!(chunk.len() as u64, shape.iter().product::<u64>() * element.bytes() as u64, "{name}");
    Example { name: name.into(), cd_values, chunk }
}

fn le16(value: u16) -> Vec<u8> {
    value.to_le_bytes().to_vec()
}

/// A place in a chunk.
struct At {
    i: u64,
    t: u64,
    y: u64,
    x: u64,
    component: u64,
}

impl At {
    /// Waves that move, from 0 to 1. Only arithmetic that is exact on every machine.
    fn smooth(&self) -> f64 {
        let triangle = |phase: u64, period: u64| {
            let phase = phase % period;
            phase.min(period - phase) as f64 * 2.0 / period as f64
        };
        (triangle(self.x + 2 * self.t, 150) + triangle(3 * self.y + self.x + self.t, 400)) / 2.0
    }

    /// A number of so many bits that looks random.
    fn noise(&self, bits: u32) -> u8 {
        let x = (self.i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((x ^ x >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> (64 - bits)) as u8
    }
}
