"""The house rules that a machine can check: where things are and how big they are."""

import ast
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from chatd.hub.methods import DEEDS
from chatd_protocol.chat.methods import METHODS

ROOT = Path(__file__).resolve().parents[1]

# Where the tests of each importable package are.
HOMES = {
    "chatd": "tests",
    "protocol/chatd_protocol": "tests/protocol",
    "clients/python/chatd_client": "tests/clients",
}
SOURCES = sorted(path for home in HOMES for path in (ROOT / home).rglob("*.py"))

MODULE_LINES_MAX = 400
BODY_LINES_MAX = 70
PACKAGE_MODULES_MAX = 12
DOCSTRING_LINES = range(1, 16)

# Modules that may be longer, for the reason that their docstring argues.
ARGUED_LONG: set[str] = set()

# Modules without a test file of their own, each with what tests it instead.
TESTED_ELSEWHERE: dict[str, str] = {
    "chatd/signalr/connections/sides.py": "protocols, alone",
}

# Codes that the contract promises for what this version does not offer yet. Each goes
# when its feature comes.
RESERVED_CODES: set[str] = set()

SQL = re.compile(
    r"^\s*(SELECT\s.+\sFROM\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s"
    r"|CREATE\s+(TABLE|INDEX|UNIQUE)|PRAGMA\s|BEGIN\b|SAVEPOINT\s)",
    re.IGNORECASE | re.DOTALL,
)
OPEN_END = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|\bNotImplementedError\b")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def own_name(path: Path) -> str:
    """`__main__.py` is tested by test_main.py, everything else by its own name."""
    return path.name.replace("__", "")


def listed(found: Iterable[str]) -> str:
    return "\n".join(["", *sorted(found)])


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=name(path))


def strings(tree: ast.AST) -> Iterator[str]:
    """Every string that does something: docstrings stand alone and do not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            continue
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Constant) and isinstance(child.value, str):
                yield child.value


def does_something(path: Path) -> bool:
    """Whether a module has code of its own; types and tables alone have none."""
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(parsed(path))
    )


def test_every_module_has_its_test_file() -> None:
    """A reader could not find the tests of a module from its name."""
    missing = []
    for home, tests in HOMES.items():
        for path in sorted((ROOT / home).rglob("*.py")):
            inside = path.relative_to(ROOT / home)
            test = ROOT / tests / inside.with_name(f"test_{own_name(inside)}")
            excused = name(path) in TESTED_ELSEWHERE or not does_something(path)
            if not test.exists() and not excused:
                missing.append(f"{name(path)}: no {name(test)}")
    assert not missing, listed(missing)


def test_the_list_of_modules_tested_elsewhere_is_true() -> None:
    """A reason would stand for a module that is gone, or that has its tests now."""
    assert [path for path in TESTED_ELSEWHERE if not (ROOT / path).exists()] == []


def test_sizes() -> None:
    """A module, a function or a package grew past what one person can hold."""
    too_big = []
    packages: dict[Path, int] = defaultdict(int)
    for path in SOURCES:
        packages[path.parent] += path.name != "__init__.py"
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MODULE_LINES_MAX and name(path) not in ARGUED_LONG:
            too_big.append(f"{name(path)}: {lines} lines")
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = (node.end_lineno or node.lineno) - node.body[0].lineno + 1
                if body > BODY_LINES_MAX:
                    too_big.append(f"{name(path)}: {node.name} has {body} lines")
    too_big += [
        f"{name(package)}: {count} modules"
        for package, count in packages.items()
        if count > PACKAGE_MODULES_MAX
    ]
    assert not too_big, listed(too_big)


def test_module_docstrings() -> None:
    """A module would not say what it is for, or say what another one says."""
    said: Counter[str] = Counter()
    wrong = []
    for path in SOURCES:
        docstring = ast.get_docstring(parsed(path)) or ""
        said[docstring.splitlines()[0] if docstring else ""] += 1
        if len(docstring.splitlines()) not in DOCSTRING_LINES:
            wrong.append(name(path))
    assert wrong == []
    for argued in ARGUED_LONG:
        docstring = ast.get_docstring(parsed(ROOT / argued)) or ""
        assert "Longer than the house allows" in docstring
    assert [text for text, count in said.items() if count > 1] == []


def test_no_open_ends() -> None:
    """Something unfinished would be called done."""
    found = [
        f"{name(path)}:{number}: {line.strip()}"
        for path in SOURCES
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if OPEN_END.search(line)
    ]
    assert not found, listed(found)


def test_sql_only_in_the_store() -> None:
    """A second engine would have to be taught to more than the store."""
    store = ROOT / "chatd" / "store"
    found = [
        f"{name(path)}: {text.strip()[:60]}"
        for path in SOURCES
        if store not in path.parents
        for text in strings(parsed(path))
        if SQL.match(text)
    ]
    assert not found, listed(found)


@pytest.mark.parametrize(
    "lock",
    [*sorted((ROOT / "requirements").glob("*.lock")), ROOT / "package-lock.json"],
    ids=name,
)
def test_locks_name_no_address(lock: Path) -> None:
    """Installing would depend on one person's package index."""
    text = lock.read_text(encoding="utf-8")
    if lock.name == "package-lock.json":
        assert '"resolved"' not in text
    else:
        assert "://" not in text
        assert "--hash=sha256:" in text


