"""Every codec on every sequence: ratios and speeds."""

from dataclasses import dataclass, field

from . import codecs, worker
from .codecs import DEFAULT, ORIGINAL, OURS
from .round_trip import round_trip
from .section import Section, Target, geometric_mean, number, table

MEDIUM = OURS["medium"]
JPEG_XL_7 = codecs.JPEG_XL[-1].name
PEER_NAMES = [peer.name for peer in codecs.PEERS]
LOSSY_MARK = "†"


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


def measure(found, effort, say):
    results = Results([sequence.name for sequence in found])
    for sequence in found:
        say(f"{sequence.name}, {len(codecs.ALL)} codecs")
        for codec in codecs.ALL:
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


def _worst(quotients, theirs):
    sequence = min(quotients, key=quotients.get)
    other = theirs(sequence) if callable(theirs) else theirs
    return f"worst {quotients[sequence]:.2f} × {other} on {sequence}"


def _on_each(results, name, quantity, ours, theirs):
    quotients = results.quotients(quantity, ours, theirs)
    if not quotients:
        return Target(name, "-", None)
    n_met = sum(quotient >= 1 for quotient in quotients.values())
    measured = f"{n_met} of {len(quotients)}; {_worst(quotients, theirs)}"
    return Target(name, measured, n_met == len(quotients))


def _on_average(results, name, quantity, ours, theirs, limit):
    quotients = results.quotients(quantity, ours, theirs)
    note = f"; {_worst(quotients, theirs)}; {len(quotients)} sequences" if quotients else ""
    return Target.at_least(name, geometric_mean(quotients.values()), limit, note=note)


def targets(results):
    floor = "Bitshuffle zstd"
    peers_ratio = ("ratio", MEDIUM, results.best_peer)
    average = [
        ("ratio of medium ≥ 1.2 × the best lossless peer's", *peers_ratio, 1.2),
        ("ratio of medium ≥ JPEG XL effort 7", "ratio", MEDIUM, JPEG_XL_7, 1),
        ("at ≥ 5 × its encode speed", "encode", MEDIUM, JPEG_XL_7, 5),
        ("ratio of the default ≥ 1.15 × gzip-9 + shuffle", "ratio", DEFAULT, "gzip-9 + shuffle", 1.15),
        ("encode speed of the default ≥ 4 × gzip-4 + shuffle", "encode", DEFAULT, "gzip-4 + shuffle", 4),
        ("encode speed of the default ≥ 8 × original layout, medium", "encode", DEFAULT, ORIGINAL, 8),
        ("decode speed of the default ≥ gzip-4 + shuffle", "decode", DEFAULT, "gzip-4 + shuffle", 1),
        ("decode speed of the default ≥ 4 × original layout, medium", "decode", DEFAULT, ORIGINAL, 4),
    ]
    return [
        _every_round_trip(results),
        _on_each(results, "ratio of medium ≥ the best lossless peer's, each sequence", *peers_ratio),
        *(_on_average(results, *arguments) for arguments in average[:4]),
        _on_each(results, f"ratio of the default ≥ {floor}, each sequence", "ratio", DEFAULT, floor),
        *(_on_average(results, *arguments) for arguments in average[4:]),
    ]


def _every_round_trip(results):
    ours = [(sequence, name) for sequence in results.sequences for name in OURS.values()]
    n_exact = sum(results.is_exact(*pair) for pair in ours)
    measured = f"{n_exact} of {len(ours)}"
    return Target("round trips are bit-exact, each sequence and preset", measured, n_exact == len(ours))
