//! HDF5, as far as the crate of that name does not have it. The unsafe code of this program is here, but for signals.

mod arena;
mod attributes;
mod chunks;
mod classes;
mod copy;
mod create;
mod datatype;
mod error;
mod filters;
mod items;
mod layout;
mod links;
mod names;
mod native;
mod references;
mod slab;
mod sources;
mod tree;
mod types;
mod virtual_parts;

pub use attributes::{copy_attributes, delete_attribute, scaled_dimensions};
pub use chunks::{
    At, Grid, StoredChunk, StoredChunks, Unfiltered, copy_part, filled, place, read_chunk, stored_chunk,
};
pub use classes::has_references;
pub use copy::{
    copy_comment, copy_object, copy_user_block, create_file_like, create_group_like, fill_value,
    has_pointing_fill_value, link_external, link_hard, link_soft,
};
pub use create::{
    chunked, close_file, create_dataset, create_file, fixed, flush, growing, number_type, parent_of, resize,
    utf8_link, write_ascii_attribute, write_chunk, write_dimension_labels, write_strings,
    write_text_attribute,
};
pub use datatype::{
    NumberKind, describe_type, has_pointers, is_convertible, is_numeric, is_stored_as_in_memory, number_kind,
};
pub use error::Explain;
pub use filters::{
    FLETCHER32, FilterUse, GZIP, LZF, SHUFFLE, check_available, filters_in, filters_of, has_unfiltered_edges,
    is_available, register_filters,
};
pub use items::{Along, Item, Items, items_in, shape_of};
pub use layout::IntegerLayout;
pub use links::{Link, committed_type, is_group, link, links, text_attribute};
pub use names::attribute_names;
pub use native::{native_type, read_as};
pub use references::{Translator, copy_of, same_type};
pub use slab::{Elements, item_bytes, open_file, open_file_with_cache, read_slab, touch, write_slab};
pub use sources::{
    Bounds, Mapping, Selected, is_virtual, mappings, virtual_files, virtual_shape, virtual_sources,
};
pub use tree::{Address, Entry, Object, address_of, has_object, open, stored_bytes, walk};
pub use types::{BIG_ENDIAN, Kind, Member, Type};
pub use virtual_parts::virtual_parts;

use error::{call, call_for_id};
