#!/usr/bin/env python3
"""Decodes chunks that HDF5 filter 32010 (h5h264) stored, as docs/format.md says.

Needs NumPy and the `ffmpeg` program; the plugin and HDF5's filters are not used. Checksums are
checked if the xxhash package is there. Meant to be read: it is neither fast nor sparing of memory.

As a program: reference_decoder.py FILE.h5 DATASET OUT.npy (needs h5py, to find the chunks)
"""

import subprocess
import sys
from dataclasses import dataclass
from itertools import islice

import numpy as np

MAGIC = b"\x89H5H264"
AS_IT_IS, CODED, RESIZED = range(3)
CONSTANT, RAW, VIDEO = range(3)
INTEGER, ORDERED_FLOAT, INTEGRAL_FLOAT, ROTATED_FLOAT = range(4)


@dataclass
class Plane:
    shift: int  # its lowest bit in the numbers
    bits: int
    coding: int
    constant: int = 0


@dataclass
class Header:
    sample_bytes: int
    big_endian: bool
    mapping: int
    shape: tuple  # (n_frames, height, width, n_components)
    offset: int
    table: list
    planes: list
    version: int = 1
    strip_height: int = 0
    is_rgb: bool = False
    n_bands: int = 1
    access_unit_bytes: tuple = ()


