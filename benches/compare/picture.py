"""Ratio against speed, a point for each codec: an SVG file with the same bytes for the same results."""

import numpy as np

from .codecs import DEFAULT, ORIGINAL, OURS, OUTSIDE

OUR_COLOUR, PEER_COLOUR, OUTSIDE_COLOUR = "#c03030", "#3060a0", "#707070"
NAMES = {codec: preset + " (default)" * (codec == DEFAULT) for preset, codec in OURS.items()}
# Where a label may stand, in points from its point, the best first.
_SIDES = [(7, -3, "left"), (-7, -3, "right"), (0, 8, "center"), (0, -14, "center")]
_HIGHER_AND_LOWER = [sign * dy for dy in range(9, 40, 6) for sign in (1, -1)]
LABEL_PLACES = _SIDES + [(2 * x, y + dy, side) for dy in _HIGHER_AND_LOWER for x, y, side in _SIDES[:2]]


def draw(results, path):
    import matplotlib

    # Measures labels; savefig goes by the name of the file.
    matplotlib.use("agg")
    matplotlib.rcParams.update({"svg.hashsalt": "h5h264", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(10, 5), sharey=True, layout="constrained")
    for ax, quantity in zip(axes, ("encode", "decode")):
        _plot(ax, points(results, quantity))
        ax.set_xlabel(f"{quantity} speed, MB/s of uncompressed frames")
    axes[0].set_ylabel("uncompressed / stored bytes")
    figure.suptitle(
        f"Lossless, geometric means over the {len(results.common())} sequences that all can store: "
        "further up is smaller, further right is faster"
    )
    figure.legend(handles=_legend(), loc="outside lower center", ncols=3, frameon=False)
    for ax in axes:
        _label(figure, ax)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def points(results, quantity):
    """Codec: speed and ratio, of all that stored the common sequences without loss."""
    common = results.common()
    found = {}
    for codec in dict.fromkeys(codec for _, codec in results.cells):
        # The original's layout is there to be read, not to be chosen.
        if common and codec != ORIGINAL and all(results.is_exact(sequence, codec) for sequence in common):
            found[codec] = (results.mean(codec, quantity, common), results.mean(codec, "ratio", common))
    return found


def _plot(ax, found):
    from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

    ours = [found[codec] for codec in OURS.values() if codec in found]
    if ours:
        ax.plot(*zip(*ours), "-", color=OUR_COLOUR, linewidth=1)
    for codec, (speed, ratio) in found.items():
        size = {DEFAULT: 10}.get(codec, 6)
        ax.plot(speed, ratio, "o", color=_colour(codec), markersize=size, gid=codec)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.margins(x=0.3, y=0.1)
    ax.xaxis.set_major_locator(FixedLocator([1, 3, 10, 30, 100, 300, 1000, 3000]))
    ax.yaxis.set_major_locator(FixedLocator([1, 1.2, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 10]))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(ScalarFormatter())
    ax.grid(color="#dddddd")
    ax.set_axisbelow(True)


def _label(figure, ax):
    """Names the points, where no name covers another, a point or a line; a line leads to one further off."""
    from matplotlib.text import Text

    leader = {"arrowstyle": "-", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3, "relpos": (0.5, 0.5)}
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    points = {line.get_gid(): line for line in ax.lines if line.get_gid()}
    boxes = {name: point.get_window_extent(renderer).padded(4) for name, point in points.items()}
    corners = [boxes[name] for name in OURS.values() if name in boxes]
    taken = [*boxes.values(), *(box for pair in zip(corners, corners[1:]) for box in _between(*pair))]
    frame = ax.get_window_extent(renderer)

    def put(text, place):
        """The box of the name alone, without its line."""
        x, y, side = place
        text.set_position((x, y))
        text.set_horizontalalignment(side)
        text.update_positions(renderer)
        return Text.get_window_extent(text, renderer)

    for name, point in points.items():
        colour = point.get_color()
        text = ax.annotate(
            NAMES.get(name, name),
            point.get_xydata()[0],
            xytext=(0, 0),
            textcoords="offset points",
            color=colour,
            fontweight="bold" if name in OURS.values() else "normal",
            arrowprops={**leader, "color": colour},
        )
        others = [box for box in taken if box is not boxes[name]]

        def n_covered(place):
            """Of what stands there already, what the name would cover, and the line to it."""
            box = put(text, place)
            is_inside = frame.x0 < box.x0 and box.x1 < frame.x1 and frame.y0 < box.y0 and box.y1 < frame.y1
            line = _between(boxes[name], box)[4:-4] if place not in _SIDES else []
            n_outside = 0 if is_inside else len(taken)
            return n_outside + box.count_overlaps(taken) + sum(b.count_overlaps(others) > 0 for b in line)

        box = put(text, min(LABEL_PLACES, key=n_covered))
        taken.append(box)


def _between(a, b, n_boxes=20):
    """Small boxes along the line from the middle of one box to that of another."""
    from matplotlib.transforms import Bbox

    start, end = (np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2]) for box in (a, b))
    middles = start + (end - start) * np.linspace(0, 1, n_boxes)[:, None]
    return [Bbox.from_bounds(x - 1, y - 1, 2, 2) for x, y in middles]


def _legend():
    from matplotlib.lines import Line2D

    kinds = {"this filter, by preset": OUR_COLOUR, "other HDF5 filters": PEER_COLOUR, "outside HDF5": OUTSIDE_COLOUR}
    return [Line2D([], [], marker="o", linestyle="", color=colour, label=name) for name, colour in kinds.items()]


def _colour(codec):
    if codec in OURS.values():
        return OUR_COLOUR
    return OUTSIDE_COLOUR if codec in (outside.name for outside in OUTSIDE) else PEER_COLOUR
