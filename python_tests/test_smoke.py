"""The plugin is found through HDF5_PLUGIN_PATH alone and gives back what it was given."""

import h5py
import numpy as np


def test_frames_come_back_from_chunks_that_the_filter_stored(tmp_path):
    steps = np.random.default_rng(0).integers(-3, 4, (10, 33, 47))
    frames = (1000 + steps.cumsum(axis=0)).astype(np.uint16)
    with h5py.File(tmp_path / "frames.h5", "w") as file:
        file.create_dataset("frames", data=frames, chunks=(5, 33, 47), compression=32010)
    with h5py.File(tmp_path / "frames.h5") as file:
        dataset = file["frames"]
        chunks = [dataset.id.get_chunk_info(i) for i in range(dataset.id.get_num_chunks())]
        assert [chunk.filter_mask for chunk in chunks] == [0, 0]
        assert dataset.id.get_storage_size() < frames.nbytes
        assert dataset[...].tobytes() == frames.tobytes()
