use std::ffi::{CStr, CString, c_char};

use anyhow::{Result, bail};
use h5filter::{Buffer, Failure, Filter, Minor, NewDataset, PluginClass};
use hdf5::Dataset;
use hdf5::plist::DatasetCreate;
use hdf5_sys::h5p::{H5Pget_chunk_opts, H5Pget_filter2, H5Pget_nfilters};
use hdf5_sys::h5pl::H5PLappend;
use hdf5_sys::h5z::{
    H5Z_FILTER_DEFLATE, H5Z_FILTER_FLETCHER32, H5Z_FILTER_NBIT, H5Z_FILTER_SCALEOFFSET, H5Z_FILTER_SHUFFLE,
    H5Z_FILTER_SZIP, H5Z_FLAG_OPTIONAL, H5Z_filter_t, H5Zfilter_avail, H5Zregister,
};

use super::{Explain, call};
use crate::{lzf, packages};

/// HDF5's own gzip.
pub const GZIP: H5Z_filter_t = H5Z_FILTER_DEFLATE;
/// That of h5py.
pub const LZF: H5Z_filter_t = 32000;
/// HDF5's own shuffle.
pub const SHUFFLE: H5Z_filter_t = H5Z_FILTER_SHUFFLE;

/// HDF5's own way to leave out bits that a type does not use.
const NBIT: H5Z_filter_t = H5Z_FILTER_NBIT;
/// HDF5's own way to store numbers with the bits that their range needs.
const SCALEOFFSET: H5Z_filter_t = H5Z_FILTER_SCALEOFFSET;

/// HDF5's own checksum.
pub const FLETCHER32: H5Z_filter_t = H5Z_FILTER_FLETCHER32;

/// Filters as registered with The HDF Group that have no loss, and their names.
const LOSSLESS: [(H5Z_filter_t, &str); 7] = [
    (307, "bzip2"),
    (LZF, "lzf"),
    (32001, "blosc"),
    (32004, "lz4"),
    (32008, "bitshuffle"),
    (32015, "zstd"),
    (32026, "blosc2"),
];
/// The same of filters that may change numbers.
const LOSSY: [(H5Z_filter_t, &str); 6] =
    [(32013, "zfp"), (32017, "sz"), (32018, "fcidecomp"), (32024, "sz3"), (32028, "sperr"), (32033, "htj2k")];

/// Makes the filters of this project, and LZF, known to the HDF5 in this program, and where plugins may be.
pub fn register_filters() -> Result<()> {
    static LZF_CLASS: PluginClass = PluginClass::of::<Lzf>();
    for class in [&h5h264::PLUGIN_CLASS, &h5calib::PLUGIN_CLASS, &LZF_CLASS] {
        // SAFETY: the class is a static.
        call(|| unsafe { H5Zregister(class.as_ptr()) })?;
    }
    for folder in packages::plugin_folders() {
        let folder = CString::new(folder.as_os_str().as_encoded_bytes())?;
        // SAFETY: the path ends with a NUL.
        call(|| unsafe { H5PLappend(folder.as_ptr()) })?;
    }
    Ok(())
}

/// h5py's own filter.
struct Lzf;

impl Filter for Lzf {
    const ID: H5Z_filter_t = LZF;
    const NAME: &'static CStr = c"lzf";

    fn set_local(_: &NewDataset<'_>) -> Result<(), Failure> {
        // New datasets have what those that they are made of have.
        Ok(())
    }

    fn encode(_: &[u32], chunk: &[u8]) -> Result<Buffer, Failure> {
        Ok(Buffer::concat(&[&lzf::encode(chunk)])?)
    }

    fn decode(cd_values: &[u32], stored: &[u8]) -> Result<Buffer, Failure> {
        // Beside versions, the bytes of a chunk; filters before this one may have added a checksum.
        const ADDED: usize = 1024;
        let most_bytes = match cd_values {
            [_, _, chunk_bytes, ..] if *chunk_bytes > 0 => (*chunk_bytes as usize).saturating_add(ADDED),
            _ => usize::MAX,
        };
        match lzf::decode(stored, most_bytes) {
            Some(chunk) => Ok(Buffer::concat(&[&chunk])?),
            None => Err(Failure::new(Minor::CantFilter, "damaged chunk".into())),
        }
    }
}

/// A filter of a dataset's pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterUse {
    pub id: H5Z_filter_t,
    /// As it was stored with the dataset; may be empty.
    pub name: String,
    pub cd_values: Vec<u32>,
    /// Whether chunks may be stored without it.
    pub is_optional: bool,
}

/// A dataset's filters, in the order in which they are applied when it is written.
pub fn filters_of(dataset: &Dataset) -> Result<Vec<FilterUse>> {
    filters_in(&dataset.create_plist().explained()?)
}

