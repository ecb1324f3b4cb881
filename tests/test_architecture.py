"""The structure of the package: dependency rule, owners of libraries, light imports, sizes, documentation."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import aesearch
from aesearch import catalog

ROOT = Path(aesearch.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

LAYERS = [  # imports point from later layers to earlier ones, or stay within a layer
    {"errors", "items"},
    {"catalog", "arrays", "images", "onnx_sessions", "augmentation", "scoring"},
    {"readers", "features", "coders", "stores"},
    {"search"},
    {"autoencoders"},
    {"index"},
    {"analysis"},
    {"report"},
    {"cli"},
    {"__init__", "__main__"},
]
OWNERS = {  # third-party library -> the only file or package that imports it
    "torch": "autoencoders",
    "faiss": "stores/flat.py",
    "onnxruntime": "onnx_sessions.py",
    "typer": "cli",
    "rich": "cli",
    "safetensors": "arrays.py",
    "threadpoolctl": "autoencoders/threads.py",
    "selectolax": "readers/html.py",
    "chardetng_py": "readers/legacy_encodings.py",
    "pypdfium2": "readers/pdf.py",
    "striprtf": "readers/rtf.py",
    "pi_heif": "readers/heif.py",
    "pyarrow": "readers/vectors.py",
    "tokenizers": "features/pretrained.py",
    "filelock": "index/locking.py",
    "sqlite3": "index/database.py",
    "openTSNE": "analysis/projection.py",
    "watchfiles": "readers/watch.py",
    "timg": "cli/thumbnails.py",
}
MAX_ROOT_MODULES = 10
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50


def relative_name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_name(path: Path) -> str:
    return ".".join(("aesearch", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")


def imported_modules(path: Path, *, top_level_only: bool = False) -> set[str]:
    """Return the full names of the imported modules, including imports for type checking and inside of functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from aesearch.index import manifest` imports a module, `from aesearch.items import Item` a name of one.
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (submodules & NAMES) or {node.module}
    return found


NAMES = {module_name(path) for path in MODULES}


def package_of(module: str) -> str:
    """Return the package or root module of a module: aesearch.coders.linear -> coders."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def layer_of(package: str) -> int:
    return next(number for number, packages in enumerate(LAYERS) if package in packages)


@pytest.mark.parametrize("path", MODULES, ids=relative_name)
def test_imports_point_to_lower_layers(path: Path) -> None:
    package = package_of(module_name(path))
    for module in imported_modules(path):
        if module.split(".")[0] == "aesearch" and module != "aesearch":
            assert layer_of(package_of(module)) <= layer_of(package), f"{package} imports {module}"


def test_every_package_has_a_layer() -> None:
    packages = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in MODULES}
    assert packages <= set().union(*LAYERS)


def test_imports_have_no_cycle() -> None:
    edges = {module_name(path): imported_modules(path) & NAMES - {module_name(path)} for path in MODULES}
    done: set[str] = set()

    def visit(name: str, chain: tuple[str, ...]) -> None:
        assert name not in chain, " -> ".join((*chain, name))
        if name not in done:
            for module in edges[name]:
                visit(module, (*chain, name))
            done.add(name)

    for name in edges:
        visit(name, ())


@pytest.mark.parametrize("library", OWNERS)
def test_library_has_one_owner(library: str) -> None:
    users = {
        relative_name(path) for path in MODULES if any(module.split(".")[0] == library for module in imported_modules(path))
    }
    assert users
    assert all(user == OWNERS[library] or user.startswith(OWNERS[library] + "/") for user in users), users


def test_scikit_learn_is_imported_inside_functions() -> None:
    for path in MODULES:
        top_level = imported_modules(path, top_level_only=True)
        assert not any(module.startswith("sklearn") for module in top_level), path


@pytest.mark.parametrize("table", ["READERS", "FEATURES", "CODERS", "STORES", "PRETRAINED_MODELS"])
def test_catalog_entries_load(table: str) -> None:
    for name, entry in getattr(catalog, table).items():
        assert callable(entry.load()), name


def heavy_imports(script: str) -> set[str]:
    """Return which heavy libraries a script imports."""
    code = f"import sys\n{script}\nprint(*sys.modules)"
    output = subprocess.check_output([sys.executable, "-c", code], text=True, timeout=120)
    modules = {module.split(".")[0] for module in output.splitlines()[-1].split()}
    return modules & {"torch", "sklearn", "scipy", "faiss", "numpy"}


def test_image_query_imports_only_numpy_and_faiss(digit_index: Path, digit_folder: Path) -> None:
    image = min((digit_folder / "test" / "3").iterdir())
    arguments = ["aesearch", "query", str(image), "--index", str(digit_index)]
    script = f"sys.argv = {arguments!r}\nfrom aesearch.cli import app\napp(standalone_mode=False)"
    assert heavy_imports(script) == {"faiss", "numpy"}


def test_text_query_imports_neither_torch_nor_sklearn(document_index: Path) -> None:
    script = f"from aesearch import Retriever\nassert Retriever.load({str(document_index)!r}).query('a thread')"
    assert heavy_imports(script) == {"faiss", "numpy", "scipy"}


def test_analysis_does_not_import_torch(document_index: Path) -> None:
    script = f"""
from aesearch import Retriever
from aesearch.analysis import clusters, duplicates, outliers, projection
index = Retriever.load({str(document_index)!r})
assert clusters.cluster_items(index, 3) and projection.project(index) and outliers.find_outliers(index)
duplicates.find_duplicates(index)
"""
    assert "torch" not in heavy_imports(script)


def test_help_imports_no_numpy() -> None:
    assert heavy_imports("import aesearch.cli, aesearch") == set()


def test_public_api_is_what_dir_lists() -> None:
    assert dir(aesearch) == sorted(aesearch.__all__)
    for name in aesearch.__all__:
        assert getattr(aesearch, name) is not None
    with pytest.raises(AttributeError, match="no attribute"):
        aesearch.nothing  # noqa: B018


def test_public_api_exports_every_exception() -> None:
    from aesearch import errors

    exceptions = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert exceptions <= set(aesearch.__all__)


USER_SCRIPT = """
from pathlib import Path

from aesearch import AesearchError, Hit, Item, Progress, Retriever, read_files


def show(progress: Progress) -> None:
    print(progress.stage, progress.done, progress.total)


def nearest(folder: Path, query: str) -> list[Hit]:
    try:
        retriever = Retriever.load(folder)
    except AesearchError:
        retriever = Retriever.build(read_files("notes"), coder="lsa", bits=True, on_progress=show)
        retriever.save(folder)
    retriever.add([Item("memo", "threads wait for each other", label="memos")])
    retriever.sync(retriever.source_files())
    return retriever.query(query, k=3, rerank=True)


hits: list[Hit] = nearest(Path("indexes/notes"), "wait for a thread")
distances: list[float] = [hit.distance for hit in hits]
"""


@pytest.mark.slow
def test_user_script_passes_strict_mypy(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(USER_SCRIPT)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--follow-imports=silent",
        "--cache-dir",
        str(tmp_path),
        str(script),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stdout


def test_package_is_typed() -> None:
    assert (ROOT / "py.typed").is_file()


def test_nothing_is_pickled_or_evaluated() -> None:
    unsafe = re.compile(r"\bpickle\b|torch\.load\(|allow_pickle|(?<![.\w])eval\(|(?<![.\w])exec\(|shell=True")
    for path in MODULES:
        assert not unsafe.search(ast.unparse(without_docstrings(ast.parse(path.read_text())))), path


def without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def test_modules_and_functions_are_short() -> None:
    assert len(list(ROOT.glob("*.py"))) <= MAX_ROOT_MODULES
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= MAX_FILE_LINES, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                assert length <= MAX_FUNCTION_LINES, f"{path}: {node.name} has {length} lines"


def public_definitions(tree: ast.Module) -> Iterator[ast.ClassDef | ast.FunctionDef]:
    """Yield the public classes, functions and methods."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield node
            for inner in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
                    yield inner


INHERITED_DOCSTRINGS = {  # methods documented where their contract is defined
    "add",
    "decode",
    "encode",
    "fit",
    "forward",
    "get_params",
    "image_size",
    "inverse_transform",
    "keys",
    "load",
    "max_code_size",
    "objective",
    "param_names",
    "rejection_reason",
    "rerank_feature_groups",
    "rerank_features",
    "row_kind",
    "save",
    "search",
    "training_warnings",
    "transform",
    "begin",
    "next_batches",
    "score",
    "state_dict",
    "load_state_dict",
    "skipped",
    "bytes_per_item",
    "base",
    "can_decode",
}


@pytest.mark.parametrize("path", MODULES, ids=relative_name)
def test_public_definitions_have_docstrings(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    missing = [node.name for node in public_definitions(tree) if not ast.get_docstring(node)]
    assert set(missing) <= INHERITED_DOCSTRINGS, missing
