"""Tables and their figures, from probabilities made by hand; the paper's sentences are in test_claims.py.

Two test people with four crops each, so the interval of a mean goes from the one person's mean to the other's: of two
people drawn, both are the same one in a quarter of the draws.
"""
import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import P
from matplotlib import pyplot

from tcnsc_lib import paper, tables
from tcnsc_lib.drawing import LINES
from tcnsc_lib.drawing import tables as plots
from tcnsc_lib.experiments import (AUGMENTED, CONTROLS, DUAL, EXPERIMENTS, JPEG, MODEL_A, ON_H, PROBE, SEEDED,
                                   UNCOMPARED,
                                   UNTRAINED)
from tcnsc_lib.profiles import PROFILES, Profile

def check(table: pd.DataFrame, rows: list[str], accuracy: dict[str, list[float]], theirs: pd.DataFrame) -> None:
    """The rows in this order, five test sets each, ours by hand, the paper's beside them where it has the row."""
    assert table.training.tolist() == [row for row in rows for _ in range(5)]
    assert table.codec.tolist() == list(paper.CODECS) * len(rows)
    for row in rows:
        part = table[table.training == row]
        assert part.accuracy.tolist() == pytest.approx(accuracy.get(row, [100] * 5)), row
        assert part.paper.tolist() == (theirs.loc[row].tolist() if row in theirs.index else pytest.approx(
            [np.nan] * 5, nan_ok=True)), row


def test_table1_has_the_papers_rows(say):
    say("(RAW, LQ)", LQ=(3, 4))
    say("(LQ, MQ)", RAW=(0, 0))
    table = tables.table1(P)
    check(table, ["(RAW, HQ)", "(RAW, MQ)", "(RAW, LQ)", "(LQ, MQ)"],
          {"(RAW, LQ)": [100, 100, 100, 87.5, 100], "(LQ, MQ)": [0, 100, 100, 100, 100]}, paper.TABLE1)
    row = table.set_index(["training", "codec"]).loc[("(RAW, LQ)", "LQ")]
    assert (row.low, row.high) == (75, 100)


def test_table1_read_literally_names_the_same_runs_otherwise(say):
    say("(RAW, LQ)", LQ=(3, 4))
    say("(HQ, MQ)", RAW=(1, 1))
    check(tables.literal_table1(P), ["(RAW, HQ)", "(RAW, MQ)", "(RAW, LQ)", "(LQ, MQ)"],
          {"(RAW, HQ)": [100, 100, 100, 87.5, 100], "(LQ, MQ)": [25, 100, 100, 100, 100]}, paper.TABLE1)


def test_table2_has_the_papers_rows_and_then_controls_that_the_paper_lacks(say):
    say(DUAL, LQ=(2, 2), WEBP=(4, 2))
    say(MODEL_A, RAW=(2, 2))
    say(PROBE, HQ=(3, 3))
    say(AUGMENTED, MQ=(0, 4))
    say(UNCOMPARED, WEBP=(1, 0))
    table = tables.table2(P)
    check(table, ["model A", PROBE, UNTRAINED, "model B", "dual", *CONTROLS],
          {"dual": [100, 100, 100, 50, 75], "model A": [50, 100, 100, 100, 100], PROBE: [100, 75, 100, 100, 100],
           AUGMENTED: [100, 100, 50, 100, 100], UNCOMPARED: [100, 100, 100, 100, 12.5]}, paper.TABLE2)
    assert table.paper.notna().sum() == 15
    assert list(CONTROLS) == ["(i) both views, no similarity", "(ii) random JPEG, no similarity",
                              "(iii) dual, both views classified", "(iv) dual, similarity on h", "(v) dual, nothing compared"]
    assert (table.seed == 3).all() and (table.n == 8).all() and (table.units == 2).all()


def test_table3_has_the_papers_rows_and_tcnsc_is_the_dual_model(say):
    say(DUAL, MQ=(1, 1))
    say("FWA", RAW=(2, 4))
    check(tables.table3(P), ["Xception-RAW", "Xception-C23", "Xception-C40", "MesoInception", "Meso4", "Capsule", "FWA",
                             "DSP-FWA", "TCNSC"],
          {"TCNSC": [100, 100, 25, 100, 100], "FWA": [75, 100, 100, 100, 100]}, paper.TABLE3)


def test_difficulty_is_model_b(say):
    say("model B", LQ=(1, 2))
    check(tables.difficulty(P), ["model B"], {"model B": [100, 100, 100, 37.5, 100]}, paper.TABLE2)


