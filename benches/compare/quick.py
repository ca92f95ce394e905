"""A first look: the default preset beside gzip and preset medium, on every sequence."""

from . import codecs, comparison
from .codecs import DEFAULT, GZIP_4, MEDIUM
from .section import Section, geometric_mean, number, table
from .timing import QUICK

CODECS = (DEFAULT, GZIP_4, MEDIUM)


def section(found, say):
    results = comparison.measure(found, QUICK, say, CODECS)
    tables = {quantity: _table(results, quantity) for quantity in ("ratio", "encode", "decode")}
    return Section(tables, [comparison.every_round_trip(results, (DEFAULT, MEDIUM))])


def _table(results, quantity):
    others = CODECS[1:]
    head = ["", *CODECS, *(f"default / {codec}" for codec in others)]
    quotients = {codec: results.quotients(quantity, DEFAULT, codec) for codec in others}
    rows = [
        [
            sequence,
            *(number(results.value(sequence, codec, quantity)) for codec in CODECS),
            *(number(quotients[codec].get(sequence)) for codec in others),
        ]
        for sequence in results.sequences
    ]
    means = [results.mean(codec, quantity, results.sequences) for codec in CODECS]
    means += [geometric_mean(quotients[codec].values()) for codec in others]
    return table(head, [*rows, ["mean", *map(number, means)]])
