"""Pictures in print: large letters, marks that survive without colour, words that hide nothing."""
from itertools import product

import matplotlib
import numpy as np
import pytest
from made_tables import stored
from matplotlib import colors, text
from matplotlib.lines import Line2D

from tcnsc_lib.evidence import Evidence
from tcnsc_lib.profiles import PROFILES
from tcnsc_lib.results.plots import (
    COLOURS,
    DASHES,
    LABELS,
    LINES,
    MARKERS,
    SMALLEST,
    STYLE,
    direct,
)
from tcnsc_lib.results.plots.embedding import SIGNS
from tcnsc_lib.results.plots.pictures import PICTURES, draw

NAMED = ("figure3", "table2_lq", "table3_lq", "study_gains")
"""Whose marks have their names beside them."""
STEP = 5  # of lightness, of 100: two that are nearer are one grey to a reader


def laid_out(name: str, e: Evidence):
    """A picture with all in its place, and the words that were drawn."""
    figure = draw(name, e, keep=False)
    words = []
    as_ever = text.Text.draw

    def noted(self, renderer):
        words.append(self)
        as_ever(self, renderer)

    with matplotlib.rc_context(STYLE), pytest.MonkeyPatch.context() as changed:
        changed.setattr(text.Text, "draw", noted)
        figure.draw_without_rendering()
    return figure, [word for word in words if word.get_visible() and word.get_text().strip()]


@pytest.fixture(scope="module")
def every(tmp_path_factory):
    """Name -> picture of tables made by hand, and its words. No test changes them."""
    with pytest.MonkeyPatch.context() as changed:
        for e in stored(tmp_path_factory.mktemp("print"), changed):
            yield {name: laid_out(name, e) for name in PICTURES}


@pytest.fixture(scope="module")
def committed():
    """(name, profile) -> picture of committed numbers, of those whose marks have names."""
    found = {}
    for name, profile in product(NAMED, ("demo", "photos")):
        found[name, profile], _ = laid_out(name, Evidence(PROFILES[profile]))
    yield found
    matplotlib.pyplot.close("all")


