"""Colours of made-up people: skin, hair, eyes, lips, clothes, and what is behind them."""

from __future__ import annotations

import numpy as np

RGB = tuple[float, float, float]

# As displayed, 0..255. Skin from the lightest to the darkest.
SKIN = [
    (250, 216, 196),
    (240, 200, 172),
    (224, 178, 142),
    (198, 146, 108),
    (164, 112, 78),
    (128, 84, 58),
    (96, 64, 48),
]
HAIR = [
    (28, 22, 20),
    (46, 32, 24),
    (72, 50, 36),
    (104, 74, 52),
    (146, 110, 76),
    (194, 162, 116),
    (136, 72, 44),
    (150, 148, 146),
    (196, 192, 186),
]
OFTEN_WITH_LIGHT_SKIN = [0.10, 0.15, 0.18, 0.14, 0.12, 0.12, 0.09, 0.06, 0.04]
OFTEN_WITH_DARK_SKIN = [0.60, 0.26, 0.04, 0.0, 0.0, 0.0, 0.0, 0.07, 0.03]
GREYS = 2  # the last ones of HAIR; more often with age
IRIS = [
    (74, 48, 30),
    (104, 70, 40),
    (110, 118, 70),
    (88, 128, 104),
    (92, 132, 168),
    (122, 138, 150),
]
BROWNS = 2  # the first ones of IRIS


def colours(
    rng: np.random.Generator, tone: float, age: float, woman: bool
) -> dict[str, RGB | tuple[RGB, RGB, RGB]]:
    """All colours of a person by field of `people.Person`; tone: of the skin, 0 light to 1 dark."""
    skin = _skin(rng, tone)
    hair = _hair(rng, tone, age)
    lip = skin * rng.uniform([0.86, 0.60, 0.62], [0.96, 0.70, 0.72])
    if woman and rng.random() < 0.5:
        lip = 0.45 * lip + 0.55 * _lipstick(rng)
    kinds = BROWNS if tone > 0.45 else len(IRIS)
    iris = IRIS[rng.choice(kinds)]
    brightness = rng.uniform(0.85, 1.15)
    return {
        "skin": linear(skin),
        "lip": linear(lip),
        "hair": linear(hair * brightness),
        "iris": linear(iris),
        "cloth": _any(rng, 30, 175, rng.uniform(0.03, 0.38)),
        "cloth_alt": _any(rng, 60, 205, 0.13),
        "glasses_rgb": _any(rng, 20, 70, 0.4),
        "back": tuple(_any(rng, 60, 200, rng.uniform(0.02, 0.16)) for _ in range(3)),
    }


def linear(displayed: np.ndarray | RGB) -> RGB:
    """Linear triple of an sRGB-like 0..255 triple (gamma 2)."""
    shares = np.asarray(displayed, float) / 255
    r, g, b = np.clip(shares, 0.02, 1) ** 2
    return (float(r), float(g), float(b))


def _any(rng: np.random.Generator, low: float, high: float, saturation: float) -> RGB:
    """A random colour whose grey value lies in low..high (0..255)."""
    grey = rng.uniform(low, high)
    hue = rng.uniform(0, 2 * np.pi) + np.array([0, 2.1, 4.2])
    return linear(grey * (1 + saturation * np.cos(hue)))


def _skin(rng: np.random.Generator, tone: float) -> np.ndarray:
    """Between two of SKIN, and a little off: (3,), 0..255."""
    steps = range(len(SKIN))
    at = tone * (len(SKIN) - 1)
    base = np.array([np.interp(at, steps, channel) for channel in zip(*SKIN, strict=True)])
    brightness = rng.normal(0, 0.03)
    return base * (1 + brightness + rng.normal(0, 0.012, 3))


def _hair(rng: np.random.Generator, tone: float, age: float) -> np.ndarray:
    """One of HAIR, (3,), 0..255."""
    often = OFTEN_WITH_DARK_SKIN if tone > 0.5 else OFTEN_WITH_LIGHT_SKIN
    weights = np.array(often) + 1e-9
    weights[-GREYS:] *= 6 * age**2
    chosen = rng.choice(len(HAIR), p=weights / weights.sum())
    return np.array(HAIR[chosen])


def _lipstick(rng: np.random.Generator) -> np.ndarray:
    red = rng.uniform(150, 200)
    green = rng.uniform(30, 80)
    blue = rng.uniform(50, 90)
    return np.array([red, green, blue])
