"""The architecture: which part of the package may know which."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "occpred"

LAYERS = (
    {"__main__"},
    {"config"},
    {"stages"},
    {"experiment"},
    {"models", "backbones"},
    {"careers", "reasons", "training", "ranking", "baselines", "evaluation", "report"},
    {"encoding", "chat", "cluster"},
    {"prompts", "artifacts"},
    {"taxonomy", "trees", "tracking"},
    {"language_model"},
    {
        "records",
        "rankings",
        "findings",
        "settings",
        "errors",
        "progress",
        "dates",
        "silence",
        "distributed",
        "interruption",
    },
)
"""From top to bottom. A room imports from itself and from rooms below, never from beside or above."""

EXCEPTIONS = {
    ("records", "errors"),
    ("settings", "errors"),
    ("findings", "records"),
    ("dates", "records"),
    ("distributed", "errors"),
    ("distributed", "interruption"),
    ("progress", "distributed"),
}
"""Imports within the lowest layer: all rooms may raise the one error that a user reads."""

LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 300, 50


def module_name(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(file): file for file in FILES}
ROOMS = [module for module in MODULES if module != "occpred"]


@cache
def syntax_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def imports_in(node: ast.AST, *, for_types: bool = True) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports at the top and in functions; `for_types` also those that only type checkers see."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node
    elif for_types or not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
        for child in ast.iter_child_nodes(node):
            yield from imports_in(child, for_types=for_types)


def imported_modules(module: str, *, for_types: bool = True) -> set[str]:
    """The modules of the package that `module` imports."""
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    names = set()
    for node in imports_in(syntax_of(module), for_types=for_types):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        else:
            source = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            # `from package import module` imports the module; `from module import name` does not import `module.name`.
            members = {f"{source}.{alias.name}" for alias in node.names}
            names |= (members & MODULES.keys()) or {source}
    return {name for name in names if name.split(".")[0] == "occpred"}


def room_of(module: str) -> str:
    return module.split(".")[1]


def is_allowed(importer: str, imported: str) -> bool:
    return importer == imported or LEVEL[importer] < LEVEL[imported] or (importer, imported) in EXCEPTIONS


def test_every_room_has_its_layer() -> None:
    assert {room_of(module) for module in ROOMS} == set(LEVEL)
    assert sum(map(len, LAYERS)) == len(LEVEL)


def test_imports_are_found_wherever_they_stand() -> None:
    assert "occpred.stages.road" in imported_modules("occpred.__main__")
    assert "occpred.artifacts.store" in imported_modules("occpred.artifacts.stage")
    assert "occpred.artifacts.store" not in imported_modules("occpred.artifacts.stage", for_types=False)


def test_imports_run_down_only() -> None:
    imports = [(module, name) for module in ROOMS for name in imported_modules(module)]
    assert not [f"{module} -> {name}" for module, name in imports if not is_allowed(room_of(module), room_of(name))]


def test_no_module_waits_for_itself() -> None:
    graph = {module: imported_modules(module, for_types=False) for module in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"an import circle: {' -> '.join(error.args[1])}")


def test_no_room_below_the_door_knows_hydra_or_omegaconf() -> None:
    def libraries(module: str) -> set[str]:
        nodes = imports_in(syntax_of(module))
        names = [
            name
            for node in nodes
            for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
        ]
        return {name.split(".")[0] for name in names if name}

    users = {room_of(module) for module in ROOMS if libraries(module) & {"hydra", "omegaconf"}}
    assert users == {"__main__", "config"}


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the last one, the docstring not counted."""
    assert function.end_lineno is not None
    first = function.body[0]
    end_of_docstring = first.end_lineno if ast.get_docstring(function) is not None else None
    documentation = end_of_docstring - first.lineno + 1 if end_of_docstring else 0
    return function.end_lineno - function.lineno + 1 - documentation


def test_files_are_short() -> None:
    lengths = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}
    assert not {file.name: length for file, length in lengths.items() if length >= LONGEST_FILE}


def test_functions_are_short() -> None:
    functions = [
        (module, node)
        for module in MODULES
        for node in ast.walk(syntax_of(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert not [f"{module}.{node.name}" for module, node in functions if code_lines(node) >= LONGEST_FUNCTION]


def test_no_file_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "helpers", "helper", "misc", "common"}
    assert not [file for file in FILES if file.stem in drawers]
