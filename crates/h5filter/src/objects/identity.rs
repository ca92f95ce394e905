use super::{Hdf5, Id};

/// `H5O_INFO_BASIC`: file, address, type, number of links.
const BASIC: u32 = 1;

/// Which object of which opened file something is, whatever path led there. A file that is closed
/// and opened again gets a new number, so its objects do, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    library: usize,
    /// The number of the file, then the address of the object (before HDF5 1.12) or its token.
    object: [u64; 3],
}

impl Identity {
    /// Where in its file the object is: the same whenever the file is opened.
    pub fn within_file(self) -> Self {
        let [_, place @ ..] = self.object;
        Self { object: [0, place[0], place[1]], ..self }
    }
}

/// Room for `H5O_info1_t` and `H5O_info2_t` (at most 160 bytes); both start with the number of the
/// file, after which the address or the token comes.
#[repr(C)]
struct Info([u64; 64]);

impl Identity {
    pub(super) fn of(id: &Id<'_>) -> Option<Self> {
        let Hdf5 { functions, base, .. } = id.hdf5;
        let mut info = Info([0; 64]);
        let start = (&raw mut info).cast();
        // SAFETY: `info` has room for either struct.
        let (status, n_words) = unsafe {
            match (functions.H5Oget_info3, functions.H5Oget_info2, functions.H5Oget_info) {
                (Some(basic), _, _) => (basic(id.id, start, BASIC), 3),
                (_, Some(basic), _) => (basic(id.id, start, BASIC), 2),
                (_, _, Some(all)) => (all(id.id, start), 2),
                _ => return None,
            }
        };
        let mut object = [0; 3];
        object[..n_words].copy_from_slice(&info.0[..n_words]);
        (status >= 0).then_some(Self { library: *base, object })
    }
}
