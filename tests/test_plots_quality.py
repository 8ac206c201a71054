"""Pictures of any quality: every stored rate is drawn, in its place, and no word is cut off."""
import matplotlib
import numpy as np
import pytest
from made_tables import MADE, stored

from tcnsc_lib.analysis.survival import USABLE
from tcnsc_lib.chains import CHAINS, JPEG, QUALITIES
from tcnsc_lib.experiments import ASKED
from tcnsc_lib.results.plots import LINES, STYLE
from tcnsc_lib.results.plots.pictures import draw
from tcnsc_lib.results.plots.qualities import DARK


@pytest.fixture
def e(tmp_path, monkeypatch):
    yield from stored(tmp_path, monkeypatch)


def rows(detector: str):
    table = MADE["quality"]
    return table[(table.detector == detector) & (table.group == JPEG)]


@pytest.mark.parametrize("panel, measure", [(0, "accuracy"), (1, "auc")])
def test_each_detector_is_a_line_over_jpeg_quality_in_a_band(e, panel, measure):
    axis = draw("quality", e).axes[panel]
    lines = [line for line in axis.lines if line.get_label() in ASKED]
    assert [line.get_label() for line in lines] == list(ASKED)
    for line, band, colour in zip(lines, axis.collections, LINES, strict=True):
        found = rows(line.get_label())
        assert line.get_color() == colour
        assert line.get_xdata().tolist() == list(QUALITIES)
        np.testing.assert_allclose(line.get_ydata(), found[measure], rtol=1e-5)
        heights = band.get_paths()[0].vertices[:, 1]
        assert heights.min() == pytest.approx(found[f"{measure}_low"].min(), rel=1e-5)
        assert heights.max() == pytest.approx(found[f"{measure}_high"].max(), rel=1e-5)


def test_what_counts_as_usable_is_a_line(e):
    for axis in draw("quality", e).axes:
        level = [line for line in axis.lines if line.get_linestyle() == ":"]
        assert [line.get_ydata()[0] for line in level] == [100 * USABLE]


@pytest.mark.parametrize("panel, measure", [(0, "accuracy"), (1, "auc")])
def test_the_heat_table_has_each_rate_at_its_chain_and_detector(e, panel, measure):
    first, *_ = axes = draw("quality_chains", e).axes
    axis = axes[panel]
    down = [label.get_text() for label in first.get_yticklabels()]  # both panels share them
    across = [label.get_text() for label in axis.get_xticklabels()]
    assert (down, across) == (list(CHAINS), list(ASKED))
    found = {}
    for text in axis.texts:
        column, row = text.get_position()
        found[across[int(column)], down[int(row)]] = text.get_text()
    for each in MADE["quality"].to_dict("records"):
        value = each[measure]
        assert found[each["detector"], each["chain"]] == f"{value:.0f}"
    assert len(found) == len(MADE["quality"]) == len(axis.texts)


def test_a_number_is_white_on_dark_and_black_on_light(e):
    (axis, _) = draw("quality_chains", e).axes
    for text in axis.texts:
        if abs(float(text.get_text()) - DARK) > 1:
            assert (text.get_color() == "white") == (float(text.get_text()) < DARK)


@pytest.mark.parametrize("name", ["quality", "quality_chains"])
def test_no_word_leaves_the_picture_and_chains_stand_apart(e, name):
    with matplotlib.rc_context(STYLE):
        figure = draw(name, e, keep=False)
        figure.canvas.draw()
    axis = figure.axes[0]
    words = [axis.title, axis.xaxis.label, *figure.legends]
    if name == "quality_chains":
        words = [axis.title, *axis.get_xticklabels(), *axis.get_yticklabels()]
    for place in [word.get_window_extent() for word in words]:
        assert figure.bbox.x0 <= place.x0 < place.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= place.y0 < place.y1 <= figure.bbox.y1
    chains = [label.get_window_extent() for label in axis.get_yticklabels()]
    if name == "quality_chains":
        assert all(place.count_overlaps(chains) == 1 for place in chains)
