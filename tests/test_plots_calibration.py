"""Reliability diagrams: every bin is drawn where it is, and its crops can be counted."""
from itertools import product

import matplotlib
import numpy as np
import pytest
from made_tables import MADE, stored

from tcnsc_lib.experiments import ASKED
from tcnsc_lib.results.plots import COLOURS, STYLE
from tcnsc_lib.results.plots.pictures import draw
from tcnsc_lib.results.plots.reliability import AS_IT_IS, BOUNDS, FEW, KNOWN, SHOWN


@pytest.fixture
def e(tmp_path, monkeypatch):
    yield from stored(tmp_path, monkeypatch)


def panels(e):
    """(detector, codec) -> the diagram and the bars below it."""
    axes = draw("calibration", e).axes
    names = list(product(ASKED, SHOWN))
    assert len(axes) == 2 * len(names)
    return {name: axes[2 * i : 2 * i + 2] for i, name in enumerate(names)}


def rows(name, correction):
    table = MADE["calibration_bins"]
    chosen = (table.detector == name[0]) & (table.codec == name[1])
    return table[chosen & (table.correction == correction)]


def test_each_bin_stands_at_its_confidence_and_accuracy(e):
    for name, (axis, _) in panels(e).items():
        lines = {line.get_label(): line for line in axis.lines}
        for correction in (AS_IT_IS, KNOWN):
            every = rows(name, correction)
            found = every[every.n >= FEW]
            line = lines[correction]
            assert line.get_color() == COLOURS[name[1]]
            np.testing.assert_allclose(line.get_xdata(), found.confidence, rtol=1e-5)
            accuracy = np.maximum(found.right / found.n, BOUNDS[0])
            np.testing.assert_allclose(line.get_ydata(), accuracy, rtol=1e-5)
            assert len(found) == len(every) - 1  # the first bin has few


def test_on_the_grey_line_p_means_what_it_says(e):
    for axis, _ in panels(e).values():
        (diagonal,) = [line for line in axis.lines if line.get_label() not in (AS_IT_IS, KNOWN)]
        assert tuple(diagonal.get_xdata()) == tuple(diagonal.get_ydata()) == (0.5, 1)


def test_the_crops_of_each_bin_can_be_counted(e):
    for name, (_, axis) in panels(e).items():
        for bars, correction in zip(axis.containers, (AS_IT_IS, KNOWN), strict=True):
            found = rows(name, correction)
            assert [bar.get_height() for bar in bars] == found.n.tolist()
            np.testing.assert_allclose([bar.get_x() for bar in bars], found.low, atol=1e-6)
            assert max(found.n) <= axis.get_ylim()[1] and axis.get_ylim()[0] < 1


def test_each_diagram_says_its_error_before_and_after(e):
    errors = MADE["calibration"].set_index(["detector", "codec"])
    for name, (axis, _) in panels(e).items():
        (text,) = axis.texts
        rates = errors.loc[name]
        assert text.get_text() == f"ECE {rates.ece:.1f}, {rates.ece_platt_own:.1f}"


def test_rows_are_named_by_detectors_and_columns_by_codecs(e):
    found = panels(e)
    for detector in ASKED:
        assert found[detector, SHOWN[0]][0].get_ylabel() == detector
    for codec in SHOWN:
        assert found[next(iter(ASKED)), codec][0].get_title() == codec


def test_no_word_leaves_the_picture(e):
    with matplotlib.rc_context(STYLE):
        figure = draw("calibration", e, keep=False)
        figure.canvas.draw()
    words = [*figure.legends, *figure.texts, *(axis.yaxis.label for axis in figure.axes)]
    for place in [word.get_window_extent() for word in words if word.get_visible()]:
        assert figure.bbox.x0 <= place.x0 and place.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= place.y0 and place.y1 <= figure.bbox.y1
