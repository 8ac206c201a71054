"""The tables of every picture, made by hand, and an Evidence that holds them."""
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot
from matplotlib.container import BarContainer

from tcnsc_lib import paper
from tcnsc_lib.analysis.calibration import BINS
from tcnsc_lib.analysis.corrections import DRAWN
from tcnsc_lib.analysis.ssim import VARIANTS
from tcnsc_lib.chains import CHAINS
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import ASKED, AUGMENTED, LAMBDA_0, MODEL_A, MODEL_B, ON_H
from tcnsc_lib.profiles import Profile
from tcnsc_lib.results.plots import STYLE
from tcnsc_lib.results.plots.pictures import draw

DEMO = Profile("demo", "demo", seed=3)
NAN = float("nan")
FOUR = paper.CODECS[:4]
SHOWN_MODELS = ("TCNSC", "Xception-RAW")
SIDE = 32


def accuracies(names: list[str], seed: int) -> pd.DataFrame:
    """A long table of `results.tables`; the second row has no numbers of the paper."""
    random = np.random.default_rng(seed)
    rows = []
    for name, codec_name in product(names, paper.CODECS):
        value = random.uniform(60, 95)
        row = {"training": name, "codec": codec_name, "accuracy": value}
        row["low"] = value - random.uniform(1, 4)
        row["high"] = value + random.uniform(1, 4)
        row["auc"] = random.uniform(70, 99)
        row["paper"] = NAN if name == names[1] else random.uniform(50, 99)
        rows.append(row)
    return pd.DataFrame(rows)


def seeds() -> pd.DataFrame:
    """`results.tables.seeds`: two rows of Table 2 from two seeds."""
    parts = [accuracies(["dual", MODEL_B], seed).assign(seed=seed) for seed in (3, 4)]
    return pd.concat(parts)


def sizes() -> pd.DataFrame:
    """Figure 1: a fake and a real crop after four codecs."""
    rows = []
    for (face, crop), (i, name) in product((("fake", 2), ("real", 0)), enumerate(FOUR)):
        rows.append({"face": face, "crop": crop, "codec": name, "bytes": 1024 * (4 - i),
                     "blocking": 1 + i / 4, "mean_abs_difference": float(i)})
    return pd.DataFrame(rows)


def parts() -> pd.DataFrame:
    """Figure 2: the sizes of f, g and c."""
    rows = [("f", "", 128, 1234567), ("g", "", 32, 7654), ("c", "", 2, 258)]
    return pd.DataFrame(rows, columns=["part", "what", "output", "parameters"])


def points() -> pd.DataFrame:
    """Figure 3: seven crops in each of six panels, no two at one place."""
    random = np.random.default_rng(0)
    rows = []
    for model, name, crop in product(SHOWN_MODELS, ("RAW", "MQ", "LQ"), range(7)):
        rows.append({"crop": crop, "unit": crop // 2, "label": int(crop > 3), "model": model,
                     "codec": name, "x": random.normal(), "y": random.normal(),
                     "silhouette": 0.25, "neighbour": int(crop != 2), "probe": 1,
                     "classifier": 0})
    return pd.DataFrame(rows)


def panels() -> pd.DataFrame:
    """Figure 4: two subjects, a fake and its real crop each, two models, maps of 2 x 2 cells."""
    random = np.random.default_rng(0)
    crops = ((0, 1, 2), (0, 0, 0), (1, 1, 6), (1, 0, 4))
    rows = []
    for model, name, (subject, label, crop) in product(SHOWN_MODELS, FOUR, crops):
        row = {"model": model, "subject": subject, "crop": crop, "label": label, "codec": name}
        row["p"] = random.random()
        cells = random.permutation([0, 0.25, 0.5, 1.0])
        row |= {f"c{i}": cell for i, cell in enumerate(cells)}
        rows.append(row)
    return pd.DataFrame(rows)


def bars() -> pd.DataFrame:
    """Figure 5: a mean each label, codec and measure; the paper's of the first measure alone.

    The intervals aren't symmetrical.
    """
    random = np.random.default_rng(0)
    first = next(iter(VARIANTS))
    rows = []
    for label, name, variant in product((0, 1), paper.CODECS[1:], VARIANTS):
        mean = random.uniform(0.7, 0.95)
        known = name in ("MQ", "LQ") and variant == first
        rows.append({"label": label, "codec": name, "measure": variant, "mean": mean,
                     "low": mean - 0.02, "high": mean + 0.01, "crops": 9,
                     "paper": random.uniform(0.75, 0.9) if known else NAN})
    return pd.DataFrame(rows)