def test_wide_keeps_the_papers_order(say):
    say("Capsule", WEBP=(0, 1))
    wide = tables.wide(tables.table3(P))
    assert wide.index.tolist() == list(paper.TABLE3.index) and wide.columns.tolist() == list(paper.CODECS)
    assert wide.loc["Capsule"].tolist() == [100, 100, 100, 100, 12.5]


def test_jobs_all_trains_every_experiment_and_the_seeds_of_the_main_rows():
    for p in (P, PROFILES["photos"], PROFILES["ffpp"]):
        seeds = {(name, p.seed + i) for name in SEEDED for i in range(1, p.seeds)}
        second = {"model A", "model B", DUAL, *CONTROLS}
        assert len(seeds) == 5 * (p.seeds - 1) > 0 and len(second) == 8
        assert set(tables.jobs("all", p)) == {(name, None) for name in EXPERIMENTS} | seeds
        assert set(tables.jobs("2", p)) == {(name, None) for name in second} | seeds
        assert {name for name, _ in tables.jobs("1", p)} == {*paper.TABLE1.index, "model B"}
        assert {name for name, _ in tables.jobs("3", p)} == {*paper.TABLE3.index, DUAL} - {"TCNSC"}
    assert {job for job in tables.jobs("2", P) if job[1] is not None} == {
        ("(RAW, LQ)", 4), ("model B", 4), ("(i) both views, no similarity", 4), ("(iv) dual, similarity on h", 4),
        ("(v) dual, nothing compared", 4)}


def test_the_ablation_tells_what_each_row_sees():
    table = tables.ablation(PROFILES["demo"]).set_index("row")
    assert (table.steps == 320).all() and table.index.tolist() == [MODEL_A, "model B", "dual", *CONTROLS]
    by_hand = {"model A": ("RAW, LQ", "nothing", "z, λ = 1", 128), "model B": ("RAW", "X", "nothing", 64),
               "dual": ("RAW, LQ", "X", "z, λ = 1", 128),
               AUGMENTED: ("RAW, LQ", "X and X'", "nothing", 128),
               JPEG: ("RAW, random JPEG", "X and X'", "nothing", 128),
               "(iii) dual, both views classified": ("RAW, LQ", "X and X'", "z, λ = 1", 128),
               "(iv) dual, similarity on h": ("RAW, LQ", "X", "h, λ = 1", 128),
               "(v) dual, nothing compared": ("RAW, LQ", "X", "nothing", 128)}
    assert {row.Index: tuple(row)[1:5] for row in table.itertuples()} == by_hand


# seeds

def test_means_and_deviations_over_seeds_by_hand(say):
    say(DUAL, 3, LQ=(4, 4))
    say(DUAL, 4, LQ=(2, 2), RAW=(4, 3))
    say(AUGMENTED, 4, WEBP=(3, 3))
    names = ["dual", "model B", AUGMENTED, ON_H, UNCOMPARED]
    each = tables.seeds(P)  # a row each test set, seed and training
    assert each.training.tolist() == [name for name in names for _ in range(10)]
    assert each.seed.tolist() == [seed for _ in names for seed in (3, 4) for _ in range(5)]
    assert each[each.codec == "LQ"].accuracy.tolist() == [100, 50, *[100] * 8]
    table = tables.seed_summary(P).set_index(["training", "codec"])
    assert table.index.get_level_values(0).unique().tolist() == names and len(table) == 25
    assert table.loc[("dual", "LQ"), ["accuracy", "accuracy_sd"]].tolist() == pytest.approx([75, 50 / 2**0.5])
    assert table.loc[("dual", "RAW"), ["accuracy", "accuracy_sd"]].tolist() == pytest.approx([93.75, 12.5 / 2**0.5])
    assert table.loc[(AUGMENTED, "WEBP"), ["accuracy", "accuracy_sd"]].tolist() == pytest.approx([87.5, 25 / 2**0.5])
    assert table.loc[("model B", "LQ"), ["accuracy", "accuracy_sd", "auc", "auc_sd"]].tolist() == [100, 0, 100, 0]
    assert (table.seeds == 2).all()
    assert table.loc[("dual", "LQ"), ["auc", "auc_sd"]].tolist() == pytest.approx([75, 50 / 2**0.5])  # all called real


def test_one_seed_has_no_deviation(say):
    one = Profile("toy", "photos", seed=3, seeds=1)
    say(DUAL, LQ=(3, 3))
    table = tables.seed_summary(one)
    assert (table[["accuracy_sd", "auc_sd"]] == 0).all(axis=None) and (table.seeds == 1).all()
    assert (tables.seed_differences(one).eval("least == difference == most")).all()


