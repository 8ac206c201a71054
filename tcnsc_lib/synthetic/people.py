"""Who a made-up person is: seeded parameters without any pixels.

Lengths are in head units: 1 is half the height of the head (crown to chin), x points right, y down
and z towards the viewer, with the origin in the middle of the head. Colours are linear RGB in 0..1
(the square of the display value).

What is drawn, and in which order, is what a seed means: another order makes other people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tcnsc_lib.synthetic.palette import RGB, colours

# Styles of hair; what stands there more often is drawn more often.
LONG = ("long", "long", "long")
BOB = ("bob", "bob")
FOR_WOMEN = ("side", "fringe", *LONG, "curly", "bun", *BOB, "beanie")
FOR_MEN = ("bald", "crop", "crop", "side", "side", "curly", "back", "fringe", "beanie")
GLASSES = ("", "", "", "round", "square")
COLLARS = ("crew", "vee", "shirt", "turtle")
PATTERNS = ("plain", "plain", "stripes", "knit")

# Lowest and highest value, in the order in which they are drawn.
SHAPE = {
    "width": (0.655, 0.715),
    "jaw": (-0.05, 0.17),
    "cheek": (-0.02, 0.06),
    "depth": (0.82, 0.95),
    "neck": (0.45, 0.50),
    "eye_x": (0.275, 0.315),
    "eye_y": (-0.01, 0.05),
    "eye_w": (0.135, 0.165),
    "eye_h": (0.062, 0.086),
    "eye_tilt": (-0.06, 0.16),
    "lash": (0.4, 0.6),
    "brow_y": (0.165, 0.215),
    "brow_h": (0.022, 0.04),
    "brow_arch": (0.01, 0.06),
    "brow_tilt": (-0.12, 0.1),
    "brow_dark": (0.55, 0.95),
    "nose_y": (0.33, 0.41),
    "nose_w": (0.105, 0.15),
    "nose_h": (0.19, 0.28),
    "mouth_y": (0.585, 0.645),
    "mouth_w": (0.215, 0.28),
    "lip_up": (0.035, 0.065),
    "lip_low": (0.055, 0.09),
    "smile": (0.0, 0.06),
}
OF_WOMEN = {  # is added
    "width": -0.02,
    "jaw": -0.07,
    "neck": -0.10,
    "eye_h": 0.006,
    "lash": 0.5,
    "brow_h": -0.008,
    "nose_w": -0.01,
    "nose_h": -0.02,
    "lip_up": 0.008,
    "lip_low": 0.01,
}
HAIRLINE = {  # drawn for every style, whichever is worn
    "crop": (-0.68, -0.56),
    "side": (-0.66, -0.52),
    "fringe": (-0.40, -0.34),
    "long": (-0.66, -0.54),
    "curly": (-0.60, -0.5),
    "back": (-0.70, -0.58),
    "bob": (-0.52, -0.36),
    "bun": (-0.68, -0.56),
    "beanie": (-0.5, -0.38),
}
VOLUME = {
    "bald": 0.0,
    "crop": 0.035,
    "side": 0.09,
    "fringe": 0.10,
    "long": 0.10,
    "curly": 0.2,
    "back": 0.08,
    "bob": 0.13,
    "bun": 0.06,
    "beanie": 0.1,
}


@dataclass(frozen=True)
class Person:
    """Everything that identifies a person, with clothes, background and light (see `person`)."""

    seed: int
    skin: RGB
    age: float
    width: float
    jaw: float
    cheek: float
    depth: float
    eye_x: float
    eye_y: float
    eye_w: float
    eye_h: float
    eye_tilt: float
    iris: RGB
    lash: float
    brow_y: float
    brow_h: float
    brow_arch: float
    brow_tilt: float
    brow_dark: float
    nose_y: float
    nose_w: float
    nose_h: float
    mouth_y: float
    mouth_w: float
    lip_up: float
    lip_low: float
    smile: float
    lip: RGB
    hair: RGB
    style: str
    hairline: float
    part: float
    volume: float
    beard: float
    beard_full: bool
    freckles: int
    blush: float
    glasses: str
    glasses_rgb: RGB
    cloth: RGB
    cloth_alt: RGB
    collar: str
    pattern: str
    neck: float
    back: tuple[RGB, RGB, RGB]
    light: tuple[float, float, float]
    key: float
    warmth: float


def person(seed: int) -> Person:
    """Draw a person from `seed`; the same seed gives the same person."""
    rng = np.random.default_rng([seed, 101])
    woman = bool(rng.random() < 0.5)
    age = float(rng.uniform() ** 1.3)
    tone = float(rng.uniform())
    style = str(rng.choice(FOR_WOMEN if woman else FOR_MEN))
    side = float(rng.choice([-1, 1]))
    drawn = _shape(rng, woman)
    drawn |= _hairline_and_beard(rng, style, woman)
    drawn |= _light(rng, side)
    drawn |= _hair_and_skin(rng, style, side, tone)
    drawn |= _dress(rng)
    drawn |= {"key": rng.uniform(0.85, 1.15), "warmth": rng.uniform(-0.06, 0.08)}
    drawn |= colours(rng, tone, age, woman)
    return Person(seed=seed, age=age, style=style, **drawn)


def _shape(rng: np.random.Generator, woman: bool) -> dict[str, float]:
    """Measures of head and face."""
    drawn = {name: rng.uniform(*bounds) for name, bounds in SHAPE.items()}
    if woman:
        for name, more in OF_WOMEN.items():
            drawn[name] += more
    return drawn


def _hairline_and_beard(rng: np.random.Generator, style: str, woman: bool) -> dict[str, object]:
    hairlines = {worn: rng.uniform(*bounds) for worn, bounds in HAIRLINE.items()}
    hairlines["bald"] = -0.62
    shaved = woman or rng.uniform() < 0.4
    beard = 0.0 if shaved else rng.uniform(0.25, 1)
    return {"hairline": hairlines[style], "beard": beard, "beard_full": bool(beard > 0.7)}


def _light(rng: np.random.Generator, side: float) -> dict[str, tuple[float, ...]]:
    """Where the light comes from, a unit vector: in front, above, and from one side."""
    across = side * rng.uniform(0.3, 0.9)
    up = -rng.uniform(0.2, 0.6)
    towards = np.array([across, up, 1.0])
    unit = towards / np.linalg.norm(towards)
    return {"light": tuple(float(v) for v in unit)}


def _hair_and_skin(
    rng: np.random.Generator, style: str, side: float, tone: float
) -> dict[str, float]:
    part = side * rng.uniform(0.1, 0.4)
    volume = VOLUME[style] * rng.uniform(0.8, 1.3)
    is_freckled = tone < 0.35 and rng.uniform() < 0.4
    freckles = int(rng.uniform(20, 90)) if is_freckled else 0
    blush = rng.uniform(0.1, 0.5)
    return {"part": part, "volume": volume, "freckles": freckles, "blush": blush}


def _dress(rng: np.random.Generator) -> dict[str, str]:
    glasses = str(rng.choice(GLASSES))
    collar = str(rng.choice(COLLARS))
    pattern = str(rng.choice(PATTERNS))
    return {"glasses": glasses, "collar": collar, "pattern": pattern}
