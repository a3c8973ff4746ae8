"""From `module:object` to the object. What goes wrong is the user's to mend: one line tells it."""

import asyncio
import importlib
import importlib.util
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wirespan.config import did_you_mean
from wirespan.errors import WirespanError


class StartError(WirespanError):
    """The server cannot start. The message says why in one line; the cause is what user code raised."""


def load_app(target: str, *, app_dir: str = ".", factory: bool = False) -> Any:
    """The application that `module:object` names; the object is `app` when none is given.

    Args:
        target: module and attribute; the attribute may have dots.
        app_dir: folder that is put first on the import path.
        factory: call the object, without arguments, to get the application.

    Raises:
        StartError: there is no such folder, module or object, or importing or calling it raised.
    """
    folder = Path(app_dir)
    if not folder.is_dir():
        raise StartError(f"there is no folder {app_dir!r} (--app-dir)")
    if str(folder.resolve()) not in sys.path:
        sys.path.insert(0, str(folder.resolve()))
    found = load(target if ":" in target else f"{target}:app")
    return _called(target, found) if factory else found


def load_tracers(tracers: Sequence[Any]) -> list[Any]:
    """Tracers ready for the engine: names are loaded, classes called without arguments.

    Raises:
        StartError: as `load_app`, or the object has no `finish`.
    """
    return [_tracer(item) for item in tracers]


def load(target: str) -> Any:
    """The object that `module:object` names.

    Raises:
        StartError: there is no such module or object, or importing it raised.
    """
    module_name, _, path = target.partition(":")
    if "/" in module_name or module_name.endswith(".py"):
        dotted = module_name.removeprefix("./").removesuffix(".py").replace("/", ".")
        raise StartError(f"{module_name!r} is a file, and a module is needed: try {f'{dotted}:{path}'!r}")
    if not module_name or not path:
        raise StartError(f"{target!r} is not of the form module:object, such as shop.main:app")
    found = _module(module_name)
    for name in path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            hint = did_you_mean(name, [known for known in dir(found) if not known.startswith("_")])
            raise StartError(f"{module_name!r} has no object {path!r}{hint}") from None
    return found


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise StartError(
                f"there is no module {name!r} in {sys.path[0] or '.'} or on the import path"
            ) from None
        raise StartError(
            f"{name!r} cannot be imported: it needs the module {error.name!r}{place(error)}"
        ) from error
    # User code may raise anything, SystemExit included.
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise StartError(f"{name!r} cannot be imported: {describe(error)}") from error


def _called(target: str, factory: Any) -> Any:
    if not callable(factory):
        raise StartError(f"{target!r} is not a function, so --factory cannot call it")
    try:
        return factory()
    except Exception as error:
        raise StartError(f"the factory {target!r} failed: {describe(error)}") from error


def _tracer(item: Any) -> Any:
    tracer = load(item) if isinstance(item, str) else item
    if isinstance(tracer, type):
        tracer = _called(f"{tracer.__module__}:{tracer.__qualname__}", tracer)
    if not (is_native(tracer) or (hasattr(tracer, "start") and hasattr(tracer, "finish"))):
        raise StartError(f"{item!r} is not a tracer: it needs the methods start and finish")
    return tracer


def loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """How to make the event loop; None is the standard one.

    Raises:
        StartError: uvloop was asked for by name and is not installed.
    """
    if name == "asyncio":
        return None
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    except ImportError:
        if name == "uvloop":
            raise StartError("uvloop is not installed: pip install uvloop, or use --loop asyncio") from None
        return None
    return factory


def is_native(tracer: Any) -> bool:
    """Whether this is a sink of the engine, for which Python is never entered."""
    return type(tracer).__module__ == "wirespan._core"


def say(message: str) -> None:
    """One line for the operator, on stderr."""
    sys.stderr.write(f"wirespan: {message}\n")
    sys.stderr.flush()


def describe(error: BaseException) -> str:
    """An exception in one line, with the place in the user's code that it comes from."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({_shown(error.filename or '?')}, line {error.lineno})"
    text = " ".join(str(error).split())
    return (
        f"{type(error).__name__}: {text}{place(error)}" if text else f"{type(error).__name__}{place(error)}"
    )


def place(error: BaseException) -> str:
    """` (shop/main.py, line 3)`: the innermost line of the traceback that is the user's own, if any is."""
    frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    return _place(frames)


def place_in(text: str) -> str:
    """As `place`, from a printed traceback, which is what some frameworks hand on."""
    return _place([(file, int(line)) for file, line in _FRAME.findall(text)])


_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
_OTHERS = (
    os.path.dirname(__file__),
    *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
)


def _place(frames: Sequence[tuple[str, int | None]]) -> str:
    for file, line in reversed(frames):
        if not file.startswith(("<", *_OTHERS)):
            return f" ({_shown(file)}, line {line})"
    return ""


def _shown(file: str) -> str:
    """The path from where the user stands, where that is shorter."""
    return min(file, os.path.relpath(file), key=len)


def reason(error: Exception) -> str:
    """What the system says, without the number."""
    return getattr(error, "strerror", None) or str(error)