def test_differences_over_seeds_by_hand(say):
    say(DUAL, 3, LQ=(4, 4))
    say(DUAL, 4, LQ=(4, 3))
    say("model B", 3, LQ=(2, 1))  # dual less model B: seed 3 (2, 3) of 4, seed 4 (4, 2) of 4
    say("model B", 4, LQ=(0, 1))
    say(AUGMENTED, 4, LQ=(2, 2))
    table = tables.seed_differences(P)
    titles = ["dual - model B", "dual - (i)", "dual - (v)", "(i) - model B", "(iv) - model B", "(iv) - (i)"]
    assert table["difference of accuracy"].tolist() == [title for title in titles for _ in range(5)]
    assert table.codec.tolist() == list(paper.CODECS) * 6
    assert table.columns.tolist()[2:] == ["difference", "low", "high", "least", "most", "settled"]
    at_lq = table[table.codec == "LQ"].set_index("difference of accuracy")
    assert at_lq.loc["dual - model B", "difference":"most"].tolist() == pytest.approx([68.75, 62.5, 75, 62.5, 75])
    assert at_lq.loc["dual - (i)", "difference":"most"].tolist() == pytest.approx([18.75, 12.5, 25, 0, 37.5])
    assert at_lq.loc["(i) - model B", "difference":"most"].tolist() == pytest.approx([50, 50, 50, 37.5, 62.5])
    assert at_lq.loc["dual - (v)", "difference":"most"].tolist() == pytest.approx([-6.25, -12.5, 0, -12.5, 0])
    assert at_lq.loc["(iv) - model B", "difference":"most"].tolist() == pytest.approx([75, 75, 75, 62.5, 87.5])
    assert at_lq.loc["(iv) - (i)", "difference":"most"].tolist() == pytest.approx([25, 25, 25, 0, 50])
    assert at_lq.settled.tolist() == ["yes", "no", "no", "yes", "yes", "no"]
    elsewhere = table[table.codec != "LQ"]
    assert (elsewhere.loc[:, "difference":"most"] == 0).all(axis=None) and (elsewhere.settled == "no").all()


@pytest.mark.parametrize("title, better, worse, sign", [
    ("dual - model B", DUAL, "model B", 1), ("(i) - model B", "model B", AUGMENTED, -1)])
def test_a_difference_is_settled_where_interval_and_every_seed_lie_on_one_side_of_0(say, title, better, worse, sign):
    say(worse, 3, RAW=(2, 3), MQ=(0, 0), LQ=(2, 3), WEBP=(4, 2))
    say(worse, 4, RAW=(3, 3), WEBP=(4, 3))
    say(better, 3, HQ=(2, 3))
    say(better, 4, HQ=(3, 3), MQ=(3, 4))
    expected = {  # better less worse: mean, low, high, least, most
        "RAW": (31.25, 25, 37.5, 25, 37.5, "yes"),
        "HQ": (-31.25, -37.5, -25, -37.5, -25, "yes"),
        "MQ": (43.75, 37.5, 50, -12.5, 100, "no"),  # the interval excludes 0, one seed has the other sign
        "LQ": (18.75, 12.5, 25, 0, 37.5, "no"),  # the interval excludes 0, one seed is 0
        "WEBP": (18.75, 0, 37.5, 12.5, 25, "no")}  # both seeds are above 0, the interval reaches it
    table = tables.seed_differences(P)
    rows = table[table["difference of accuracy"] == title].set_index("codec")
    for codec, (mean, low, high, least, most, settled) in expected.items():
        numbers = [mean, low, high, least, most] if sign > 0 else [-mean, -high, -low, -most, -least]
        assert rows.loc[codec, "difference":"most"].tolist() == pytest.approx(numbers), codec
        assert rows.settled[codec] == settled, codec


# what runs tell, and figures

SEEN = ["gradient_cro", "gradient_sim", *(f"{what}_{space}" for space in "zh"
                                          for what in ("cos_twins", "cos_different", "spread", "rank"))]


@pytest.fixture
def logs(monkeypatch) -> None:
    """Runs of 30 steps, watched before steps 1, 3, 10 and 30, whose gradients fall from 10 to 0.01; costs by hand."""
    def run(name, p, seed=None):
        log = pd.DataFrame({"iteration": range(1, 31), "total": 1.0})
        for i, column in enumerate(SEEN):
            log[column] = log.iteration.map({1: 10.0, 3: 1.0, 10: 0.1, 30: 0.01}) / (30 if i > 1 else 1)
        if name in (MODEL_A, "model B", AUGMENTED, UNCOMPARED):
            log["gradient_cro" if name == MODEL_A else "gradient_sim"] *= 0
        schedule = {"iterations": 30, "batch_size": 8, "optimizer": "adam", "learning_rate": 0.1}
        detector = torch.nn.Linear(3, 2)
        detector.input_size = 32
        return SimpleNamespace(log=log, config={"schedule": schedule}, environment={"seconds": 12.0}, detector=detector)

    monkeypatch.setattr(tables, "train_experiment", run)


