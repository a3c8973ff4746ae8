"""Lists that are kept on two sides are equal, and the message says what to change."""

import dataclasses

from wirespan import _core, config


def test_every_option_of_the_engine_is_an_option_of_the_command() -> None:
    """`core/src/config.rs` and `python/wirespan/config.py` name and default the same things."""
    ours = {field.name: field for field in dataclasses.fields(config.Config)}
    missing = [name for name in _core.config_defaults() if name not in ours]
    assert not missing, f"add to python/wirespan/config.py: {missing}"
    chosen = config.Config()
    for name, default in _core.config_defaults().items():
        if name != "trace_level":  # unset in Python: it depends on whether there are tracers
            assert getattr(chosen, name) == default, f"{name}: core/src/config.rs says {default!r}"


def test_names_are_unique() -> None:
    for names in (
        [name for _, name, _, _ in _core.event_table()],
        [name for _, name in _core.level_table()],
        _core.state_names(),
        _core.end_reasons(),
        [name for name, _ in _core.access_log_fields()],
    ):
        assert len(names) == len(set(names))


def test_the_six_states() -> None:
    assert _core.state_names() == ["queue", "read", "schedule", "run", "await", "write"]


def test_the_ten_end_reasons() -> None:
    assert _core.end_reasons() == [
        "completed",
        "client_disconnected",
        "read_timeout",
        "write_timeout",
        "handler_error",
        "handler_timeout",
        "protocol_error",
        "limit_exceeded",
        "shutdown",
        "upgraded",
    ]
