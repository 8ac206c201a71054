"""`tcnsc plan`: what a profile's tables will take, told before anything long starts."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import torch

from tcnsc_lib import profiles
from tcnsc_lib.experiments import forecast, room
from tcnsc_lib.experiments.forecast import Cutting, Trainings
from tcnsc_lib.experiments.reading import FEW
from tcnsc_lib.experiments.room import Disk
from tcnsc_lib.faces import budget
from tcnsc_lib.machine import cores, device
from tcnsc_lib.training.pace import Pace
from tcnsc_lib.training.run import Plan

UNITS = (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1))
SIZES = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3))
MANY = 2  # from so many of a unit on, it is used


def plan(arguments) -> None:
    """Videos, crops, room and hours of Tables 1 to 3, from a few frames and a few steps."""
    p = profiles.profile(arguments.profile, arguments.method)
    lacks = forecast.lacking(p)
    found = forecast.trainings(p, [table for table in lacks if not lacks[table]])
    qualities = dict.fromkeys([p.raw_quality])
    for one in found.values():
        qualities |= dict.fromkeys(todo.quality for todo in one.plans.values())
    print(f"profile {p.name}, {profiles.source_folder(p)}; measured now, on {_here()}")
    cut = forecast.cutting(p, list(qualities))
    _tell_faces(p, cut)
    disk = room.disk(p, cut)
    reading = None if disk.has_arrays else room.reading(found, cut)
    paces = forecast.measure(found, p, cut, reading)
    cached = room.arrays(found, p, cut) if disk.has_arrays else None
    _tell_disk(disk, cut, cached)
    _tell_memory(*room.memory(paces))
    _tell_trainings(found, lacks)
    _tell_paces(paces)
    for note in p.notes:
        print(note)


def _on_gpu() -> bool:
    return device() == "cuda"


def _here() -> str:
    return torch.cuda.get_device_name() if _on_gpu() else f"{cores()} cores of this processor"


def _of() -> str:
    """Of what hours are: see `machine.clock`."""
    return "on this machine" if _on_gpu() else "of one core"


def lasting(seconds: float) -> str:
    """Seconds as a reader has them: "about 3.4 hours"; two digits, since no more is known."""
    for unit, length in UNITS:
        if seconds >= MANY * length:
            return f"about {_two_digits(seconds / length)} {unit}"
    return "a moment" if seconds else "nothing"


def size(count: float) -> str:
    """Bytes: "1.5 GB"."""
    for unit, length in SIZES:
        if count >= length:
            return f"{_two_digits(count / length)} {unit}"
    return f"{count:.0f} bytes"


def _two_digits(number: float) -> str:
    return f"{float(f'{number:.2g}'):,g}"


# ---------------------------------------------------------------- faces


def _tell_faces(p: profiles.Profile, cut: Cutting) -> None:
    trial = cut.trial
    print(f"\n{trial.unit}\n{_summed(trial.items)}")
    if trial.unit == "videos":
        print(f"frames sampled: about {trial.pictures.to_numpy().sum():,}")
    there = [quality for quality, left in cut.left.items() if left == 0]
    about = "" if p.raw_quality in there else "about "
    print(f"crops of {p.size} px at {p.raw_quality}: {about}{cut.crops.to_numpy().sum():,}\n"
          f"{_summed(cut.crops)}")
    if len(cut.left) > 1:
        print(f"as many again at {' and '.join(list(cut.left)[1:])}")
    if there:
        print(f"already there: those at {', '.join(there)}")
    if trial.first:
        print(f"rendering the videos: {lasting(trial.first)} {_of()}")
    print(f"finding faces and cutting: {lasting(cut.seconds - trial.first)} {_of()}")
    print(f"measured on: {trial.measured_on}")


def _summed(counts: pd.DataFrame) -> str:
    """A table of parts with their sums."""
    every = pd.DataFrame({"all": counts.sum()}).T
    return pd.concat([counts, every]).to_string()


# ---------------------------------------------------------------- room


def _tell_disk(disk: Disk, cut: Cutting, cached: tuple[float, float] | None) -> None:
    """cached: bytes of the arrays, and seconds until they are compressed; None without arrays."""
    print(f"\ndisk: crops {size(cut.files)}; {size(disk.free)} are free in {disk.place}")
    arrays, work = cached or (0.0, 0.0)
    if cut.files + arrays > disk.free:
        print("that isn't enough; make room, or set TCNSC_HOME to a larger disk")
    if cached:
        print(f"their cached arrays: {size(arrays)} (safe to delete); compressing them: "
              f"{lasting(work)} {_of()}")
    else:
        print(f"no cached arrays: they could take {size(disk.needed)}, and {size(disk.allowed)} "
              f"are allowed ({budget.BUDGET}=<GB>); each step reads and compresses its crops, as "
              "counted below")
    few = min(FEW, len(cut.trial.sample))
    print(f"measured on: the files of {len(cut.trial.sample)} crops, and {few} of them under each "
          "codec")


def _tell_memory(program: int, step: int) -> None:
    """Bytes that the program holds, and that the largest step does; 0 where nothing is trained."""
    if step:
        print(f"memory: {size(program + step)} for each training beside another: this program, and "
              f"{size(step)} that the largest step holds")


# ---------------------------------------------------------------- trainings


def _tell_trainings(found: Mapping[str, Trainings], lacks: Mapping[str, Sequence[str]]) -> None:
    rows = []
    for table, one in found.items():
        rows.append({
            "Table": table,
            "trainings": one.asked,
            "one and the same": one.asked - len(one.plans),
            "in a table above": one.above,
            "done": one.done,
            "to do": len(one.seconds),
            _of(): lasting(sum(one.seconds.values())),
            "here": f"{lasting(one.here)}, {one.at_once} at once",
        })
    print(f"\n{pd.DataFrame(rows).to_string(index=False)}")
    for table, sentences in lacks.items():
        for sentence in sentences:
            print(f"Table {table}: {sentence}")


def _tell_paces(paces: Sequence[tuple[Plan, Pace]]) -> None:
    """A row each kind of training: how long a step takes, and on what that is measured."""
    if not paces:
        print("nothing is left to train")
        return
    rows = []
    for todo, found in paces:
        rows.append({
            "like": todo.experiment,
            "steps": todo.schedule.iterations,
            "seconds a step": _two_digits(found.step),
            "crops a step": todo.schedule.batch_size,
            "measured on": f"{found.steps} steps of {found.batch} crops",
        })
    print(f"measured on:\n{pd.DataFrame(rows).to_string(index=False)}")
    if _on_gpu():
        return
    print("on a GPU: not measured here\n"
          "Hours are of processor cores: waiting for a disk or for other programs comes to them.")
