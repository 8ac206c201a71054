"""Pictures as files: drawn from stored tables alone, alike each time, and telling whence."""
import io

import pandas as pd
import pytest
from made_tables import DEMO, MADE, crop, drawn_twice, store, stored
from matplotlib import pyplot
from PIL import Image, ImageFilter

from tcnsc_lib import CompanionError
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.results.plots import STYLE
from tcnsc_lib.results.plots.alike import same_picture
from tcnsc_lib.results.plots.pictures import PICTURES, draw, png, sources

SHOW_CROPS = ("figure1", "figure4")
EVERY = []
for picture_name, picture in PICTURES.items():
    EVERY += [(picture_name, table) for table in picture.tables]


@pytest.fixture
def e(tmp_path, monkeypatch):
    yield from stored(tmp_path, monkeypatch)


def description(path) -> list[str]:
    """What a picture says of how its numbers were made."""
    with Image.open(path) as image:
        return image.text["Description"].splitlines()


def comments(path) -> list[str]:
    """The comment lines of a table."""
    lines = path.read_text().splitlines()
    return [line.removeprefix("# ") for line in lines if line.startswith("#")]


# a picture and its tables

def test_each_picture_has_its_tables():
    assert {table for _, table in EVERY} == set(MADE)
    assert {name for name, picture in PICTURES.items() if picture.shows_crops} == set(SHOW_CROPS)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_drawn_twice_has_the_same_bytes_and_says_what_made_its_numbers(name, e):
    path = drawn_twice(e.folder / f"{name}.png", e)
    table = sources(name, e)[0]
    assert description(path) == comments(table)
    assert description(path)[0].startswith("profile demo; seed 3")
    with Image.open(path) as image:
        assert "Software" not in image.text


def test_a_picture_of_two_tables_says_what_made_each(e):
    e.save("table1", MADE["table1"], ["run of table1"])
    (e.folder / "table1.csv").unlink()
    e.save("difficulty", MADE["difficulty"], ["run of difficulty"])
    (e.folder / "difficulty.csv").unlink()
    draw("table1", e)
    first, run_of_one, again, run_of_other = description(e.folder / "table1.png")
    assert first == again
    assert first.startswith("profile demo; seed 3")
    assert (run_of_one, run_of_other) == ("run of table1", "run of difficulty")


def test_two_tables_with_one_head_are_told_once(e):
    draw("table2_lq", e)
    assert description(e.folder / "table2_lq.png") == comments(e.path("table2"))


def test_the_bytes_of_a_picture_are_those_of_its_file(e):
    figure = draw("table3", e, keep=False)
    assert not (e.folder / "table3.png").exists()
    content = png(figure, "table3", e)
    draw("table3", e)
    assert (e.folder / "table3.png").read_bytes() == content


# crops

@pytest.mark.parametrize("name", PICTURES)
def test_crops_are_asked_for_by_those_pictures_alone_that_show_them(name, tmp_path, e):
    for path in (e.measured / "crops").glob("*.png"):
        path.unlink()
    if name in SHOW_CROPS:
        with pytest.raises(CompanionError, match=r"crops/\d\.png"):
            draw(name, e)
    else:
        draw(name, e)
    assert (e.folder / f"{name}.png").exists() == (name not in SHOW_CROPS)


@pytest.mark.parametrize("name", SHOW_CROPS)
def test_crops_that_are_given_are_shown_in_place_of_the_stored_ones(name, e):
    asked = []

    def given(row):
        asked.append(row)
        return crop(row)

    draw(name, e)
    stored_crops = (e.folder / f"{name}.png").read_bytes()
    for path in (e.measured / "crops").glob("*.png"):
        path.unlink()
    draw(name, e, given)
    assert (e.folder / f"{name}.png").read_bytes() == stored_crops
    assert set(asked) == set(MADE[name].crop)


@pytest.mark.parametrize("name, images", [("figure1", 8), ("figure4", 64), ("figure2", 0)])
def test_a_picture_that_is_not_kept_is_drawn_but_not_written(name, images, e):
    figure = draw(name, e, crop, keep=False)
    assert sum(len(axis.images) for axis in figure.axes) == images
    assert not list(e.folder.glob("*.png"))


# what is wrong is named

def test_a_picture_that_nobody_knows_is_named_with_the_known_ones(e):
    with pytest.raises(CompanionError, match="no picture 'figure7'.*figure1, figure2"):
        draw("figure7", e)


