"""Pictures of the tables and of training: every number of a table made by hand is drawn."""
import warnings

import numpy as np
import pandas as pd
import pytest
from made_tables import MADE, accuracies, error_bars, heights, store, stored
from matplotlib.colors import to_rgb

from tcnsc_lib.experiments import (
    AUGMENTED,
    BOTH,
    LAMBDA_0,
    MODEL_A,
    MODEL_B,
    ON_H,
    RANDOM_AUGMENTED,
)
from tcnsc_lib.results.plots import COLOURS, FAINT, LINES, MARKERS, PALE
from tcnsc_lib.results.plots.pictures import PICTURES, draw
from tcnsc_lib.results.trained import BELOW, NO_FEATURES


@pytest.fixture
def e(tmp_path, monkeypatch):
    yield from stored(tmp_path, monkeypatch)


# accuracy by test set

@pytest.mark.parametrize("name", ["table1", "table2", "table3"])
def test_the_figure_of_a_table_draws_its_intervals(name, e):
    table = pd.concat([MADE[stem] for stem in PICTURES[name].tables])
    axes = [axis for axis in draw(name, e).axes if axis.get_title()]
    titles = [axis.get_title() for axis in axes]
    names = list(dict.fromkeys(table.training))
    assert [title.replace("classifier alone,\n", "") for title in titles] == names
    for axis, training in zip(axes, names, strict=True):
        rows = table[table.training == training]
        full = [heights(box[0])[0] for box in axis.containers]
        assert full == pytest.approx(rows.accuracy.tolist())
        np.testing.assert_allclose(error_bars(axis), rows[["low", "high"]], rtol=1e-6)
        hollow = [line for line in axis.lines if line.get_markerfacecolor() == "none"]
        shown = [heights(line)[0] for line in hollow]
        assert shown == pytest.approx(rows.paper.tolist(), nan_ok=True)
        assert [label.get_text() for label in axis.get_xticklabels()] == rows.codec.tolist()
        low, high = axis.get_ylim()
        assert low < min(rows.low.min(), rows.paper.fillna(100).min())
        assert high >= 100


def test_long_names_of_rows_do_not_touch_each_other(e):
    names = ["dual", "model A, linear probe", "untrained f, linear probe", MODEL_B, MODEL_A,
             AUGMENTED, RANDOM_AUGMENTED, BOTH, ON_H, LAMBDA_0]
    store(e, "table2", accuracies(names, 5))
    figure = draw("table2", e, keep=False)
    figure.canvas.draw()
    places = [axis.title.get_window_extent() for axis in figure.axes]
    assert len(places) == len(names)
    for place in places:
        assert place.count_overlaps(places) == 1  # itself
        assert figure.bbox.x0 <= place.x0 < place.x1 <= figure.bbox.x1


def test_an_interval_that_is_a_point_is_marked_and_explained(e):
    words = draw("table3", e).legends[0].get_texts()
    assert len(words) == 2
    table = MADE["table3"].assign(mark=np.nan)
    table.loc[2, ["low", "high"]] = table.loc[2, "accuracy"]  # Meso4 at MQ
    store(e, "table3", table)
    figure = draw("table3", e)
    assert "all crops called alike" in figure.legends[0].get_texts()[2].get_text()
    marked = {axis.get_title(): axis.texts for axis in figure.axes if axis.texts}
    assert list(marked) == ["Meso4"]
    (dagger,) = marked["Meso4"]
    x, y = dagger.get_position()
    assert round(x) == 2
    assert y > table.accuracy[2]


# rows that aren't trained to the end

GREY = to_rgb(FAINT)


def footnote(figure) -> str:
    """Above a legend, or below a picture that has none."""
    if figure.legends:
        return figure.legends[0].get_title().get_text()
    return figure.get_supxlabel()


def with_marks(e, **why: str) -> pd.DataFrame:
    """Table 3 with these rows marked, stored."""
    table = MADE["table3"].assign(mark=MADE["table3"].training.map(why))
    store(e, "table3", table)
    return table


def colours(axis) -> set[tuple[float, ...]]:
    """Of all marks of a panel, full and hollow, and of their intervals."""
    marks = [line for line in axis.lines if line.get_marker() in MARKERS.values()]
    found = {to_rgb(line.get_color()) for line in marks}
    for box in axis.containers:
        found |= {to_rgb(colour) for colour in box[2][0].get_colors()}
    return found


def test_a_marked_row_is_grey_and_the_picture_says_why(e):
    with_marks(e, FWA=f"{BELOW}; {NO_FEATURES}", Meso4=BELOW)
    figure = draw("table3", e)
    axes = {axis.get_title(): axis for axis in figure.axes if axis.get_title()}
    assert colours(axes["FWA"]) == colours(axes["Meso4"]) == {GREY}
    assert axes["FWA"].title.get_color() == PALE
    assert axes["FWA"].title.get_style() == "italic"
    assert axes["TCNSC"].title.get_style() == "normal"
    assert colours(axes["TCNSC"]) == {to_rgb(colour) for colour in COLOURS.values()}
    head, *reasons = footnote(figure).splitlines()
    assert head.startswith("grey, names in italics: not shown to be trained to the end")
    assert reasons == [f"{BELOW}: Meso4, FWA", f"{NO_FEATURES}: FWA"]


@pytest.mark.parametrize("name", ["table1", "table2", "table2_lq", "table3", "table3_lq"])
def test_where_nothing_is_marked_nothing_is_said_of_grey(name, e):
    with_marks(e)
    assert "grey" not in footnote(draw(name, e))


