"""The commands: what they print in a terminal, in a pipe and as JSON, and how they fail."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import DEADLINE_S, wait_for
from viewer.running import Running, running
from viewer.sender import CLIENT, MS, T0, Span, inner, log
from wirespan.cli import main
from wirespan.viewer.terminal import Screen, fit, print_table

STATES = (MS, 0, 0, 2 * MS, 5 * MS, 2 * MS)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A viewer that the environment names."""
    with running() as run:
        monkeypatch.setenv("WIRESPAN_VIEWER_URL", run.url)
        monkeypatch.delenv("COLUMNS", raising=False)
        yield run


def trace_of_two() -> tuple[Span, list[Span]]:
    root = Span(
        trace=0xABC << 116, service="front", duration=10 * MS, states=STATES, resource={"host.name": "a"}
    )
    call = inner(
        trace=root.trace, parent=root.span, service="front", name="GET", kind=CLIENT, start=T0 + 2 * MS,
        duration=7 * MS, resource={"host.name": "a"},
    )  # fmt: skip
    served = Span(
        trace=root.trace, parent=call.span, service="shop", start=T0 + 9_000 * MS, duration=6 * MS,
        status=500, failed=True, message="boom\x1b[31m", route="/a",
        timeline=f"queue={MS},run={2 * MS},await={3 * MS}", states=(MS, 0, 0, 2 * MS, 3 * MS, 0),
        events=[(T0 + 9_001 * MS, "exception", {"exception.type": "E", "exception.message": "bad"}),
                (T0 + 9_001 * MS, "note", {})],
    )  # fmt: skip
    return root, [root, call, served]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    out, err = capsys.readouterr()
    return code, out, err


def test_traces(told: Running, capsys: pytest.CaptureFixture[str]) -> None:
    root, spans = trace_of_two()
    told.send(spans)
    code, out, err = run(capsys, "traces")
    assert (code, err) == (0, "")
    first, second = out.splitlines()
    assert "front GET /items/{id}" in first
    assert " 200 " in first
    assert "await 50%" in first
    assert first.endswith(root.trace_id)
    assert " 500 " in second
    code, out, _ = run(
        capsys, "traces", "--status", "error", "--min-ms", "1", "--attr", "http.route", "--json"
    )
    assert [json.loads(line)["service"] for line in out.splitlines()] == ["shop"]
    assert run(capsys, "traces", "--service", "nope")[1:] == (
        "",
        "wirespan: no requests yet, or none that fits\n",
    )
    assert run(capsys, "traces", "--service", "nope", "--json")[1:] == ("", "")
    code, _, err = run(capsys, "traces", "--status", "ok")
    assert (code, err) == (
        1,
        "wirespan: status: must be a code such as 404, a class such as 5xx, or error, not 'ok'\n",
    )


