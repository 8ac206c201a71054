"""Where a site goes: never over somebody's folder, as a whole, and not lost when it is killed."""
import os
import subprocess
import sys
from pathlib import Path

import pytest
from made_site import HEAD, body, build, make_home

from tcnsc_lib import CompanionError
from tcnsc_lib.report import place, site
from tcnsc_lib.report.place import FIRST, MARK


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    return make_home(tmp_path, monkeypatch)


@pytest.fixture
def built(home) -> Path:
    return build(home).parent


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones and links too."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def beside(built: Path) -> list[str]:
    return sorted(path.name for path in built.parent.iterdir())


# what is never replaced

def own_site(out: Path) -> None:
    out.mkdir()
    (out / "index.html").write_text("my pages")
    (out / "style.css").write_text("my style")
    (out / "thesis.tex").write_text("years of work")


def one_hidden_file(out: Path) -> None:
    out.mkdir()
    (out / ".env").write_text("mine")


def a_mark_of_other_words(out: Path) -> None:
    own_site(out)
    (out / MARK).write_text("my own words")


def a_mark_that_is_a_link(out: Path) -> None:
    own_site(out)
    (out.parent / "mark").write_text(FIRST + "index.html\nstyle.css\nthesis.tex\n")
    (out / MARK).symlink_to(out.parent / "mark")


def a_mark_that_is_a_pipe(out: Path) -> None:
    own_site(out)
    os.mkfifo(out / MARK)


@pytest.mark.parametrize("make", [own_site, one_hidden_file, a_mark_of_other_words,
                                  a_mark_that_is_a_link, a_mark_that_is_a_pipe])
def test_a_folder_of_ones_own_is_refused_and_left_alone(home, make):
    out = home / "build/site"
    make(out)
    before = content(home)
    with pytest.raises(CompanionError, match="site holds files and no mark .* name a new or an "):
        build(home)
    assert content(home) == before


def test_a_file_added_to_a_site_is_named_and_kept(home, built):
    (built / "notes.txt").write_text("mine")
    before = content(built)
    with pytest.raises(CompanionError, match="site holds notes.txt, which no `tcnsc site` put"):
        build(home)
    assert content(built) == before


def test_an_empty_folder_is_taken(home):
    (home / "build/site").mkdir()
    (home / "build/site/.DS_Store").write_text("")
    assert build(home).exists()
    assert beside(home / "build/site") == ["figures", "site"]


def a_file(home: Path) -> Path:
    path = home / "build/site"
    path.write_text("mine")
    return path


def a_link_to_a_folder(home: Path) -> Path:
    own_site(home / "mine")
    (home / "link").symlink_to(home / "mine")
    return home / "link"


def a_link_to_nothing(home: Path) -> Path:
    (home / "link").symlink_to(home / "nowhere")
    return home / "link"


def below_a_file(home: Path) -> Path:
    return a_file(home) / "site"


@pytest.mark.parametrize("make, words", [
    (a_file, "is there and is no folder"), (a_link_to_a_folder, "is a link"),
    (a_link_to_nothing, "is a link"), (below_a_file, "is no folder")])
def test_an_output_that_is_no_folder_is_refused(home, make, words):
    out = make(home)
    before = content(home)
    with pytest.raises(CompanionError, match=words):
        site.build(home / "notebooks", home / "build/figures/demo", out)
    assert content(home) == before


@pytest.mark.parametrize("out", [
    "notebooks", "notebooks/site", "build/figures/demo", "build/figures/demo/site",
    "build/figures", "build", ".", "..", "build/site/../../notebooks"])
def test_an_output_around_what_it_is_made_from_is_refused(home, out):
    before = content(home)
    with pytest.raises(CompanionError, match="which the site is made from; name a folder beside"):
        site.build(home / "notebooks", home / "build/figures/demo", home / out)
    assert content(home) == before


def test_missing_folders_are_told(home):
    figures = home / "build/figures/demo"
    with pytest.raises(CompanionError, match="There are no notebooks in .*nowhere"):
        site.build(home / "nowhere", figures, home / "build/site")
    with pytest.raises(CompanionError, match="There is no folder .*nowhere"):
        site.build(home / "notebooks", home / "nowhere", home / "build/site")


# whole or not at all

def test_a_new_site_replaces_the_old_as_a_whole(home, built):
    (home / "notebooks/02_second.ipynb").unlink()
    build(home)
    assert sorted(content(built)) == [MARK, "01_first.html", "index.html"]
    assert beside(built) == ["figures", "site"]


def damage_a_notebook(home: Path) -> None:
    (home / "notebooks/02_second.ipynb").write_text("{")


def remove_the_notebooks(home: Path) -> None:
    for path in (home / "notebooks").iterdir():
        path.unlink()


def empty_the_claims(home: Path) -> None:
    (home / "build/figures/demo/table9_claims.csv").write_text(HEAD.format("demo"))