def test_the_collapse_table_has_a_row_each_look_at_each_model(logs):
    table = tables.collapse(P)
    names = ["dual", "model B", "model A", "(i) both views, no similarity", "(iv) dual, similarity on h",
             "(v) dual, nothing compared"]
    assert tables.WATCHED == (("dual", DUAL), *((name, name) for name in names[1:]))
    assert table.training.tolist() == [name for name in names for _ in range(4)]
    assert table.updates.tolist() == [0, 2, 9, 29] * len(names)
    assert set(table) == {"training", "updates", *SEEN} and table.notna().all(axis=None)
    assert table[table.gradient_sim == 0].training.unique().tolist() == [names[1], names[3], names[5]]


def test_costs_by_hand(logs):
    table = tables.costs(P).set_index("detector")
    assert table.index.tolist() == list(paper.TABLE3.index)
    for _, row in table.iterrows():
        assert row[["parameters", "input_size", "iterations", "crops_seen"]].tolist() == [8, 32, 30, 240]
        assert row[["seconds", "crops_per_second"]].tolist() == [12, 20]


@pytest.mark.parametrize("number, count", [(2, 10), (3, 9)])
def test_the_figure_of_a_table_draws_every_number_of_every_row(say, number, count):
    say("Capsule", LQ=(0, 1))
    say(MODEL_A, HQ=(2, 3))
    table = {2: tables.table2, 3: tables.table3}[number](P)
    figure = plots.table_plot(table)
    drawn = {axis.get_title().replace("\n", " "): axis for axis in figure.axes if axis.get_title()}
    if number == 2:
        drawn = {"model B" if name == "classifier alone, model B" else name: axis for name, axis in drawn.items()}
    assert list(drawn) == list(dict.fromkeys(table.training)) and len(drawn) == count
    for name, axis in drawn.items():
        rows = table[table.training == name]
        assert [box[0].get_ydata()[0] for box in axis.containers] == rows.accuracy.tolist()
        hollow = [line.get_ydata()[0] for line in axis.lines if line.get_markerfacecolor() == "none"]
        assert hollow == pytest.approx(rows.paper.tolist(), nan_ok=True)
        assert [label.get_text() for label in axis.get_xticklabels()] == list(paper.CODECS)
        low, high = axis.get_ylim()
        assert low < min(rows.low.min(), rows.paper.fillna(100).min()) and high >= 100
    pyplot.close(figure)


def test_the_collapse_figure_draws_every_model_in_a_colour_of_its_own(logs):
    table = tables.collapse(P)
    figure, names = plots.collapse(table), list(dict.fromkeys(table.training))
    colours = dict(zip(names, LINES))
    assert len(colours) == len(names)
    axes = np.array(figure.axes).reshape(2, 3)
    for line, space in zip(axes, "zh", strict=True):
        for name, colour in colours.items():
            rows = table[table.training == name]
            twins, different = (shown for shown in line[0].lines if shown.get_color() == colour)
            np.testing.assert_allclose(twins.get_ydata(), 1 - rows[f"cos_twins_{space}"])
            np.testing.assert_allclose(different.get_ydata(), 1 - rows[f"cos_different_{space}"])
            assert twins.get_linestyle() != different.get_linestyle() and twins.get_xdata().tolist() == [1, 3, 10, 30]
            (rank,) = (shown for shown in line[1].lines if shown.get_color() == colour)
            np.testing.assert_allclose(rank.get_ydata(), rows[f"rank_{space}"])
    for axis, term, without in ((axes[0, 2], "sim", {"model B", AUGMENTED, UNCOMPARED}), (axes[1, 2], "cro", {MODEL_A})):
        assert {shown.get_color() for shown in axis.lines} == {colours[name] for name in names if name not in without}
        assert f"Loss_{term}" in axis.get_ylabel()
    (legend,) = figure.legends
    assert {text.get_text() for text in legend.texts} >= set(names)
    pyplot.close(figure)


def test_the_gradients_of_the_two_losses_are_drawn_on_one_scale_that_holds_them(logs):
    table = tables.collapse(P)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = plots.collapse(table)
    (low, high), other = (figure.axes[i].get_ylim() for i in (2, 5))
    assert (low, high) == other and low <= 0.01 and high >= 10
    pyplot.close(figure)
