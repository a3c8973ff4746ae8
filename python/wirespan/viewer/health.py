"""Whether the store can be written: what its senders, its operator and the page are told where it cannot.

Senders try again every few seconds, for hours if a disk is full that long. So the log has one line when it
begins and one when it is over.
"""

import errno
import logging
import os
from pathlib import Path
from typing import Final

from wirespan.viewer.errors import StoreError

_log: Final = logging.getLogger("wirespan.viewer")

_RETRY_AFTER_S: Final = 5
"""Somebody must act first. Exporters give up after a minute or so; those that spool go on."""

ANOTHER_FILE: Final = "give another file (--db, --view-db)"

_ADVICE: Final = {
    os.strerror(errno.ENOSPC): "make room there, or start the viewer with a smaller --max-size",
    os.strerror(errno.EDQUOT): "make room there, or start the viewer with a smaller --max-size",
    os.strerror(errno.EFBIG): "raise the limit of the size of files (ulimit -f)",
    os.strerror(errno.EROFS): f"mount it for writing, or {ANOTHER_FILE}",
    os.strerror(errno.EIO): "check the disk",
}
"""DuckDB tells the system's words for it, and no number."""


class Health:
    """The last write's outcome. Written by the writer's thread, read by any.

    Attributes:
        problem: why nothing can be stored; None where it can.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._refused = 0
        self.problem: str | None = None

    def failed(self, error: Exception, requests: int) -> StoreError:
        """Notes a failure; gives what the senders of these requests are told. Statistics have no senders."""
        explained = self._explain(error)
        if explained is None:
            explained = f"the store could not write: {first_line(error)}"
            if requests or self.problem != explained:
                _log.error("the store could not write %d requests", requests, exc_info=error)
        elif self.problem is None:
            _log.error("%s", explained)
        self._refused += requests
        self.problem = explained
        return StoreError(explained, retry_after_s=_RETRY_AFTER_S)

    def worked(self) -> None:
        """Notes a success."""
        if self._refused:
            _log.warning("the store can be written again; %d requests were refused", self._refused)
        self._refused = 0
        self.problem = None

    def measured(self) -> None:
        """Notes that there is room for statistics, which need little: senders may still be refused."""
        if not self._refused:
            self.problem = None

    def _explain(self, error: Exception) -> str | None:
        """What an operator can do about it; None where we do not know."""
        text = str(error)
        for words, advice in _ADVICE.items():
            if words in text:
                return f"nothing can be stored in {self._path}: {words.lower()}. To go on, {advice}"
        return None


def first_line(error: Exception) -> str:
    """Of its message, or its name where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
