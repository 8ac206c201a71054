"""Pictures from stored tables: every number of a table made by hand is drawn, nothing else is, and the files tell whence."""
from pathlib import Path
from types import SimpleNamespace

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.container import BarContainer
from PIL import Image

from tcnsc_lib import CompanionError, figures, paper
from tcnsc_lib.analysis.gradcam import enlarge
from tcnsc_lib.analysis.quality import VARIANTS
from tcnsc_lib.codecs import codec
from tcnsc_lib.drawing import COLOURS, LABELS, STYLE
from tcnsc_lib.figures import PICTURES, draw, save
from tcnsc_lib.profiles import Profile

DEMO, PHOTOS, FFPP = (Profile(source, source, seed=3) for source in ("demo", "photos", "ffpp"))
NAN = float("nan")
FOUR = paper.CODECS[:4]


def accuracies(names: list[str], seed: int) -> pd.DataFrame:
    """A long table of `tcnsc_lib.tables`; the second row has no numbers of the paper."""
    random, rows = np.random.default_rng(seed), []
    for name in names:
        for codec_name in paper.CODECS:
            value = random.uniform(60, 95)
            rows.append({"training": name, "codec": codec_name, "accuracy": value, "low": value - random.uniform(1, 4),
                         "high": value + random.uniform(1, 4), "auc": random.uniform(70, 99),
                         "paper": NAN if name == names[1] else random.uniform(50, 99)})
    return pd.DataFrame(rows)


def points() -> pd.DataFrame:
    """Figure 3: seven crops in each of six panels, no two at one place."""
    random, rows = np.random.default_rng(0), []
    for model in ("TCNSC", "Xception-RAW"):
        for name in ("RAW", "MQ", "LQ"):
            rows += [{"crop": crop, "unit": crop // 2, "label": int(crop > 3), "model": model, "codec": name,
                      "x": random.normal(), "y": random.normal(), "silhouette": 0.25, "neighbour": int(crop != 2),
                      "probe": 1, "classifier": 0} for crop in range(7)]
    return pd.DataFrame(rows)


def panels() -> pd.DataFrame:
    """Figure 4: two subjects, a fake and its real crop each, two models, maps of 2 x 2 cells."""
    random, rows = np.random.default_rng(0), []
    for model in ("TCNSC", "Xception-RAW"):
        for name in FOUR:
            rows += [{"model": model, "subject": subject, "crop": crop, "label": label, "codec": name, "p": random.random(),
                      **{f"c{i}": cell for i, cell in enumerate(random.permutation([0, 0.25, 0.5, 1.0]))}}
                     for subject, label, crop in ((0, 1, 2), (0, 0, 0), (1, 1, 6), (1, 0, 4))]
    return pd.DataFrame(rows)


def bars() -> pd.DataFrame:
    """Figure 5: a mean each label, codec and variant, intervals that aren't symmetrical, the paper's of the first."""
    random, rows = np.random.default_rng(0), []
    for label in (0, 1):
        for name in paper.CODECS[1:]:
            for variant in VARIANTS:
                mean, known = random.uniform(0.7, 0.95), name in ("MQ", "LQ") and variant == next(iter(VARIANTS))
                rows.append({"label": label, "codec": name, "measure": variant, "mean": mean, "low": mean - 0.02,
                             "high": mean + 0.01, "crops": 9, "paper": random.uniform(0.75, 0.9) if known else NAN})
    return pd.DataFrame(rows)


def spectra() -> pd.DataFrame:
    """Figure 6: 60 radii of the one definition, 49 of the other."""
    random, parts = np.random.default_rng(0), []
    for label in (0, 1):
        for name in paper.CODECS:
            for definition, count, level in (("Durall", 60, 0.8), ("power", 49, 40)):
                parts.append(pd.DataFrame({"label": label, "codec": name, "definition": definition,
                                           "radius": np.linspace(0, 1, count), "sd": random.uniform(0.01, 0.1, count),
                                           "mean": level + random.normal(size=count) / 10}))
    return pd.concat(parts, ignore_index=True)


