"""Tensors on disk: written whole or not at all, and checked before anything is made of them.

The file is safetensors', which holds no pickle. A checksum among its notes says whether the tensors
are the ones that were written; files without one are older and taken as they are.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from tcnsc_lib import CompanionError
from tcnsc_lib.checked import regular
from tcnsc_lib.detectors import Detector

LARGEST = 4 << 30  # bytes; a checkpoint of the largest detector here has 0.6 GB
CHECKSUM = "crc"
NOTES = "notes"
"""The one note that is written, a JSON text: safetensors has several in no fixed order, and equal
weights are equal bytes."""


def save_file(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str]) -> None:
    """Write tensors and notes with the permissions of any other new file.

    Raises OSError, of a full disk too.
    """
    notes = json.dumps({**metadata, CHECKSUM: checksum(tensors)}, sort_keys=True)
    path.write_bytes(save(dict(tensors), metadata={NOTES: notes}))


def checksum(tensors: Mapping[str, Tensor]) -> str:
    """Eight hexadecimal digits of the names and bytes of tensors on the CPU, in any order."""
    crc = 0
    for name in sorted(tensors):
        flat = tensors[name].contiguous().view(-1)
        crc = zlib.crc32(name.encode(), crc)
        crc = zlib.crc32(flat.view(torch.uint8).numpy(), crc)
    return f"{crc:08x}"


def notes_of(path: Path, cure: str) -> dict[str, str]:
    """The notes beside the tensors of a file. Raises CompanionError where they can't be read."""
    regular(path, LARGEST, cure)
    try:
        with safe_open(path, framework="pt") as file:
            notes = file.metadata() or {}
        return _texts(json.loads(notes[NOTES])) if NOTES in notes else notes
    except (SafetensorError, OSError, ValueError) as error:
        raise CompanionError(f"{path} is damaged ({error}); {cure}.") from error


def _texts(notes: object) -> dict[str, str]:
    """Notes, if they are a text each. Raises ValueError otherwise."""
    if not isinstance(notes, dict) or not all(isinstance(note, str) for note in notes.values()):
        raise ValueError("its notes are no texts")
    return notes


def read(path: Path, cure: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file and the notes beside them.

    cure: what to do where they can't be had, the end of a sentence. Raises CompanionError for what
    is no such file, and where the tensors aren't finite or not the ones that were written.
    """
    notes = notes_of(path, cure)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise CompanionError(f"{path} is damaged ({error}); {cure}.") from error
    for name, value in tensors.items():
        if not torch.isfinite(value).all():
            raise CompanionError(
                f"{path} is damaged ({name} holds what is no finite number); {cure}."
            )
    if CHECKSUM in notes and notes[CHECKSUM] != checksum(tensors):
        raise CompanionError(
            f"{path} is damaged (its numbers aren't those that were written); {cure}."
        )
    return tensors, notes


def fill(detector: Detector, path: Path) -> None:
    """Load the weights of a finished run, after a look at whose they are and what they hold.

    Raises CompanionError where they are another run's, another network's, or damaged.
    """
    again = f"delete {path.parent} and train again"
    tensors, notes = read(path, again)
    owner = notes.get("run", "of no name")
    if owner != path.parent.name:
        raise CompanionError(
            f"{path} belongs to the run {owner}, not to {path.parent.name}; move it back."
        )
    if other := unlike(detector.state_dict(), tensors):
        raise CompanionError(
            f"{path} holds the weights of another detector than the {type(detector).__name__} "
            f"asked for ({other}); check the folder's config.json, or {again}."
        )
    detector.load_state_dict(tensors)


def unlike(ours: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> str:
    """How stored tensors differ in name, shape or type from those of a network; "" if they don't.

    Other names or shapes are of another network. Another type of number is no training's work.
    """
    if ours.keys() != stored.keys():
        other = min(ours.keys() ^ stored.keys())
        return f"{other} is only in {'it' if other in stored else 'the network'}"
    for name, value in ours.items():
        theirs = stored[name]
        if theirs.shape != value.shape:
            return f"{name} has the shape {list(theirs.shape)}, not {list(value.shape)}"
        if theirs.dtype != value.dtype:
            return f"{name} has numbers of the type {_kind(theirs)}, not {_kind(value)}"
    return ""


def _kind(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")
