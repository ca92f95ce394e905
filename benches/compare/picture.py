"""Ratio against speed, a point for each codec: an SVG file with the same bytes for the same results."""

from .codecs import DEFAULT, ORIGINAL, OURS, OUTSIDE

OUR_COLOUR, PEER_COLOUR, OUTSIDE_COLOUR = "#c03030", "#3060a0", "#707070"
# Where a label may stand, in points from its point; the first where it covers nothing is taken.
_SIDES = [(6, -3, "left"), (-6, -3, "right"), (0, 7, "center"), (0, -13, "center")]
LABEL_PLACES = _SIDES + [(2 * x, y + dy, side) for dy in (9, -9, 16, -16, 23, -23, 30, -30) for x, y, side in _SIDES[:2]]


def draw(results, path):
    import matplotlib

    # Measures labels; savefig goes by the name of the file.
    matplotlib.use("agg")
    matplotlib.rcParams.update({"svg.hashsalt": "h5h264", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(11, 5.2), sharey=True, layout="constrained")
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
    ax.xaxis.set_major_locator(FixedLocator([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]))
    ax.yaxis.set_major_locator(FixedLocator([1, 1.2, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 10]))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(ScalarFormatter())
    ax.grid(color="#dddddd")
    ax.set_axisbelow(True)


def _label(figure, ax):
    """Names the points, where no name covers another or a point; a line leads to one further off."""
    from matplotlib.text import Text

    leader = {"arrowstyle": "-", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3, "relpos": (0.5, 0.5)}
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    points = [line for line in ax.lines if line.get_gid()]
    taken = [point.get_window_extent(renderer).padded(4) for point in points]
    frame = ax.get_window_extent(renderer)
    for point in points:
        name, colour = point.get_gid(), point.get_color()
        text = ax.annotate(
            name,
            point.get_xydata()[0],
            xytext=(0, 0),
            textcoords="offset points",
            color=colour,
            fontweight="bold" if name in OURS.values() else "normal",
            arrowprops={**leader, "color": colour},
        )
        for x, y, side in LABEL_PLACES:
            text.set_position((x, y))
            text.set_horizontalalignment(side)
            text.update_positions(renderer)
            # Of the name alone, without its line.
            box = Text.get_window_extent(text, renderer)
            is_inside = frame.x0 < box.x0 and box.x1 < frame.x1 and frame.y0 < box.y0 and box.y1 < frame.y1
            if is_inside and not any(box.overlaps(other) for other in taken):
                break
        taken.append(box)


def _legend():
    from matplotlib.lines import Line2D

    kinds = {"this filter": OUR_COLOUR, "other HDF5 filters": PEER_COLOUR, "outside HDF5": OUTSIDE_COLOUR}
    return [Line2D([], [], marker="o", linestyle="", color=colour, label=name) for name, colour in kinds.items()]


def _colour(codec):
    if codec in OURS.values():
        return OUR_COLOUR
    return OUTSIDE_COLOUR if codec in (outside.name for outside in OUTSIDE) else PEER_COLOUR
