"""`module:object`: what goes wrong is told in one line."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wirespan.loading import StartError, describe, load_app, load_tracers, place_in


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for modules, forgotten after the test."""
    path, modules = list(sys.path), set(sys.modules)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def test_application_is_found_by_name(folder: Path) -> None:
    """The object is `app` when none is given; names may have dots; factories are called."""
    (folder / "shop_a.py").write_text("class App: web = 3\napp = 1\ndef make(): return 2\n")
    found = [
        load_app("shop_a", app_dir=str(folder)),
        load_app("shop_a:make", app_dir=str(folder), factory=True),
        load_app("shop_a:App.web", app_dir=str(folder)),
    ]
    assert found == [1, 2, 3]


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("", "nothing_b:app", "there is no module 'nothing_b' in"),
        ("", "shop_b.py", "'shop_b.py' is a file, and a module is needed: try 'shop_b:app'"),
        ("", "./dir/shop_b.py:app", "try 'dir.shop_b:app'"),
        ("", ":app", "':app' is not of the form module:object, such as shop.main:app"),
        ("application = 1", "shop_b:aplication", "has no object 'aplication'; did you mean 'application'?"),
        ("import missing_b", "shop_b:app", "'shop_b' cannot be imported: it needs the module 'missing_b'"),
        ("x = [", "shop_b:app", "'shop_b' cannot be imported: SyntaxError: '[' was never closed ("),
        ("1 / 0", "shop_b:app", "'shop_b' cannot be imported: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "shop_b:app", "'shop_b' cannot be imported: SystemExit: 3"),
    ],
)
def test_what_cannot_be_loaded_is_named(folder: Path, source: str, target: str, message: str) -> None:
    """With the mistake, and where somebody is near it, with what would be right."""
    (folder / "shop_b.py").write_text(source)
    with pytest.raises(StartError, match=re.escape(message)):
        load_app(target, app_dir=str(folder))


def test_failing_factory_is_named(folder: Path) -> None:
    """Its own error is told, and kept as the cause."""
    (folder / "shop_c.py").write_text("def make(): raise OSError('no disk')\nx = 1\n")
    with pytest.raises(
        StartError, match=re.escape("the factory 'shop_c:make' failed: OSError: no disk")
    ) as caught:
        load_app("shop_c:make", app_dir=str(folder), factory=True)
    assert isinstance(caught.value.__cause__, OSError)
    with pytest.raises(StartError, match="is not a function"):
        load_app("shop_c:x", app_dir=str(folder), factory=True)


def test_missing_folder_is_named() -> None:
    """A wrong --app-dir would otherwise look like a missing module."""
    with pytest.raises(StartError, match="there is no folder '/nowhere'"):
        load_app("shop:app", app_dir="/nowhere")


def test_tracers_are_loaded_made_and_checked(folder: Path) -> None:
    """Classes are called; what has no start and finish is refused before the port is bound."""
    (folder / "shop_d.py").write_text("class T:\n def start(self, c, r): ...\n def finish(self, c, r): ...\n")
    sys.path.insert(0, str(folder))
    (tracer,) = load_tracers(["shop_d:T"])
    assert type(tracer).__name__ == "T"
    with pytest.raises(StartError, match="is not a tracer: it needs the methods start and finish"):
        load_tracers([object()])


def test_place_is_the_innermost_line_of_the_users(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not where a library raised, but where it was called; short where the user stands there."""
    monkeypatch.chdir(folder)
    (folder / "shop_e.py").write_text(
        "import json\n\ndef read():\n    return json.loads('{')\n\napp = read()\n"
    )
    with pytest.raises(StartError, match=r"JSONDecodeError: .* \(shop_e\.py, line 4\)$"):
        load_app("shop_e", app_dir=".")
    assert describe(ValueError()) == "ValueError"
    text = 'Traceback:\n  File "/shop/main.py", line 12, in f\n  File "<frozen x>", line 3, in g\nOSError: no'
    assert place_in(text).endswith("main.py, line 12)")


def test_ctrl_c_during_an_import_is_no_mistake(folder: Path) -> None:
    """The user has seen enough of a slow start."""
    (folder / "shop_f.py").write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_app("shop_f", app_dir=str(folder))
