"""The text files of a run and what they must hold: config.json, environment.json, log.csv."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, ValidationError

from tcnsc_lib import CompanionError
from tcnsc_lib.checked import Count, Stored, check, damaged, record, table
from tcnsc_lib.training.identity import run_name

CONFIG = "config.json"
ENVIRONMENT = "environment.json"
LOG = "log.csv"
MOST_SEED = 2**32 - 1  # what all generators of random numbers take
NO_SETTINGS = ("experiment", "profile", "seed", "faces", "recipe", "device")
"""What config.json says beside the settings."""

Positive = Annotated[float, Field(gt=0)]
FromOne = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, le=MOST_SEED)]
Enlarge = Annotated[float, Field(gt=0, le=10)]
Percent = Annotated[float, Field(ge=0, le=100)]
Word = Annotated[str, Field(min_length=1)]


class Timetable(Stored):
    """A `loop.Schedule` as JSON has it."""

    iterations: FromOne
    batch_size: FromOne
    learning_rate: Positive
    final_lr_share: Positive
    optimizer: Literal["adam", "sgd"]
    flip: bool
    precision: Literal["float32", "bfloat16"]
    points: FromOne = Field(alias="validate")


class Config(Stored):
    """config.json: all that is in a run's name, and the device."""

    experiment: Word
    profile: Word
    seed: Seed
    detector: Word
    arguments: dict[str, Any]
    views: Annotated[list[Word], Field(min_length=1, max_length=2)]
    schedule: Timetable
    enlarge: Enlarge
    quality: Word
    faces: Word
    recipe: FromOne
    device: Word

    def as_written(self) -> dict[str, Any]:
        """What the file says, as lists, dicts, text and numbers."""
        return self.model_dump(by_alias=True, exclude_unset=True)

    def name(self) -> str:
        """What a run of these settings is called."""
        said = self.as_written()
        settings = {key: value for key, value in said.items() if key not in NO_SETTINGS}
        return run_name(
            self.experiment, self.profile, self.seed, settings, self.faces, self.recipe
        )


class Made(Stored):
    """environment.json: what made a run, in how many seconds."""

    commit: Word
    device: Word
    torch: Word
    seconds: Annotated[float, Field(ge=0)]
    code: str | None = None
    precision: str | None = None


class Step(Stored):
    """A row of log.csv. Where the curve has no point, its cells are empty."""

    iteration: FromOne
    lr: Positive
    total: float


class LastStep(Stored):
    """What is told of the last row beside that."""

    val_accuracy: Percent
    val_auc: Percent


# reading


def start_again(folder: Path) -> str:
    """What to do about a damaged file of a finished run: the end of a sentence."""
    return f"restore it, or delete {folder} and train again"


def read_tables(folder: Path) -> tuple[Config, pd.DataFrame, Made]:
    """A finished run's settings, log and origin. Raises CompanionError where one is damaged."""
    config = read_config(folder)
    return config, read_log(folder, config.schedule.iterations), read_made(folder)


def read_config(folder: Path) -> Config:
    """What a run's folder says of its settings.

    Raises CompanionError where the file is damaged, or where its settings aren't those that the
    folder is named after.
    """
    path = Path(folder) / CONFIG
    config = record(path, Config, start_again(folder))
    ours = Path(folder).resolve().name
    if config.name() != ours:
        raise CompanionError(
            f"What {path} says belongs to the run {config.name()}, not to {ours}; move it back, "
            f"or {start_again(folder)}."
        )
    return config


def read_made(folder: Path) -> Made:
    """What made a run. Raises CompanionError where the file is damaged."""
    return record(Path(folder) / ENVIRONMENT, Made, start_again(folder))


def read_log(folder: Path, iterations: int) -> pd.DataFrame:
    """The log of a run that went through all iterations of its schedule, a row each.

    Raises CompanionError where it is damaged or ends before.
    """
    path = Path(folder) / LOG
    cure = start_again(folder)
    table(path, Step, cure)
    log = pd.read_csv(path)  # here an empty cell is no number
    check_log(log, iterations, path, cure)
    check(log.tail(1), LastStep, path, cure)
    return log


def parse_log(text: str, iterations: int, path: Path, cure: str) -> pd.DataFrame:
    """The log of the first iterations, from a checkpoint's notes; see `read_log`."""
    try:
        log = pd.read_csv(StringIO(text))
    except ValueError as error:
        raise CompanionError(f"{path} is damaged (its log is no table); {cure}.") from error
    check(log, Step, path, cure)
    check_log(log, iterations, path, cure)
    return log


def check_log(log: pd.DataFrame, iterations: int, path: Path, cure: str) -> None:
    """Raise a CompanionError where a log isn't that of the iterations 1, 2, ... to the last."""
    counted = np.arange(1, iterations + 1)
    if not np.array_equal(log.iteration, counted):
        raise CompanionError(
            f"{path} has {len(log)} rows up to iteration {log.iteration.max()}, not one for each "
            f"of {iterations} iterations; {cure}."
        )
    words = [name for name, kind in log.dtypes.items() if kind.kind not in "iuf"]
    if words:
        raise CompanionError(f"{path} is damaged ({words[0]} holds no numbers); {cure}.")


# what a plan must hold


def check_seed(seed: int) -> None:
    """Raise a CompanionError for what can't be a seed."""
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MOST_SEED:
        raise CompanionError(
            f"{seed} can't be a seed; take a whole number from 0 to {MOST_SEED}."
        )


def check_settings(config: dict[str, Any]) -> None:
    """Raise a CompanionError for settings that no run can have. config: as config.json has it."""
    check_seed(config["seed"])
    try:
        Config.model_validate(config)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise CompanionError(
            f"{config['experiment']} can't be trained with {place} = {first['input']!r} "
            f"({first['msg'][:1].lower()}{first['msg'][1:]}); change that setting."
        ) from error


class Notes(Stored):
    """What stands beside the tensors of a checkpoint."""

    run: Word
    iteration: Count
    spent: Annotated[float, Field(ge=0)]
    code: str
    log: Word


def read_notes(notes: dict[str, str], path: Path, cure: str) -> Notes:
    """A checkpoint's notes as numbers. Raises CompanionError where one is missing or damaged."""
    try:
        return Notes.model_validate_strings(notes)
    except ValidationError as error:
        raise damaged(path, error, cure) from error