def lightness(colour) -> float:
    """L* of CIELAB, 0 to 100."""
    rgb = np.array(colors.to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    y = float(linear @ [0.2126, 0.7152, 0.0722])
    return 116 * np.cbrt(y) - 16 if y > 0.008856 else 903.3 * y


def test_lightness_is_that_of_the_standard():
    assert lightness("white") == pytest.approx(100)
    assert lightness("#777777") == pytest.approx(50, abs=0.2)
    assert lightness("black") == 0


# width and letters

@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_drawn_as_wide_as_it_is_printed(name, every):
    width = PICTURES[name].width * 2.54
    assert width == pytest.approx(8.5) or width == pytest.approx(17.5)
    assert every[name][0].get_figwidth() * 2.54 == pytest.approx(width)
    assert STYLE["savefig.bbox"] is None  # else the file is as wide as its words


def letters(words: text.Text) -> float:
    """Points of the smallest letter of some words; an exponent has seven tenths of their size."""
    size = words.get_fontsize()
    is_power = "$" in words.get_text() and "^" in words.get_text()
    return 0.7 * size if is_power else size


@pytest.mark.parametrize("name", PICTURES)
def test_no_letter_is_too_small_in_print_and_no_word_leaves_the_picture(name, every):
    figure, words = every[name]
    frame = figure.bbox.padded(1)
    assert words
    for found in words:
        assert letters(found) >= SMALLEST, found.get_text()
        place = found.get_window_extent()
        assert frame.contains(*place.min) and frame.contains(*place.max), found.get_text()


# without colour

def look(artist: Line2D) -> tuple:
    """What is left of a line or mark without its colour, but for its lightness."""
    mark = artist.get_marker()
    dash = artist.get_linestyle()
    pattern = artist._unscaled_dash_pattern if dash == "--" else None
    is_hollow = artist.get_markerfacecolor() in ("none", "white")
    return str(mark), dash, str(pattern), is_hollow


def in_grey(figure) -> list[tuple[str, list[str]]]:
    """Looks that two colours of one panel share, although they are nearly of one lightness."""
    shared = []
    for axis in figure.findobj(matplotlib.axes.Axes):
        colours: dict[tuple, list[str]] = {}
        for line in axis.lines:
            shown = colours.setdefault(look(line), [])
            shown.append(colors.to_hex(line.get_color()))
        for kind, found in colours.items():
            levels = sorted(lightness(colour) for colour in set(found))
            if np.any(np.diff(levels) < STEP):
                shared.append((str(kind), sorted(set(found))))
    return shared


def test_two_colours_of_one_grey_and_one_mark_are_noticed():
    figure, axis = matplotlib.pyplot.subplots()
    axis.plot([0, 1], color=LINES[1], marker="o")
    axis.plot([1, 0], color=LINES[1], marker="o")
    assert in_grey(figure) == []
    (other,) = axis.plot([1, 1], color=LINES[3], marker="o")
    assert len(in_grey(figure)) == 1
    other.set_marker("s")
    assert in_grey(figure) == []
    matplotlib.pyplot.close(figure)


@pytest.mark.parametrize("name", PICTURES)
def test_whatever_colour_tells_apart_is_told_apart_without_it(name, every):
    assert in_grey(every[name][0]) == []


@pytest.mark.parametrize("name", PICTURES)
def test_no_two_entries_of_a_legend_are_alike_without_colour(name, every):
    figure, _ = every[name]
    legends = [*figure.legends, *(axis.get_legend() for axis in figure.axes)]
    for legend in filter(None, legends):
        lines = [handle for handle in legend.legend_handles if isinstance(handle, Line2D)]
        looks = [(look(line), lightness(line.get_color()) // STEP) for line in lines]
        assert len(set(looks)) == len(looks)


def test_each_codec_has_a_mark_a_dash_and_a_lightness_of_its_own():
    assert len(set(MARKERS.values())) == len(set(map(str, DASHES.values()))) == len(COLOURS)
    levels = sorted(lightness(colour) for colour in COLOURS.values())
    assert np.diff(levels).min() > STEP


def test_bars_of_real_and_fake_differ_in_hatch_and_lightness(every):
    left, _ = every["figure5"][0].axes
    looks = {(bar.get_hatch(), round(lightness(bar.get_facecolor()[:3]))) for bar in left.patches}
    assert len(looks) == len(LABELS)
    assert len({hatch for hatch, _ in looks}) == len({level for _, level in looks}) == len(LABELS)


def words_of(axis) -> list:
    """What `direct.put` has put on an axis."""
    return [text for text in axis.texts if not text.get_in_layout()]


# words beside marks

def named(figure) -> list[tuple]:
    """Each axis that has words beside its marks, and these."""
    found = [(axis, words_of(axis)) for axis in figure.axes]
    return [(axis, words) for axis, words in found if words]


def hidden(axis, words) -> int:
    """How many dots, marks and ends of intervals lie below these words."""
    below = 0
    for word in words:
        place = word.get_window_extent()
        for dots in axis.collections:
            spots = axis.transData.transform(np.asarray(dots.get_offsets()))
            below += sum(place.contains(*spot) for spot in spots)
        for line in axis.lines:
            if line.get_marker() not in ("", "None"):
                spots = axis.transData.transform(line.get_xydata())
                below += sum(place.contains(*spot) for spot in spots)
    return below


def assert_named_without_overlap(figure):
    panels = named(figure)
    assert panels and not figure.legends
    for axis, words in panels:
        places = [word.get_window_extent() for word in words]
        for place in places:
            assert place.count_overlaps(places) == 1  # itself
            assert axis.bbox.contains(*place.min) and axis.bbox.contains(*place.max)
        assert hidden(axis, words) == 0


@pytest.mark.parametrize("name", NAMED)
def test_marks_have_their_names_beside_them_and_hide_nothing(name, every, committed):
    assert_named_without_overlap(every[name][0])
    for profile in ("demo", "photos"):
        assert_named_without_overlap(committed[name, profile])


def test_every_panel_of_figure_3_names_real_and_fake_by_their_marks(every):
    panels = named(every["figure3"][0])
    assert len(panels) == 6
    for _, words in panels:
        assert [word.get_text() for word in words] == ["● real", "▲ fake"]
    assert set(SIGNS) == {mark for _, _, mark in LABELS.values()}


@pytest.mark.parametrize("profile", ["demo", "photos"])
def test_a_name_of_figure_3_is_nearer_to_its_own_cloud(profile, committed):
    for axis, words in named(committed["figure3", profile]):
        clouds = [axis.transData.transform(dots.get_offsets()) for dots in axis.collections]
        for i, word in enumerate(words):
            place = word.get_window_extent()
            centre = (place.min + place.max) / 2
            far = [np.sort(np.linalg.norm(cloud - centre, axis=1))[:20].mean() for cloud in clouds]
            assert far[i] == min(far)


def test_a_ranking_names_each_kind_of_mark_once(every):
    ((_, words),) = named(every["table2_lq"][0])
    assert [word.get_text() for word in words] == [
        "accuracy, 95 % interval over people", "AUC", "accuracy, the paper",
        "accuracy, each training"]


def test_a_word_takes_the_first_free_place_and_else_the_one_that_hides_least():
    figure, axis = matplotlib.pyplot.subplots()
    direct.settle(axis)
    places = np.array([[200.0, 200.0], [300.0, 300.0]])
    block = np.array([[150.0, 150.0, 250.0, 250.0]])
    nothing = np.empty((0, 4))
    assert direct.put(axis, "ab", places, nothing)[0, 0] < 200
    assert 250 < direct.put(axis, "ab", places, block)[0, 0] < 300
    both = np.vstack([block, block, block + 100])
    assert 250 < direct.put(axis, "ab", places, both)[0, 0] < 300
    matplotlib.pyplot.close(figure)
