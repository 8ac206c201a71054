"""Where a site goes: a folder of its own, replaced as a whole, and never one of somebody else.

Every site holds a file MARK, written before anything else, that lists what the build put there.
Only a folder with such a mark, and with nothing else in it, is replaced or removed.

A site takes its place in two steps: the old one is renamed to a sibling `.<name>.<digits>.old`, the
new one gets its name. Whoever is killed between them loses nothing, for the next build renames the
old one back before it begins. Builds of one folder wait for each other.
"""
from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from tcnsc_lib import CompanionError
from tcnsc_lib.files import write_text

MARK = ".tcnsc-site"
FIRST = "This folder was written by `tcnsc site`, which may replace it.\n"
LARGEST = 1_000_000  # bytes of a mark
SYSTEM = {".DS_Store", "Thumbs.db", "desktop.ini"}  # which file managers leave in any folder
ELSEWHERE = "name a new or an empty folder"


@contextlib.contextmanager
def replacing(out: Path, sources: tuple[Path, ...]) -> Iterator[Path]:
    """Yield an empty folder to write a site to; it becomes `out` on success, else it vanishes.

    sources: folders that the site is made from; `out` must not be, hold or lie in one of them.
    Raises CompanionError, before anything is touched, where `out` is something else than a new or
    empty folder or an earlier site.
    """
    out = _named(out, sources)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise CompanionError(f"{out.parent} is no folder; {ELSEWHERE}.") from error
    with _alone(out.parent):
        _restore(out)
        check(out)
        _tidy(out)
        part = _sibling(out, "part")
        part.mkdir()
        try:
            write_text(part / MARK, FIRST)
            yield part
            mark(part)
            _swap(part, out)
        finally:
            if part.exists():
                _remove(part)


def mark(folder: Path) -> None:
    """Write a site's mark: what lies in its folder now."""
    names = sorted(path.name for path in folder.iterdir())
    listed = "".join(f"{name}\n" for name in names if name != MARK)
    write_text(folder / MARK, FIRST + listed)


def _named(out: Path, sources: tuple[Path, ...]) -> Path:
    """The output's absolute path. Raises CompanionError where it is a link or touches a source."""
    if Path(out).is_symlink():
        raise CompanionError(f"{out} is a link; name the folder itself, or another one.")
    try:
        out = Path(out).resolve()
    except (OSError, RuntimeError) as error:  # a loop of links
        raise CompanionError(f"{out} can't be found ({error}); {ELSEWHERE}.") from error
    for source in sources:
        source = source.resolve()
        if out.is_relative_to(source) or source.is_relative_to(out):
            raise CompanionError(f"{out} is, holds or lies in {source}, which the site is made "
                                 "from; name a folder beside it.")
    return out


def check(out: Path) -> None:
    """Raise a CompanionError where a new site must not take the place of what lies there."""
    if not os.path.lexists(out):
        return
    if out.is_symlink() or not out.is_dir():
        raise CompanionError(f"{out} is there and is no folder; {ELSEWHERE}.")
    found = {path.name for path in out.iterdir()} - SYSTEM
    if not found:
        return
    if not _is_marked(out):
        raise CompanionError(
            f"{out} holds files and no mark ({MARK}) that `tcnsc site` wrote them; {ELSEWHERE}, or "
            "delete it yourself if it is a site of an earlier version.")
    foreign = sorted(found - {MARK} - _listed(out))
    if foreign:
        raise CompanionError(f"{out} holds {_few(foreign)}, which no `tcnsc site` put there; move "
                             f"that away, or {ELSEWHERE}.")


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _text(folder: Path) -> str:
    """A folder's mark; "" where it has none. A link, a pipe or a large file is none."""
    path = folder / MARK
    plain = path.is_file() and not path.is_symlink()
    if folder.is_symlink() or not plain or path.stat().st_size > LARGEST:
        return ""
    return path.read_text(encoding="utf-8", errors="replace")


def _is_marked(folder: Path) -> bool:
    return _text(folder).startswith(FIRST)


def _listed(folder: Path) -> set[str]:
    """The names that a site's mark lists."""
    return set(_text(folder).splitlines()[1:])


# ---------------------------------------------------------------- taking the place


def _swap(part: Path, out: Path) -> None:
    """Let the new site take the old one's place."""
    check(out)  # again, for a build takes a while
    old = None
    if _is_marked(out):
        old = _sibling(out, "old")
        out.rename(old)
    elif out.exists():
        for name in SYSTEM:
            (out / name).unlink(missing_ok=True)
    try:
        part.rename(out)
    except BaseException:
        if old:
            old.rename(out)
        raise
    if old:
        _discard(old)


def _restore(out: Path) -> None:
    """Rename an old site back that a killed build had moved aside."""
    old = _left(out, "old")
    if old and not os.path.lexists(out):
        newest = max(old, key=lambda path: path.stat().st_mtime)
        newest.rename(out)


def _tidy(out: Path) -> None:
    """Remove what killed builds left beside the output; an old site only where a site is there."""
    if _is_marked(out):
        for old in _left(out, "old"):
            _discard(old)
    for part in _left(out, "part"):
        _remove(part)


def _sibling(out: Path, kind: str) -> Path:
    return out.with_name(f".{out.name}.{secrets.token_hex(4)}.{kind}")


def _left(out: Path, kind: str) -> list[Path]:
    """The siblings of one kind that a killed build left: marked, or not begun and so empty."""
    name = re.compile(rf"\.{re.escape(out.name)}\.[0-9a-f]{{8}}\.{kind}")
    found = [path for path in out.parent.iterdir() if name.fullmatch(path.name)]
    return [path for path in found if _is_marked(path) or _is_empty(path)]


def _is_empty(folder: Path) -> bool:
    plain = folder.is_dir() and not folder.is_symlink()
    return plain and not any(folder.iterdir())


def _discard(old: Path) -> None:
    """Remove an old site. It is renamed first, so that a half-removed one is never taken back."""
    part = old.with_suffix(".part")
    old.rename(part)
    _remove(part)


def _remove(folder: Path) -> None:
    """Remove a folder of a build, its mark last, so that another build can go on with it."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != MARK:
            path.unlink()
    (folder / MARK).unlink(missing_ok=True)
    folder.rmdir()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process builds a site in this folder; its end frees it, killed or not."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network disks know no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
