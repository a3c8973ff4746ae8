"""Where option values come from: keyword, command line, environment, TOML file, default; the first one wins.

The environment has `WIRESPAN_` and the option's name in capitals. A TOML file has the names as they are, at
its top or, in a `pyproject.toml`, under `[tool.wirespan]`. A wrong value or name is refused with the place it
came from.
"""

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wirespan.config import DEFAULTS, OPTIONS, WORDS, Config, checked, did_you_mean, kind
from wirespan.errors import ConfigError

CONFIG_VARIABLE = "WIRESPAN_CONFIG"
_BOOLS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def load_config(
    keywords: Mapping[str, Any],
    *,
    command_line: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    file: str | None = None,
) -> Config:
    """One checked `Config` from all sources.

    Args:
        keywords: arguments of `run` or `Server`, as Python values.
        command_line: values of the flags that were given, as Python values.
        environ: the environment; `os.environ` if None.
        file: a TOML file; else the one that `WIRESPAN_CONFIG` names, if any.

    Raises:
        ConfigError: naming the source, the option and what would be right.
    """
    environ = os.environ if environ is None else environ
    file = file or environ.get(CONFIG_VARIABLE)
    values = from_file(file) if file else {}
    values |= from_environ(environ)
    values |= command_line or {}
    return Config(**(values | known_names(keywords)))


def known_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping itself, when it holds nothing but names of options.

    Raises:
        ConfigError: a name that no option has, with the nearest that one has.
    """
    for name in values:
        if name not in OPTIONS:
            hint = did_you_mean(name, OPTIONS) or "; docs/options.md lists them all"
            raise ConfigError(f"there is no option {name!r}{hint}")
    return dict(values)


def from_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    """The options that `WIRESPAN_*` variables set.

    A variable that no option has is refused when it looks like a slip of the pen and ignored otherwise:
    Kubernetes sets `WIRESPAN_SERVICE_HOST` and more beside a service that is called wirespan.
    """
    by_variable = {variable(name): name for name in OPTIONS}
    values = {}
    for key, text in environ.items():
        if not key.startswith("WIRESPAN_") or key == CONFIG_VARIABLE:
            continue
        if name := by_variable.get(key):
            values[name] = _located(key, name, text)
        elif hint := did_you_mean(key, by_variable, nearness=0.9):
            raise ConfigError(f"there is no option for the variable {key}{hint}")
    return values


def from_file(path: str) -> dict[str, Any]:
    """The options that a TOML file sets.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or holds a wrong name or value.
    """
    try:
        values = tomllib.loads(Path(path).read_text())
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    if Path(path).name == "pyproject.toml":
        values = values.get("tool", {}).get("wirespan", {})
    try:
        return {name: checked(name, OPTIONS[name], value) for name, value in known_names(values).items()}
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _located(key: str, name: str, text: str) -> Any:
    try:
        return checked(name, OPTIONS[name], parse(name, text))
    except ConfigError as error:
        raise ConfigError(f"{key}: {error}") from error


def parse(name: str, text: str) -> Any:
    """A value from the command line or the environment, where everything is text.

    Raises:
        ConfigError: the text is not of the option's type.
    """
    wanted = kind(name)
    if wanted is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if wanted is bool:
        return _parse_bool(name, text)
    try:
        return wanted(text)
    except ValueError:
        raise ConfigError(f"{name} must be {WORDS[wanted]}, not {text!r}") from None


def _parse_bool(name: str, text: str) -> bool:
    if text.lower() not in _BOOLS:
        raise ConfigError(f"{name} must be true or false, not {text!r}")
    return _BOOLS[text.lower()]


def flag(name: str) -> str:
    """The option's name on the command line."""
    return OPTIONS[name].flag or f"--{name.replace('_', '-')}"


def variable(name: str) -> str:
    """The option's name in the environment."""
    return f"WIRESPAN_{name.upper()}"


def command_line(config: Config, **changes: Any) -> list[str]:
    """The flags that say the same as this config, for another process.

    Args:
        config: checked options; the tracers must be names.
        changes: fields that are different over there.
    """
    changed = dataclasses.replace(config, **changes)
    return [word for name in OPTIONS for word in _flags(name, getattr(changed, name))]


def _flags(name: str, value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, bool):
        return [flag(name) if value else flag(name).replace("--", "--no-", 1)]
    return [f"{flag(name)}={item}" for item in (value if isinstance(value, tuple) else [value])]


def without_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without our variables."""
    return {key: text for key, text in environ.items() if not key.startswith("WIRESPAN_")}


def shown_default(name: str) -> str:
    """The default as people write it."""
    value = DEFAULTS[name]
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else "" if value in (None, ()) else str(value)
