use std::ffi::c_int;

use hdf5_sys::h5::hsize_t;
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5t::{H5T_class_t, H5T_order_t, H5T_sign_t};

use crate::failure::{Failure, Minor};
use crate::library::Library;

/// HDF5's limit on dimensions (`H5S_MAX_RANK`).
pub(crate) const MAX_RANK: usize = 32;

/// `H5T_COMPLEX`, new in HDF5 2.0.
const H5T_COMPLEX: c_int = 11;

/// How the bits of a sample are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleKind {
    /// Unsigned integer of 1, 2, 4 or 8 bytes.
    Unsigned,
    /// Two's complement integer of 1, 2, 4 or 8 bytes.
    Signed,
    /// IEEE 754 binary16, binary32 or binary64.
    Float,
    /// Bytes whose meaning is not known; `sample_bytes` is 1.
    Bytes,
}

/// What one element of a dataset consists of: `n_samples` numbers of one kind in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element {
    /// The kind of each sample.
    pub kind: SampleKind,
    /// Bytes per sample.
    pub sample_bytes: usize,
    /// Samples per element: 2 for a complex number, the size for an opaque type.
    pub n_samples: usize,
    /// Whether the most significant byte comes first.
    pub big_endian: bool,
}

impl Element {
    /// Bytes per element.
    pub fn bytes(&self) -> usize {
        self.sample_bytes * self.n_samples
    }

    fn opaque(bytes: usize) -> Self {
        Self { kind: SampleKind::Bytes, sample_bytes: 1, n_samples: bytes, big_endian: false }
    }
}

/// What the elements of `datatype` consist of.
pub(crate) fn describe(library: &Library, datatype: hid_t) -> Result<Element, Failure> {
    Datatype { library, id: datatype }.describe()
}

/// The shape of the arrays that `datatype` consists of, slowest dimension first, and what is in them. The
/// shape is empty if it is no array.
pub(crate) fn describe_array(library: &Library, datatype: hid_t) -> Result<(Vec<u64>, Element), Failure> {
    Datatype { library, id: datatype }.describe_array()
}

/// `id` is a datatype of `library` and open as long as this lives: HDF5 lends it to set_local, or
/// [`Owned`] closes it.
struct Datatype<'l> {
    library: &'l Library,
    id: hid_t,
}

