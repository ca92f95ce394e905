"""A pytest plugin that makes h5py create every dataset that can have this filter with it.

The datasets are those without variable-length data and with at least one dimension, neither
virtual nor external nor compact, that their test has not given a compression filter. Those that
would be contiguous become chunked.

Writes what happened as JSON to the file that FORCED_FILTER_REPORT names.
"""

import json
import os

from h5py import h5d, h5p, h5s, h5t, h5z

FILTER_ID = 32010
# With h5py's choice of chunks, a larger dataset would be cut into many.
MAX_CHUNK_SIDE = 1000

original_create = h5d.create
results = {"n_forced": 0, "passed": [], "failed": []}


def can_be_packed(datatype):
    pointers = (h5t.VLEN, h5t.REFERENCE)
    if isinstance(datatype, h5t.TypeStringID):
        return not datatype.is_variable_str()
    if datatype.get_class() in pointers:
        return False
    return not (isinstance(datatype, (h5t.TypeArrayID, h5t.TypeCompoundID)) and contains_pointers(datatype))


def contains_pointers(datatype):
    if isinstance(datatype, h5t.TypeArrayID):
        return not can_be_packed(datatype.get_super())
    return any(not can_be_packed(datatype.get_member_type(i)) for i in range(datatype.get_nmembers()))


def chunk_shape(space):
    """None if the dataset can't be chunked: a dimension of no elements that can't grow."""
    if space.get_simple_extent_type() != h5s.SIMPLE or space.get_simple_extent_ndims() == 0:
        return None
    shape = space.get_simple_extent_dims()
    limits = space.get_simple_extent_dims(True)
    if any(n == 0 and limit == 0 for n, limit in zip(shape, limits)):
        return None
    return tuple(min(max(n, 1), MAX_CHUNK_SIDE) for n in shape)


def with_filter(dcpl, datatype, space):
    """Creation properties with the filter, or as they were."""
    chunks = chunk_shape(space)
    if chunks is None or not can_be_packed(datatype):
        return dcpl
    forced = h5p.create(h5p.DATASET_CREATE) if dcpl is None else dcpl.copy()
    if forced.get_layout() not in (h5d.CHUNKED, h5d.CONTIGUOUS) or forced.get_external_count() > 0:
        return dcpl
    others = {forced.get_filter(i)[0] for i in range(forced.get_nfilters())}
    if not others <= {h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32, h5z.FILTER_SCALEOFFSET}:
        return dcpl
    if forced.get_layout() != h5d.CHUNKED:
        forced.set_chunk(chunks)
    forced.set_filter(FILTER_ID, h5z.FLAG_OPTIONAL, ())
    return forced


def create(loc, name, tid, space, dcpl=None, *args, **kwargs):
    forced = with_filter(dcpl, tid, space)
    dataset = original_create(loc, name, tid, space, forced, *args, **kwargs)
    if forced is not dcpl:
        plist = dataset.get_create_plist()
        assert FILTER_ID in [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
        results["n_forced"] += 1
    return dataset


def pytest_configure(config):
    if os.environ.get("FORCED_FILTER") == "1":
        assert h5z.filter_avail(FILTER_ID)
        h5d.create = create


def pytest_runtest_logreport(report):
    if report.outcome == "failed" or (report.outcome == "passed" and report.when == "call"):
        results[report.outcome].append(report.nodeid.rpartition("/")[2])


def pytest_sessionfinish(session):
    with open(os.environ["FORCED_FILTER_REPORT"], "w") as file:
        json.dump(results, file)