def test_no_uv_lock() -> None:
    """uv.lock records index addresses; requirements/ is what is locked here."""
    tracked = subprocess.run(
        ["git", "ls-files", "uv.lock"],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert tracked.stdout == ""


def test_generated_files_are_fresh() -> None:
    """The published schemas and types would not be those of the code."""
    checked = subprocess.run(
        [sys.executable, "-m", "chatd_protocol.export", "--check"],
        check=False,
        cwd=ROOT / "protocol",
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_error_code_is_used_and_listed() -> None:
    """A code would be promised that nobody sends, or sent that nobody promised."""
    table = json.loads((ROOT / "protocol" / "errors.json").read_text("utf-8"))
    promised = {row["code"] for row in table}
    used, raised = set(), set()
    for path in (ROOT / "chatd").rglob("*.py"):
        tree = parsed(path)
        used |= promised.intersection(strings(tree))
        raised |= {
            str(node.args[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "Refused"
            and node.args
            and isinstance(node.args[0], ast.Constant)
        }
    assert not raised - promised, listed(raised - promised)
    assert promised - used == RESERVED_CODES, listed(promised - used ^ RESERVED_CODES)


def test_every_method_has_its_deed() -> None:
    """The contract would promise a method that the hub does not know."""
    of_the_connection = {"RefreshToken", "WatchEvents", "WatchPresence"}
    assert set(DEEDS) | of_the_connection == {row.name for row in METHODS}


def test_every_action_has_a_door() -> None:
    """An action would be kept alive that nobody can reach."""
    callers = [*(ROOT / "chatd").rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in callers)
    closed = [
        f"{name(path)}: {node.name}"
        for path in (ROOT / "chatd" / "actions").glob("*.py")
        for node in parsed(path).body
        if isinstance(node, ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and not re.search(rf"\b{path.stem}\.{node.name}\b", text)
        and not re.search(rf"(import |await )[^\n]*\b{node.name}\b", text)
    ]
    assert not closed, listed(closed)


def test_architecture_names_what_is_there() -> None:
    """The map would show a house that was never built, or hide a room."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = {
        word.rstrip("/")
        for word in re.findall(r"`([\w.-]+(?:/[\w.-]+)*/?)`", text)
        if "/" in word
    }
    roots = ("", "chatd", "protocol", "protocol/chatd_protocol", "clients/python")
    gone = [
        path for path in named if not any((ROOT / r / path).exists() for r in roots)
    ]
    assert not gone, listed(gone)
    packages = {path.parent for path in SOURCES if path.name == "__init__.py"}
    hidden = [
        name(package)
        for package in sorted(packages)
        if f"{package.name}/" not in text and f"`{package.name}`" not in text
    ]
    assert not hidden, listed(hidden)