/// The filters of a dataset's property list, which takes HDF5 a while to make.
pub fn filters_in(plist: &DatasetCreate) -> Result<Vec<FilterUse>> {
    // SAFETY: the property list is open.
    let n = call(|| unsafe { H5Pget_nfilters(plist.id()) })?;
    (0..n as u32).map(|index| filter(plist.id(), index)).collect()
}

/// Whether chunks that reach over the edge of the dataset are stored as they are
/// (`H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS`). The dataset is chunked.
pub fn has_unfiltered_edges(dataset: &Dataset) -> Result<bool> {
    let plist = dataset.create_plist().explained()?;
    let mut options = 0;
    // SAFETY: the property list is open; `options` is written to during the call.
    call(|| unsafe { H5Pget_chunk_opts(plist.id(), &mut options) })?;
    Ok(options != 0)
}

fn filter(plist: hdf5_sys::h5i::hid_t, index: u32) -> Result<FilterUse> {
    let mut cd_values = vec![0; 64];
    let mut name = [0u8; 256];
    let (mut flags, mut config) = (0, 0);
    let id = loop {
        let mut n_values = cd_values.len();
        // SAFETY: `n_values` and the length of `name` say how much fits behind the pointers.
        let id = call(|| unsafe {
            H5Pget_filter2(
                plist,
                index,
                &mut flags,
                &mut n_values,
                cd_values.as_mut_ptr(),
                name.len(),
                name.as_mut_ptr().cast::<c_char>(),
                &mut config,
            )
        })?;
        let are_all = n_values <= cd_values.len();
        cd_values.resize(n_values, 0);
        if are_all {
            break id;
        }
    };
    let name =
        CStr::from_bytes_until_nul(&name).map_or(String::new(), |name| name.to_string_lossy().into_owned());
    Ok(FilterUse { id, name, cd_values, is_optional: flags & H5Z_FLAG_OPTIONAL != 0 })
}

impl FilterUse {
    /// Whether it is known to give back every number as it was.
    pub fn is_lossless(&self) -> bool {
        const SCALEOFFSET_INTEGER: u32 = 2;
        match (self.id, &self.cd_values[..]) {
            // The number of bits is found for each chunk.
            (SCALEOFFSET, [SCALEOFFSET_INTEGER, 0, ..]) => true,
            (SCALEOFFSET, _) => false,
            (GZIP | SHUFFLE | FLETCHER32 | H5Z_FILTER_SZIP | NBIT | h5h264::FILTER_ID, _) => true,
            (id, _) => LOSSLESS.iter().any(|(known, _)| *known == id),
        }
    }

    /// The name that people know it by.
    pub fn known_name(&self) -> String {
        match self.id {
            GZIP => "gzip".into(),
            SHUFFLE => "shuffle".into(),
            FLETCHER32 => "fletcher32".into(),
            H5Z_FILTER_SZIP => "szip".into(),
            NBIT => "nbit".into(),
            SCALEOFFSET => "scaleoffset".into(),
            h5h264::FILTER_ID => "h5h264".into(),
            h5calib::FILTER_ID => "h5calib".into(),
            LZF => "lzf".into(),
            id => match registered_name(id).unwrap_or(self.name.split(';').next().unwrap_or_default().trim())
            {
                "" => format!("filter {id}"),
                name => format!("{name} ({id})"),
            },
        }
    }

    /// How many bytes it adds to a chunk, of any content; `None` if that depends on the content.
    pub fn added_bytes(&self) -> Option<u64> {
        match self.id {
            SHUFFLE => Some(0),
            FLETCHER32 => Some(4),
            _ => None,
        }
    }

    /// What to do to have a filter that is not available.
    pub fn advice(&self) -> String {
        let name = self.known_name();
        match registered_name(self.id) {
            Some(_) => format!("{name} is not available here (pip install hdf5plugin)"),
            None => format!("{name} is not available here (expected its plugin in HDF5_PLUGIN_PATH)"),
        }
    }
}

/// Of the filters that hdf5plugin has, and LZF.
fn registered_name(id: H5Z_filter_t) -> Option<&'static str> {
    LOSSLESS.iter().chain(&LOSSY).find(|(known, _)| *known == id).map(|(_, name)| *name)
}

/// An error that says what to install, if a filter of a dataset is not available.
pub fn check_available(dataset: &Dataset) -> Result<()> {
    let filters = filters_of(dataset)?;
    match filters.iter().find(|filter| !is_available(filter.id)) {
        Some(filter) => bail!("the filter {}", filter.advice()),
        None => Ok(()),
    }
}

/// Whether HDF5 has a filter, or finds a plugin for it.
pub fn is_available(id: H5Z_filter_t) -> bool {
    // SAFETY: any number may be asked for.
    call(|| unsafe { H5Zfilter_avail(id) }).is_ok_and(|found| found > 0)
}
