"""OpenTelemetry Collectors."""

import json
from collections.abc import Mapping
from pathlib import Path

from interop.process import Process, example, free_port

PLAIN = {"compression": "none"}
# Nobody reads a Collector's own metrics here, and their port would be the same for all.
SILENT = {"service": {"telemetry": {"metrics": {"level": "none"}}}}


class Collector(Process):
    """A Collector with several configurations, of which later ones add to earlier ones."""

    def __init__(self, program: Path, port: int, folder: Path, *configurations: Path) -> None:
        silent = folder / "silent.yaml"
        silent.write_text(json.dumps(SILENT))  # JSON is YAML
        words = [word for path in (*configurations, silent) for word in ("--config", f"file:{path}")]
        super().__init__([str(program), *words], port, folder / "collector.log")


def passing(program: Path, folder: Path, target: str, form: Mapping[str, str] = PLAIN) -> Collector:
    """A Collector in which nothing waits: an acknowledged span has passed through to `target`.

    Args:
        form: how it sends: `compression`, `encoding`.
    """
    port = free_port()
    behind = {"endpoint": target, "sending_queue": {"enabled": False}, **form}
    pipeline = {"receivers": ["otlp"], "exporters": ["otlp_http"]}
    configuration = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": {"otlp_http": behind},
        "service": {"pipelines": {"traces": pipeline, "metrics": pipeline}},
    }
    path = folder / "passing.yaml"
    path.write_text(json.dumps(configuration))
    return Collector(program, port, folder, path)


def of_example(program: Path, folder: Path, name: str, changes: dict[str, str]) -> Collector:
    """A Collector with a configuration of examples/backends, listening elsewhere."""
    port = free_port()
    path = example(name, folder, {"0.0.0.0:4318": f"127.0.0.1:{port}"} | changes)
    return Collector(program, port, folder, path)
