"""Sends other people's requests and judges the answers.

A corpus case states what its source expects: `accept`, `reject` or `incomplete` (nothing may be answered
yet). RFC 9110 and 9112 leave some of them open, so a mismatch fails only where the RFC says MUST (the case's
`must`) or where at least three of the six servers in `reference.json` do what is expected, and never where a
setting decides.
"""

import base64
import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import Client
from harness.client import Address

CORPORA = Path(__file__).parent / "corpora"
SILENCE_S = 0.4
"""How long a server may think before its silence counts as waiting for more."""

OPEN_BASIS = {"limit", "config", "lenient", "none"}
OPEN_TO_ACCEPT = {"bare_lf", "te_and_cl", "obs_fold", "http2_preface", "big", "unusual_method"}
OPEN_TO_REFUSE = OPEN_TO_ACCEPT | {
    "http11_no_host",
    "bare_cr",
    "no_version",
    "other_version",
    "upgrade",
    "connect",
    "non_http_protocol",
    "expect",
    "te_http10",
    "leading_crlf",
}


@dataclass
class Answer:
    """What came back: final status codes in order, and whether the server closed."""

    statuses: list[int] = field(default_factory=list)
    closed: bool = False

    @property
    def accepted(self) -> int:
        return sum(s == 101 or 200 <= s < 400 or s in (404, 405) for s in self.statuses)

    @property
    def refused(self) -> bool:
        return any(s in (501, 505) or (400 <= s < 500 and s not in (404, 405)) for s in self.statuses)

    @property
    def failed(self) -> bool:
        return any(s >= 500 and s not in (501, 505) for s in self.statuses)


def load() -> dict[str, dict[str, Any]]:
    """All cases by name."""
    files = [path for path in sorted(CORPORA.glob("*.json")) if path.name != "reference.json"]
    return {case["name"]: case for path in files for case in json.loads(path.read_text())["cases"]}


def agreement() -> dict[str, int]:
    """By case: how many of the reference servers do what is expected."""
    reference = json.loads((CORPORA / "reference.json").read_text())
    return {name: len(servers) for name, servers in reference["ok"].items()}


def bytes_of(case: dict[str, Any]) -> bytes:
    """The request; with a Host where an HTTP/1.1 case lacks one, or the missing Host would be all we test."""
    return base64.b64decode(case.get("raw_host_b64", case["raw_b64"]))


def statuses_in(data: bytes, *, head_only: bool) -> Iterator[int]:
    """Final status codes. The reply to HEAD has no body; others are framed as `echo` frames them."""
    while found := re.match(rb"HTTP/1\.1 (\d{3}) .*?\r\n\r\n", data, re.DOTALL):
        status, head = int(found[1]), found[0].lower()
        length = re.search(rb"\r\ncontent-length: (\d+)", head)
        skips = 0 if head_only or status < 200 or length is None else int(length[1])
        data = data[found.end() + skips :]
        if status >= 200 or status == 101:
            head_only = False
            yield status


def ask(address: Address, raw: bytes, step: int | None) -> Answer:
    """Sends one case and listens until the server closes or is silent."""
    data, answer = b"", Answer()
    with Client(address) as client:
        client.send_if_open(raw, step=step)
        client.socket.settimeout(SILENCE_S)
        try:
            while piece := client.socket.recv(65_536):
                data += piece
            answer.closed = True
        except ConnectionError:
            answer.closed = True
        except socket.timeout:  # noqa: UP041 - the name says what happened
            pass
    answer.statuses = list(statuses_in(data, head_only=raw.lstrip(b"\r\n").startswith(b"HEAD ")))
    return answer


def ask_all(address: Address, step: int | None) -> dict[str, Answer]:
    """Every case, many at a time: most of the time is waiting for silence."""
    cases = load()
    with ThreadPoolExecutor(32) as pool:
        answers = pool.map(lambda case: ask(address, bytes_of(case), step), cases.values())
        return dict(zip(cases, answers, strict=True))


def mismatch(case: dict[str, Any], answer: Answer) -> str | None:
    """How the answer differs from what the source expects; None where it does not."""
    expectation, complete = case["expectation"], case.get("messages_ok") or 0
    if expectation is None:
        return None
    if answer.failed:
        return "failed"
    if expectation == "incomplete" or (expectation == "reject" and answer.accepted > complete):
        return "accepted" if answer.accepted > complete else None
    if expectation == "reject":
        return None if answer.refused or answer.closed else "hung"
    if answer.accepted < max(complete, 1):
        return "refused" if answer.refused or answer.closed else "hung"
    return None


def is_binding(case: dict[str, Any], found: str, agree: int) -> bool:
    """Whether this mismatch is against the RFC, and not against one reading of it."""
    if case.get("must") and found in ("accepted", "failed"):
        return True
    flags = set(case["flags"])
    if "raw_host_b64" in case:
        flags.discard("http11_no_host")
    free = OPEN_TO_ACCEPT if case["expectation"] == "reject" else OPEN_TO_REFUSE
    if case["basis"] in OPEN_BASIS or flags & free or (found == "hung" and "head_incomplete" in flags):
        return False
    if case["expectation"] == "incomplete" and found == "accepted":
        return False
    return bool(case.get("must")) or agree >= 3