def spectra() -> pd.DataFrame:
    """Figure 6: 60 radii of the one definition, 49 of the other."""
    random = np.random.default_rng(0)
    definitions = (("Durall", 60, 0.8), ("power", 49, 40))
    curves = []
    for label, name, (definition, count, level) in product((0, 1), paper.CODECS, definitions):
        curve = pd.DataFrame({"radius": np.linspace(0, 1, count)})
        curve["sd"] = random.uniform(0.01, 0.1, count)
        curve["mean"] = level + random.normal(size=count) / 10
        curves.append(curve.assign(label=label, codec=name, definition=definition))
    return pd.concat(curves, ignore_index=True)


def collapse() -> pd.DataFrame:
    """`analysis.runs.collapse`: six models, watched at three steps.

    Model B, JPEG augmentation and lambda 0 have no Loss_sim, model A has no Loss_cro.
    """
    columns = ["gradient_cro", "gradient_sim"]
    for what in ("cos_twins", "cos_different", "spread", "rank"):
        columns += [f"{what}_z", f"{what}_h"]
    random = np.random.default_rng(0)
    rows = []
    for name, step in product(("dual", MODEL_B, MODEL_A, AUGMENTED, ON_H, LAMBDA_0), (0, 9, 99)):
        values = random.uniform(0.1, 0.9, len(columns))
        rows.append({"training": name, "updates": step, **dict(zip(columns, values, strict=True))})
    table = pd.DataFrame(rows)
    table.loc[table.training.isin([MODEL_B, AUGMENTED, LAMBDA_0]), "gradient_sim"] = 0
    table.loc[table.training == MODEL_A, "gradient_cro"] = 0
    return table


STUDY_ROWS = (
    ("references", MODEL_B, ("as trained", "RAW and LQ")),
    ("factors", "dual", ("as trained", "RAW and LQ")),
    ("factors", LAMBDA_0, ("as trained",)),
    ("readings", "alternating updates", ("as trained", "RAW and LQ")),
    ("no batch", "group normalisation, JPEG augmentation", ("as trained",)),
    ("repairs", ON_H, ("as trained", "RAW and LQ")),
    ("width", "full width", ("as trained",)),
)


def gains() -> pd.DataFrame:
    """`results.contrasts.study`: a row of each group and more; one is of a single training."""
    random = np.random.default_rng(0)
    rows = []
    for group, name, statistics in STUDY_ROWS:
        for each in statistics:
            gain = random.uniform(-5, 20)
            row = {"group": group, "row": name, "statistics": each, "minus_b": gain}
            row["minus_b_low"] = gain - random.uniform(2, 9)
            row["minus_b_high"] = gain + random.uniform(2, 9)
            row |= {"seeds": 10, "auc_minus_b": gain / 4}
            row |= {"auc_minus_b_low": gain / 4 - 1, "auc_minus_b_high": gain / 4 + 2}
            rows.append(row)
    table = pd.DataFrame(rows)
    single = ["minus_b_low", "minus_b_high", "auc_minus_b_low", "auc_minus_b_high"]
    table.loc[table.row == ON_H, single] = NAN
    table.loc[table.row == ON_H, "seeds"] = 1
    return table


def histogram() -> pd.DataFrame:
    """`analysis.channels.channel`: thirty bins of a channel on two codecs."""
    edges = np.linspace(-3, 4, 31)
    parts = []
    for name, mean in (("RAW", 0.0), ("LQ", 1.0)):
        share = np.exp(-((edges[:-1] - mean) ** 2) / 2)
        table = pd.DataFrame({"left": edges[:-1], "right": edges[1:], "share": share / share.sum()})
        parts.append(table.assign(layer=3, channel=7, codec=name, mean=mean, running_mean=0.2))
    return pd.concat(parts, ignore_index=True)


def distances() -> pd.DataFrame:
    """`analysis.channels.shifts`: three models, five layers."""
    random = np.random.default_rng(0)
    models = (MODEL_B, f"{MODEL_B}, re-estimated", "dual, two passes")
    rows = []
    for model, layer, name in product(models, range(5), ("RAW", "LQ")):
        rows.append({"model": model, "layer": layer, "codec": name, "shift": random.random(),
                     "spread": 1.0})
    return pd.DataFrame(rows)


def log() -> pd.DataFrame:
    """A run's log: 30 iterations, validated at every tenth."""
    table = pd.DataFrame({"iteration": range(1, 31)})
    table["cro"] = np.linspace(0.7, 0.1, 30)
    table["sim"] = np.linspace(0.2, 0.01, 30)
    table["val_accuracy"] = (50.0 + table.iteration).where(table.iteration % 10 == 0)
    return table