def collapse() -> pd.DataFrame:
    columns = ["gradient_cro", "gradient_sim", *(f"{what}_{space}" for space in "zh" for what in (
        "cos_twins", "cos_different", "spread", "rank"))]
    random = np.random.default_rng(0)
    return pd.DataFrame([{"training": name, "updates": step, **dict(zip(columns, random.uniform(0.1, 0.9, len(columns))))}
                         for name in ("dual", "model B") for step in (0, 9, 99)])


MADE = {
    "figure1": pd.DataFrame([{"face": face, "crop": crop, "codec": name, "bytes": 1024 * (4 - i), "blocking": 1 + i / 4,
                              "mean_abs_difference": float(i)} for face, crop in (("fake", 2), ("real", 0))
                             for i, name in enumerate(FOUR)]),
    "figure2": pd.DataFrame([("f", "", 128, 1234567), ("g", "", 32, 7654), ("c", "", 2, 258)],
                            columns=["part", "what", "output", "parameters"]),
    "figure3": points(), "figure4": panels(), "figure5_means": bars(), "figure6": spectra(), "collapse": collapse(),
    "table1": accuracies(["(RAW, HQ)", "(RAW, LQ)"], 1), "difficulty": accuracies(["model B", ""], 2)[:5],
    "table2": accuracies(["model A", "model B", "dual"], 3), "table3": accuracies(["Meso4", "FWA", "TCNSC"], 4),
    "table2_seeds": pd.concat([accuracies(["dual", "model B"], seed).assign(seed=seed) for seed in (3, 4)]),
    "training_curves": pd.DataFrame({"iteration": range(1, 31), "cro": np.linspace(0.7, 0.1, 30),
                                     "sim": np.linspace(0.2, 0.01, 30),
                                     "val_accuracy": [NAN if i % 10 else 50.0 + i for i in range(1, 31)]})}


@pytest.fixture(autouse=True)
def stored(monkeypatch, tmp_path, toy_faces):
    """The tables stored for each profile; small pictures; figures are closed."""
    monkeypatch.setenv("TCNSC_FIGURES", str(tmp_path))
    monkeypatch.setattr(figures, "faces", lambda p: toy_faces)
    monkeypatch.setitem(STYLE, "savefig.dpi", 30)
    for name, frame in MADE.items():
        save(name, DEMO, frame)
    yield tmp_path / "demo"
    pyplot.close("all")


def errors(axis) -> list[tuple[float, float]]:
    """Lower and upper end of each error bar."""
    ends = [box[2][0].get_segments()[0][:, 1] for box in axis.containers if not isinstance(box, BarContainer)]
    return [tuple(end) for end in ends]


def heights(line) -> list[float]:
    return np.asarray(line.get_ydata(), float).tolist()


# files

def test_each_picture_has_its_tables():
    assert {table for picture in PICTURES.values() for table in picture.tables} == set(MADE)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_drawn_twice_has_the_same_bytes_and_says_what_made_its_numbers(name, stored):
    path, table = stored / f"{name}.png", stored / f"{PICTURES[name].tables[0]}.csv"
    draw(name, DEMO)
    first = path.read_bytes()
    path.unlink()
    draw(name, DEMO)
    assert path.read_bytes() == first
    comments = [line.removeprefix("# ") for line in table.read_text().splitlines() if line.startswith("#")]
    with Image.open(path) as image:
        assert image.text["Description"].splitlines() == comments and "profile demo; seed 3" in comments[0]
        assert "Software" not in image.text


