"""Checkpoints: what a run that was cut short goes on from, all in one file."""
from __future__ import annotations

from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import Detector
from tcnsc_lib.files import atomic

DETECTOR = "detector/"  # how the names of its tensors begin
OPTIMIZER = "optimizer/"


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
        self, detector: Detector, optimizer: torch.optim.Optimizer, progress: Progress
    ) -> None:
        """Write the file anew, whole or not at all."""
        tensors = dict(stored(detector.state_dict(), DETECTOR))
        for index, moments in optimizer.state_dict()["state"].items():
            known = {name: value for name, value in moments.items() if value is not None}
            tensors |= stored(known, f"{OPTIMIZER}{index}/")
        meta = {
            "run": self.owner,
            "iteration": str(progress.done),
            "spent": str(progress.seconds),
            "code": progress.code,
            "log": pd.DataFrame(progress.log).to_csv(index=False),
        }
        with atomic(self.path) as part:
            save_file(tensors, part, metadata=meta)

    def resume(self, detector: Detector, optimizer: torch.optim.Optimizer) -> Progress:
        """Restore both and say how far they are; without a file, nothing is done yet.

        Raises CompanionError where the file is damaged or of another run.
        """
        if not self.path.exists():
            return Progress(code=self.today)
        tensors, meta = self._read(everything=True)
        if meta.get("run") != self.owner:
            raise CompanionError(
                f"{self.path} belongs to the run {meta.get('run')}, not to {self.owner}; "
                "move it back or delete it."
            )
        detector.load_state_dict(_under(tensors, DETECTOR))
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": _moments(tensors), "param_groups": groups})
        log = pd.read_csv(StringIO(meta["log"]))
        return Progress(
            done=int(meta["iteration"]),
            log=log.to_dict("records"),
            seconds=float(meta["spent"]),
            code=_joined(meta["code"], self.today),
        )

    def code(self) -> str | None:
        """The digest of the code that trained so far; None without a file."""
        if not self.path.exists():
            return None
        _, meta = self._read(everything=False)
        return meta.get("code")

    def remove(self) -> None:
        """Delete the file, if it is there."""
        self.path.unlink(missing_ok=True)

    def _read(self, everything: bool) -> tuple[dict[str, Tensor], dict[str, str]]:
        """The tensors, or none of them, and the notes beside them."""
        try:
            with safe_open(self.path, framework="pt") as file:
                names = file.keys() if everything else ()
                tensors = {name: file.get_tensor(name) for name in names}
                return tensors, file.metadata() or {}
        except SafetensorError as error:
            raise CompanionError(
                f"{self.path} is damaged ({error}); delete it to start this run again."
            ) from error


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


def _moments(tensors: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    """The optimizer's state as PyTorch has it: weight's number -> name -> tensor."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _under(tensors, OPTIMIZER).items():
        index, moment = name.split("/")
        state.setdefault(int(index), {})[moment] = value
    return state