def validated() -> pd.DataFrame:
    """`analysis.runs.validation`: two models from two seeds each, validated four times."""
    rows = []
    for name, seed, quarter in product((MODEL_B, "dual"), (0, 1), range(1, 5)):
        rows.append({"training": name, "seed": seed, "iteration": 10 * quarter,
                     "RAW": 90.0 + seed + min(quarter, 3), "LQ": 60.0 + quarter,
                     "auc_RAW": 99.0, "auc_LQ": 90.0})
    return pd.DataFrame(rows)


def survived() -> pd.DataFrame:
    """`survival.rates`: every detector of notebook 9 after every chain."""
    random = np.random.default_rng(0)
    rows = []
    for name, chain in product(ASKED, CHAINS.values()):
        quality = NAN if chain.quality is None else chain.quality
        row = {"detector": name, "chain": chain.name, "group": chain.group, "quality": quality}
        for measure in ("accuracy", "auc"):
            value = random.uniform(55, 97)
            row |= {measure: value, f"{measure}_low": value - 4, f"{measure}_high": value + 3}
        rows.append(row)
    return pd.DataFrame(rows)


def errors() -> pd.DataFrame:
    """`corrections.rates`: the calibration error of every detector of notebook 9."""
    random = np.random.default_rng(0)
    rows = []
    for name, codec in product(ASKED, paper.CODECS):
        before = random.uniform(5, 30)
        rows.append({"detector": name, "codec": codec, "ece": before,
                     "ece_platt_own": before / 4})
    return pd.DataFrame(rows)


def binned() -> pd.DataFrame:
    """`corrections.bins` of the same: the first bin has few crops, and all are wrong."""
    random = np.random.default_rng(0)
    ends = np.linspace(0.5, 1, BINS + 1)
    parts = []
    for name, codec, correction in product(ASKED, paper.CODECS, DRAWN):
        table = pd.DataFrame({"low": ends[:-1], "high": ends[1:]})
        table["n"] = random.integers(20, 400, BINS)
        table["right"] = (table.n * random.uniform(0.4, 1, BINS)).astype(int)
        table.loc[0, ["n", "right"]] = (3, 0)
        table["confidence"] = table.low + random.uniform(0, 0.05, BINS)
        parts.append(table.assign(detector=name, codec=codec, correction=correction))
    return pd.concat(parts, ignore_index=True)


MADE = {
    "figure1": sizes(), "figure2": parts(), "figure3": points(), "figure4": panels(),
    "figure5_means": bars(), "figure6": spectra(), "collapse": collapse(),
    "table1": accuracies(["(RAW, HQ)", "(RAW, LQ)"], 1),
    "difficulty": accuracies([MODEL_B, ""], 2)[:5],
    "table2": accuracies([MODEL_A, MODEL_B, "dual"], 3),
    "table2_seeds": seeds(),
    "table3": accuracies(["Meso4", "FWA", "TCNSC"], 4),
    "training_curves": log(), "validation": validated(),
    "calibration": errors(), "calibration_bins": binned(),
    "quality": survived(), "study": gains(), "channel": histogram(), "channel_shifts": distances(),
}
DERIVED = ("table1", "difficulty", "table2", "table2_seeds", "table3", "figure5_means", "quality",
           "calibration", "calibration_bins", "study")


def crop(row: int) -> np.ndarray:
    """A crop for each row of the test part, uint8 (SIDE, SIDE, 3): noise."""
    random = np.random.default_rng(row)
    return random.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


def store(e: Evidence, name: str, table: pd.DataFrame) -> None:
    """Write a table as what it is: derived or measured."""
    if name in DERIVED:
        e.derive(name, table)
    else:
        e.save(name, table)


def stored(folder: Path, monkeypatch) -> Iterator[Evidence]:
    """For a fixture: all tables and the crops they name. Pictures are small, and closed at last."""
    monkeypatch.setitem(STYLE, "savefig.dpi", 30)
    e = Evidence(DEMO, folder / "demo")
    for name, table in MADE.items():
        store(e, name, table)
    for row in (0, 2, 4, 6):
        e.save_picture(row, crop(row))
    yield e
    pyplot.close("all")


# what a figure shows

def error_bars(axis) -> list[tuple[float, float]]:
    """Lower and upper end of each error bar, on the axis of the numbers."""
    boxes = [box for box in axis.containers if not isinstance(box, BarContainer)]
    ends = [box[2][0].get_segments()[0][:, 1] for box in boxes]
    return [tuple(end) for end in ends]


def heights(line) -> list[float]:
    return np.asarray(line.get_ydata(), float).tolist()


def drawn_twice(path: Path, e: Evidence) -> Path:
    """The file of a picture, after it was drawn twice with the same bytes."""
    draw(path.stem, e)
    first = path.read_bytes()
    path.unlink()
    draw(path.stem, e)
    assert path.read_bytes() == first
    return path