class Reader:
    def __init__(self, stored, position):
        self.stored, self.position = stored, position

    def bytes(self, n):
        if n > len(self.stored) - self.position:
            raise ValueError("the chunk is truncated")
        self.position += n
        return self.stored[self.position - n : self.position]

    def byte(self):
        return self.bytes(1)[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            if byte == 0 and shift > 0:
                raise ValueError("a number that is longer than it needs to be")
            value |= (byte & 0x7F) << shift
            shift += 7
            if value >> 64:
                raise ValueError("a number of over 64 bits")
            if byte < 0x80:
                return value

    def varints(self, n):
        return tuple(self.varint() for _ in range(n))


def check_hash(expected, of):
    try:
        from xxhash import xxh3_64_intdigest
    except ImportError:
        return
    if int.from_bytes(expected, "little") != xxh3_64_intdigest(of):
        raise ValueError("the checksum does not match")


def decode(stored, chunk_bytes=None):
    """The bytes that `stored` was made from: a chunk, of `chunk_bytes` if that is known, or what a
    filter before this one made of a chunk."""
    if stored[:7] != MAGIC:
        return check_size(decode_original(stored), chunk_bytes)
    if stored[7] not in (1, 2):
        raise ValueError(f"format version {stored[7]} (this decoder reads versions 1 and 2)")
    check_hash(stored[8:16], stored[16:])
    header = read_header(stored)
    chunk = stored[25:] if header is None else decode_coded(*header)
    check_hash(stored[16:24], chunk)
    return chunk if stored[24] == RESIZED else check_size(chunk, chunk_bytes)


def check_size(chunk, chunk_bytes):
    if chunk_bytes not in (None, len(chunk)):
        raise ValueError(f"a chunk of {len(chunk)} bytes (expected {chunk_bytes})")
    return chunk


def read_header(stored):
    """The header of coded content, its raw planes and its stream; None if other content follows."""
    reader = Reader(stored, 24)
    content = reader.byte()
    if content in (AS_IT_IS, RESIZED):
        return None
    if content != CODED:
        raise ValueError(f"content of kind {content}")
    sample = reader.byte()
    sample_bytes, mapping = 1 << (sample & 3), sample >> 3
    shape = reader.varints(4)
    version = stored[7]
    strip_height = reader.varint() if version > 1 else shape[1]
    if strip_height != shape[1] and (strip_height % 16 or not 0 < strip_height < shape[1]):
        raise ValueError(f"strips of {strip_height} rows of {shape[1]}")
    offset = int.from_bytes(reader.bytes(8 if mapping == INTEGRAL_FLOAT else sample_bytes), "little")
    table, value = [], -1
    for step in reader.varints(reader.varint()):
        value += step + 1
        table.append(value)
    planes, shift = [], 0
    for _ in range(reader.byte()):
        byte = reader.byte()
        plane = Plane(shift, bits=byte & 15, coding=byte >> 4)
        if plane.coding == CONSTANT:
            plane.constant = reader.byte()
            if plane.constant >> plane.bits:
                raise ValueError(f"a plane of {plane.bits} bits with the constant {plane.constant}")
        planes.append(plane)
        shift += plane.bits
    big_endian = bool(sample & 4)
    header = Header(sample_bytes, big_endian, mapping, shape, offset, table, planes, version, strip_height)
    if any(plane.coding == VIDEO for plane in planes):
        header.is_rgb = reader.byte() == 1
        header.n_bands = reader.varint() if version == 1 else 1
        header.access_unit_bytes = reader.varints(reader.varint())
    raw_planes = reader.bytes(shape[0] * sum(raw_bytes(header, rows) for rows in strips(header)))
    stream = reader.bytes(sum(header.access_unit_bytes))
    if reader.position != len(stored):
        raise ValueError("bytes follow the chunk")
    return header, raw_planes, stream


def strips(header):
    """The rows of each strip."""
    height = header.shape[1]
    return [range(top, min(top + header.strip_height, height)) for top in range(0, height, header.strip_height)]


def raw_bytes(header, rows):
    """Bytes of the raw planes of a strip in a frame."""
    n_samples = len(rows) * header.shape[2] * header.shape[3]
    return sum((n_samples * plane.bits + 7) // 8 for plane in header.planes if plane.coding == RAW)


def decode_coded(header, raw_planes, stream):
    n_frames, height, width, n_components = header.shape
    unsigned = np.dtype(f"u{header.sample_bytes}")
    numbers = np.zeros((n_frames, n_components, height, width), unsigned)
    for plane in header.planes:
        numbers |= unsigned.type(plane.constant << plane.shift)
    raw_planes, stream, sizes = Reader(raw_planes, 0), Reader(stream, 0), iter(header.access_unit_bytes)
    for rows in strips(header):
        # A view: what is added to the strip is added to the numbers.
        strip = numbers[:, :, rows.start : rows.stop]
        add_raw_planes(header, raw_planes, strip)
        if header.access_unit_bytes:
            add_pictures(header, stream, sizes, strip)
    if header.version > 1:
        unreflect(header.planes, numbers)
    if header.table:
        numbers = np.array(header.table, "u8").astype(unsigned)[numbers]
    samples = undo_mapping(header, numbers)
    interleaved = samples.transpose(0, 2, 3, 1)
    return interleaved.astype(samples.dtype.newbyteorder(">" if header.big_endian else "<")).tobytes()


def add_raw_planes(header, raw_planes, numbers):
    for frame in numbers:
        for plane in header.planes:
            if plane.coding == RAW:
                packed = np.frombuffer(raw_planes.bytes((frame.size * plane.bits + 7) // 8), "u1")
                bits = np.unpackbits(packed, bitorder="little", count=frame.size * plane.bits)
                values = np.packbits(bits.reshape(-1, plane.bits), axis=1, bitorder="little")
                frame |= values.reshape(frame.shape).astype(frame.dtype) << frame.dtype.type(plane.shift)


def add_pictures(header, stream, sizes, numbers):
    n_frames, n_components, height, width = numbers.shape
    planes = [plane for plane in header.planes if plane.coding == VIDEO]
    n_segments = -(-width // 16384)
    picture_width = -(-width // n_segments)
    n_lines = height * n_components * len(planes) * n_segments
    n_parts = 1 if header.is_rgb else -(-n_lines // min(16384, (1 << 26) // picture_width))
    picture_height = -(-n_lines // n_parts)
    # The parts of a frame below each other are its lines.
    lines = np.empty((n_frames, n_parts * picture_height, picture_width), "u1")
    for part in range(n_parts):
        access_units = stream.bytes(sum(islice(sizes, n_frames)))
        if header.is_rgb:
            pictures = decode_video(access_units, "-pix_fmt", "gbrp").reshape(n_frames, 3, height, width)
            numbers |= pictures[:, [2, 0, 1]]
            return
        pictures = decode_video(access_units, "-pix_fmt", "gray")
        top = part * picture_height
        lines[:, top : top + picture_height] = pictures.reshape(n_frames, picture_height, picture_width)
    line = 0
    for band in range(header.n_bands):
        top, bottom = (height * b // header.n_bands for b in (band, band + 1))
        for plane in planes:
            for component in range(n_components):
                for left in range(0, n_segments * picture_width, picture_width):
                    target = numbers[:, component, top:bottom, left : left + picture_width]
                    block = lines[:, line : line + bottom - top, : target.shape[2]]
                    target |= block.astype(numbers.dtype) << numbers.dtype.type(plane.shift)
                    line += bottom - top


def unreflect(planes, numbers):
    unsigned = numbers.dtype.type
    for below, above in reversed(list(zip(planes, planes[1:]))):
        if below.coding == above.coding == VIDEO:
            is_odd = numbers >> unsigned(above.shift) & unsigned(1)
            numbers ^= is_odd * unsigned(((1 << below.bits) - 1) << below.shift)


def decode_video(stream, *output_format):
    """The bytes of the pictures of an elementary stream, as the `ffmpeg` program decodes them."""
    # Before FFmpeg 5.1, -fps_mode is called -vsync.
    command = ["ffmpeg", "-v", "error", "-f", "h264", "-i", "-", "-fps_mode", "passthrough"]
    command += [*output_format, "-f", "rawvideo", "-"]
    return np.frombuffer(subprocess.run(command, input=stream, stdout=subprocess.PIPE, check=True).stdout, "u1")


def undo_mapping(header, numbers):
    if header.mapping == INTEGRAL_FLOAT:
        integers = (numbers.astype("u8") + np.uint64(header.offset)).view("i8")
        return integers.astype(f"f{header.sample_bytes}")
    samples = numbers + numbers.dtype.type(header.offset)
    if header.mapping == ORDERED_FLOAT:
        top_bit = numbers.dtype.type(1 << (8 * header.sample_bytes - 1))
        samples = np.where(samples & top_bit, samples ^ top_bit, ~samples)
    if header.mapping == ROTATED_FLOAT:
        bits = numbers.dtype.type(8 * header.sample_bytes - 1)
        samples = samples >> numbers.dtype.type(1) | samples << bits
    return samples


def decode_original(stored):
    """Decodes the layout of the first h5h264."""
    if stored[4:8] != bytes(4) or not stored[8:].startswith((b"\0\0\0\1", b"\0\0\1")):
        raise ValueError("not written by h5h264")
    luma = decode_video(stored[8:], "-vf", "extractplanes=y")
    if luma.size != int.from_bytes(stored[:8], "little"):
        raise ValueError("the pictures do not have the size of the chunk")
    return luma.tobytes()


def read_dataset(dataset):
    """All of an h5py dataset whose only filter is this one."""
    if dataset.id.get_create_plist().get_nfilters() != 1:
        raise ValueError("there are other filters, which this decoder does not know")
    array = np.full(dataset.shape, dataset.fillvalue, dataset.dtype)
    for i in range(dataset.id.get_num_chunks()):
        start = dataset.id.get_chunk_info(i).chunk_offset
        filter_mask, stored = dataset.id.read_direct_chunk(start)
        chunk_bytes = int(np.prod(dataset.chunks)) * dataset.dtype.itemsize
        chunk = np.frombuffer(stored if filter_mask & 1 else decode(stored, chunk_bytes), dataset.dtype)
        target = array[tuple(slice(at, at + n) for at, n in zip(start, dataset.chunks))]
        target[...] = chunk.reshape(dataset.chunks)[tuple(slice(n) for n in target.shape)]
    return array


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    import h5py

    with h5py.File(sys.argv[1]) as file:
        np.save(sys.argv[3], read_dataset(file[sys.argv[2]]))
