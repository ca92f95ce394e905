"""Ratio against speed, a point for each codec: an SVG file with the same bytes for the same results."""

from .codecs import JPEG_XL, ORIGINAL, OURS

OUR_COLOUR, PEER_COLOUR, OUTSIDE_COLOUR = "#c03030", "#3060a0", "#707070"
# Where a label may stand, in points from its point; the first where it covers nothing is taken.
_SIDES = [(6, -3, "left"), (-6, -3, "right"), (0, 7, "center"), (0, -13, "center")]
LABEL_PLACES = _SIDES + [(2 * x, y + dy, side) for dy in (9, -9, 16, -16, 23, -23, 30, -30) for x, y, side in _SIDES[:2]]


def draw(results, path):
    import matplotlib

    # Measures labels; savefig goes by the name of the file.
    matplotlib.use("agg")
    matplotlib.rcParams.update({"svg.hashsalt": "h5h264", "svg.fonttype": "none", "font.size": 8})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(12, 6), sharey=True, layout="constrained")
    for ax, quantity in zip(axes, ("encode", "decode")):
        _plot(ax, points(results, quantity))
        ax.set_xlabel(f"{quantity} speed, MB/s of uncompressed frames")
    axes[0].set_ylabel("uncompressed / stored bytes")
    figure.suptitle(f"Geometric means over the {len(results.common())} sequences that all can store")
    for ax in axes:
        _label(figure, ax)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def points(results, quantity):
    """Codec: speed, ratio, and whether it was lossless, of all that stored the common sequences."""
    common = results.common()
    if not common:
        return {}
    found = {}
    for codec in dict.fromkeys(codec for _, codec in results.cells):
        is_exact = all(results.is_exact(sequence, codec) for sequence in common)
        found[codec] = (results.mean(codec, quantity, common), results.mean(codec, "ratio", common), is_exact)
    return found


def _plot(ax, found):
    from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

    for codec, (speed, ratio, is_exact) in found.items():
        colour = _colour(codec)
        ax.plot(speed, ratio, "o", color=colour, fillstyle="full" if is_exact else "none", gid=codec)
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
    taken = [line.get_window_extent(renderer).padded(4) for line in ax.lines]
    frame = ax.get_window_extent(renderer)
    for line in ax.lines:
        is_exact = line.get_fillstyle() == "full"
        name = line.get_gid() if is_exact else f"{line.get_gid()} (lossy)"
        colour = line.get_color()
        text = ax.annotate(
            name,
            line.get_xydata()[0],
            xytext=(0, 0),
            textcoords="offset points",
            color=colour,
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


def _colour(codec):
    if codec in OURS.values():
        return OUR_COLOUR
    return OUTSIDE_COLOUR if codec == ORIGINAL or codec in (c.name for c in JPEG_XL) else PEER_COLOUR
