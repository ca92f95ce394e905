#!/usr/bin/env python3
"""Decodes chunks that HDF5 filter 32010 (h5h264) stored, as docs/format.md says.

Needs NumPy, the `ffmpeg` program for chunks with video, and the zstandard package for chunks with
zstd planes; the plugin and HDF5's filters are not used. Checksums are checked if the xxhash package
is there. Meant to be read: it is neither fast nor sparing of memory.

As a program: reference_decoder.py FILE.h5 DATASET OUT.npy (needs h5py, to find the chunks)
"""

import subprocess
import sys
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

MAGIC = b"\x89H5H264"
FORMAT_VERSION = 3
AS_IT_IS, CODED, RESIZED, PADDED = range(4)
CONSTANT, RAW, VIDEO, NOISE, ZSTD = range(5)
MAX_BITS = {CONSTANT: 8, RAW: 8, VIDEO: 8, NOISE: 32, ZSTD: 64}
INTEGER, ORDERED_FLOAT, INTEGRAL_FLOAT, ROTATED_FLOAT = range(4)

N_NEIGHBOURS = 16
N_ACTIVITIES, N_LEVELS = 32, 24
N_CONTEXTS = 2 * N_ACTIVITIES * N_LEVELS
TOTAL = 4096  # what the frequencies of a token table add up to
N_STATES = 8
LEAST_STATE = 1 << 16


@dataclass
class Plane:
    shift: int  # its lowest bit in the numbers
    bits: int
    coding: int
    constant: int = 0


@dataclass
class Noise:
    predictors: dict  # (later, other): weights and constant
    table_of_context: np.ndarray
    tables: list  # of frequencies
    strip_bytes: list  # (token_bytes, extra_bytes)


@dataclass
class Header:
    sample_bytes: int
    big_endian: bool
    mapping: int
    shape: tuple  # (n_frames, height, width, n_components)
    strip_height: int
    offset: int = 0
    table: list = field(default_factory=list)
    planes: list = field(default_factory=list)
    zstd_bytes: tuple = ()
    noise: Noise = None
    is_rgb: bool = False
    access_unit_bytes: tuple = ()
    padding: tuple = (0, b"-")  # how many bytes follow the frames, and those of a pixel


@dataclass
class Parts:
    raw_planes: bytes
    zstd_planes: bytes
    noise: bytes
    stream: bytes


def check(holds, message):
    if not holds:
        raise ValueError(message)


