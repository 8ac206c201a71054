"""Pictures of the study: every stored gain and shift is drawn, and none of the words is cut off."""
import matplotlib
import numpy as np
import pandas as pd
import pytest
from made_tables import MADE, STUDY_ROWS, histogram, store, stored
from matplotlib.colors import to_hex

from tcnsc_lib import paper
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import MODEL_B
from tcnsc_lib.experiments.study import ROWS
from tcnsc_lib.profiles import PROFILES
from tcnsc_lib.results.plots import COLOURS, FAINT, LINES, STYLE
from tcnsc_lib.results.plots.gains import WAYS
from tcnsc_lib.results.plots.pictures import draw
from tcnsc_lib.results.plots.robustness import GROUPS

PLAIN = "as trained"


@pytest.fixture
def e(tmp_path, monkeypatch):
    yield from stored(tmp_path, monkeypatch)


def every_row() -> pd.DataFrame:
    """All rows of the study, each with both statistics."""
    rows = []
    for row in ROWS:
        for statistics in (PLAIN, *row.statistics[:1]):
            rows.append({"group": row.group, "row": row.name, "statistics": statistics,
                         "minus_b": 1.0, "minus_b_low": -20.0, "minus_b_high": 30.0})
    return pd.DataFrame(rows)


# gains

def dots(axis) -> list:
    return [line for line in axis.lines if line.get_marker() == "o"]


def test_the_study_draws_each_gain_full_as_trained_and_hollow_where_re_estimated(e):
    (axis,) = draw("study", e).axes
    table = MADE["study"]
    drawn = dots(axis)
    assert len(drawn) == len(table)
    heights = {label.get_text(): label.get_position()[1] for label in axis.get_yticklabels()}
    for line, row in zip(drawn, table.itertuples(), strict=True):
        assert line.get_xdata().tolist() == pytest.approx([row.minus_b])
        hollow = line.get_markerfacecolor() == "none"
        assert hollow == (row.statistics != PLAIN)
        beside = line.get_ydata()[0] - heights[row.row]
        assert 0 <= beside < 0.5 and (beside > 0) == hollow


def test_the_study_draws_each_interval_at_its_dot(e):
    (axis,) = draw("study", e).axes
    dotted = {float(line.get_ydata()[0]): line for line in dots(axis)}
    ends = {}
    for line in axis.lines:
        if line.get_marker() != "o" and line.get_ydata()[0] in dotted:
            ends[float(line.get_ydata()[0])] = line.get_xdata().tolist()
    expected = MADE["study"][["minus_b_low", "minus_b_high"]].to_numpy()
    assert np.array([ends[height] for height in dotted]) == pytest.approx(expected, nan_ok=True)


def test_the_papers_gain_and_nothing_are_lines_across_the_study(e):
    (axis,) = draw("study", e).axes
    upright = {}
    for line in axis.lines:
        if line.get_color() == FAINT:
            upright[line.get_linestyle()] = line.get_xdata()[0]
    gain = paper.TABLE2.LQ["dual"] - paper.TABLE2.LQ[MODEL_B]
    assert upright == {"-": 0, ":": pytest.approx(gain)}


def test_each_group_that_there_is_stands_under_its_heading(e):
    (axis,) = draw("study", e).axes
    labels = axis.get_yticklabels()
    bold = [label.get_text() for label in labels if label.get_fontweight() == "bold"]
    assert bold == list(GROUPS.values())
    expected = []
    for group, heading in GROUPS.items():
        expected += [heading, *(name for known, name, _ in STUDY_ROWS if known == group)]
    assert [label.get_text() for label in labels] == expected
    assert {row.group for row in ROWS} == set(GROUPS)
    store(e, "study", MADE["study"].query("group != 'repairs'"))
    (axis,) = draw("study", e, keep=False).axes
    assert "repairs" not in [label.get_text() for label in axis.get_yticklabels()]


def test_no_name_of_the_whole_study_touches_another_or_leaves_the_picture(e):
    store(e, "study", every_row())
    with matplotlib.rc_context(STYLE):
        figure = draw("study", e, keep=False)
        figure.canvas.draw()
    (axis,) = figure.axes
    places = [label.get_window_extent() for label in axis.get_yticklabels()]
    assert len(places) == len(ROWS) + len(GROUPS)
    for place in [*places, axis.xaxis.label.get_window_extent()]:
        assert figure.bbox.x0 <= place.x0 < place.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= place.y0 < place.y1 <= figure.bbox.y1
    for place in places:
        assert place.count_overlaps(places) == 1  # itself
    for line in dots(axis):
        assert axis.get_ylim()[1] < line.get_ydata()[0] < axis.get_ylim()[0]


# the first page

