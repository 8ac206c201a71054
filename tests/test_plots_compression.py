"""Figures 5 and 6: every mean, interval and curve is drawn, and the paper's numbers beside them."""
import numpy as np
import pytest
from made_tables import MADE, error_bars, heights, stored

from tcnsc_lib import paper
from tcnsc_lib.analysis.ssim import VARIANTS
from tcnsc_lib.results.plots import LABELS
from tcnsc_lib.results.plots.pictures import draw


@pytest.fixture
def e(tmp_path, monkeypatch):
    yield from stored(tmp_path, monkeypatch)


# Figure 5

@pytest.fixture
def as_defined():
    """The rows of the left side: the measure as defined."""
    table = MADE["figure5_means"]
    return table[table.measure == next(iter(VARIANTS))]


def test_figure_5_hangs_a_bar_from_identity_for_each_mean(e, as_defined):
    left, _ = draw("figure5", e).axes
    ends = [1 + patch.get_height() for patch in left.patches]
    assert ends == pytest.approx(as_defined["mean"].tolist())
    assert all(patch.get_y() == 1 for patch in left.patches)
    hatched = [bool(patch.get_hatch()) for patch in left.patches]
    assert hatched == [False] * 4 + [True] * 4
    low, high = left.get_ylim()
    table = MADE["figure5_means"]
    assert high == 1
    assert low < min(table.low.min(), table.paper.min())


def test_figure_5_puts_interval_and_the_papers_number_at_each_bar(e, as_defined):
    left, _ = draw("figure5", e).axes
    np.testing.assert_allclose(error_bars(left), as_defined[["low", "high"]], rtol=1e-6)
    hollow = [line for line in left.lines if line.get_markerfacecolor() == "white"]
    shown = [heights(line)[0] for line in hollow]
    assert shown == pytest.approx(as_defined.paper.tolist(), nan_ok=True)
    centres = [patch.get_x() + patch.get_width() / 2 for patch in left.patches]
    assert [line.get_xdata()[0] for line in hollow] == pytest.approx(centres)
    assert np.round(centres).tolist() == [0, 1, 2, 3] * 2
    assert [label.get_text() for label in left.get_xticklabels()] == list(paper.CODECS[1:])


def test_figure_5_draws_every_measure_and_joins_webp_with_no_quality_of_jpeg(e):
    _, right = draw("figure5", e).axes
    assert {len(line.get_xdata()) for line in right.lines} == {3, 1}
    drawn = {}
    for line in right.lines:
        places = np.round(line.get_xdata()).astype(int).tolist()
        means = drawn.setdefault((line.get_linestyle(), line.get_color()), {})
        means.update(zip(places, heights(line), strict=True))
    table = MADE["figure5_means"]
    for variant, style in zip(VARIANTS, ("-", "--", "-.", ":"), strict=True):
        for label, (_, colour, _) in LABELS.items():
            these = table[(table.measure == variant) & (table.label == label)]
            expected = dict(enumerate(these["mean"]))
            assert drawn.pop((style, colour)) == pytest.approx(expected)
    assert not drawn


# Figure 6

@pytest.fixture
def panels(e):
    """Label -> the three panels of its line."""
    axes = [axis for axis in draw("figure6", e).axes if axis.get_xlim() != (0.8, 1)]
    return dict(zip((1, 0), np.array(axes).reshape(2, 3), strict=True))


def curve(label: int, definition: str, name: str):
    """The rows of one curve."""
    table = MADE["figure6"]
    return table[(table.label == label) & (table.definition == definition) & (table.codec == name)]


def assert_drawn(line, rows, values):
    np.testing.assert_allclose(line.get_ydata(), values, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(line.get_xdata(), rows.radius, rtol=1e-6)


@pytest.mark.parametrize("label", [1, 0])
def test_figure_6_draws_every_curve(label, panels):
    left, middle, right = panels[label]
    assert left.get_ylabel() == LABELS[label][0]
    (zoom,) = left.child_axes
    raw = curve(label, "power", "RAW")["mean"].to_numpy()
    for i, name in enumerate(paper.CODECS):
        relative = curve(label, "Durall", name)
        power = curve(label, "power", name)
        assert_drawn(left.lines[i], relative, relative["mean"])
        assert_drawn(zoom.lines[i], relative, relative["mean"])
        assert_drawn(middle.lines[i], power, power["mean"])
        assert_drawn(right.lines[i], power, power["mean"] - raw)


def test_figure_6_has_the_fake_above_the_real(panels):
    assert panels[1][0].get_position().y0 > panels[0][0].get_position().y1


@pytest.mark.parametrize("label", [1, 0])
def test_figure_6_bands_are_one_standard_deviation_of_raw(label, panels):
    for axis, definition in zip(panels[label], ("Durall", "power"), strict=False):
        (band,) = axis.collections
        rows = curve(label, definition, "RAW")
        edges = band.get_paths()[0].vertices[:, 1]
        assert edges.min() == pytest.approx((rows["mean"] - rows.sd).min(), rel=1e-6)
        assert edges.max() == pytest.approx((rows["mean"] + rows.sd).max(), rel=1e-6)


@pytest.mark.parametrize("label", [1, 0])
def test_the_enlarged_tail_holds_every_curve_beyond_0_8(label, panels):
    (zoom,) = panels[label][0].child_axes
    low, high = zoom.get_ylim()
    for line in zoom.lines:
        tail = line.get_ydata()[line.get_xdata() > 0.8]
        assert low < tail.min() <= tail.max() < high
