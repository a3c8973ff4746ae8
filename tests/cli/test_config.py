"""The option table: what is refused, and with which words."""

import re
from pathlib import Path
from typing import Any

import pytest

from wirespan import _core
from wirespan.config import DEFAULTS, LEVELS, OPTIONS, Config
from wirespan.errors import ConfigError
from wirespan.sources import command_line, load_config, variable


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"port": 70_000}, "port must be between 0 and 65535, not 70000"),
        ({"port": "80"}, "port must be a whole number, not '80'"),
        ({"port": True}, "port must be a whole number, not True"),
        ({"reload": 1}, "reload must be true or false, not 1"),
        ({"limit_connections": 0}, "limit_connections must be at least 1 connections, not 0"),
        ({"timeout_idle_s": -1}, "timeout_idle_s must be between 0 and 31536000 seconds, not -1.0"),
        ({"timeout_idle_s": float("nan")}, "timeout_idle_s must be between 0 and 31536000 seconds, not nan"),
        (
            {"trace_level": "detaild"},
            "trace_level must be auto, disabled, base or detailed, not 'detaild'; did you mean 'detailed'?",
        ),
        ({"access_log": "jsn"}, "did you mean 'json'?"),
        ({"uds": "a", "fd": 3}, "uds and fd exclude each other: give one place to listen on"),
        ({"root_path": "api"}, "root_path must begin with / and not end with it, not 'api'"),
        ({"server_header": "a\r\nb"}, "server_header must be one line of visible characters"),
        ({"tracers": "a:b"}, "tracers must be a list, not 'a:b'"),
    ],
)
def test_wrong_value_says_what_would_be_right(options: dict[str, Any], message: str) -> None:
    """The operator mends the option without looking anything up."""
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_config(options, environ={})


def test_unknown_name_suggests_the_nearest() -> None:
    """A slip of the pen is not silently ignored."""
    with pytest.raises(ConfigError, match="did you mean 'timeout_idle_s'"):
        load_config({"time_out_idle_s": 3}, environ={})


def test_first_source_wins(tmp_path: Path) -> None:
    """Keyword, command line, environment, file, default."""
    file = tmp_path / "wirespan.toml"
    file.write_text('port = 1\nhost = "file"\nuds = "file"\nroot_path = "/file"\n')
    environ = {"WIRESPAN_PORT": "2", "WIRESPAN_HOST": "environ", "WIRESPAN_UDS": "environ"}
    config = load_config(
        {"port": 4}, command_line={"port": 3, "host": "flag"}, environ=environ, file=str(file)
    )
    assert (config.port, config.host, config.uds, config.root_path) == (4, "flag", "environ", "/file")
    assert config.backlog == DEFAULTS["backlog"]


def test_environment_names_a_file_and_pyproject_has_a_table(tmp_path: Path) -> None:
    """A project keeps its options where it keeps those of its other tools."""
    file = tmp_path / "pyproject.toml"
    file.write_text("[tool.wirespan]\ntracers = ['a:b']\ntimeout_idle_s = 5\n[tool.other]\nport = 1\n")
    config = load_config({}, environ={"WIRESPAN_CONFIG": str(file)})
    assert (config.tracers, config.timeout_idle_s, config.port) == (("a:b",), 5.0, 8000)


def test_variables_are_read_by_type() -> None:
    """Everything is text there: lists have commas, switches have words."""
    environ = {"WIRESPAN_TRACERS": "a:b, c:d", "WIRESPAN_RELOAD": "Yes", "WIRESPAN_TIMEOUT_BODY_S": "1e1"}
    config = load_config({}, environ=environ)
    assert (config.tracers, config.reload, config.timeout_body_s) == (("a:b", "c:d"), True, 10.0)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"WIRESPAN_PORT": "tcp://10.0.0.1:80"}, "WIRESPAN_PORT: port must be a whole number, not 'tcp://10"),
        ({"WIRESPAN_RELOAD": "maybe"}, "WIRESPAN_RELOAD: reload must be true or false, not 'maybe'"),
        ({"WIRESPAN_LIMIT_HEADS_BYTES": "1"}, "did you mean 'WIRESPAN_LIMIT_HEAD_BYTES'?"),
    ],
)
def test_wrong_variable_is_named(environ: dict[str, str], message: str) -> None:
    """The message says which variable, because nobody remembers having set it."""
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_config({}, environ=environ)


def test_variables_of_kubernetes_are_ignored() -> None:
    """A service called wirespan puts these beside ours."""
    environ = {
        "WIRESPAN_SERVICE_HOST": "10.0.0.1",
        "WIRESPAN_SERVICE_PORT": "80",
        "WIRESPAN_PORT_80_TCP": "x",
    }
    assert load_config({}, environ=environ) == Config()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("port = [", "is not TOML"),
        ("prt = 1", "did you mean 'port'"),
        ("port = 'a'", "must be a whole number"),
    ],
)
def test_wrong_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    """The message says which file."""
    file = tmp_path / "options.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=re.escape(str(file))) as caught:
        load_config({}, environ={}, file=str(file))
    assert message in str(caught.value)


def test_missing_file_is_named() -> None:
    """A file that was asked for is not optional."""
    with pytest.raises(ConfigError, match=r"cannot read /nowhere\.toml: No such file or directory"):
        load_config({}, environ={}, file="/nowhere.toml")


def test_every_option_survives_the_way_through_a_command_line() -> None:
    """The child of `--reload` gets the same options as its parent."""
    from wirespan.cli import serve  # noqa: PLC0415 - click is not needed by the other tests

    config = Config(tracers=("a:b", "c:d"), date_header=False, server_header="", timeout_idle_s=0.5, fd=3)
    context = serve.make_context("serve", ["app", *command_line(config)])
    given = {name: value for name, value in context.params.items() if name in OPTIONS and value is not None}
    assert load_config({}, command_line=given, environ={}) == config


def test_engine_has_the_same_options_and_defaults() -> None:
    """Two lists of the same names drift unless somebody looks: compare core/src/config.rs with config.py."""
    assert Config().core(traced=False) == _core.config_defaults()


def test_levels_are_the_engines() -> None:
    """Names become numbers by their place."""
    assert list(enumerate(LEVELS)) == _core.level_table()


def test_auto_level_depends_on_tracers() -> None:
    """Nobody traces: nothing is recorded."""
    assert [Config().level(traced=traced) for traced in (False, True)] == ["disabled", "detailed"]
    assert Config(trace_level="base").core(traced=True)["trace_level"] == 1


def test_every_option_has_its_own_variable_and_help() -> None:
    """A row without help or with a shared name would be useless in the docs."""
    assert len({variable(name) for name in OPTIONS}) == len(OPTIONS)
    assert all(option.help.endswith((".", "`.")) for option in OPTIONS.values())
