"""Figures 1 to 4: every number of a table is drawn, and nothing else."""
import matplotlib.colors
import numpy as np
import pytest
from made_tables import FOUR, MADE, SHOWN_MODELS, SIDE, crop, store, stored
from matplotlib.patches import FancyBboxPatch

from tcnsc_lib.analysis.gradcam import enlarge
from tcnsc_lib.codecs import codec
from tcnsc_lib.results.plots import LABELS
from tcnsc_lib.results.plots.pictures import draw


@pytest.fixture
def e(tmp_path, monkeypatch):
    yield from stored(tmp_path, monkeypatch)


# Figure 1

def test_figure_1_shows_each_crop_after_each_codec_with_its_numbers(e):
    axes = np.array(draw("figure1", e).axes).reshape(2, 4)
    for line, (row, face) in zip(axes, ((2, "fake"), (0, "real")), strict=True):
        assert line[0].get_ylabel() == face
        for i, (axis, name) in enumerate(zip(line, FOUR, strict=True)):
            shown = axis.images[0].get_array()
            np.testing.assert_array_equal(shown, codec(name)(crop(row)))
            assert axis.get_xlabel() == f"{4 - i}.0 KB, |Δ| {i}.0, blocks {1 + i / 4:.2f}"
            (zoom,) = axis.child_axes
            np.testing.assert_array_equal(zoom.images[0].get_array(), shown[18:22, 9:13])
    titles = [axis.get_title() for axis in axes.flat]
    assert titles == ["(a) RAW", "(b) HQ", "(c) MQ", "(d) LQ", "", "", "", ""]


# Figure 2

def test_figure_2_tells_the_sizes_of_the_network(e):
    texts = [shown.get_text() for shown in draw("figure2", e).axes[0].texts]
    for size in ("128 values\n1,234,567 weights", "32 values\n7,654 weights",
                 "2 values\n258 weights"):
        assert sum(size in text for text in texts) == 1  # the twin's f and g are the same
    assert {"f: the same", "g: the same"} <= set(texts)


def test_figure_2_writes_no_letter_of_an_arrow_onto_a_box(e):
    figure = draw("figure2", e)
    (axis,) = figure.axes
    figure.canvas.draw()
    boxes = [patch.get_window_extent() for patch in axis.patches
             if isinstance(patch, FancyBboxPatch)]
    letters = [text for text in axis.texts if text.get_style() == "italic" and text.get_text()]
    assert (len(boxes), len(letters)) == (11, 7)
    for letter in letters:
        with_margin = letter.get_window_extent().padded(2)
        assert with_margin.count_overlaps(boxes) == 0, letter.get_text()


# Figure 3

def test_figure_3_scatters_every_crop(e):
    table = MADE["figure3"]
    axes = np.array(draw("figure3", e).axes).reshape(2, 3)
    for line, model in zip(axes, SHOWN_MODELS, strict=True):
        assert line[0].get_ylabel() == model
        for axis, name in zip(line, ("RAW", "MQ", "LQ"), strict=True):
            rows = table[(table.model == model) & (table.codec == name)]
            for label, dots in zip((0, 1), axis.collections, strict=True):
                places = rows[rows.label == label][["x", "y"]]
                np.testing.assert_allclose(dots.get_offsets(), places, rtol=1e-6)
                colour = matplotlib.colors.to_hex(dots.get_facecolor()[0])
                assert colour.upper() == LABELS[label][1]
            words = axis.get_xlabel().replace("\n", ", ")
            assert words == "silhouette 0.25, neighbour 86 %, probe 100 %"


# Figure 4

def test_figure_4_lays_each_map_over_its_own_crop(e):
    blocks = dict(zip(SHOWN_MODELS, draw("figure4", e).subfigs, strict=True))
    axes = {model: np.array(block.axes).reshape(4, 4) for model, block in blocks.items()}
    for row in MADE["figure4"].itertuples():
        line = 2 * row.subject + (row.label == 0)
        axis = axes[row.model][line, FOUR.index(row.codec)]
        below, above = axis.images
        np.testing.assert_array_equal(below.get_array(), codec(row.codec)(crop(row.crop)))
        cells = np.float32([[[row.c0, row.c1], [row.c2, row.c3]]])
        np.testing.assert_allclose(above.get_array(), enlarge(cells, SIDE)[0], atol=1e-6)
        assert above.get_clim() == (0, 1)
        assert 0 < above.get_alpha() < 1
        assert axis.get_xlabel() == f"p(fake) {row.p:.2f}"
        assert list(axis.collections[0].levels) == [0.5]
    for model, block in blocks.items():
        assert block.get_suptitle() == f"{model} (2 x 2 cells)"


def test_figure_4_takes_networks_with_unlike_numbers_of_cells_and_maps_without_heat(e):
    table = MADE["figure4"].copy()
    more = table.model == "Xception-RAW"
    for i in range(4, 9):
        table.loc[more, f"c{i}"] = i / 8
    cold = more & (table.codec == "LQ")
    table.loc[cold, [f"c{i}" for i in range(9)]] = 0
    store(e, "figure4", table)
    small, large = draw("figure4", e).subfigs
    assert small.get_suptitle() == "TCNSC (2 x 2 cells)"
    assert large.get_suptitle() == "Xception-RAW (3 x 3 cells)"
    outlined = [bool(axis.collections) for axis in large.axes]
    assert outlined == [True, True, True, False] * 4