@pytest.mark.parametrize("content", [
    pytest.param(b"", id="nothing"), pytest.param(b"# profile demo\n", id="comments"),
    pytest.param(b"a,b\n1,2\n1,2,3\n", id="ragged"), pytest.param(b"a,b\n\xff,1\n", id="no text")])
@pytest.mark.parametrize("name, table", [("figure2", "figure2"), ("table1", "difficulty"),
                                         ("figure4", "figure4")])
def test_a_file_that_is_no_table_is_named(name, table, content, e):
    e.path(table).write_bytes(content)
    with pytest.raises(CompanionError, match=f"{table}.csv is no table"):
        draw(name, e)
    assert not (e.folder / f"{name}.png").exists()


@pytest.mark.parametrize("name, table, column", [
    ("figure1", "figure1", "blocking"), ("figure2", "figure2", "output"),
    ("figure3", "figure3", "x"), ("figure4", "figure4", "p"),
    ("figure5", "figure5_means", "paper"), ("figure5", "figure5_means", "measure"),
    ("figure6", "figure6", "radius"), ("collapse", "collapse", "rank_z"),
    ("table2", "table2", "low"), ("table2_lq", "table2_seeds", "codec"),
    ("table3", "table3", "training"), ("table3_lq", "table3", "auc"),
    ("quality", "quality", "auc_high"), ("quality_chains", "quality", "chain"),
    ("calibration", "calibration", "ece"), ("calibration", "calibration_bins", "right"),
    ("study", "study", "minus_b_low"), ("channels", "channel", "share"),
    ("channels", "channel_shifts", "shift"),
    ("training_curves", "training_curves", "val_accuracy"), ("validation", "validation", "LQ")])
def test_a_table_that_lacks_a_column_is_named_with_it(name, table, column, e):
    store(e, table, MADE[table].drop(columns=column))
    words = f"{name} can't be drawn from .*{table}.csv.*, where .*'{column}'.* is missing"
    with pytest.raises(CompanionError, match=words):
        draw(name, e)
    assert not (e.folder / f"{name}.png").exists()


@pytest.mark.parametrize("name, table", EVERY)
def test_a_missing_table_is_named(name, table, e):
    e.path(table).unlink()
    with pytest.raises(CompanionError, match=table):
        draw(name, e)
    assert not (e.folder / f"{name}.png").exists()


# does it look the same?

@pytest.fixture
def table3(tmp_path, monkeypatch):
    """Table 3's picture, as large as it is published: its Evidence and its file."""
    monkeypatch.setitem(STYLE, "savefig.dpi", 160)
    e = Evidence(DEMO, tmp_path / "large")
    store(e, "table3", MADE["table3"])
    draw("table3", e)
    yield e, e.folder / "table3.png"
    pyplot.close("all")


def changed(e: Evidence, table: pd.DataFrame) -> bytes:
    """Table 3's picture of another table."""
    store(e, "table3", table)
    figure = draw("table3", e, keep=False)
    return png(figure, "table3", e)


def as_png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, format="png")
    return file.getvalue()


def test_equal_bytes_and_smoother_letters_look_the_same(table3):
    _, path = table3
    assert same_picture(path, path.read_bytes())
    with Image.open(path) as image:
        smoother = image.convert("RGB").filter(ImageFilter.GaussianBlur(0.4))
    assert same_picture(path, as_png(smoother))


def test_half_a_point_and_a_changed_letter_do_not_look_the_same(table3):
    e, path = table3
    accuracy = MADE["table3"].accuracy.copy()
    accuracy[7] += 0.5
    assert not same_picture(path, changed(e, MADE["table3"].assign(accuracy=accuracy)))
    names = MADE["table3"].training.replace("FWA", "EWA")
    assert not same_picture(path, changed(e, MADE["table3"].assign(training=names)))


def test_a_pale_wash_over_an_area_does_not_look_the_same(table3):
    _, path = table3
    with Image.open(path) as image:
        washed = image.convert("RGB")
    washed.paste((255, 255, 225), (0, 0, 40, 40))
    assert not same_picture(path, as_png(washed))


def test_another_size_a_damaged_file_and_none_do_not_look_the_same(table3, tmp_path):
    _, path = table3
    content = path.read_bytes()
    with Image.open(path) as image:
        wider = image.convert("RGB").resize((image.width + 1, image.height))
    assert not same_picture(path, as_png(wider))
    assert not same_picture(tmp_path / "none.png", content)
    (tmp_path / "damaged.png").write_bytes(b"no picture")
    assert not same_picture(tmp_path / "damaged.png", content)