class Reader:
    def __init__(self, stored, position=0):
        self.stored, self.position = stored, position

    def bytes(self, n):
        check(n <= len(self.stored) - self.position, "the chunk is truncated")
        self.position += n
        return self.stored[self.position - n : self.position]

    def byte(self):
        return self.bytes(1)[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            check(byte != 0 or shift == 0, "a number that is longer than it needs to be")
            value |= (byte & 0x7F) << shift
            shift += 7
            check(value < 1 << 64, "a number of over 64 bits")
            if byte < 0x80:
                return value

    def varints(self, n):
        return tuple(self.varint() for _ in range(n))

    def svarint(self):
        return unfold(self.varint())


class BitReader:
    """Reads a string of bits."""

    def __init__(self, stored):
        self.stored, self.position = stored, 0

    def read(self, n):
        """The next bits, at most 32."""
        first = self.position // 8
        some = int.from_bytes(self.stored[first : first + 5], "little") >> self.position % 8
        self.position += n
        check(self.position <= 8 * len(self.stored), "a string of bits is truncated")
        return some & ((1 << n) - 1)

    def check_end(self):
        check(-(-self.position // 8) == len(self.stored), "bytes follow a string of bits")


def unfold(folded):
    return -(folded + 1 >> 1) if folded & 1 else folded >> 1


def check_hash(expected, of):
    try:
        from xxhash import xxh3_64_intdigest
    except ImportError:
        return
    check(int.from_bytes(expected, "little") == xxh3_64_intdigest(of), "the checksum does not match")


def decode(stored, chunk_bytes=None):
    """The bytes that `stored` was made from: a chunk, of `chunk_bytes` if that is known, or what a
    filter before this one made of a chunk."""
    if stored[:7] != MAGIC:
        return check_size(decode_original(stored), chunk_bytes)
    check(len(stored) > 24, "the chunk is truncated")
    check(
        stored[7] == FORMAT_VERSION,
        f"format version {stored[7]} (this decoder reads version {FORMAT_VERSION})",
    )
    check_hash(stored[8:16], stored[16:])
    coded = read_header(stored)
    if coded is not None:
        size = decoded_bytes(coded[0])
        check(chunk_bytes in (None, size), f"a chunk of {size} bytes (expected {chunk_bytes})")
    chunk = stored[25:] if coded is None else decode_coded(*coded)
    check_hash(stored[16:24], chunk)
    return chunk if stored[24] == RESIZED else check_size(chunk, chunk_bytes)


def check_size(chunk, chunk_bytes):
    check(chunk_bytes in (None, len(chunk)), f"a chunk of {len(chunk)} bytes (expected {chunk_bytes})")
    return chunk


# Header


def read_header(stored):
    """The header of coded content and what follows it; None if other content follows."""
    reader = Reader(stored, 24)
    content = reader.byte()
    if content in (AS_IT_IS, RESIZED):
        return None
    check(content in (CODED, PADDED), f"content of kind {content}")
    sample = reader.byte()
    sample_bytes, mapping = 1 << (sample & 3), sample >> 3
    check(mapping <= 3 and (mapping, sample_bytes) != (INTEGRAL_FLOAT, 1), f"mapping {mapping}")
    shape = reader.varints(4)
    n_frames, height, width, n_components = shape
    chunk_bytes = n_frames * height * width * n_components * sample_bytes
    check(0 < chunk_bytes < 1 << 63 and n_components <= 64, f"frames of shape {shape}")
    strip_height = reader.varint()
    check(
        strip_height == height or strip_height % 16 == 0 and 0 < strip_height < height,
        f"strips of {strip_height} rows of {height}",
    )
    header = Header(sample_bytes, bool(sample & 4), mapping, shape, strip_height)
    offset = reader.bytes(8 if mapping == INTEGRAL_FLOAT else sample_bytes)
    header.offset = int.from_bytes(offset, "little")
    header.table = read_table(reader)
    header.planes = read_planes(reader, 8 * sample_bytes)
    header.zstd_bytes = reader.varints(len(planes_of(header, ZSTD)))
    check(not header.zstd_bytes or strip_height == height, "zstd planes in strips")
    if planes_of(header, NOISE):
        header.noise = read_noise(reader, header)
    if planes_of(header, VIDEO):
        read_video(reader, header)
    if content == PADDED:
        read_padding(reader, header)
    parts = Parts(
        reader.bytes(n_frames * sum(raw_bytes(header, rows) for rows in strips(header))),
        reader.bytes(sum(header.zstd_bytes)),
        reader.bytes(sum(map(sum, header.noise.strip_bytes)) if header.noise else 0),
        reader.bytes(sum(header.access_unit_bytes)),
    )
    check(reader.position == len(stored), "bytes follow the chunk")
    return header, parts


def read_padding(reader, header):
    n_frames, height, width, n_components = header.shape
    n_bytes, pixel = reader.varint(), reader.bytes(n_components * header.sample_bytes)
    chunk_bytes = n_frames * height * width * len(pixel) + n_bytes
    check(n_bytes > 0 and n_bytes % len(pixel) == 0 and chunk_bytes < 1 << 63, f"{n_bytes} bytes of padding")
    header.padding = (n_bytes, pixel)


def decoded_bytes(header):
    n_frames, height, width, n_components = header.shape
    return n_frames * height * width * n_components * header.sample_bytes + header.padding[0]


def planes_of(header, coding):
    return [plane for plane in header.planes if plane.coding == coding]


def read_table(reader):
    table, value = [], -1
    table_len = reader.varint()
    check(table_len <= 65536, f"a table of {table_len} values")
    for step in reader.varints(table_len):
        value += step + 1
        table.append(value)
    check(value < 1 << 64, "a table with a value of over 64 bits")
    return table


def read_planes(reader, sample_bits):
    planes, shift = [], 0
    for _ in range(reader.byte()):
        coding, bits = reader.byte(), reader.byte()
        check(1 <= bits <= MAX_BITS.get(coding, 0), f"a plane of coding {coding} and {bits} bits")
        plane = Plane(shift, bits, coding)
        if coding == CONSTANT:
            plane.constant = reader.byte()
            check(
                plane.constant >> bits == 0,
                f"a plane of {bits} bits with the constant {plane.constant}",
            )
        planes.append(plane)
        shift += bits
    check(shift <= sample_bits, f"planes of {shift} bits for samples of {sample_bits}")
    codings = [plane.coding for plane in planes]
    check(VIDEO not in codings[:-1], "a plane of video below others")
    check(codings.count(VIDEO) <= 1 and codings.count(NOISE) <= 1, "several planes of video or of noise")
    for plane in planes:
        check(plane.coding != NOISE or shift - plane.shift <= 32, "over 32 bits from the noise up")
    return planes


def read_noise(reader, header):
    (plane,) = planes_of(header, NOISE)
    _, fraction_bits = word_bits(header)
    n_frames, height, _, n_components = header.shape
    predictors = {}
    for other in [False, True] if n_components > 1 else [False]:
        for later in [False, True] if n_frames > 1 else [False]:
            predictors[later, other] = read_predictor(reader, fraction_bits)
    n_tables = reader.byte()
    check(1 <= n_tables <= 16, f"{n_tables} token tables")
    table_of_context = [] if n_tables > 1 else [0] * N_CONTEXTS
    while len(table_of_context) < N_CONTEXTS:
        table, run_len = reader.byte(), reader.varint()
        check(
            table < n_tables and 0 < run_len <= N_CONTEXTS - len(table_of_context),
            f"{run_len} contexts with table {table}",
        )
        table_of_context += [table] * run_len
    check(max(table_of_context) == n_tables - 1, "token tables that no context has")
    bits = BitReader(reader.bytes(reader.varint()))
    tables = [read_token_table(bits, plane.bits) for _ in range(n_tables)]
    bits.check_end()
    n_strips = len(strips(header))
    strip_bytes = [reader.varints(2) for _ in range(n_strips)]
    return Noise(predictors, np.array(table_of_context), tables, strip_bytes)


def word_bits(header):
    """Bits of the noise plane and all above it, and how many weights have after the point."""
    (noise,) = planes_of(header, NOISE)
    n_bits = sum(plane.bits for plane in header.planes if plane.shift >= noise.shift)
    return n_bits, 10 if n_bits <= 16 else 20


def read_predictor(reader, fraction_bits):
    used = reader.varint()
    check(used < 1 << N_NEIGHBOURS, f"a predictor with neighbours {used:#x}")
    weights = [reader.svarint() if used >> i & 1 else 0 for i in range(N_NEIGHBOURS)]
    constant = reader.svarint()
    check(sum(map(abs, weights)) <= 16 << fraction_bits, "weights of over 16 together")
    check(abs(constant) < 1 << (26 if fraction_bits == 10 else 52), "a constant that is too large")
    return weights, constant


def read_token_table(bits, plane_bits):
    n_used, implied = bits.read(7) + 1, bits.read(7)
    n_tokens = 1 << plane_bits if plane_bits < 4 else 8 + 2 * plane_bits
    check(implied < n_used <= n_tokens, f"a table of {n_used} tokens")
    frequencies = [0] * n_used
    length = 8
    for token in range(n_used):
        if token == implied:
            continue
        folded = 0
        while bits.read(1):
            folded += 1
        length += unfold(folded)
        check(0 <= length <= 12, f"a frequency of {length} bits")
        if length > 0:
            kept = min(3, length - 1)
            frequencies[token] = (1 << length - 1) + (bits.read(kept) << length - 1 - kept)
    frequencies[implied] = TOTAL - sum(frequencies)
    check(frequencies[implied] > 0, f"frequencies that add up to more than {TOTAL}")
    return frequencies


def read_video(reader, header):
    picture_format = reader.byte()
    check(picture_format <= 1, f"pictures of format {picture_format}")
    header.is_rgb = picture_format == 1
    if header.is_rgb:
        n_frames, height, width, n_components = header.shape
        is_one_byte = [(plane.bits, plane.coding) for plane in header.planes] == [(8, VIDEO)]
        fits = picture_layout(height, width, 1)[1:3] == (width, 1)
        check(n_components == 3 and is_one_byte and fits and len(strips(header)) == 1, "RGB of other frames")
    n_access_units = reader.varint()
    n_parts = sum(n_pictures(header, len(rows)) for rows in strips(header))
    check(n_access_units == n_parts * header.shape[0], f"{n_access_units} access units")
    header.access_unit_bytes = reader.varints(n_access_units)


# Planes to bytes


def strips(header):
    """The rows of each strip."""
    height = header.shape[1]
    return [
        range(top, min(top + header.strip_height, height)) for top in range(0, height, header.strip_height)
    ]


def decode_coded(header, parts):
    n_frames, height, width, n_components = header.shape
    unsigned = np.dtype(f"u{header.sample_bytes}")
    numbers = np.zeros((n_frames, n_components, height, width), unsigned)
    for plane in planes_of(header, CONSTANT):
        add_bits(numbers, plane.constant, plane)
    raw_planes, zstd_planes = Reader(parts.raw_planes), Reader(parts.zstd_planes)
    noise, stream = Reader(parts.noise), Reader(parts.stream)
    sizes = iter(header.access_unit_bytes)
    for i, rows in enumerate(strips(header)):
        # A view: what is added to the strip is added to the numbers.
        strip = numbers[:, :, rows.start : rows.stop]
        add_raw_planes(header, raw_planes, strip)
        add_zstd_planes(header, zstd_planes, strip)
        if header.access_unit_bytes:
            add_pictures(header, stream, sizes, strip)
        if header.noise:
            tokens, extra_bits = map(noise.bytes, header.noise.strip_bytes[i])
            add_noise(header, tokens, extra_bits, strip)
    if header.table:
        check(int(numbers.max()) < len(header.table), "a number beyond the table")
        numbers = np.array(header.table, "u8").astype(unsigned)[numbers]
    samples = undo_mapping(header, numbers)
    interleaved = samples.transpose(0, 2, 3, 1)
    in_order = interleaved.astype(samples.dtype.newbyteorder(">" if header.big_endian else "<"))
    n_bytes, pixel = header.padding
    return in_order.tobytes() + n_bytes // len(pixel) * pixel


def add_bits(numbers, values, plane):
    """Puts values to where the bits of a plane are."""
    unsigned = numbers.dtype.type
    numbers |= np.asarray(values).astype(unsigned) << unsigned(plane.shift)


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


# Raw planes and zstd planes


def raw_bytes(header, rows):
    """Bytes of the raw planes of a strip in a frame."""
    n_samples = len(rows) * header.shape[2] * header.shape[3]
    return sum((n_samples * plane.bits + 7) // 8 for plane in planes_of(header, RAW))


def add_raw_planes(header, raw_planes, numbers):
    for frame in numbers:
        for plane in planes_of(header, RAW):
            packed = np.frombuffer(raw_planes.bytes((frame.size * plane.bits + 7) // 8), "u1")
            bits = np.unpackbits(packed, bitorder="little", count=frame.size * plane.bits)
            values = np.packbits(bits.reshape(-1, plane.bits), axis=1, bitorder="little")
            add_bits(frame, values.reshape(frame.shape), plane)


def add_zstd_planes(header, zstd_planes, numbers):
    for plane, n_bytes in zip(planes_of(header, ZSTD), header.zstd_bytes):
        import zstandard

        decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 23).decompressobj()
        plain = decompressor.decompress(zstd_planes.bytes(n_bytes))
        value_bytes = (plane.bits + 7) // 8
        check(
            decompressor.eof and not decompressor.unused_data and len(plain) == numbers.size * value_bytes,
            "a zstd plane that does not end where its numbers end",
        )
        values = np.zeros((numbers.size, 8), "u1")
        values[:, :value_bytes] = np.frombuffer(plain, "u1").reshape(-1, value_bytes)
        values = values.view("<u8").reshape(numbers.shape)
        add_bits(numbers, values & np.uint64((1 << plane.bits) - 1), plane)


# Noise


def add_noise(header, tokens, extra_bits, numbers):
    """Adds the noise plane to the numbers of a strip, which have all other bits."""
    (plane,) = planes_of(header, NOISE)
    _, fraction_bits = word_bits(header)
    n_frames, n_components, height, width = numbers.shape
    tokens, extra_bits = TokenReader(tokens, header.noise.tables), BitReader(extra_bits)
    words = (numbers.astype("u8") >> np.uint64(plane.shift)).astype("i8")
    # Of each component: the frame before, the running mean of those before, and tokens.
    before, mean, tokens_before = ([None] * n_components for _ in range(3))
    for t in range(n_frames):
        for k in range(n_components):
            weights, constant = header.noise.predictors[t > 0, k > 0]
            # Row y of the strip is row y + 2 here, below what stands above the first.
            frame_tokens = np.full((height + 2, width), 8 if t == 0 else 0)
            frame = np.zeros((height + 2, width), "i8")
            frame[2:] = words[t, k]
            if t > 0:
                frame[:2] = before[k][0]
                frame_tokens[:2] = tokens_before[k][0]
            other = words[t, k - 1] if k > 0 else None
            for y in range(height):
                neighbours = neighbours_of_row(frame[y : y + 2], before[k], mean[k], other, y)
                sums = constant + (1 << fraction_bits - 1) + np.dot(weights[2:], neighbours)
                contexts = contexts_of_row(
                    sums >> fraction_bits - 3, frame_tokens[y + 1], tokens_before[k], y
                )
                row_tokens = tokens.row(header.noise.table_of_context[contexts])
                frame_tokens[y + 2] = row_tokens
                residuals = [residual(token, extra_bits) for token in row_tokens]
                left = int(frame[y + 1, 0])
                frame[y + 2] = restore(
                    frame[y + 2], left, sums, weights[:2], fraction_bits, residuals, plane.bits
                )
            words[t, k] = frame[2:]
            before[k], tokens_before[k] = frame[2:], frame_tokens[2:]
            mean[k] = frame[2:] if t == 0 else 3 * mean[k] + frame[2:] + 2 >> 2
    tokens.check_end()
    extra_bits.check_end()
    add_bits(numbers, words & ((1 << plane.bits) - 1), plane)


def to_the_left(row):
    """For each column of a row, what is left of it, or itself."""
    return np.concatenate((row[:1], row[:-1]))


def to_the_right(row):
    return np.concatenate((row[1:], row[-1:]))


def neighbours_of_row(rows_above, before, mean, other, y):
    """Neighbours 2 to 15 of the words of row `y`: `before` and `mean` are None in the first frame,
    `other`, the component before, is None in the first one."""
    above_2, above = rows_above
    neighbours = [above, to_the_left(above), to_the_right(above), above_2]
    if before is None:
        neighbours += 7 * [above]
    else:
        up, row, down = max(y - 1, 0), y, min(y + 1, len(before) - 1)
        neighbours += [before[row], to_the_left(before[row]), to_the_right(before[row])]
        neighbours += [before[up], before[down], mean[row], mean[down]]
    if other is None:
        neighbours += 3 * [above]
    else:
        neighbours += [other[y], to_the_left(other[y]), other[max(y - 1, 0)]]
    return neighbours


def class_of(n):
    """2 × floor(log2(n + 1)), and the bit below the highest one."""
    mantissa, exponent = np.frexp(n + 1)
    return 2 * (exponent - 1) + (mantissa >= 0.75)


def contexts_of_row(eighths, above, before, y):
    """The contexts of the words of row `y`: `eighths` are the sums in units of 1/8, `above` the tokens
    of the row above, `before` those of the frame before, if there is one."""
    around = 2 * above + to_the_left(above) + to_the_right(above)
    if before is None:
        around = 2 * around
    else:
        up, row, down = before[max(y - 1, 0)], before[y], before[min(y + 1, len(before) - 1)]
        around = around + 2 * row + to_the_left(row) + to_the_right(row) + up + down
    activities = np.minimum(np.where(around < 128, class_of(around), around // 8 - 2), N_ACTIVITIES - 1)
    levels = np.minimum(class_of(np.maximum(eighths, 0)), N_LEVELS - 1)
    later = int(before is not None)
    return (later * N_ACTIVITIES + activities) * N_LEVELS + levels


class TokenReader:
    """The entropy decoder."""

    def __init__(self, stored, tables):
        check(len(stored) >= 4 * N_STATES and len(stored) % 2 == 0, "tokens without states")
        self.states = np.frombuffer(stored[: 4 * N_STATES], "<u4").tolist()
        check(min(self.states) >= LEAST_STATE, "a state that does not exist")
        self.units = np.frombuffer(stored[4 * N_STATES :], "<u2").tolist()
        self.position = 0
        # For each table and slot: the token, its frequency, and how far in its range the slot is.
        self.slots = [
            [(token, f, i) for token, f in enumerate(frequencies) for i in range(f)] for frequencies in tables
        ]

    def row(self, tables):
        """The tokens of a row, of which each has a table."""
        states, slots, tokens = self.states, self.slots, []
        for x, table in enumerate(tables.tolist()):
            state = states[x % N_STATES]
            token, frequency, i = slots[table][state % TOTAL]
            state = frequency * (state // TOTAL) + i
            if state < LEAST_STATE:
                check(self.position < len(self.units), "the tokens are truncated")
                state = state << 16 | self.units[self.position]
                self.position += 1
            states[x % N_STATES] = state
            tokens.append(token)
        return tokens

    def check_end(self):
        check(
            self.position == len(self.units) and set(self.states) == {LEAST_STATE},
            "tokens that do not end where their numbers end",
        )


def residual(token, extra_bits):
    if token < 16:
        return unfold(token)
    n_bits = token // 2 - 5
    return unfold((2 + token % 2 << n_bits) + extra_bits.read(n_bits))


def restore(known_words, left, sums, weights, fraction_bits, residuals, bits):
    """The words of a row, of which `known_words` have the bits above the noise; `left` stands left of it."""
    left_2 = left
    mask = (1 << bits) - 1
    words = []
    for known, known_sum, difference in zip(known_words.tolist(), sums.tolist(), residuals):
        total = known_sum + weights[0] * left + weights[1] * left_2
        prediction = min(max(total >> fraction_bits, known), known + mask)
        left_2, left = left, known + (prediction + difference & mask)
        words.append(left)
    return words


# Video


def picture_layout(height, width, n_components):
    """How the lines of a frame lie in pictures: segments of a row, width, parts, height."""
    n_segments = -(-width // 16384)
    picture_width = -(-width // n_segments)
    n_lines = height * n_components * n_segments
    n_parts = -(-n_lines // min(16384, (1 << 26) // picture_width))
    check(n_parts <= 256, f"frames of {n_parts} pictures")
    return n_segments, picture_width, n_parts, -(-n_lines // n_parts)


def n_pictures(header, height):
    """The pictures of a strip in a frame."""
    return 1 if header.is_rgb else picture_layout(height, header.shape[2], header.shape[3])[2]


def add_pictures(header, stream, sizes, numbers):
    (plane,) = planes_of(header, VIDEO)
    n_frames, n_components, height, width = numbers.shape
    if header.is_rgb:
        pictures = decode_video(stream.bytes(sum(islice(sizes, n_frames))), "-pix_fmt", "gbrp")
        add_bits(numbers, pictures.reshape(n_frames, 3, height, width)[:, [2, 0, 1]], plane)
        return
    n_segments, picture_width, n_parts, picture_height = picture_layout(height, width, n_components)
    # The parts of a frame below each other are its lines.
    lines = np.empty((n_frames, n_parts * picture_height, picture_width), "u1")
    for part in range(n_parts):
        pictures = decode_video(stream.bytes(sum(islice(sizes, n_frames))), "-pix_fmt", "gray")
        top = part * picture_height
        lines[:, top : top + picture_height] = pictures.reshape(n_frames, picture_height, picture_width)
    line = 0
    for component in range(n_components):
        for left in range(0, n_segments * picture_width, picture_width):
            target = numbers[:, component, :, left : left + picture_width]
            block = lines[:, line : line + height, : target.shape[2]]
            check(int(block.max()) >> plane.bits == 0, "a picture with bits of another plane")
            add_bits(target, block, plane)
            line += height


def decode_video(stream, *output_format):
    """The bytes of the pictures of an elementary stream, as the `ffmpeg` program decodes them."""
    # Before FFmpeg 5.1, -fps_mode is called -vsync.
    command = ["ffmpeg", "-v", "error", "-f", "h264", "-i", "-", "-fps_mode", "passthrough"]
    command += [*output_format, "-f", "rawvideo", "-"]
    return np.frombuffer(
        subprocess.run(command, input=stream, stdout=subprocess.PIPE, check=True).stdout, "u1"
    )


def decode_original(stored):
    """Decodes the layout of the first h5h264."""
    is_original = stored[4:8] == bytes(4) and stored[8:].startswith((b"\0\0\0\1", b"\0\0\1"))
    check(is_original, "not written by h5h264")
    luma = decode_video(stored[8:], "-vf", "extractplanes=y")
    check(luma.size == int.from_bytes(stored[:8], "little"), "the pictures do not have the size of the chunk")
    return luma.tobytes()


# Datasets


def read_dataset(dataset):
    """All of an h5py dataset whose only filter is this one."""
    n_filters = dataset.id.get_create_plist().get_nfilters()
    check(n_filters == 1, "there are other filters, which this decoder does not know")
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
