"""What networks and trainings tell, by hand: sizes, collapse, costs, agreement."""
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional as F

from tcnsc_lib.analysis.runs import (
    agreement,
    collapse,
    collapsed,
    costs,
    network,
    validation,
)
from tcnsc_lib.detectors.tcnsc import TCNSC

GRADIENTS = ["gradient_cro", "gradient_sim"]
OF_Z = ["cos_twins_z", "cos_different_z", "spread_z", "rank_z"]
OF_H = ["cos_twins_h", "cos_different_h", "spread_h", "rank_h"]


def test_the_parts_of_tcnsc_have_the_papers_sizes():
    table = network(TCNSC()).set_index("part")
    assert table.index.tolist() == ["f", "g", "c"]
    assert table.output.tolist() == [512, 128, 2]
    resnet18 = 11_689_512 - 512 * 1000 - 1000  # torchvision's, without its last layer
    g = 512 * 512 + 512 + 512 * 128 + 128
    assert table.parameters.tolist() == [resnet18, g, 512 * 2 + 2]


def test_a_narrow_tcnsc_is_told_as_it_is():
    table = network(TCNSC(32, width=4, width_z=8)).set_index("part")
    assert table.output.tolist() == [32, 8, 2]
    assert table.parameters["g"] == 32 * 32 + 32 + 32 * 8 + 8


# collapse

def log(still: str = "") -> pd.DataFrame:
    """30 steps, watched before steps 1, 3, 10 and 30; gradients fall from 10 to 0.01.

    still: a gradient that is always 0.
    """
    table = pd.DataFrame({"iteration": range(1, 31), "total": 1.0, "lr": 0.1})
    falling = table.iteration.map({1: 10.0, 3: 1.0, 10: 0.1, 30: 0.01})
    for column in GRADIENTS:
        table[column] = falling * (column != still)
    for column in (*OF_Z, *OF_H):
        table[column] = falling / 30
    return table


def test_the_collapse_table_has_a_row_each_look_at_each_model():
    logs = {"dual": log(), "model B": log("gradient_sim"), "model A": log("gradient_cro")}
    table = collapse(logs)
    assert table.columns.tolist() == ["training", "updates", *GRADIENTS, *OF_Z, *OF_H]
    assert table.training.tolist() == list(np.repeat(list(logs), 4))
    assert table.updates.tolist() == [0, 2, 9, 29] * 3
    assert table.notna().all(axis=None)
    assert table.gradient_cro[:4].tolist() == [10, 1, 0.1, 0.01]
    assert set(table[table.gradient_sim == 0].training) == {"model B"}
    assert set(table[table.gradient_cro == 0].training) == {"model A"}


def test_what_is_left_at_the_end_is_the_last_look_at_each_training():
    logs = {("dual", 0): ("dual-seed0", log()), ("dual", 1): ("dual-seed1", log("gradient_sim"))}
    table = collapsed(logs)
    assert table.columns.tolist() == ["training", "seed", "run", *GRADIENTS, *OF_Z, *OF_H]
    assert table.iloc[:, :3].to_numpy().tolist() == [
        ["dual", 0, "dual-seed0"], ["dual", 1, "dual-seed1"]]
    assert table.gradient_cro.tolist() == [0.01, 0.01]
    assert table.gradient_sim.tolist() == [0.01, 0.0]
    assert table.rank_z.tolist() == [0.01 / 30] * 2


# validation

def test_validation_has_the_points_of_each_curve_by_hand():
    nothing = np.nan
    log = pd.DataFrame({
        "iteration": [1, 2, 3], "val_accuracy": [nothing, 90.0, 95.0],
        "val_auc": [nothing, 97.0, 99.0], "val_accuracy_LQ": [nothing, 60.0, 70.0],
        "val_auc_LQ": [nothing, 80.0, 85.0]})
    table = validation({("model B", 0): log, ("dual", 1): log})
    columns = ["training", "seed", "iteration", "RAW", "LQ", "auc_RAW", "auc_LQ"]
    assert table.columns.tolist() == columns
    assert table.to_numpy().tolist() == [
        ["model B", 0, 2, 90.0, 60.0, 97.0, 80.0], ["model B", 0, 3, 95.0, 70.0, 99.0, 85.0],
        ["dual", 1, 2, 90.0, 60.0, 97.0, 80.0], ["dual", 1, 3, 95.0, 70.0, 99.0, 85.0]]


# costs

def test_costs_by_hand():
    detector = torch.nn.Linear(3, 2)
    detector.input_size = 32
    schedule = {"iterations": 30, "batch_size": 8, "optimizer": "adam", "learning_rate": 0.1}
    log = pd.DataFrame({"val_auc": [np.nan, 60.0, np.nan, 97.5, np.nan]})
    run = SimpleNamespace(detector=detector, config={"schedule": schedule}, log=log,
                          environment={"seconds": 12.0})
    table = costs({"Capsule": run, "TCNSC": run}).set_index("detector")
    assert table.index.tolist() == ["Capsule", "TCNSC"]
    for row in table.itertuples():
        assert (row.parameters, row.input_size) == (8, 32)
        assert (row.optimizer, row.batch_size, row.learning_rate) == ("adam", 8, 0.1)
        assert (row.iterations, row.crops_seen) == (30, 240)
        assert (row.seconds, row.crops_per_second) == (12, 20)
        assert row.val_auc == 97.5  # the last that was taken


# agreement

ROWS = ["twins (RAW, LQ)", "different people", "real against fake"]


@pytest.fixture
def pairs(toy_faces) -> pd.DataFrame:
    return toy_faces.pairs("test", ("identity", "frame"))


def test_agreement_is_the_mean_cosine_of_pairs(toy_faces, pairs):
    detector = TCNSC(32, width=4, width_z=8).eval()
    spaces = {"z, untrained": (detector, "z"), "h, untrained": (detector, "h")}
    table = agreement(spaces, toy_faces, pairs)
    assert table.columns.tolist() == ["space", *ROWS]
    assert table.space.tolist() == list(spaces)
    test = toy_faces.rows("test")
    first = test[test.frame == 0]
    real = first[first.label == 0].index
    fake = first[first.label == 1].index
    raw = toy_faces.images("RAW", "test")
    after = toy_faces.images("LQ", "test")
    for row, space in zip(table[ROWS].to_numpy(float), "zh", strict=True):

        def vectors(images, space=space):
            with torch.no_grad():
                h = detector.features(detector.prepare(torch.from_numpy(images)))
                return detector.g(h) if space == "z" else h

        v = vectors(raw[real])
        others = (vectors(after[real]), v[[1, 0]], vectors(raw[fake]))  # of two people: the other
        expected = [F.cosine_similarity(v, other).mean().item() for other in others]
        np.testing.assert_allclose(row, expected, atol=1e-6)


def test_each_person_is_taken_once(toy_faces, pairs):
    spaces = {"h": (TCNSC(32, width=4, width_z=8), "h")}
    twice = pd.concat([pairs, pairs.iloc[::-1]])
    once = agreement(spaces, toy_faces, pairs)
    pd.testing.assert_frame_equal(agreement(spaces, toy_faces, twice), once)