def test_the_first_page_draws_each_gain_of_accuracy_and_of_auc_and_how_many_trainings(e):
    (axis,) = draw("study_gains", e).axes
    table = MADE["study"].set_index(["row", "statistics"])
    expected = {}
    for way in WAYS:
        if (way.row, way.statistics) in table.index:
            row = table.loc[way.row, way.statistics]
            expected[f"{way.words} ({row.seeds:.0f})"] = row
    assert len(expected) == 4
    labels = {label.get_text(): label.get_position()[1] for label in axis.get_yticklabels()}
    assert list(labels) == list(expected)
    assert list(labels.values()) == [3, 2, 1, 0]
    accuracy, auc = axis.containers
    for box, column in ((accuracy, "minus_b"), (auc, "auc_minus_b")):
        numbers = [row[column] for row in expected.values()]
        assert box[0].get_xdata().tolist() == pytest.approx(numbers)
        drawn = [segment[:, 0].tolist() for segment in box[2][0].get_segments() if len(segment)]
        limits = [row[[f"{column}_low", f"{column}_high"]].tolist() for row in expected.values()]
        limits = [ends for ends in limits if np.isfinite(ends).all()]
        assert len(limits) == 3  # the fourth is of a single training
        assert np.array(drawn) == pytest.approx(np.array(limits))


def test_on_the_first_page_the_papers_gain_stands_beside_its_own_model_alone(e):
    (axis,) = draw("study_gains", e).axes
    (ring,) = [line for line in axis.lines if line.get_markerfacecolor() == "none"]
    gain = paper.TABLE2.LQ["dual"] - paper.TABLE2.LQ[MODEL_B]
    assert ring.get_xdata() == pytest.approx([gain])
    heights = {label.get_text(): label.get_position()[1] for label in axis.get_yticklabels()}
    assert ring.get_ydata().tolist() == [heights["dual, the paper's model (10)"]]


def test_ways_that_a_profile_lacks_are_left_out_of_the_first_page(e):
    store(e, "study", MADE["study"].query("row == 'lambda 0'"))
    (axis,) = draw("study_gains", e, keep=False).axes
    (label,) = axis.get_yticklabels()
    assert label.get_text().startswith("lambda 0: ")


@pytest.mark.parametrize("profile", ["demo", "photos"])
def test_every_way_of_the_first_page_is_in_the_committed_study(profile):
    table = Evidence(PROFILES[profile]).read("study")
    told = set(zip(table.row, table.statistics, strict=True))
    assert {(way.row, way.statistics) for way in WAYS} <= told


# channels

def test_the_channel_is_drawn_on_both_codecs_with_its_means(e):
    left, _ = draw("channels", e).axes
    curves = {line.get_label(): line for line in left.lines if line.get_label() in COLOURS}
    table = MADE["channel"]
    assert set(curves) == {"RAW", "LQ"}
    for name, rows in table.groupby("codec"):
        assert to_hex(curves[name].get_color()).upper() == COLOURS[name]
        middle = (rows.left + rows.right) / 2
        np.testing.assert_allclose(curves[name].get_xdata(), middle, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(curves[name].get_ydata(), 100 * rows.share, rtol=1e-5)
    upright = {line.get_xdata()[0]: line for line in left.lines if len(line.get_xdata()) == 2}
    assert sorted(upright) == pytest.approx([0, 0.2, 1])
    assert upright[0.2].get_color() == FAINT
    assert upright[0.2].get_label() == "running mean"
    assert "layer 4" in left.get_xlabel()  # the fourth, which is number 3


def test_the_distances_at_lq_are_drawn_a_line_a_model_by_layer(e):
    _, right = draw("channels", e).axes
    table = MADE["channel_shifts"].query("codec == 'LQ'")
    models = list(dict.fromkeys(table.model))
    assert [line.get_label() for line in right.lines] == models
    for line, model, colour in zip(right.lines, models, LINES, strict=False):
        rows = table[table.model == model]
        assert line.get_color() == colour
        assert line.get_xdata().tolist() == (rows.layer + 1).tolist()
        np.testing.assert_allclose(line.get_ydata(), rows["shift"], rtol=1e-5)
    assert right.get_ylim()[0] == 0


def test_the_words_of_the_channels_stay_in_the_picture_and_apart(e):
    with matplotlib.rc_context(STYLE):
        figure = draw("channels", e, keep=False)
        figure.canvas.draw()
    left, right = figure.axes
    words = [left.xaxis.label, left.yaxis.label, right.xaxis.label, right.yaxis.label]
    places = [word.get_window_extent() for word in words]
    places += [axis.get_legend().get_window_extent() for axis in figure.axes]
    for place in places:
        assert figure.bbox.x0 <= place.x0 < place.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= place.y0 < place.y1 <= figure.bbox.y1
        assert place.count_overlaps(places) == 1


def test_a_channel_of_another_layer_says_so(e):
    store(e, "channel", histogram().assign(layer=0))
    left, _ = draw("channels", e, keep=False).axes
    assert "layer 1" in left.get_xlabel()