@pytest.mark.parametrize("name", ["table1", "table2_lq"])
def test_a_picture_of_two_tables_says_what_made_each(name, stored):
    one, other = PICTURES[name].tables
    for table in (one, other):
        run = SimpleNamespace(folder=Path(f"run of {table}"), environment={
            "commit": "1234567", "device": "cpu", "torch": "2", "seconds": 7.4})
        save(table, DEMO, MADE[table], (run,))
    draw(name, DEMO)
    with Image.open(stored / f"{name}.png") as image:
        first, run_of_one, again, run_of_other = image.text["Description"].splitlines()
    assert first == again and first.startswith("profile demo; seed 3")
    assert run_of_one == f"run run of {one}: commit 1234567, cpu, torch 2, 7 s"
    assert run_of_other == f"run run of {other}: commit 1234567, cpu, torch 2, 7 s"


@pytest.mark.parametrize("name", PICTURES)
def test_crops_are_asked_for_by_those_pictures_alone_that_show_them(name, stored, monkeypatch):
    def none(p):
        raise CompanionError("there are no faces")

    monkeypatch.setattr(figures, "faces", none)
    if name in ("figure1", "figure4"):
        with pytest.raises(CompanionError, match="there are no faces"):
            draw(name, DEMO)
    else:
        draw(name, DEMO)
    assert (stored / f"{name}.png").exists() == (name not in ("figure1", "figure4"))


EVERY = [(name, table) for name in PICTURES for table in PICTURES[name].tables]


@pytest.mark.parametrize("content", [b"", b"# profile demo\n", b"a,b\n1,2\n1,2,3\n", b"a,b\n\xff,1\n"],
                         ids=["nothing", "comments", "ragged", "no text"])
@pytest.mark.parametrize("name, table", [("figure2", "figure2"), ("table1", "difficulty"), ("figure4", "figure4")])
def test_a_file_that_is_no_table_is_named(name, table, content, stored):
    (stored / f"{table}.csv").write_bytes(content)
    with pytest.raises(CompanionError, match=f"demo/{table}.csv is no table"):
        draw(name, DEMO)
    assert not (stored / f"{name}.png").exists()


@pytest.mark.parametrize("name, table, column", [
    ("figure1", "figure1", "blocking"), ("figure2", "figure2", "output"), ("figure3", "figure3", "x"),
    ("figure4", "figure4", "p"), ("figure5", "figure5_means", "paper"), ("figure5", "figure5_means", "measure"),
    ("figure6", "figure6", "radius"), ("collapse", "collapse", "rank_z"), ("table2", "table2", "low"),
    ("table2_lq", "table2_seeds", "codec"), ("table3", "table3", "training"), ("table3_lq", "table3", "auc"),
    ("training_curves", "training_curves", "val_accuracy")])
def test_a_table_that_lacks_a_column_is_named_with_it(name, table, column, stored):
    save(table, DEMO, MADE[table].drop(columns=column))
    with pytest.raises(CompanionError, match=f"{name} can't be drawn from .*demo/{table}.csv.*'{column}'.* is missing"):
        draw(name, DEMO)
    assert not (stored / f"{name}.png").exists()


@pytest.mark.parametrize("name, table", EVERY)
def test_a_missing_table_is_named(name, table, stored):
    (stored / f"{table}.csv").unlink()
    with pytest.raises(CompanionError, match=f"demo/{table}.csv"):
        draw(name, DEMO)
    assert not (stored / f"{name}.png").exists()


@pytest.mark.parametrize("p", [PHOTOS, FFPP], ids=["photos", "ffpp"])
def test_a_picture_of_somebodys_face_is_drawn_but_not_written(p, stored):
    stored.rename(stored.parent / p.name)
    for name, pictures in (("figure1", 8), ("figure4", 64), ("figure2", 0)):
        assert sum(len(axis.images) for axis in draw(name, p).axes) == pictures
    assert sorted(path.name for path in stored.parent.rglob("*.png")) == ["figure2.png"]


def test_a_stored_table_comes_back_with_its_numbers(stored):
    pd.testing.assert_frame_equal(figures.read(stored / "table2.csv"), MADE["table2"], rtol=1e-6)


# colours

