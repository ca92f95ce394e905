//! HDF5, as far as the crate of that name does not have it. The unsafe code of this program is here, but for signals.

mod attributes;
mod chunks;
mod copy;
mod create;
mod datatype;
mod error;
mod filters;
mod native;
mod references;
mod slab;
mod tree;

pub use attributes::{copy_attributes, delete_attribute, scaled_dimensions};
pub use chunks::{At, Grid, StoredChunk, StoredChunks, copy_part, filled, place};
pub use copy::{
    copy_comment, copy_object, copy_user_block, create_file_like, create_group_like, fill_value,
    has_pointing_fill_value, link_external, link_hard, link_soft, virtual_files,
};
pub use create::{
    chunked, close_file, create_dataset, create_file, growing, number_type, parent_of, resize, utf8_link,
    write_chunk, write_strings, write_text_attribute,
};
pub use datatype::{
    NumberKind, describe_type, has_pointers, is_numeric, is_stored_as_in_memory, number_kind,
};
pub use error::Explain;
pub use filters::{
    FLETCHER32, FilterUse, GZIP, SHUFFLE, filters_of, has_unfiltered_edges, is_available, register_filters,
};
pub use native::{native_type, read_as};
pub use references::{Translator, copy_of, has_references, same_type};
pub use slab::{Elements, item_bytes, open_file, read_slab, touch, write_slab};
pub use tree::{Entry, Object, open, stored_bytes, walk};

use error::{call, call_for_id};
