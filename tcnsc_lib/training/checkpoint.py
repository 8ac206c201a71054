"""Checkpoints: what a run that was cut short goes on from, all in one file."""
from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import Detector
from tcnsc_lib.files import atomic
from tcnsc_lib.training.stored import Notes, parse_log, read_notes
from tcnsc_lib.training.weights import notes_of, read, save_file, unlike

DETECTOR = "detector/"  # how the names of its tensors begin
OPTIMIZER = "optimizer/"
CURE = "delete it to start this run again"


@dataclass
class Progress:
    """How far a run has come.

    done: iterations taken. log: a dict each iteration. seconds: spent so far. code: the digest of
    the code that took those steps; where several did, all of theirs with "+" between them.
    """

    done: int = 0
    log: list[dict] = field(default_factory=list)
    seconds: float = 0.0
    code: str = ""


class Checkpoint:
    """Weights, the optimizer's moments, log and progress in one file: all are equally new."""

    def __init__(self, folder: Path, today: str = ""):
        """folder: of the run. today: the digest of the code that goes on from it."""
        self.path = Path(folder) / "checkpoint.safetensors"
        self.owner = self.path.parent.name
        self.today = today

    def save(
        self, detector: Detector, optimizers: list[torch.optim.Optimizer], progress: Progress
    ) -> None:
        """Write the file anew, whole or not at all."""
        tensors = dict(stored(detector.state_dict(), DETECTOR))
        for number, optimizer in enumerate(optimizers):
            for index, moments in optimizer.state_dict()["state"].items():
                known = {name: value for name, value in moments.items() if value is not None}
                tensors |= stored(known, f"{OPTIMIZER}{number}/{index}/")
        meta = {
            "run": self.owner,
            "iteration": str(progress.done),
            "spent": str(progress.seconds),
            "code": progress.code,
            "log": pd.DataFrame(progress.log).to_csv(index=False),
        }
        with atomic(self.path) as part:
            save_file(tensors, part, metadata=meta)

    def resume(
        self, detector: Detector, optimizers: list[torch.optim.Optimizer], iterations: int
    ) -> Progress:
        """Restore all and say how far they are; without a file, nothing is done yet.

        iterations: of the whole run. Raises CompanionError where the file is damaged, of another
        run, or further than that.
        """
        if not self.path.exists():
            return Progress(code=self.today)
        tensors, notes = read(self.path, CURE)
        known = self._known(notes)
        if known.iteration > iterations:
            raise CompanionError(
                f"{self.path} is at iteration {known.iteration} of {iterations}; {CURE}."
            )
        log = parse_log(known.log, known.iteration, self.path, CURE)
        weights = _under(tensors, DETECTOR)
        if other := unlike(detector.state_dict(), weights):
            raise CompanionError(f"{self.path} is of another network ({other}); {CURE}.")
        states = self._states(tensors, optimizers, detector)
        detector.load_state_dict(weights)
        for optimizer, state in zip(optimizers, states, strict=True):
            optimizer.load_state_dict(state)
        return Progress(
            done=known.iteration,
            log=log.to_dict("records"),
            seconds=known.spent,
            code=_joined(known.code, self.today),
        )

    def code(self) -> str | None:
        """The digest of the code that trained so far; None without a file."""
        if not self.path.exists():
            return None
        return notes_of(self.path, CURE).get("code")

    def remove(self) -> None:
        """Delete the file, if it is there."""
        self.path.unlink(missing_ok=True)

    def _known(self, notes: dict[str, str]) -> Notes:
        """The notes of this run. Raises CompanionError for another run's, and for damaged ones."""
        owner = notes.get("run", "of no name")
        if owner != self.owner:
            raise CompanionError(
                f"{self.path} belongs to the run {owner}, not to {self.owner}; "
                "move it back or delete it."
            )
        return read_notes(notes, self.path, CURE)

    def _states(
        self,
        tensors: dict[str, Tensor],
        optimizers: list[torch.optim.Optimizer],
        detector: Detector,
    ) -> list[dict]:
        """What each optimizer is to load: its groups, and the moments that are stored of it.

        Raises CompanionError where a moment is of no optimizer or of no weight that learns.
        """
        before = [f"{OPTIMIZER}{number}/" for number in range(len(optimizers))]
        for name in _under(tensors, OPTIMIZER):
            if not f"{OPTIMIZER}{name}".startswith(tuple(before)):
                raise self._damaged(f"{OPTIMIZER}{name}")
        states = []
        for optimizer, prefix in zip(optimizers, before, strict=True):
            groups = optimizer.state_dict()["param_groups"]
            moments = self._moments(tensors, prefix, groups[0]["params"], detector)
            states.append({"state": moments, "param_groups": groups})
        return states

    def _moments(
        self, tensors: dict[str, Tensor], prefix: str, numbers: list[int], detector: Detector
    ) -> dict[int, dict[str, Tensor]]:
        """One optimizer's state as PyTorch has it: weight's number -> name -> tensor.

        numbers: of all weights that learn, in their order.
        """
        learned = [weight for weight in detector.parameters() if weight.requires_grad]
        weights = {str(number): weight for number, weight in zip(numbers, learned, strict=True)}
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in _under(tensors, prefix).items():
            index, _, moment = name.partition("/")
            weight = weights.get(index)
            if weight is None or value.dim() and value.shape != weight.shape:
                raise self._damaged(f"{prefix}{name}")
            state.setdefault(int(index), {})[moment] = value
        return state

    def _damaged(self, name: str) -> CompanionError:
        return CompanionError(f"{self.path} is damaged ({name} fits no weight); {CURE}.")


def _joined(before: str, today: str) -> str:
    """The digests of all code that trained a run, "+" between them, each once."""
    known = before.split("+")
    return before if today in known else f"{before}+{today}"


def stored(state: dict[str, Tensor], before: str = "") -> dict[str, Tensor]:
    """Tensors as safetensors takes them, `before` in front of their names."""
    return {
        f"{before}{name}": tensor.detach().cpu().contiguous() for name, tensor in state.items()
    }


def _under(tensors: dict[str, Tensor], before: str) -> dict[str, Tensor]:
    """Those whose name begins so, without that beginning."""
    return {
        name.removeprefix(before): value
        for name, value in tensors.items()
        if name.startswith(before)
    }
