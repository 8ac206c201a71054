"""Evidence: what was measured, and the tables that are computed from it.

    <folder>/evidence/<name>.csv      measured by a training, an analysis or a clock
    <folder>/evidence/crops.csv       label, unit and person of each test crop, as numbers
    <folder>/evidence/predictions/    one file a run: log-odds of fake, a row a test crop
    <folder>/evidence/study/          the same of the study's runs (`Evidence.study`)
    <folder>/evidence/chains/         the same after every chain (`Evidence.chains`)
    <folder>/evidence/validation/     the same of validation crops (`Evidence.validation`), whose
                                      labels are in evidence/validation_crops.csv
    <folder>/evidence/crops/<n>.png   the few crops that a picture shows, if they may be shown
    <folder>/<name>.csv               derived: `tcnsc report` computes it from the files above

`<folder>` is figures/<profile>. The comment lines on top of a file say what made it. To read a
table needs no data, no run and no training.
"""
from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.special import expit

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.chains import CHAINS
from tcnsc_lib.codecs import versions
from tcnsc_lib.evidence.labelled import TABLES, labelled
from tcnsc_lib.evidence.sheets import (
    DIGITS,
    check_measured,
    finite,
    head_of,
    number_of,
    read_table,
    told_of,
    write,
)
from tcnsc_lib.faces.opening import open_image
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.files import atomic, environment
from tcnsc_lib.machine import device
from tcnsc_lib.profiles import SOURCES, Profile, figures_folder
from tcnsc_lib.training.identity import slug

__all__ = ["DIGITS", "Evidence", "read_table"]


