"""A run that is asked about faces, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tcnsc_lib import CompanionError, paper, profiles
from tcnsc_lib.analysis.gradcam import heat
from tcnsc_lib.asking.given import Cut
from tcnsc_lib.chains import Step
from tcnsc_lib.codecs import codec
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.outputs import FEW, predict_after
from tcnsc_lib.detectors.registry import DETECTORS
from tcnsc_lib.experiments.cards import Card, read_card
from tcnsc_lib.machine import device
from tcnsc_lib.profiles import SOURCES
from tcnsc_lib.training.predictions import weights_digest
from tcnsc_lib.training.run import load
from tcnsc_lib.training.stored import CONFIG, Config, read_config

UNKNOWN = "faces that aren't known here"
NO_LIMITS = "nothing is known here of its faces, so p(fake) means nothing."
FAKE = 1
TESTED = {name: codec(name) for name in paper.CODECS}


@dataclass(frozen=True)
class Judge:
    """A finished run. card: what it is worth on its own test part; None where that isn't known."""

    folder: Path
    config: Config
    detector: Detector
    card: Card | None

    @property
    def cut(self) -> Cut:
        """How its faces are cut."""
        known = profiles.named(self.config.profile)
        found = known.found if known else "mtcnn"
        return Cut(self.detector.input_size, self.config.enlarge, found)

    @property
    def about(self) -> dict[str, str]:
        """Sentences that must stand beside its answers: run, detector, test, limits."""
        source = _source(self.config.profile)
        shows = SOURCES[source].shows if source else UNKNOWN
        return {
            "run": str(self.folder),
            "detector": f"{self.config.detector}, trained as {self.config.experiment} on {shows} "
            f"(profile {self.config.profile})",
            "right on its own test part": self._worth(),
            "limits": SOURCES[source].limits if source else NO_LIMITS,
        }

    def _worth(self) -> str:
        if self.card is None:
            return "not known; `tcnsc train` with its experiment and profile measures it"
        shares = [f"{name} {100 * one.accuracy:.1f} %" for name, one in self.card.test.items()]
        return f"{', '.join(shares)} of {self.card.crops} crops"

    def log_odds(
        self, crops: Sequence[np.ndarray], changes: Mapping[str, Step] = TESTED
    ) -> pd.DataFrame:
        """Log-odds of fake of each crop (rows) after each change (columns), float64.

        crops: uint8 (S, S, 3) each. changes: name -> uint8 (S, S, 3) to the same, by default the
        codecs of the paper's test sets. Raises CompanionError where one is no number.
        """
        images = np.stack(crops)
        told = {}
        for name, change in changes.items():
            told[name] = predict_after({name: self.detector}, images, change)[name]
        return pd.DataFrame(told)

    def heat(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        """Where it sees what speaks for fake: Grad-CAM, float32 (N, cells, cells) in [0, 1]."""
        maps = []
        for start in range(0, len(crops), FEW):
            some = np.stack(crops[start : start + FEW])
            maps.append(heat(self.detector, some, np.full(len(some), FAKE)))
        return np.concatenate(maps)


def judge_of(folder: Path) -> Judge:
    """The run in a folder. Raises CompanionError where there is none, or a damaged one."""
    place = Path(folder).expanduser().resolve()
    if not (place / CONFIG).exists():
        raise CompanionError(
            f"{folder} holds no run ({CONFIG} is missing); `tcnsc train` prints the folder."
        )
    config = read_config(place)
    detector = load(place, _untrained(config, place)).detector
    card = read_card(place)
    if card is not None and card.weights != weights_digest(place):
        card = None  # of other weights
    return Judge(place, config, detector.to(device()), card)


def _source(profile: str) -> str:
    """Where the faces of a profile come from, a key of SOURCES; "" where it isn't known."""
    known = profiles.named(profile)
    return known.source if known else ""


def _untrained(config: Config, folder: Path) -> Detector:
    """The detector of a run, without its weights."""
    if config.detector not in DETECTORS:
        raise CompanionError(
            f"{folder / CONFIG} names a detector {config.detector!r}, which there isn't; restore "
            "the file."
        )
    shape = dict(config.arguments)
    if "pretrained" in shape:
        shape["pretrained"] = False  # the run's own weights come next
    try:
        return DETECTORS[config.detector](**shape)
    except (TypeError, ValueError, RuntimeError) as error:
        raise CompanionError(
            f"{folder / CONFIG} holds arguments that a {config.detector} can't have ({error}); "
            "restore the file."
        ) from error