@pytest.mark.parametrize("width", [80, 100, 160])
def test_how_a_request_ended_badly_is_in_its_line(
    told: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    gone = Span(duration=10 * MS, states=STATES, end_reason="client_disconnected")
    raised = Span(duration=10 * MS, states=STATES, status=500, attributes={"error.type": "ValueError"})
    refused = Span(duration=10 * MS, states=STATES, status=503, attributes={"error.type": "503"})
    told.send([gone, raised, refused])
    first, second, third = run(capsys, "traces")[1].splitlines()
    assert ("client_disconnected" if width > 80 else " client_disco… ") in first
    assert " ValueError " in second
    assert " await 50% " in third


def test_names_end_near_their_numbers(
    told: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    told.send([Span(trace=0xABC << 116, duration=10 * MS, states=STATES)])
    assert "shop GET /items/{id} 200" in re.sub(r" +", " ", run(capsys, "traces")[1])
    assert "shop GET /items/{id}       1 " in run(capsys, "routes")[1]
    line = run(capsys, "trace", "abc")[1].splitlines()[3]
    assert line.startswith("▸ shop GET /items/{id} q")
    assert line.endswith("10 ms await 50%")


def test_plain_requests_have_no_bar(told: Running, capsys: pytest.CaptureFixture[str]) -> None:
    told.send([inner(name="nightly", failed=True), inner(name="ok"), Span(status=404, states=(0,) * 6)])
    lines = run(capsys, "traces")[1].splitlines()
    assert [line.split()[1:4] for line in lines[:2]] == [["shop", "nightly", "err"], ["shop", "ok", "-"]]
    assert "404" in lines[2]


@pytest.mark.parametrize("width", [40, 80, 100, 160])
def test_lines_fit_the_terminal(
    told: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    root, spans = trace_of_two()
    spans[0].name = "名前" * 40
    told.send([*spans, Span(route="/very/long" * 20)])
    for words in (
        ["traces"],
        ["trace", root.trace_id],
        ["sql", "SELECT * EXCLUDE (attributes) FROM requests"],
    ):
        code, out, _ = run(capsys, *words)
        assert code == 0
        bars = [line for line in out.splitlines() if "ms" in line and ":" not in line[10:]]
        if width >= 80:
            assert all(len(line) <= width for line in bars if words[0] == "traces"), words


def test_trace(told: Running, capsys: pytest.CaptureFixture[str]) -> None:
    root, spans = trace_of_two()
    told.send(spans)
    told.post("/v1/logs", log(spans[2], T0 + 9_002 * MS, "slow\nquery", severity=17))
    told.post("/v1/logs", log(spans[0], T0 + MS, "begin"))
    code, out, _ = run(capsys, "trace", "abc")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == f"trace {root.trace_id}"
    assert re.search(r"10 ms, 3 spans, front, shop$", lines[1])
    assert lines[3].startswith("▸ front GET /items/{id}")
    bar = re.search(r"([q#.w]+)\s+10 ms await 50%\s*$", lines[3])
    assert bar
    shares = {letter: bar[1].count(letter) / len(bar[1]) for letter in "q#.w"}
    assert shares == pytest.approx({"q": 0.1, "#": 0.2, ".": 0.5, "w": 0.2}, abs=0.03)
    assert re.search(r"▸   GET\s+=+\s+7 ms$", lines[4])
    assert lines[5].startswith("▸     shop GET /a")
    assert "clock skew: shop GET /a: shown 9 s earlier" in out
    assert "boom�[31m" in out
    assert "GET /items/{id}: E: bad" in out
    assert "shop ERROR slow�query" in out
    assert "front INFO begin" in out
    assert "\x1b" not in out
    assert json.loads(run(capsys, "trace", root.trace_id, "--json")[1])["trace_id"] == root.trace_id
    assert run(capsys, "trace", "fff")[0::2] == (
        1,
        "wirespan: there is no trace fff: not received yet, or pruned\n",
    )
    assert run(capsys, "trace", "../status")[0] == 2


def test_a_trace_of_one_plain_span(told: Running, capsys: pytest.CaptureFixture[str]) -> None:
    told.send([inner(trace=7, duration=0)])
    out = run(capsys, "trace", f"{7:032x}")[1]
    assert "1 span, shop" in out
    assert "q queue" not in out


def test_routes(told: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "routes")[2] == "wirespan: no requests yet, or none that fits\n"
    told.send(
        [Span(duration=10 * MS, states=STATES, status=code) for code in (200, 500)] + [inner(name="nightly")]
    )
    out = run(capsys, "routes")[1]
    assert re.search(r"shop GET /items/\{id\} +2 .* 50\.0% +10 ms +10 ms +10 ms q", out)
    assert "  p99 is 10 ms: await 50%, run 20%, write 20%, queue 10%" in out
    assert "shop nightly" in out
    assert len(json.loads(run(capsys, "routes", "--json")[1])["routes"]) == 2


def test_sql(told: Running, capsys: pytest.CaptureFixture[str]) -> None:
    told.send([Span(duration=3 * MS)])
    code, out, _ = run(capsys, "sql", "SELECT service, duration_ms, NULL AS empty FROM spans")
    assert (code, out) == (0, "service  duration_ms  empty\nshop               3\n")
    code, out, _ = run(capsys, "sql", "SELECT service, 1.5 AS x FROM spans", "--json")
    assert json.loads(out) == {"service": "shop", "x": 1.5}
    code, _, err = run(capsys, "sql", "DELETE FROM spans")
    assert (code, err) == (1, "wirespan: only SELECT is allowed, not DELETE\n")
    code, _, err = run(capsys, "sql", "SELECT nope FROM spans")
    assert code == 1
    assert err.startswith('wirespan: Binder Error: Referenced column "nope" not found')
    assert "LINE 1: SELECT nope FROM spans\n               ^" in err
    assert "only the first 10000 rows" in run(capsys, "sql", "FROM range(10001)", "--json")[2]


def test_export_and_import(told: Running, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
    root, spans = trace_of_two()
    told.send(spans)
    forms = {
        "otlp": [],
        "parquet": ["--format", "parquet"],
        "one": [root.trace_id],
        "har": ["abc", "--format", "har"],
    }
    for name, words in forms.items():
        assert main(["export", *words, "-o", str(tmp_path / name)]) == 0
        assert (tmp_path / name).stat().st_size > 100
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(forms)
    for name in ("otlp", "parquet", "one"):
        capfdbinary.readouterr()
        assert main(["import", str(tmp_path / name)]) == 0
        assert capfdbinary.readouterr().out == b"3 spans, 0 logs, 0 metric points\n"
    assert main(["export", "abc"]) == 0
    assert json.loads(capfdbinary.readouterr().out)["resourceSpans"]
    assert main(["export", "--format", "har"]) == 2
    assert b"--format har is for one trace: give its ID" in capfdbinary.readouterr().err
    assert main(["export", "abc", "--format", "parquet"]) == 2
    assert b"--format parquet is for everything" in capfdbinary.readouterr().err
    assert main(["export", "-o", str(tmp_path / "no" / "file")]) == 1
    assert b"cannot write" in capfdbinary.readouterr().err
    assert main(["export", "-o", "/dev/null"]) == 0
    assert Path("/dev/null").is_char_device()
    assert main(["export", "-o", "/dev/full"]) == 1
    assert b"cannot write /dev/full: No space left on device" in capfdbinary.readouterr().err
    assert Path("/dev/full").is_char_device()
    assert main(["export", "fff", "-o", str(tmp_path / "none")]) == 1
    assert not (tmp_path / "none").exists()


def test_without_a_viewer_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["traces"], ["trace", "a"], ["routes"], ["sql", "SELECT 1"], ["export"]):
        code, out, err = run(capsys, *words, "--viewer", "127.0.0.1:1")
        assert (code, out) == (1, "")
        assert err == (
            "wirespan: no viewer answers at http://127.0.0.1:1: start one with 'wirespan view', "
            "or say where with --viewer\n"
        )


@contextlib.contextmanager
def follower(*words: str, stderr: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """`wirespan traces --follow` for a block, which it does not outlive."""
    command = [sys.executable, "-m", "wirespan", "traces", "--follow", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("stored", [0, 1])
def test_follow(told: Running, stored: int) -> None:
    old = [Span() for _ in range(stored)]
    if old:
        told.send(old)
    service = [] if stored else ["--service", "shop"]
    with follower("--json", *service, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        for span in old:
            assert json.loads(process.stdout.readline())["span_id"] == span.span_id
        wait_for(lambda: told.viewer.live.clients == 1, "it follows")
        new = [Span(), Span()]
        told.send(new)
        for span in new:
            assert json.loads(process.stdout.readline())["span_id"] == span.span_id
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, err.strip()) == (130, "")


def test_follow_with_filters_begins_behind_what_is_stored(told: Running) -> None:
    told.send([Span()])
    with follower("--json", "--status", "404") as process:
        wait_for(lambda: told.viewer.live.clients == 1, "it follows")
        told.send([Span(), Span(status=404)])
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["status"] == 404


def test_a_pipe_that_closes_early_is_no_error(told: Running) -> None:
    told.send([Span(attributes={"x": "y" * 900}) for _ in range(900)])
    process = subprocess.Popen(
        [sys.executable, "-m", "wirespan", "traces", "--json", "--limit", "900"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(DEADLINE_S) == 0


def test_a_full_disk_is_one_line(told: Running) -> None:
    told.send([Span()])
    for words in (["traces"], ["export"]):
        with open("/dev/full", "w") as full:
            ended = subprocess.run(
                [sys.executable, "-m", "wirespan", *words],
                stdout=full, stderr=subprocess.PIPE, text=True, timeout=DEADLINE_S, check=False,
            )  # fmt: skip
        assert ended.stderr == "wirespan: cannot write the output: No space left on device\n"
        assert ended.returncode == 1


def test_what_is_missing_or_unknown_says_where_to_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "trace")[2] == "wirespan: Missing argument 'ID'. See 'wirespan trace --help'.\n"
    assert run(capsys, "traces", "--folow")[2].endswith("See 'wirespan traces --help'.\n")


@pytest.mark.parametrize("no_color", ["", "1"])
def test_colours_are_for_terminals_that_want_them(told: Running, no_color: str) -> None:
    told.send(trace_of_two()[1])
    primary, secondary = pty.openpty()
    env = {**os.environ, "NO_COLOR": no_color, "TERM": "xterm-256color"}
    subprocess.run([sys.executable, "-m", "wirespan", "trace", "abc"], stdout=secondary, env=env, check=True)
    os.close(secondary)
    out = b""
    try:
        while piece := os.read(primary, 65_536):
            out += piece
    except OSError:
        pass  # Linux says so when the other end is closed
    os.close(primary)
    assert (b"\x1b[3" in out, "█".encode() in out) == (not no_color, not no_color)


def test_texts_fit_by_cells() -> None:
    assert fit("abc", 5) == "abc  "
    assert fit("abc", 5, right=True) == "  abc"
    assert fit("abcdef", 4) == "abc…"
    assert fit("名前名前", 5) == "名前…"


def test_tables_give_way_where_they_are_too_wide(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console  # noqa: PLC0415

    screen = Screen(Console(width=20, soft_wrap=True), 20, color=False)
    print_table(screen, ["name", "value"], [["x" * 40, 1.25]])
    assert capsys.readouterr().out.splitlines()[1] == "xxxxxxxxxxxx…   1.25"


def test_tables_with_too_many_columns_are_blocks(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console  # noqa: PLC0415

    screen = Screen(Console(width=30, soft_wrap=True), 30, color=False)
    print_table(screen, ["first", "b", "c", "d"], [["x" * 40, 1, None, "y" * 9], ["z" * 9] * 4])
    assert capsys.readouterr().out.splitlines()[:5] == [
        "row 1", f"first  {'x' * 22}…", "b      1", "c", f"d      {'y' * 9}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--max-size", "lots"], "'lots' is no size: say for example 512MB or 4GiB"),
        (["--max-age", "5y"], "'5y' is no age: say for example 12h or 7d"),
        (["--port", "99999"], "99999"),
    ],
)
def test_wrong_flags_of_view(capsys: pytest.CaptureFixture[str], words: list[str], says: str) -> None:
    code, _, err = run(capsys, "view", *words)
    assert code == 2
    assert says in err
