"""Every codec on every sequence: ratios and speeds."""

from dataclasses import dataclass, field

from . import codecs, worker
from .codecs import DEFAULT, FFV1, GZIP_4, JPEG_XL_7, OURS, PCODEC
from .round_trip import round_trip
from .section import Section, Target, geometric_mean, number, table, worst

PEER_NAMES = [peer.name for peer in codecs.PEERS]
LOSSY_MARK = "†"
SLOWER = [preset for preset, codec in OURS.items() if codec != DEFAULT]

# Of preset medium in format version 2, which coded in H.264 whatever it did not keep raw.
RATIO_OF_MEDIUM_BEFORE = {
    "epix10ka_quad_raw_lcls": 2.356,
    "fluor_stuck_beads_u16": 3.516,
    "highspeed_cine_12bit": 3.586,
    "jungfrau05m_raw_lcls_mfx": 2.026,
    "microscopy_brightfield_u8": 2.393,
    "microscopy_bulkwater_u8": 6.297,
    "mri_dwi_b0_u16": 2.367,
    "nfptycho_petra3_p25_i32": 4.836,
    "pilatus6m_gridscan_i24": 9.593,
    "ptycho_siemens_aps_f32": 10.582,
    "rayonix340_sfx_lcls_1frame": 5.432,
    "tomo_xradia_txrm_u16": 2.995,
}


@dataclass
class Results:
    """What round_trip gave, by sequence and codec; nothing for types that a codec can't store."""

    sequences: list
    cells: dict = field(default_factory=dict)

    def value(self, sequence, codec, quantity):
        cell = self.cells.get((sequence, codec))
        return cell and cell[quantity]

    def is_exact(self, sequence, codec):
        return bool(self.value(sequence, codec, "is_exact"))

    def best_peer(self, sequence):
        """The lossless filter of others that stores a sequence in the fewest bytes; None if there is none."""
        exact = (peer for peer in PEER_NAMES if self.is_exact(sequence, peer))
        return max(exact, key=lambda peer: self.value(sequence, peer, "ratio"), default=None)

    def quotients(self, quantity, ours, theirs):
        """By sequence, ours / theirs, where both are lossless. `theirs`: a codec, or one for each sequence."""
        found = {}
        for sequence in self.sequences:
            other = theirs(sequence) if callable(theirs) else theirs
            if self.is_exact(sequence, ours) and self.is_exact(sequence, other):
                pair = [self.value(sequence, codec, quantity) for codec in (ours, other)]
                found[sequence] = pair[0] / pair[1]
        return found

    def mean(self, codec, quantity, sequences):
        """Geometric mean; None if the codec can't store all of the sequences."""
        values = [self.value(sequence, codec, quantity) for sequence in sequences]
        return None if None in values else geometric_mean(values)

    def common(self):
        """The sequences that every codec which can store any can store."""
        able = {codec for _, codec in self.cells}
        return [s for s in self.sequences if all((s, codec) in self.cells for codec in able)]


def measure(found, effort, say, names=tuple(codecs.ALL)):
    results = Results([sequence.name for sequence in found])
    for sequence in found:
        say(f"{sequence.name}, {len(names)} codecs")
        for codec in names:
            try:
                cell = worker.run(round_trip, codec=codec, path=sequence.path, effort=effort.asdict())
            # One filter that crashes is no reason to measure nothing.
            except worker.Failed as failure:
                cell = {"unsupported": str(failure)}
            if "unsupported" in cell:
                say(f"  {codec}: {cell['unsupported']}")
            else:
                results.cells[sequence.name, codec] = cell
    return results


def section(found, results):
    tables = {quantity: _table(results, quantity) for quantity in ("ratio", "encode", "decode")}
    tables["sequences"] = _sequences_table(found)
    return Section(tables, targets(results))


def _sequences_table(found):
    head = ["sequence", "frames", "height × width", "type", "MB"]
    rows = (
        [s.name, s.shape[0], f"{s.shape[1]} × {s.shape[2]}", s.dtype, number(s.n_bytes / 1e6)] for s in found
    )
    return table(head, rows)