@pytest.mark.parametrize("damage, message", [
    (damage_a_notebook, "02_second.ipynb is no readable notebook"),
    (remove_the_notebooks, "There are no notebooks in .*notebooks; "),
    (empty_the_claims, "has no rows; ")])
def test_a_failed_build_keeps_the_old_site(home, built, damage, message):
    old = content(built)
    damage(home)
    with pytest.raises(CompanionError, match=message):
        build(home)
    assert content(built) == old
    assert beside(built) == ["figures", "site"]


def test_a_swap_that_fails_puts_the_old_site_back(home, built, monkeypatch):
    old = content(built)
    rename = Path.rename

    def fail(self, target):
        if self.suffix == ".part":
            raise OSError("disk")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="disk"):
        build(home)
    assert content(built) == old
    assert beside(built) == ["figures", "site"]


def test_what_somebody_puts_there_meanwhile_is_kept(home, monkeypatch):
    out = home / "build/site"
    monkeypatch.setattr(place, "mark", lambda part: own_site(out))
    with pytest.raises(CompanionError, match="holds files and no mark"):
        build(home)
    assert body(out / "index.html") == "my pages"
    assert beside(out) == ["figures", "site"]


# killed

STEPS = """
import os, sys
from pathlib import Path
from tcnsc_lib.report import place
left = None

def counted(act):
    def step(*words, **more):
        global left
        if left == 0:
            os._exit(9)  # as a kill does: nothing is tidied up
        left = left and left - 1
        return act(*words, **more)
    return step

for name in ("mkdir", "rename", "rmdir", "unlink"):
    setattr(Path, name, counted(getattr(Path, name)))
place.write_text = counted(place.write_text)

def replace(out, text):
    with place.replacing(out, ()) as part:
        (part / "index.html").write_text(text)
        (part / "page.html").write_text(text)

def child(out, steps=None):
    global left
    process = os.fork()
    if process == 0:
        left = steps
        replace(out, "new")
        os._exit(0)
    return process

def end(process):
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

root = Path(sys.argv[1])
"""
KILLS = """
for steps in range(60):
    out = root / str(steps) / "site"
    replace(out, "old")
    print(end(child(out, steps)))
"""
AT_ONCE = """
started = [child(root / "site") for _ in range(20)]
print(*map(end, started), sep="\\n")
"""


def replaced(out: Path, text: str = "new") -> None:
    with place.replacing(out, ()) as part:
        (part / "index.html").write_text(text)


def codes(script: str, root: Path) -> list[int]:
    """What the processes of a script ended with."""
    words = [sys.executable, "-c", STEPS + script, str(root)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=100)
    return [int(line) for line in done.stdout.split()]


def test_a_kill_at_any_step_loses_neither_the_old_nor_the_new_site(tmp_path):
    outcomes = set()
    for steps, code in enumerate(codes(KILLS, tmp_path)):
        out = tmp_path / f"{steps}/site"
        with pytest.raises(KeyError), place.replacing(out, ()):
            raise KeyError  # the next build, which fails: what it finds must be whole
        outcomes.add((code, body(out / "index.html"), body(out / "page.html")))
        assert os.listdir(out.parent) == ["site"]
    assert outcomes == {(9, "old", "old"), (9, "new", "new"), (0, "new", "new")}


def test_between_the_renames_the_old_site_lies_beside_and_comes_back(tmp_path):
    out = tmp_path / "site"
    replaced(out, "old")
    out.rename(tmp_path / ".site.0123abcd.old")
    replaced(tmp_path / "part", "unfinished")
    (tmp_path / "part").rename(tmp_path / ".site.89abcdef.part")
    with pytest.raises(KeyError), place.replacing(out, ()):
        assert body(out / "index.html") == "old"
        raise KeyError
    assert os.listdir(tmp_path) == ["site"]


def test_siblings_without_a_mark_are_left_alone(tmp_path):
    for name in (".site.0123abcd.old", ".site.0123abcd.part", ".site.old", ".site.part"):
        own_site(tmp_path / name)
    before = content(tmp_path)
    replaced(tmp_path / "site")
    replaced(tmp_path / "site")
    after = content(tmp_path)
    assert {name: after[name] for name in before} == before


def test_an_old_site_stays_while_another_folder_has_its_place(tmp_path):
    replaced(tmp_path / "site", "old")
    (tmp_path / "site").rename(tmp_path / ".site.0123abcd.old")
    own_site(tmp_path / "site")
    with pytest.raises(CompanionError, match="no mark"):
        replaced(tmp_path / "site")
    assert body(tmp_path / ".site.0123abcd.old/index.html") == "old"


def test_builds_of_one_folder_wait_for_each_other(tmp_path):
    assert codes(AT_ONCE, tmp_path) == [0] * 20
    assert sorted(os.listdir(tmp_path / "site")) == [MARK, "index.html", "page.html"]
    assert os.listdir(tmp_path) == ["site"]
