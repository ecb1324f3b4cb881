"""The house stands: imports point down, libraries have one owner, asking stays light, names resolve, README is true."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import aesearch
from aesearch import catalog

ROOT = Path(aesearch.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

FLOORS = {  # the room (a module or a folder) and its floor; an import goes to a lower floor, or stays within a folder
    "errors": 1,
    "items": 1,
    "catalog": 1,
    "arrays": 1,
    "pictures": 1,
    "sessions": 1,
    "reranking": 2,
    "views": 1,
    "manifest": 2,
    "ledger": 2,
    "locking": 2,
    "thumbnails": 2,
    "spool": 2,
    "home": 2,
    "readers": 2,
    "features": 2,
    "coders": 2,
    "stores": 2,
    "agreement": 2,
    "autoencoders": 3,
    "unfinished": 3,
    "updating": 3,
    "building": 4,
    "retriever": 4,
    "analysis": 5,
    "printing": 5,
    "demo": 6,
    "cli": 6,
    "__init__": 6,
}
WITHIN_A_FLOOR = {  # the few imports that stay on a floor between rooms: from -> to
    ("items", "errors"),
    ("catalog", "errors"),
    ("catalog", "items"),
    ("arrays", "errors"),
    ("pictures", "errors"),
    ("views", "arrays"),
    ("sessions", "errors"),
    ("agreement", "stores"),
    ("reranking", "stores"),
    ("retriever", "building"),
    ("cli", "demo"),
    ("cli", "__init__"),
}
OWNERS = {  # a third-party library, and the one file or folder that imports it
    "torch": "autoencoders",
    "faiss": "stores/faiss.py",
    "onnxruntime": "sessions.py",
    "typer": "cli",
    "rich": "printing.py",
    "safetensors": "arrays.py",
    "selectolax": "readers/text.py",
    "charset_normalizer": "readers/text.py",
    "pypdfium2": "readers/pdf.py",
    "docx": "readers/office.py",
    "pyarrow": "readers/vectors.py",
    "tokenizers": "features/pretrained.py",
    "filelock": "locking.py",
    "sqlite3": "ledger.py",
    "openTSNE": "analysis/maps.py",
    "watchfiles": "readers/watching.py",
    "timg": "thumbnails.py",
}
EMBEDDED_EXAMPLE = "demo.py"


def imports(path: Path, at_top_only: bool = False) -> set[str]:
    """The modules that a file imports, by full name; what stands under `if TYPE_CHECKING` aside."""
    tree = ast.parse(path.read_text())
    checking = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    found = set()
    for node in tree.body if at_top_only else ast.walk(tree):
        if id(node) in checking:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} if node.module != "aesearch" else {f"aesearch.{alias.name}" for alias in node.names}
    return found


def room(module: str) -> str:
    """aesearch.coders.linear -> coders; a name of the face itself (aesearch.Item) -> __init__"""
    first = module.split(".")[1]
    return first if first in FLOORS else "__init__"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_an_import_only_points_down(path: Path) -> None:
    here = room(".".join(("aesearch", *path.relative_to(ROOT).with_suffix("").parts)))
    for module in imports(path):
        if module.split(".")[0] != "aesearch" or here == "__init__":
            continue
        there = room(module)
        below = FLOORS[there] < FLOORS[here]
        assert below or there == here or (here, there) in WITHIN_A_FLOOR, f"{here} imports {there}"


def test_every_room_has_a_floor() -> None:
    rooms = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in MODULES}
    assert rooms == set(FLOORS)


def test_the_rooms_import_each_other_in_no_circle() -> None:
    edges: dict[str, set[str]] = {}
    for path in MODULES:
        name = ".".join(("aesearch", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
        edges[name] = {
            module for module in imports(path, at_top_only=True) if module.startswith("aesearch.") and module != name
        }

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join((*above, name))
        for module in edges.get(name, ()):
            visit(module, (*above, name))

    for name in edges:
        visit(name, ())


@pytest.mark.parametrize("library", OWNERS)
def test_a_library_has_one_owner(library: str) -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        if any(module.split(".")[0] == library for module in imports(path))
    }
    assert users
    assert all(user == OWNERS[library] or user.startswith(OWNERS[library] + "/") for user in users), users


def test_scikit_learn_fits_the_baselines_and_the_groups_alone() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        if any(module.split(".")[0] == "sklearn" for module in imports(path))
    }
    assert users == {"coders/linear.py", "analysis/clusters.py", EMBEDDED_EXAMPLE}
    assert not any(module.startswith("sklearn") for module in imports(ROOT / "coders/linear.py", at_top_only=True))


@pytest.mark.parametrize("table", ["READERS", "FEATURES", "CODERS", "STORES"])
def test_every_line_of_the_catalog_resolves(table: str) -> None:
    for name, entry in getattr(catalog, table).items():
        assert callable(entry.load()), name


def loaded_by(script: str) -> set[str]:
    out = subprocess.check_output(
        [sys.executable, "-c", f"import sys\n{script}\nprint(*sys.modules)"], text=True, timeout=120
    )
    return {module.split(".")[0] for module in out.splitlines()[-1].split()} & {
        "torch",
        "sklearn",
        "scipy",
        "faiss",
        "numpy",
    }


def test_asking_for_a_photo_loads_neither_torch_nor_scikit_learn_nor_scipy(digit_index: Path, digit_folder: Path) -> None:
    photo = min((digit_folder / "test" / "3").iterdir())
    words = ["aesearch", "query", str(photo), "--index", str(digit_index)]
    script = f"sys.argv = {words!r}\nfrom aesearch.cli import app\napp(standalone_mode=False)"
    assert loaded_by(script) == {"faiss", "numpy"}


def test_asking_with_words_loads_neither_torch_nor_scikit_learn(document_index: Path) -> None:
    script = f"from aesearch import Retriever\nassert Retriever.load({str(document_index)!r}).query('a thread')"
    assert loaded_by(script) == {"faiss", "numpy", "scipy"}


def test_a_look_at_the_whole_loads_no_torch(document_index: Path) -> None:
    script = f"""
from aesearch import Retriever
from aesearch.analysis import clusters, duplicates, maps, outliers
index = Retriever.load({str(document_index)!r})
assert clusters.clusters(index, 3) and maps.project(index) and outliers.outliers(index)
duplicates.duplicates(index)
"""
    assert "torch" not in loaded_by(script)


def test_the_help_loads_no_numbers_at_all() -> None:
    assert loaded_by("import aesearch.cli, aesearch") == set()


def test_the_face_is_what_it_says() -> None:
    for name in aesearch.__all__:
        assert getattr(aesearch, name) is not None
    with pytest.raises(AttributeError, match="no attribute"):
        aesearch.nothing  # noqa: B018


def test_nothing_is_pickled_or_evaluated() -> None:
    unsafe = re.compile(r"\bpickle\b|torch\.load\(|allow_pickle|(?<![.\w])eval\(|(?<![.\w])exec\(|shell=True")
    for path in MODULES:
        code = ast.unparse(_without_docstrings(ast.parse(path.read_text())))
        assert not unsafe.search(code), path


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
    return tree


def test_every_public_thing_has_a_docstring() -> None:
    for path in MODULES:
        tree = ast.parse(path.read_text())
        if path.name != "__init__.py" or path.parent == ROOT:
            assert ast.get_docstring(tree), path
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path}: {node.name}"