class Evidence:
    """The tables of one profile: what was measured, and what follows from it.

    p: whose numbers. folder: where they lie, by default figures/<profile>. part: in which folder of
    the evidence its predictions are. Nothing is read before it is asked for.
    """

    def __init__(self, p: Profile, folder: Path | None = None, part: str = "predictions"):
        self.p = p
        self.part = part
        self.split = "val" if part == "validation" else "test"
        self.of = TABLES[self.split]  # the table of the crops that its predictions are of
        self.columns = list(CHAINS if part == "chains" else paper.CODECS)
        self.folder = figures_folder(p) if folder is None else Path(folder)
        self.measured = self.folder / "evidence"

    # tables

    def save(self, name: str, table: pd.DataFrame, notes: Sequence[str] = ()) -> Path:
        """Write a measured table as CSV; returns the file.

        Its head names profile, seed, commit, device and versions, and says where RAW isn't raw;
        notes: more lines, one a run (`Run.note`).
        """
        path = self.measured / f"{name}.csv"
        return write(path, [self._made_by(), *self.p.notes, *notes], table)

    def derive(self, name: str, table: pd.DataFrame) -> Path:
        """Write a table that is computed from the evidence alone; returns the file.

        Its head is the same on every machine and at every commit, so the same evidence gives the
        same bytes.
        """
        head = (f"profile {self.p.name}; seed {self.p.seed}; "
                "computed by `tcnsc report` from evidence/")
        return write(self.folder / f"{name}.csv", [head, *self.p.notes], table)

    def path(self, name: str) -> Path:
        """The file of a table, derived or measured; it need not be there."""
        measured = self.measured / f"{name}.csv"
        return measured if measured.exists() else self.folder / f"{name}.csv"

    def has(self, name: str) -> bool:
        """Whether there is such a table, derived or measured."""
        return self.path(name).exists()

    def read(self, name: str) -> pd.DataFrame:
        """A table by its name, derived or measured.

        Raises CompanionError where there is none, or where it is damaged.
        """
        if not self.has(name):
            raise CompanionError(f"There is no {self.folder / name}.csv, nor the same in "
                                 f"{self.measured}; `tcnsc report` computes what follows from the "
                                 "evidence, and figures/README.md names the notebook that "
                                 "measures the rest.")
        table = read_table(self.path(name))
        check_measured(name, table, self.path(name))
        return table

    def head(self, name: str) -> str:
        """The comment lines of a table, without their "# ": what made it."""
        return "\n".join(head_of(self.path(name))) if self.has(name) else ""

    def _made_by(self) -> str:
        """Profile, seed, commit, device and versions, now."""
        facts = {"profile": self.p.name, "seed": self.p.seed}
        facts |= environment(device()) | versions()
        return "; ".join(f"{key} {value}" for key, value in facts.items())

    # the crops

    def save_crops(self, faces: FaceSet) -> Path:
        """Write the table of the crops, `labelled`: crops.csv of the test part; returns the file.

        Of `validation` it is validation_crops.csv.
        """
        self.__dict__.pop("crops", None)
        note = f"faces {faces.fingerprint}"
        return self.save(self.of, labelled(faces, self.split), [note])

    def faces(self, name: str) -> str:
        """The fingerprint of the faces that crops or predictions are of; "" if none is told."""
        return told_of("faces", self.head(name))

    @cached_property
    def crops(self) -> pd.DataFrame:
        """Crop, label (0 real, 1 fake), unit, person; a row a crop."""
        return self.read(self.of)

    @property
    def y(self) -> np.ndarray:
        """int64 (N,): 0 real, 1 fake."""
        return self.crops.label.to_numpy(np.int64)

    @property
    def units(self) -> np.ndarray:
        """int64 (N,): which crops succeed or fail together, for intervals."""
        return self.crops.unit.to_numpy(np.int64)

    @property
    def people(self) -> np.ndarray:
        """int64 (N,): the number of the person on each crop."""
        return self.crops.person.to_numpy(np.int64)

    # predictions

    @property
    def study(self) -> Evidence:
        """The same tables and test crops, with the predictions of the study's runs."""
        return Evidence(self.p, self.folder, "study")

    @property
    def chains(self) -> Evidence:
        """The same with what runs say of the crops after every chain of `chains.CHAINS`."""
        return Evidence(self.p, self.folder, "chains")

    @property
    def validation(self) -> Evidence:
        """The same tables, with the validation crops and what runs say of these."""
        return Evidence(self.p, self.folder, "validation")

    def predicted(self, experiment: str, seed: int | None = None) -> str:
        """The name of an experiment's predictions; without a seed, of the profile's first."""
        seed = self.p.seed if seed is None else seed
        return f"{self.part}/{slug(experiment)}-seed{seed}"

    def save_predictions(self, experiment: str, seed: int | None, log_odds: pd.DataFrame,
                         notes: Sequence[str] = ()) -> Path:
        """Write log-odds of fake, a row a test crop, a column a test set; returns the file.

        Log-odds keep what a probability rounds away: of a p(fake) close to 0 or 1, how close.
        """
        if len(log_odds) != len(self.crops):
            raise CompanionError(f"The predictions of {experiment} are of {len(log_odds)} crops, "
                                 f"{self.path(self.of)} has {len(self.crops)}; save the crops "
                                 "of the same faces first.")
        of = [f"faces {self.faces(self.of)}"] if self.faces(self.of) else []
        return self.save(self.predicted(experiment, seed), log_odds[self.columns], [*notes, *of])

    def has_predictions(self, experiment: str, seed: int | None = None) -> bool:
        """Whether they are there."""
        return self.has(self.predicted(experiment, seed))

    def log_odds(self, experiment: str, seed: int | None = None) -> pd.DataFrame:
        """Log-odds of fake, float64: a row a test crop, a column a test set (or a chain)."""
        name = self.predicted(experiment, seed)
        table = self.read(name)
        if list(table) != self.columns or len(table) != len(self.crops):
            raise CompanionError(f"{self.path(name)} doesn't fit {self.path(self.of)} (other test "
                                 "sets, or other crops); make both again, see figures/README.md.")
        if self.faces(name) != self.faces(self.of):
            raise CompanionError(f"{self.path(name)} is of other faces than {self.path(self.of)}; "
                                 "make it again, see figures/README.md.")
        return finite(table, self.path(name))

    def predictions(self, experiment: str, seed: int | None = None) -> pd.DataFrame:
        """p(fake), float64 in [0, 1], in the form of `log_odds`."""
        return expit(self.log_odds(experiment, seed))

    def threshold(self, experiment: str, seed: int | None = None) -> float:
        """The log-odds from which on RAW validation crops are best called fake; NaN if not kept."""
        return number_of("threshold", self.path(self.predicted(experiment, seed)))

    def right(self, experiment: str, seed: int | None = None,
              calibrated: bool = False) -> pd.DataFrame:
        """1.0 where a crop is called right (fake: p >= 1/2), else 0.0; in the same form.

        calibrated: fake from `threshold` on instead; NaN everywhere where there is none.
        """
        odds = self.log_odds(experiment, seed)
        least = self.threshold(experiment, seed) if calibrated else 0.0
        right = (odds >= least).eq(self.y, axis=0).astype(float)
        return right if np.isfinite(least) else right * np.nan

    # the crops that a picture shows

    def _picture(self, crop: int) -> Path:
        return self.measured / "crops" / f"{crop}.png"

    def save_picture(self, crop: int, image: np.ndarray) -> Path:
        """Write one test crop, uint8 (S, S, 3), without loss.

        Raises CompanionError where the source is private: no photograph goes into figures/.
        """
        if SOURCES[self.p.source].private:
            raise CompanionError(f"The crops of profile {self.p.name} show somebody and aren't "
                                 f"stored in {self.measured}; draw them on the spot.")
        path = self._picture(crop)
        with atomic(path) as part:
            Image.fromarray(image).save(part, format="png")
        return path

    def picture(self, crop: int) -> np.ndarray:
        """A test crop that was saved, uint8 (S, S, 3). Raises CompanionError where it wasn't."""
        path = self._picture(crop)
        if not path.exists():
            raise CompanionError(f"There is no {path}: crops of private faces aren't kept, others "
                                 "by the notebook that shows them; run it, see figures/README.md.")
        return open_image(path)
