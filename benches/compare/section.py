"""What an experiment reports, and the Markdown it becomes."""

import math
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Target:
    """`is_met` is None where nothing was measured."""

    name: str
    measured: str
    is_met: bool | None

    @classmethod
    def at_least(cls, name, value, limit, unit=" ×", note=""):
        return cls._compared(name, value, unit, note, lambda: value >= limit)

    @classmethod
    def at_most(cls, name, value, limit, unit=" ×", note=""):
        return cls._compared(name, value, unit, note, lambda: value <= limit)

    @classmethod
    def each_at_least(cls, name, quotients, limit, theirs=""):
        """`quotients` by what was measured, with what `worst` takes as `theirs`."""
        if not quotients:
            return cls(name, "-", None)
        n_met = sum(quotient >= limit for quotient in quotients.values())
        return cls(name, f"{n_met} of {len(quotients)}; {worst(quotients, theirs)}", n_met == len(quotients))

    @classmethod
    def _compared(cls, name, value, unit, note, compare):
        if value is None:
            return cls(name, "-", None)
        return cls(name, f"{value:.2f}{unit}{note}", compare())


@dataclass
class Section:
    """`tables` by the name of the markers in the document that they go between."""

    tables: dict[str, str]
    targets: list[Target] = field(default_factory=list)


def worst(quotients, theirs=""):
    """In words, the smallest quotient. `theirs`: what it is a multiple of, or a function that tells it."""
    key = min(quotients, key=quotients.get)
    other = theirs(key) if callable(theirs) else theirs
    return f"worst {quotients[key]:.2f} × {f'{other} ' * bool(other)}on {key}"


def geometric_mean(values):
    """None if there are no values."""
    logarithms = [math.log(value) for value in values]
    return math.exp(math.fsum(logarithms) / len(logarithms)) if logarithms else None


def number(value, mark=""):
    """Three significant digits."""
    if value is None:
        return "-"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{digits}f}{mark}"


def table(head, rows):
    """Markdown; all columns but the first are aligned right."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def targets_table(targets):
    answers = {True: "yes", False: "**no**", None: "not measured"}
    lines = ["| target | measured | met? |", "|---|---|---|"]
    lines += [f"| {target.name} | {target.measured} | {answers[target.is_met]} |" for target in targets]
    return "\n".join(lines)


def replace_between_markers(text, name, content):
    """`text` with what is between the markers of `name` replaced."""
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    before, begin_found, rest = text.partition(begin)
    _, end_found, after = rest.partition(end)
    if not (begin_found and end_found):
        raise ValueError(f"no markers of {name}")
    return f"{before}{begin}\n{content}\n\n{end}{after}"
