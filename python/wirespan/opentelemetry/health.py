"""How the exporters of this process do: for a health page, or a look at night."""

from typing import Any

from wirespan import _core


def status() -> list[dict[str, Any]]:
    """The health of every exporter in this process, in the order in which they were made.

    Returns:
        One dict each: `signal` (`traces` or `metrics`; the latter has not what only spans have),
        `destination` (the receiver without its secrets, or the kind of exporter), `queued` and `capacity` in
        spans, `started` and `live` spans, `exported`, `dropped` by reason, `spooled`, `receiver` (`unknown`,
        `up` or `down`), `last_error`, and what else `OpenTelemetry.status()` tells. Counts begin with the
        process. Exporters that nobody holds any more are not among them.
    """
    return _core.exporter_status()
