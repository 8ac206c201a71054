"""One look in every picture: colours that tell codecs and labels apart, also in grey."""
import matplotlib.colors
import numpy as np
import pytest
from made_tables import stored

from tcnsc_lib import paper
from tcnsc_lib.results.plots import COLOURS, LABELS
from tcnsc_lib.results.plots.pictures import draw


@pytest.fixture
def e(tmp_path, monkeypatch):
    yield from stored(tmp_path, monkeypatch)


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2, from 0 to 1."""
    rgb = np.array(matplotlib.colors.to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_luminance_is_that_of_the_standard():
    assert luminance("#FFFFFF") == pytest.approx(1)
    assert luminance("#808080") == pytest.approx(0.2159, abs=1e-3)


def test_real_and_fake_differ_in_brightness_mark_and_name():
    real, one, dot = LABELS[0]
    fake, other, mark = LABELS[1]
    assert (real, fake) == ("real", "fake")
    assert dot != mark
    assert abs(luminance(one) - luminance(other)) > 0.2


def hexadecimal(colour) -> str:
    return matplotlib.colors.to_hex(colour).upper()


def test_a_codec_has_one_colour_in_every_figure(e):
    lines = draw("figure6", e).axes[0].lines
    assert {line.get_label(): hexadecimal(line.get_color()) for line in lines} == COLOURS
    marks = draw("table2", e).axes[0].containers
    for name, mark in zip(paper.CODECS, marks, strict=True):
        assert hexadecimal(mark[0].get_color()) == COLOURS[name]
    assert len(set(COLOURS.values())) == 5


def test_real_and_fake_have_their_colours_in_bars_and_lines(e):
    left, right = draw("figure5", e).axes
    colours = [LABELS[0][1]] * 4 + [LABELS[1][1]] * 4
    assert [hexadecimal(bar.get_facecolor()) for bar in left.patches] == colours
    assert {hexadecimal(line.get_color()) for line in right.lines} == set(colours)
