"""How the code is written, as numbers.

`ruff check` says what is wrong with a line. These tests say what is too much for a reader: many
things in one statement, long lines, long files, settings that are guessed.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "tcnsc_lib"
LIBRARY = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").glob("*.py"))
BENCHMARKS = sorted((ROOT / "benchmarks").glob("*.py"))
SOURCES = [*LIBRARY, *TESTS, *BENCHMARKS]

COLUMNS = 100
PARAMETERS = 6
NODES = 30  # of nine statements in ten
LINES = 250
LINES_OF_TESTS = 400

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
SIMPLE = (
    ast.Assign,
    ast.AugAssign,
    ast.AnnAssign,
    ast.Expr,
    ast.Return,
    ast.Raise,
    ast.Assert,
    ast.Delete,
)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def found(paths: list[Path], wrong) -> list[str]:
    """file:line of every node in these files of which `wrong` is true."""
    places = []
    for path in paths:
        for node in ast.walk(tree(path)):
            if wrong(node):
                places.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return places


# the measures


def nodes(statement: ast.stmt) -> int:
    """How many things a statement names or does: the nodes of its syntax tree."""
    return sum(1 for _ in ast.walk(statement))


def is_docstring(node: ast.AST) -> bool:
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
        return False
    return isinstance(node.value.value, str)


def is_nested(node: ast.AST) -> bool:
    """A comprehension with two loops, or with another comprehension in it."""
    if not isinstance(node, COMPREHENSIONS):
        return False
    inside = [part for part in ast.walk(node) if isinstance(part, COMPREHENSIONS)]
    return len(inside) > 1 or len(node.generators) > 1


def is_parallel(node: ast.AST) -> bool:
    """`a, b = f(x), []`: two assignments in one. Unpacking one result is another thing."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Tuple):
        return False
    return any(isinstance(target, ast.Tuple) for target in node.targets)


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Without self and cls; *args and **kwargs count one each."""
    named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    own = [argument for argument in named if argument.arg not in ("self", "cls")]
    return len(own) + bool(node.args.vararg) + bool(node.args.kwarg)


def has_too_many_parameters(node: ast.AST) -> bool:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return isinstance(node, kinds) and parameters(node) > PARAMETERS


def density(paths: list[Path]) -> list[int]:
    """Nodes of every simple statement (one without a body) in these files, sorted."""
    counts = []
    for path in paths:
        for node in ast.walk(tree(path)):
            if isinstance(node, SIMPLE) and not is_docstring(node):
                counts.append(nodes(node))
    return sorted(counts)


def calls(node: ast.AST, *names: str) -> bool:
    if not isinstance(node, ast.Call):
        return False
    return ast.unparse(node.func) in names


def first(code: str) -> ast.stmt:
    return ast.parse(code).body[0]


@pytest.mark.parametrize(("code", "count"), [("x = 1", 4), ("x = y + 1", 8), ("z = f(a, b)", 10)])
def test_a_statement_is_measured_by_its_names_and_operations(code, count):
    assert nodes(first(code)) == count


@pytest.mark.parametrize(
    ("code", "nested"),
    [
        ("[x for x in y]", False),
        ("[f(x) for x in sorted(y)]", False),
        ("[x for y in z for x in y]", True),
        ("[[x for x in y] for y in z]", True),
        ("sum(x for x in [y for y in z])", True),
    ],
)
def test_a_comprehension_in_a_comprehension_is_seen(code, nested):
    assert any(map(is_nested, ast.walk(first(code)))) is nested


@pytest.mark.parametrize(
    ("code", "parallel"),
    [("a, b = f(x), []", True), ("a, b = f(x)", False), ("a = b, c", False), ("a = b = c", False)],
)
def test_two_assignments_in_one_are_seen(code, parallel):
    assert is_parallel(first(code)) is parallel


def test_self_is_no_parameter_and_stars_are():
    assert parameters(first("def f(self, a, b=1, *c, d, **e): pass")) == 5


# the rules


def test_no_line_is_longer_than_a_hundred_columns():
    long = []
    for path in SOURCES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if len(line) > COLUMNS:
                long.append(f"{path.relative_to(ROOT)}:{number}")
    assert not long


@pytest.mark.parametrize("wrong", [is_nested, is_parallel, has_too_many_parameters])
def test_one_thing_a_statement_and_few_parameters(wrong):
    assert found(SOURCES, wrong) == []


def test_nine_statements_in_ten_are_short():
    counts = density(LIBRARY)
    assert counts[int(0.9 * len(counts))] <= NODES
    assert counts[len(counts) // 2] <= NODES // 2


def test_a_file_is_read_in_one_go():
    def long(path: Path) -> bool:
        limit = LINES_OF_TESTS if path in TESTS else LINES
        return len(path.read_text(encoding="utf-8").splitlines()) > limit

    assert [str(path.relative_to(ROOT)) for path in SOURCES if long(path)] == []


def test_no_caller_sets_a_modules_state():
    assert found(LIBRARY, lambda node: isinstance(node, ast.Global)) == []


def test_settings_belong_to_classes_and_are_never_guessed_from_signatures():
    guesses = ("hasattr", "inspect.signature")
    ours = [path for path in LIBRARY if path.name != "machine.py"]  # it asks the system what it has
    assert found(ours, lambda node: calls(node, *guesses)) == []


def test_an_analysis_treats_all_detectors_alike():
    analyses = sorted((PACKAGE / "analysis").glob("*.py"))
    assert found(analyses, lambda node: calls(node, "isinstance")) == []


def test_rows_have_names_and_no_numerals():
    numeral = re.compile(r"(?<!\w)\((i|ii|iii|iv|v)\)")
    texts = {path: path.read_text(encoding="utf-8") for path in LIBRARY}
    assert [str(path) for path, text in texts.items() if numeral.search(text)] == []
