"""Words beside what they name, in place of a legend: put where nothing else is drawn.

All places are in pixels of the canvas until a word is put; what is put stays at its place among
the data, whatever the picture's resolution.
"""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

GAP = 3
"""Pixels between a word and its mark."""

SIZE = 7.5
"""Points."""


def settle(axis: Axes) -> None:
    """Lay the picture out, so that places in pixels are those that will be drawn."""
    axis.figure.draw_without_rendering()


def measured(axis: Axes, word: str) -> tuple[float, float]:
    """Width and height of a word, in pixels."""
    text = axis.text(0, 0, word, fontsize=SIZE)
    box = text.get_window_extent()
    text.remove()
    return box.width, box.height


def boxes(centres: np.ndarray, half: tuple[float, float]) -> np.ndarray:
    """Around each centre, (N, 2), a box of these halves: (N, 4), x0 y0 x1 y1."""
    centres = np.asarray(centres, float).reshape(-1, 2)
    return np.hstack([centres - half, centres + half])


def overlaps(boxes: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """How many of the taken boxes, (M, 4), each of these, (N, 4), overlaps: (N,)."""
    low = np.maximum(boxes[:, None, :2], taken[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], taken[None, :, 2:])
    return (high > low).all(axis=2).sum(axis=1)


def put(axis: Axes, word: str, centres: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """Put a word at the first of these centres, (N, 2), where it hides nothing; its box, (1, 4).

    It stays inside the axis. Where every place hides something, the one that hides least is taken.
    """
    width, height = measured(axis, word)
    tried = boxes(centres, (width / 2 + GAP, height / 2 + 1))
    frame = axis.get_window_extent()
    outside = (tried[:, :2] < frame.min).any(axis=1) | (tried[:, 2:] > frame.max).any(axis=1)
    hidden = overlaps(tried, taken) + len(taken) * outside
    best = int(hidden.argmin())
    place = axis.transData.inverted().transform(centres[best])
    text = axis.text(*place, word, fontsize=SIZE, ha="center", va="center")
    text.set_in_layout(False)
    return tried[best : best + 1]


def around(axis: Axes, word: str, marks: np.ndarray) -> np.ndarray:
    """Centres for a word, (4 N, 2), mark by mark: right of it, left of it, above and below.

    marks: the boxes of marks, (N, 4).
    """
    width, height = measured(axis, word)
    x = marks[:, [0, 2]].mean(axis=1)
    y = marks[:, [1, 3]].mean(axis=1)
    aside = width / 2 + 2 * GAP
    above = height / 2 + GAP
    places = [(marks[:, 2] + aside, y), (marks[:, 0] - aside, y),
              (x, marks[:, 3] + above), (x, marks[:, 1] - above)]
    return np.array(places).transpose(2, 0, 1).reshape(-1, 2)


def spans(axis: Axes, low: np.ndarray, high: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Boxes in pixels, (N, 4), of marks from low to high and a margin; none for no number."""
    starts = axis.transData.transform(np.column_stack([low, places]))
    ends = axis.transData.transform(np.column_stack([high, places]))
    spans = np.hstack([starts - 5, ends + 5])
    return spans[np.isfinite(spans).all(axis=1)]


def name(axis: Axes, marks: Mapping[str, np.ndarray], lines: np.ndarray) -> None:
    """Put each word once beside one of its marks, where it hides no mark, line or other word.

    marks: word -> the boxes of its marks, (N, 4). lines: the boxes of lines, (M, 4).
    """
    taken = np.vstack([*marks.values(), lines])
    for word, boxes in marks.items():
        if len(boxes):
            box = put(axis, word, around(axis, word, boxes), taken)
            taken = np.vstack([taken, box])
