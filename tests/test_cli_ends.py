"""How `tcnsc` ends: a sentence on a line of its own, and silent where nobody reads on."""
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from commands import at_home, fail_after
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError, cli, profiles

ROOT = Path(__file__).resolve().parents[1]
STOPPED = "tcnsc: stopped; the same command goes on where it stopped.\n"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    return at_home(tmp_path / "home", monkeypatch)


# ---------------------------------------------------------------- sentences

@pytest.mark.parametrize("leave", [True, False])
@pytest.mark.parametrize("error", [CompanionError("it can't be."), KeyboardInterrupt(), OSError(5)])
def test_a_sentence_begins_below_a_progress_bar(monkeypatch, capsys, leave, error):
    def failing(*_):
        for _ in tqdm(range(9), leave=leave):
            raise error

    monkeypatch.setattr(profiles, "faces", failing)
    cli.main(["faces"])
    last = capsys.readouterr().err.rstrip("\n").split("\n")[-1]
    assert last.startswith("tcnsc: ")


@pytest.mark.parametrize("seed", ["-1", "1.5", "one", str(2**32)])
def test_what_is_no_seed_is_told_before_anything_starts(capsys, monkeypatch, seed):
    monkeypatch.setattr(profiles, "faces", fail_after(0, None, AssertionError("it began")))
    with pytest.raises(SystemExit) as end:
        cli.main(["train", "(RAW, LQ)", "--seed", seed])
    assert end.value.code == 2
    assert f"{seed} can't be a seed; give a whole number from 0 to" in capsys.readouterr().err


def test_names_that_are_no_text_can_be_printed(monkeypatch):
    path = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    code = f"""
import sys
from tcnsc_lib import cli, profiles
profiles.source_folder = lambda p: {path!r}
profiles.source = lambda p: type("Two", (), dict(clips=lambda self, quality: [1, 2]))()
sys.exit(cli.main(["demo"]))"""
    told = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", code], env=told, capture_output=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, b"2 videos in caf\\udce9.jpg\n")


# ---------------------------------------------------------------- counts

class Crops(SimpleNamespace):
    def __len__(self) -> int:
        return len(self.manifest)


def test_counts_are_whole_and_doubtful_frames_are_told(monkeypatch, capsys):
    manifest = pd.DataFrame({"split": ["train", "train", "test"], "label": [0, 0, 1]})
    doubtful = pd.DataFrame({"method": ["original"] * 3, "taken": ["the mask"] + ["its track"] * 2})
    missed = pd.DataFrame(columns=["method", "reason"])
    made = Crops(manifest=manifest, missed=missed, doubtful=doubtful, root=Path("faces"), size=96)
    monkeypatch.setattr(profiles, "faces", lambda p, quality: made)
    assert cli.main(["faces"]) == 0
    out = capsys.readouterr().out
    rows = [line.split() for line in out.splitlines()]
    assert ["train", "2", "0"] in rows
    assert ["test", "0", "1"] in rows
    assert "NaN" not in out
    assert "3 frames are doubtful" in out
    assert "faces/doubtful.csv" in out
    assert ["original", "its", "track", "2"] in rows


# ---------------------------------------------------------------- pipes

TWO = """
import sys
from tcnsc_lib import cli, profiles
profiles.source = lambda p: type("Two", (), dict(clips=lambda self, quality: range(2)))()
sys.exit(cli.main(["demo"]))"""


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_closed_pipe_is_silent(unbuffered):
    told = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-c", TWO]
    done = subprocess.run(command, env=told, cwd=ROOT, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_workers_broken_pipe_is_not_hidden(monkeypatch):
    monkeypatch.setattr(profiles, "faces", fail_after(0, None, BrokenPipeError("a worker")))
    with pytest.raises(BrokenPipeError, match="a worker"):
        cli.main(["faces"])


def test_output_that_cant_be_written_is_told():
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", TWO], cwd=ROOT, stdout=full,
                              stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("tcnsc: can't read or write what was printed (No space left")
    assert done.stderr.count("\n") == 1


# ---------------------------------------------------------------- Ctrl-C

SLOW = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from tcnsc_lib import cli

class Slow:
    def find_spec(self, name, *_):
        if name == "tcnsc_lib.cli.words":
            print("now", flush=True)
            import time
            try:
                time.sleep(60)
            except BaseException:
                raise ImportError("a library is half loaded") from None

sys.meta_path.insert(0, Slow())
sys.exit(cli.main(["--help"]))
"""


def test_ctrl_c_while_libraries_load_is_no_traceback():
    command = [sys.executable, "-c", SLOW]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout.readline() == "now\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == STOPPED
    assert process.returncode == cli.INTERRUPTED


def test_the_command_loads_next_to_nothing_before_it_hears_ctrl_c():
    code = "import sys, tcnsc_lib.cli; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"numpy", "torch", "pandas", "argparse", "pydantic"}


def test_the_package_runs_as_a_module():
    command = [sys.executable, "-m", "tcnsc_lib", "--help"]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: tcnsc ")