def _table(results, quantity):
    common = results.common()
    # Spaces let the head of a column wrap.
    head = ["", *(s.replace("_", " ") for s in results.sequences), "all", f"the {len(common)} all can store"]
    return table(head, [_row(results, quantity, codec, common) for codec in codecs.ALL])


def _row(results, quantity, codec, common):
    cells = []
    for sequence in results.sequences:
        mark = "" if results.is_exact(sequence, codec) else LOSSY_MARK
        cells.append(number(results.value(sequence, codec, quantity), mark))
    means = [results.mean(codec, quantity, group) for group in (results.sequences, common)]
    return [codec, *cells, *(number(mean) for mean in means)]


def targets(results):
    return [
        every_round_trip(results, OURS.values()),
        _mean_ratio(results),
        _each_as_medium_before(results),
        _on_each(results, "ratio of the default ≥ each lossless filter's of others", "ratio", results.best_peer),
        *(
            _on_average(results, f"ratio of the default ≥ {codec}'s", "ratio", codec)
            for codec in (PCODEC, FFV1, JPEG_XL_7)
        ),
        _on_average(results, f"encode speed of the default ≥ 5 × {GZIP_4}", "encode", GZIP_4, 5),
        _on_each(results, f"encode speed of the default ≥ 2 × {GZIP_4}", "encode", GZIP_4, 2),
        _on_average(results, f"decode speed of the default ≥ 2 × {GZIP_4}", "decode", GZIP_4, 2),
        _on_each(results, f"decode speed of the default ≥ {GZIP_4}", "decode", GZIP_4),
        *(_slower_on_each(results, preset) for preset in SLOWER),
        _slower_on_average(results),
    ]


def _mean_ratio(results):
    """Over the sequences that it was meant for."""
    known = [sequence for sequence in results.sequences if sequence in RATIO_OF_MEDIUM_BEFORE]
    mean = results.mean(DEFAULT, "ratio", known)
    return Target.at_least("ratio of the default ≥ 4.0", mean, 4, unit="", note=f"; {len(known)} sequences")


def _each_as_medium_before(results):
    quotients = {
        sequence: results.value(sequence, DEFAULT, "ratio") / RATIO_OF_MEDIUM_BEFORE[sequence]
        for sequence in results.sequences
        if sequence in RATIO_OF_MEDIUM_BEFORE and results.is_exact(sequence, DEFAULT)
    }
    name = "ratio of the default ≥ 0.99 × medium's in format 2, each sequence"
    return Target.each_at_least(name, quotients, 0.99)


def _on_each(results, name, quantity, theirs, limit=1):
    quotients = results.quotients(quantity, DEFAULT, theirs)
    return Target.each_at_least(f"{name}, each sequence", quotients, limit, theirs)


def _on_average(results, name, quantity, theirs, limit=1):
    quotients = results.quotients(quantity, DEFAULT, theirs)
    note = f"; {worst(quotients, theirs)}; {len(quotients)} sequences" if quotients else ""
    return Target.at_least(name, geometric_mean(quotients.values()), limit, note=note)


def _slower_on_each(results, preset):
    quotients = results.quotients("ratio", OURS[preset], DEFAULT)
    return Target.each_at_least(f"ratio of {preset} ≥ the default's, each sequence", quotients, 1)


def _slower_on_average(results):
    means = {
        preset: geometric_mean(results.quotients("ratio", OURS[preset], DEFAULT).values()) for preset in SLOWER
    }
    preset = max(SLOWER, key=lambda preset: means[preset] or 0)
    name = "ratio of a slower preset ≥ 1.04 × the default's"
    return Target.at_least(name, means[preset], 1.04, note=f" ({preset})")


def every_round_trip(results, names):
    ours = [(sequence, name) for sequence in results.sequences for name in names]
    n_exact = sum(results.is_exact(*pair) for pair in ours)
    measured = f"{n_exact} of {len(ours)}"
    return Target("round trips are bit-exact, each sequence and preset", measured, n_exact == len(ours))