def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2, from 0 to 1."""
    rgb = np.array(matplotlib.colors.to_rgb(colour))
    return float(np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


def test_real_and_fake_differ_in_brightness_mark_and_name():
    (real, one, dot), (fake, other, mark) = LABELS[0], LABELS[1]
    assert (real, fake) == ("real", "fake") and dot != mark
    assert abs(luminance(one) - luminance(other)) > 0.2
    assert luminance("#FFFFFF") == pytest.approx(1) and luminance("#808080") == pytest.approx(0.2159, abs=1e-3)


def test_a_codec_has_one_colour_in_every_figure():
    hexadecimal = matplotlib.colors.to_hex
    patches = draw("figure5", DEMO).axes[0].patches
    bar = {name: hexadecimal(patch.get_facecolor()) for name, patch in zip(paper.CODECS[1:], patches)}
    line = {line.get_label(): hexadecimal(line.get_color()) for line in draw("figure6", DEMO).axes[0].lines}
    marks = draw("table2", DEMO).axes[0].containers
    mark = {name: hexadecimal(box[0].get_color()) for name, box in zip(paper.CODECS, marks, strict=True)}
    assert {name: bar.get(name, colour) for name, colour in mark.items()} == line == mark
    assert {name: colour.upper() for name, colour in mark.items()} == COLOURS and len(set(mark.values())) == 5


# every number is drawn

def test_figure_1_shows_each_crop_after_each_codec_with_its_numbers(toy_faces):
    axes = np.array(draw("figure1", DEMO).axes).reshape(2, 4)
    files = toy_faces.rows("test").file
    for line, (crop, face) in zip(axes, ((2, "fake"), (0, "real"))):
        assert line[0].get_ylabel() == face
        for i, (axis, name) in enumerate(zip(line, FOUR)):
            np.testing.assert_array_equal(axis.images[0].get_array(), codec(name)(toy_faces.load(files[crop])))
            assert axis.get_xlabel() == f"{4 - i}.0 KB, |Δ| {i}.0, blocks {1 + i / 4:.2f}"
            (zoom,) = axis.child_axes
            np.testing.assert_array_equal(zoom.images[0].get_array(), axis.images[0].get_array()[18:22, 9:13])
    assert [axis.get_title() for axis in axes[0]] == ["(a) RAW", "(b) HQ", "(c) MQ", "(d) LQ"]


def test_figure_2_tells_the_sizes_of_the_network():
    text = [shown.get_text() for shown in draw("figure2", DEMO).axes[0].texts]
    assert sum("128 values\n1,234,567 weights" in words for words in text) == 1  # the twin's f and g are the same
    assert sum("32 values\n7,654 weights" in words for words in text) == 1
    assert {"f: the same", "g: the same"} <= set(text)
    assert sum("2 values\n258 weights" in words for words in text) == 1


def test_figure_3_scatters_every_crop():
    axes = np.array(draw("figure3", DEMO).axes).reshape(2, 3)
    for line, model in zip(axes, ("TCNSC", "Xception-RAW")):
        assert line[0].get_ylabel() == model
        for axis, name in zip(line, ("RAW", "MQ", "LQ")):
            rows = MADE["figure3"].query("model == @model and codec == @name")
            for label, dots in zip((0, 1), axis.collections, strict=True):
                np.testing.assert_allclose(dots.get_offsets(), rows[rows.label == label][["x", "y"]], rtol=1e-6)
                assert matplotlib.colors.to_hex(dots.get_facecolor()[0]).upper() == LABELS[label][1]
            assert axis.get_xlabel().replace("\n", ", ") == "silhouette 0.25, neighbour 86 %, probe 100 %"


def test_figure_4_lays_each_map_over_its_own_crop(toy_faces):
    blocks = dict(zip(("TCNSC", "Xception-RAW"), draw("figure4", DEMO).subfigs, strict=True))
    axes = {model: np.array(block.axes).reshape(4, 4) for model, block in blocks.items()}
    files = toy_faces.rows("test").file
    for row in MADE["figure4"].itertuples():
        axis = axes[row.model][2 * row.subject + (row.label == 0), FOUR.index(row.codec)]
        below, above = axis.images
        np.testing.assert_array_equal(below.get_array(), codec(row.codec)(toy_faces.load(files[row.crop])))
        heat = enlarge(np.float32([[[row.c0, row.c1], [row.c2, row.c3]]]), 32)[0]
        np.testing.assert_allclose(above.get_array(), heat, atol=1e-6)
        assert above.get_clim() == (0, 1) and 0 < above.get_alpha() < 1
        assert axis.get_xlabel() == f"p(fake) {row.p:.2f}" and list(axis.collections[0].levels) == [0.5]
    assert all(blocks[model].get_suptitle() == f"{model} (2 x 2 cells)" for model in blocks)


def test_figure_5_draws_every_mean_interval_and_number_of_the_paper():
    left, right = draw("figure5", DEMO).axes
    table, first = MADE["figure5_means"], next(iter(VARIANTS))
    rows = table[table.measure == first]
    assert [1 + patch.get_height() for patch in left.patches] == pytest.approx(rows["mean"].tolist())
    assert all(patch.get_y() == 1 for patch in left.patches) and left.get_ylim()[1] == 1
    assert [bool(patch.get_hatch()) for patch in left.patches] == [False] * 4 + [True] * 4
    np.testing.assert_allclose(errors(left), rows[["low", "high"]], rtol=1e-6)
    hollow = [line for line in left.lines if line.get_markerfacecolor() == "white"]
    assert [heights(line)[0] for line in hollow] == pytest.approx(rows.paper.tolist(), nan_ok=True)
    centres = [patch.get_x() + patch.get_width() / 2 for patch in left.patches]
    assert [line.get_xdata()[0] for line in hollow] == pytest.approx(centres)
    assert np.round(centres).tolist() == [0, 1, 2, 3] * 2 and [label.get_text() for label in left.get_xticklabels()] == list(
        paper.CODECS[1:])
    drawn = {}
    for line in right.lines:  # those of JPEG joined, WEBP by itself
        drawn.setdefault((line.get_linestyle(), line.get_color()), {}).update(
            zip(np.round(line.get_xdata()).astype(int).tolist(), heights(line)))
    assert {len(line.get_xdata()) for line in right.lines} == {3, 1}
    for variant, style in zip(VARIANTS, ("-", "--", "-.", ":")):
        for label, (_, colour, _) in LABELS.items():
            these = table[(table.measure == variant) & (table.label == label)]
            assert drawn.pop((style, colour)) == pytest.approx(dict(zip(range(4), these["mean"])))
    assert not drawn and left.get_ylim()[0] < min(table.low.min(), table.paper.min())


def test_figure_6_draws_every_curve_fake_above_real():
    axes = [axis for axis in draw("figure6", DEMO).axes if axis.get_xlim() != (0.8, 1)]
    table = MADE["figure6"]
    for line, label in zip(np.array(axes).reshape(2, 3), (1, 0)):
        assert line[0].get_ylabel() == LABELS[label][0]
        (zoom,) = line[0].child_axes
        curves = {key: rows for key, rows in table[table.label == label].groupby(["definition", "codec"])}
        raw = curves["power", "RAW"]["mean"].to_numpy()
        for i, name in enumerate(paper.CODECS):
            relative, plain = curves["Durall", name], curves["power", name]
            for axis, rows, values in ((line[0], relative, relative["mean"]), (zoom, relative, relative["mean"]),
                                       (line[1], plain, plain["mean"]), (line[2], plain, plain["mean"] - raw)):
                shown = axis.lines[i]
                np.testing.assert_allclose(shown.get_ydata(), values, rtol=1e-5, atol=1e-5)
                np.testing.assert_allclose(shown.get_xdata(), rows.radius, rtol=1e-6)
        for axis, definition in ((line[0], "Durall"), (line[1], "power")):
            (band,) = axis.collections
            rows = curves[definition, "RAW"]
            edges = band.get_paths()[0].vertices[:, 1]
            assert edges.min() == pytest.approx((rows["mean"] - rows.sd).min(), rel=1e-6)
            assert edges.max() == pytest.approx((rows["mean"] + rows.sd).max(), rel=1e-6)


@pytest.mark.parametrize("name", ["table1", "table3"])
def test_the_figure_of_a_table_draws_its_intervals(name):
    table = pd.concat([MADE[stem] for stem in PICTURES[name].tables])
    shown = {axis.get_title().replace("classifier alone,\nmodel B", "model B"): axis
             for axis in draw(name, DEMO).axes if axis.get_title()}
    assert list(shown) == list(dict.fromkeys(table.training))
    for training, axis in shown.items():
        rows = table[table.training == training]
        assert [heights(box[0])[0] for box in axis.containers] == pytest.approx(rows.accuracy.tolist())
        np.testing.assert_allclose(errors(axis), rows[["low", "high"]], rtol=1e-6)
        hollow = [line for line in axis.lines if line.get_markerfacecolor() == "none"]
        assert [heights(line)[0] for line in hollow] == pytest.approx(rows.paper.tolist(), nan_ok=True)


def test_a_ranking_draws_accuracy_interval_auc_the_paper_and_each_seed():
    axis = draw("table2_lq", DEMO).axes[0]
    rows = MADE["table2"].query("codec == 'LQ'").sort_values("accuracy")
    assert [label.get_text() for label in axis.get_yticklabels()] == rows.training.tolist()  # the best on top
    lines = {line.get_label(): line for line in axis.lines}
    (box,) = axis.containers
    np.testing.assert_allclose([segment[:, 0] for segment in box[2][0].get_segments()], rows[["low", "high"]], rtol=1e-6)
    for line, column in ((box[0], "accuracy"), (lines["AUC"], "auc"), (lines["accuracy, the paper"], "paper")):
        assert line.get_xdata().tolist() == pytest.approx(rows[column].tolist(), nan_ok=True)
    ticks, place = lines["accuracy, each seed (rows that have several)"], dict(zip(rows.training, range(3)))
    single = MADE["table2_seeds"].query("codec == 'LQ'")
    np.testing.assert_allclose(ticks.get_xdata(), single.accuracy, rtol=1e-6)
    assert np.round(ticks.get_ydata()).tolist() == [place[name] for name in single.training]


def test_an_interval_that_is_a_point_is_marked_and_explained():
    table = MADE["table3"].copy()
    save("table3", DEMO, table)
    words = [text.get_text() for text in draw("table3", DEMO).legends[0].get_texts()]
    assert len(words) == 2
    table.loc[2, ["low", "high"]] = table.loc[2, "accuracy"]  # Meso4 at MQ
    save("table3", DEMO, table)
    figure = draw("table3", DEMO)
    assert "all crops called alike" in figure.legends[0].get_texts()[2].get_text()
    daggers = [(axis.get_title(), text.get_position()) for axis in figure.axes for text in axis.texts]
    assert [(name, round(x)) for name, (x, _) in daggers] == [("Meso4", 2)] and daggers[0][1][1] > table.accuracy[2]


def test_one_seed_is_no_tick():
    save("table2_seeds", DEMO, MADE["table2_seeds"].query("seed == 3"))
    assert not [line for line in draw("table2_lq", DEMO).axes[0].lines if "seed" in line.get_label()]


def test_training_curves_draw_both_losses_and_the_accuracies_that_were_taken():
    left, right = draw("training_curves", DEMO).axes
    log = MADE["training_curves"]
    for i, name in enumerate(("cro", "sim")):
        np.testing.assert_allclose(left.lines[i].get_ydata(), log[name], rtol=1e-6)
    assert right.lines[0].get_xdata().tolist() == [10, 20, 30] and heights(right.lines[0]) == [60, 70, 80]