def test_table_3_is_ranked_by_auc_and_marked_rows_have_no_rank(e):
    table = with_marks(e, Meso4=BELOW)
    at_lq = table.codec == "LQ"
    table.loc[at_lq, "auc"] = [99.0, 80.0, 90.0]  # Meso4, FWA, TCNSC
    table.loc[at_lq, ["accuracy", "low", "high"]] = [[90, 88, 92], [85, 84, 86], [70, 69, 71]]
    store(e, "table3", table)
    (axis,) = draw("table3_lq", e).axes
    labels = axis.get_yticklabels()
    assert [label.get_text() for label in labels] == ["Meso4", "FWA", "TCNSC"]  # from below
    assert [label.get_color() == PALE for label in labels] == [True, False, False]
    assert [label.get_style() for label in labels] == ["italic", "normal", "normal"]
    whole, grey = (box[0] for box in axis.containers)
    assert grey.get_xdata().tolist() == [90] and grey.get_ydata().tolist() == [0]
    assert to_rgb(grey.get_color()) == GREY
    assert whole.get_xdata().tolist() == [85, 70] and whole.get_ydata().tolist() == [1, 2]
    assert to_rgb(whole.get_color()) == to_rgb(COLOURS["LQ"])


# all rows on one test set

def test_a_ranking_draws_accuracy_interval_auc_and_the_paper(e):
    (axis,) = draw("table2_lq", e).axes
    rows = MADE["table2"].query("codec == 'LQ'").sort_values("accuracy")
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert labels == rows.training.tolist()  # the best on top
    (box,) = axis.containers
    bars = [segment[:, 0] for segment in box[2][0].get_segments()]
    np.testing.assert_allclose(bars, rows[["low", "high"]], rtol=1e-6)
    lines = {line.get_label(): line for line in axis.lines}
    for line, column in ((box[0], "accuracy"), (lines["AUC"], "auc"),
                         (lines["accuracy, the paper"], "paper")):
        shown = line.get_xdata().tolist()
        assert shown == pytest.approx(rows[column].tolist(), nan_ok=True)


def ticks_of(axis) -> list:
    bars = [line for line in axis.lines if line.get_marker() == "|"]  # ends of intervals too
    return [line for line in bars if line.get_color() == "black" and len(line.get_xdata())]


def test_a_ranking_draws_a_tick_a_seed_at_its_row(e):
    (axis,) = draw("table2_lq", e).axes
    names = [label.get_text() for label in axis.get_yticklabels()]
    (ticks,) = ticks_of(axis)
    single = MADE["table2_seeds"].query("codec == 'LQ'")
    np.testing.assert_allclose(ticks.get_xdata(), single.accuracy, rtol=1e-6)
    places = [names.index(name) for name in single.training]
    assert np.round(ticks.get_ydata()).tolist() == places


def test_one_seed_is_no_tick(e):
    store(e, "table2_seeds", MADE["table2_seeds"].query("seed == 3"))
    (axis,) = draw("table2_lq", e).axes
    assert not ticks_of(axis)


# training

def lines_of(axis, colour: str) -> list:
    return [line for line in axis.lines if line.get_color() == colour]


def test_the_collapse_figure_draws_every_model_in_a_colour_of_its_own(e):
    table = MADE["collapse"]
    figure = draw("collapse", e)
    axes = np.array(figure.axes).reshape(2, 3)
    names = list(dict.fromkeys(table.training))
    for name, colour in zip(names, LINES, strict=True):
        rows = table[table.training == name]
        for (left, middle, _), space in zip(axes, "zh", strict=True):
            twins, different = lines_of(left, colour)
            (rank,) = lines_of(middle, colour)
            np.testing.assert_allclose(twins.get_ydata(), 1 - rows[f"cos_twins_{space}"], rtol=1e-5)
            np.testing.assert_allclose(different.get_ydata(), 1 - rows[f"cos_different_{space}"],
                                       rtol=1e-5)
            np.testing.assert_allclose(rank.get_ydata(), rows[f"rank_{space}"], rtol=1e-5)
            assert twins.get_linestyle() != different.get_linestyle()
            assert twins.get_xdata().tolist() == [1, 10, 100]
    (legend,) = figure.legends
    assert {text.get_text() for text in legend.texts} >= set(names)


def test_a_gradient_is_drawn_of_each_model_that_has_the_loss(e):
    table = MADE["collapse"]
    colours = dict(zip(dict.fromkeys(table.training), LINES, strict=True))
    _, _, above, _, _, below = draw("collapse", e).axes
    without_sim = {MODEL_B, AUGMENTED, LAMBDA_0}
    for axis, term, without in ((above, "sim", without_sim), (below, "cro", {MODEL_A})):
        assert f"Loss_{term}" in axis.get_ylabel()
        for name, colour in colours.items():
            assert len(lines_of(axis, colour)) == (name not in without)


def test_the_gradients_of_the_two_losses_are_drawn_on_one_scale_that_holds_them(e):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        axes = draw("collapse", e).axes
    low, high = axes[2].get_ylim()
    assert axes[5].get_ylim() == (low, high)
    sent = MADE["collapse"][["gradient_sim", "gradient_cro"]].to_numpy()
    assert low <= sent[sent > 0].min()
    assert high >= sent.max()


def test_training_curves_draw_both_losses_and_the_accuracies_that_were_taken(e):
    left, right = draw("training_curves", e).axes
    log = MADE["training_curves"]
    for line, name in zip(left.lines, ("cro", "sim"), strict=False):
        np.testing.assert_allclose(line.get_ydata(), log[name], rtol=1e-6)
    assert right.lines[0].get_xdata().tolist() == [10, 20, 30]
    assert heights(right.lines[0]) == [60, 70, 80]