impl Datatype<'_> {
    fn class(&self) -> c_int {
        // SAFETY: `id` is open.
        unsafe { (self.library.H5Tget_class)(self.id) }
    }

    fn bytes(&self) -> usize {
        // SAFETY: `id` is open.
        unsafe { (self.library.H5Tget_size)(self.id) }
    }

    fn is_array(&self) -> bool {
        self.class() == H5T_class_t::H5T_ARRAY as c_int
    }

    fn describe_array(&self) -> Result<(Vec<u64>, Element), Failure> {
        if !self.is_array() {
            return Ok((vec![], self.describe()?));
        }
        let mut shape = self.array_shape()?;
        let (inner, element) = self.parent()?.describe_array()?;
        shape.extend(inner);
        Ok((shape, element))
    }

    fn array_shape(&self) -> Result<Vec<u64>, Failure> {
        let unreadable = || Failure::new(Minor::BadType, "the shape of an array can't be read".into());
        // Programs that contain HDF5 without these functions make no arrays.
        let get_n_dims = self.library.H5Tget_array_ndims.ok_or_else(unreadable)?;
        let get_dims = self.library.H5Tget_array_dims2.ok_or_else(unreadable)?;
        let mut shape: Vec<hsize_t> = vec![0; MAX_RANK];
        // SAFETY: `id` is an open array; `shape` has room for all dimensions that there can be.
        let rank =
            unsafe { if get_dims(self.id, shape.as_mut_ptr()) < 0 { -1 } else { get_n_dims(self.id) } };
        shape.truncate(usize::try_from(rank).map_err(|_| unreadable())?);
        Ok(shape)
    }

    fn describe(&self) -> Result<Element, Failure> {
        let bytes = self.bytes();
        let class = self.class();
        let is = |c: H5T_class_t| class == c as c_int;
        if is(H5T_class_t::H5T_INTEGER) || is(H5T_class_t::H5T_BITFIELD) {
            return Ok(self.integer());
        }
        if is(H5T_class_t::H5T_FLOAT) {
            return Ok(self.float());
        }
        if is(H5T_class_t::H5T_ENUM) || is(H5T_class_t::H5T_ARRAY) || class == H5T_COMPLEX {
            let base = self.parent()?;
            let element = base.describe()?;
            return Ok(repeat(element, bytes / base.bytes().max(1), bytes));
        }
        if is(H5T_class_t::H5T_COMPOUND) {
            return self.compound();
        }
        // Strings and opaque bytes; and references and variable-length data, of which a chunk has what
        // leads to them.
        Ok(Element::opaque(bytes))
    }

    fn big_endian(&self) -> bool {
        // SAFETY: `id` is open.
        unsafe { (self.library.H5Tget_order)(self.id) == H5T_order_t::H5T_ORDER_BE as c_int }
    }

    fn integer(&self) -> Element {
        let bytes = self.bytes();
        if !matches!(bytes, 1 | 2 | 4 | 8) {
            return Element::opaque(bytes);
        }
        // SAFETY: `id` is open.
        let signed = unsafe { (self.library.H5Tget_sign)(self.id) } == H5T_sign_t::H5T_SGN_2 as c_int;
        let kind = if signed { SampleKind::Signed } else { SampleKind::Unsigned };
        Element { kind, sample_bytes: bytes, n_samples: 1, big_endian: self.big_endian() }
    }

    /// IEEE floats are known as such; others (bfloat16, x87) are integers or bytes to a codec.
    fn float(&self) -> Element {
        let bytes = self.bytes();
        let ieee = match bytes {
            2 => [15, 10, 5, 0, 10, 15],
            4 => [31, 23, 8, 0, 23, 127],
            8 => [63, 52, 11, 0, 52, 1023],
            _ => return Element::opaque(bytes),
        };
        // A program without the functions that tell can't make other floats, either.
        let is_ieee = self.float_fields().is_none_or(|fields| fields == ieee);
        let kind = if is_ieee { SampleKind::Float } else { SampleKind::Unsigned };
        Element { kind, sample_bytes: bytes, n_samples: 1, big_endian: self.big_endian() }
    }

    /// Position of the sign; position and length of the exponent, then of the mantissa, in bits;
    /// and the exponent's bias.
    fn float_fields(&self) -> Option<[usize; 6]> {
        let get_fields = self.library.H5Tget_fields?;
        let get_ebias = self.library.H5Tget_ebias?;
        let [mut sign, mut exponent, mut exponent_bits, mut mantissa, mut mantissa_bits] = [0; 5];
        // SAFETY: `id` is open; the pointers are valid for the call.
        let bias = unsafe {
            get_fields(
                self.id,
                &mut sign,
                &mut exponent,
                &mut exponent_bits,
                &mut mantissa,
                &mut mantissa_bits,
            );
            get_ebias(self.id)
        };
        Some([sign, exponent, exponent_bits, mantissa, mantissa_bits, bias])
    }

    /// A compound whose members are all alike and leave no gaps (a complex number, an RGB pixel)
    /// is a row of samples; so is one of which an array takes up most (a frame and its time stamp), if its
    /// samples lie where all samples of their size would. Any other is bytes.
    fn compound(&self) -> Result<Element, Failure> {
        let bytes = self.bytes();
        // SAFETY: `id` is open.
        let n_members = unsafe { (self.library.H5Tget_nmembers)(self.id) }.max(0) as u32;
        let mut common = None;
        let mut next_offset = 0;
        let mut alike = true;
        let mut main = None;
        for member in 0..n_members {
            // SAFETY: `id` is open, and HDF5 checks the number of the member.
            let (datatype, offset) = unsafe {
                (
                    self.open((self.library.H5Tget_member_type)(self.id, member))?,
                    (self.library.H5Tget_member_offset)(self.id, member),
                )
            };
            let element = datatype.describe()?;
            alike &= offset == next_offset && *common.get_or_insert(element) == element;
            next_offset = offset + element.bytes();
            let is_in_place = [offset, bytes].iter().all(|n| n.is_multiple_of(element.sample_bytes));
            if datatype.is_array() && is_in_place && element.bytes() > bytes / 2 {
                main = Some(element);
            }
        }
        match common {
            Some(element) if alike => Ok(repeat(element, n_members as usize, bytes)),
            _ => Ok(main.map_or(Element::opaque(bytes), |main| Element {
                n_samples: bytes / main.sample_bytes,
                ..main
            })),
        }
    }

    fn parent(&self) -> Result<Owned<'_>, Failure> {
        // SAFETY: `id` is open.
        self.open(unsafe { (self.library.H5Tget_super)(self.id) })
    }

    /// Takes over what HDF5 gave for a datatype: an id, or a negative number.
    fn open(&self, id: hid_t) -> Result<Owned<'_>, Failure> {
        if id < 0 {
            return Err(Failure::new(Minor::BadType, "the datatype can't be read".into()));
        }
        Ok(Owned(Datatype { library: self.library, id }))
    }
}

/// `n` elements in a row, or opaque bytes when that is not all there is.
fn repeat(element: Element, n: usize, bytes: usize) -> Element {
    let repeated = Element { n_samples: element.n_samples * n, ..element };
    if repeated.bytes() == bytes { repeated } else { Element::opaque(bytes) }
}

/// A datatype that was opened here and is closed here.
struct Owned<'l>(Datatype<'l>);

impl<'l> std::ops::Deref for Owned<'l> {
    type Target = Datatype<'l>;

    fn deref(&self) -> &Datatype<'l> {
        &self.0
    }
}

impl Drop for Owned<'_> {
    fn drop(&mut self) {
        // SAFETY: the id was opened by `Datatype::open`'s caller and is closed once.
        unsafe { (self.0.library.H5Tclose)(self.0.id) };
    }
}
