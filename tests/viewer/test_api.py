"""The API as a whole: OpenAPI says what it does, mistakes are named, SQL is read only, exports come back."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from viewer.expected import send_metrics, shape, traffic
from viewer.running import Running, running
from viewer.sender import CLIENT, MS, T0, Span, inner, log, metrics, pairs, traces
from wirespan.viewer import answers, sql
from wirespan.viewer.errors import StoreError
from wirespan.viewer.otlp import _value
from wirespan.viewer.store import Store

LINES = {"content-type": "application/x-ndjson"}
ZIP = {"content-type": "application/zip"}


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/api/requests?stauts=5", "stauts"),
        ("/api/requests?limit=x", "limit"),
        ("/api/heatmap?steps=0", "steps"),
        ("/api/heatmap?steps=501", "steps"),
        ("/api/routes/compare", "base_since"),
        ("/api/routes/compare?base_since=-1h", "base_until"),
        ("/api/status?service=x", "service"),
        ("/api/inflight?x=1", "x"),
        ("/api/metrics?x=1", "x"),
        ("/api/metrics/series", "name"),
        ("/api/attributes?name=x", "name"),
        ("/api/export?format=csv", "format"),
        ("/api/traces/1/export?format=csv", "format"),
        ("/api/traces/1/export?form=csv", "form"),
        ("/api/traces/zz", "trace_id"),
        ("/api/traces/1?x=1", "x"),
        ("/api/requests/stream?status=x", "status"),
    ],
)
def test_a_wrong_parameter_is_named(viewer: Running, path: str, parameter: str) -> None:
    reply = viewer.client.get(path)
    assert reply.status_code == 400
    shape(answers.Error, reply.json())
    assert reply.json()["error"]["parameter"] == parameter


def test_a_query_that_is_none(viewer: Running) -> None:
    assert viewer.refused("/api/requests?text=%ff") == (400, "query: not UTF-8 after percent-decoding", None)


def test_unknown_paths(viewer: Running) -> None:
    assert viewer.refused("/api/nope") == (404, "there is no /api/nope", None)
    assert viewer.client.post("/api/requests").status_code == 405


class TestTrace:
    def test_what_is_wrong_has_its_stretch_of_time(self, viewer: Running) -> None:
        root = inner(duration=100 * MS)
        late = inner(trace=root.trace, parent=root.span, start=T0 + 60 * MS, duration=50 * MS)
        viewer.send([root, late, inner(trace=root.trace, parent=77)])
        found = viewer.get(f"/api/traces/{root.trace_id}")["problems"]
        stretches = {one["kind"]: (one["offset_ns"], one["duration_ns"]) for one in found}
        assert stretches == {
            "gap": (0, 60 * MS), "outlives_parent": (100 * MS, 10 * MS), "missing_parent": (None, None),
        }  # fmt: skip

    def test_a_trace_with_more_logs_than_are_sent_says_so(
        self, viewer: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("wirespan.viewer.queries.trace.MAX_LOGS", 2)
        span = Span()
        viewer.send([span])
        for count, truncated in ((2, False), (3, True)):
            viewer.post("/v1/logs", log(span, T0 + count, "first"))
            if count == 2:
                viewer.post("/v1/logs", log(span, T0, "second"))
            found = viewer.get(f"/api/traces/{span.trace_id}")
            assert (len(found["logs"]), found["logs_truncated"]) == (2, truncated)


class TestConditional:
    """A trace that is looked at again is sent again only if there is more of it."""

    def test_a_trace_that_the_client_has_is_not_sent_again(self, viewer: Running) -> None:
        span = Span()
        viewer.send([span])
        path = f"/api/traces/{span.trace_id}"
        first = viewer.client.get(path)
        assert first.headers["cache-control"] == "no-cache"
        etag = first.headers["etag"]
        for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            again = viewer.client.get(path, headers={"if-none-match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert viewer.client.get(path, headers={"if-none-match": '"other"'}).json() == first.json()

    def test_a_span_that_came_late_is_sent(self, viewer: Running) -> None:
        span = Span()
        viewer.send([span])
        path = f"/api/traces/{span.trace_id}"
        etag = viewer.client.get(path).headers["etag"]
        viewer.send([inner(trace=span.trace, parent=span.span)])
        changed = viewer.client.get(path, headers={"if-none-match": etag})
        assert (changed.status_code, len(changed.json()["spans"])) == (200, 2)
        assert changed.headers["etag"] != etag


class TestSql:
    def ask(self, viewer: Running, text: str) -> Any:
        return viewer.client.post("/api/sql", json={"sql": text})

    def test_views_for_people(self, viewer: Running) -> None:
        span = Span(duration=3 * MS, failed=True)
        viewer.send([span, inner(trace=span.trace, parent=span.span)])
        reply = self.ask(viewer, "SELECT trace_id, duration_ms, error FROM requests")
        shape(answers.Table, reply.json())
        assert reply.json() == {
            "columns": ["trace_id", "duration_ms", "error"],
            "rows": [[span.trace_id, 3.0, True]],
            "truncated": False,
        }
        assert self.ask(viewer, "SELECT count(*) FROM spans").json()["rows"] == [[2]]

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("DELETE FROM stored_spans", "only SELECT is allowed, not DELETE"),
            ("DROP VIEW spans", "only SELECT"),
            ("COMMIT", "only SELECT"),
            ("SET threads = 1", "only SELECT"),
            ("COPY logs TO '/tmp/x'", "only SELECT"),
            ("ATTACH '/tmp/x'", "only SELECT"),
            ("SELECT 1; DELETE FROM logs", "this is 2 statements"),
            ("", "this is 0 statements"),
            ("SELEC", "syntax error"),
            ("SELECT * FROM nope", "nope"),
            ("SELECT * FROM read_csv('/etc/passwd')", "disabled by configuration"),
            ("SELECT * FROM glob('/*')", "disabled by configuration"),
            ("FROM '/etc/passwd'", "passwd"),
            ("SELECT * FROM read_parquet('http://127.0.0.1/x')", "disabled"),
            ("WITH x AS (DELETE FROM logs RETURNING seq) SELECT * FROM x", "read-only mode"),
            ("EXPLAIN ANALYZE DELETE FROM stored_spans", "read-only mode"),
            (f"SELECT '{'x' * sql.MAX_LENGTH}'", "longer than"),
        ],
    )
    def test_nothing_else_is_possible(self, viewer: Running, text: str, says: str) -> None:
        viewer.send([Span()])
        reply = self.ask(viewer, text)
        assert reply.status_code == 400
        assert says in reply.json()["error"]["message"]
        assert reply.json()["error"]["parameter"] == "sql"
        assert viewer.get("/api/status")["spans"] == 1

    def test_time_is_limited(self, viewer: Running) -> None:
        with pytest.raises(sql.QueryTimeout, match=r"stopped after 0\.1 s"):
            sql.query(viewer.store, "SELECT count(*) FROM range(10000000000) a, range(1000) b", timeout_s=0.1)

    def test_a_slow_query_is_a_408(self, viewer: Running, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sql.query.__kwdefaults__ or {}, "timeout_s", 0.1)
        assert self.ask(viewer, "SELECT count(*) FROM range(10000000000) a, range(1000) b").status_code == 408

    def test_rows_are_limited(self, viewer: Running) -> None:
        found = sql.query(viewer.store, "FROM range(9)", max_rows=5)
        assert (len(found["rows"]), found["truncated"]) == (5, True)
        assert sql.query(viewer.store, "FROM range(5)", max_rows=5)["truncated"] is False

    def test_bytes_are_limited(self, viewer: Running) -> None:
        found = sql.query(viewer.store, "SELECT repeat('x', 1048576) FROM range(64)")
        assert (len(found["rows"]), found["truncated"]) == (31, True)

    def test_a_row_that_is_too_large_alone_is_refused(self, viewer: Running) -> None:
        with pytest.raises(sql.QueryError, match="one row takes more than 32 MiB"):
            sql.query(viewer.store, "SELECT repeat('x', 40000000) FROM range(2)")

    def test_values_that_json_has_no_form_for(self, viewer: Running) -> None:
        text = (
            "SELECT TIMESTAMP '2024-01-02 03:04:05', DATE '2024-01-02', 1.5::DECIMAL(3, 1), 'NaN'::DOUBLE, "
            "2.5, '\\x01\\xFF'::BLOB, [1, NULL], {'a': DATE '2024-01-02'}, INTERVAL 1 DAY, NULL, true"
        )
        assert self.ask(viewer, text).json()["rows"] == [
            ["2024-01-02T03:04:05", "2024-01-02", 1.5, "nan", 2.5, "01ff", [1, None], {"a": "2024-01-02"},
             "1 day, 0:00:00", None, True]
        ]  # fmt: skip

    @pytest.mark.parametrize("body", [b"{", b"{}", b'{"sql": 1}', b'{"sql": "", "x": 1}'])
    def test_a_wrong_body(self, viewer: Running, body: bytes) -> None:
        reply = viewer.client.post("/api/sql", content=body, headers={"content-type": "application/json"})
        assert reply.status_code == 400
        shape(answers.Error, reply.json())


def everything(viewer: Running) -> list[Any]:
    """All rows of all tables, without what says when they arrived."""
    tables = ("stored_spans", "logs", "metrics")
    return [
        sorted(map(str, viewer.store.read(f"SELECT * EXCLUDE (seq) FROM {table} ORDER BY ALL")))
        for table in tables
    ]


def fill(viewer: Running) -> Span:
    span = Span(
        duration=10 * MS, states=(MS, 0, 0, 2 * MS, 5 * MS, 2 * MS), failed=True, message="bad",
        attributes={"list": [1, "two"], "deep": {"a": 1.5, "b": True}}, end_reason="handler_error",
        events=[(T0 + MS, "note", {"n": 1})], links=[(5, 6)], timeline=f"queue={MS},run={9 * MS}",
    )  # fmt: skip
    viewer.send([*traffic(count=20), span, inner(trace=span.trace, parent=span.span)])
    viewer.post("/v1/logs", log(span, T0 + MS, "a line", rows=3))
    viewer.post("/v1/logs", log(span, T0, "another"))
    send_metrics(viewer)
    return span


class TestTransfer:
    def test_otlp_lines_come_back_as_they_were(self, viewer: Running) -> None:
        fill(viewer)
        reply = viewer.client.get("/api/export")
        assert reply.headers["content-disposition"] == 'attachment; filename="wirespan.otlp.jsonl"'
        with running() as other:
            taken = other.client.post("/api/import", content=reply.content, headers=LINES)
            shape(answers.Imported, taken.json())
            assert taken.json() == {"spans": 43, "logs": 2, "metric_points": 12}
            assert everything(other) == everything(viewer)

    def test_parquet_comes_back_as_it_was(self, viewer: Running) -> None:
        fill(viewer)
        reply = viewer.client.get("/api/export", params={"format": "parquet"})
        with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
            assert archive.namelist() == [
                "stored_spans.parquet", "logs.parquet", "metrics.parquet", "resources.parquet",
                "scopes.parquet",
            ]  # fmt: skip
        with running() as other:
            taken = other.client.post("/api/import", content=reply.content, headers=ZIP)
            assert taken.json() == {"spans": 43, "logs": 2, "metric_points": 12}
            assert everything(other) == everything(viewer)

    def test_one_trace_is_what_other_tools_read(self, viewer: Running) -> None:
        span = fill(viewer)
        reply = viewer.client.get(f"/api/traces/{span.trace_id}/export")
        with running() as other:
            other.client.post("/api/import", content=reply.content, headers=LINES)
            there, here = (one.get(f"/api/traces/{span.trace_id}") for one in (other, viewer))
            assert there["spans"] == here["spans"]
        official = (
            ExportTraceServiceRequest.FromString(traces([span])).resource_spans[0].scope_spans[0].spans[0]
        )
        (found,) = [
            one
            for group in reply.json()["resourceSpans"]
            for scope in group["scopeSpans"]
            for one in scope["spans"]
            if one["spanId"] == span.span_id
        ]
        assert bytes.fromhex(found["traceId"]) == official.trace_id
        assert int(found["endTimeUnixNano"]) == official.end_time_unix_nano
        assert found["status"] == {"code": 2, "message": "bad"}

    def test_json_for_people_is_taken_as_well(self, viewer: Running) -> None:
        span = fill(viewer)
        document = viewer.client.get(f"/api/traces/{span.trace_id}/export").json()
        with running() as other:
            body = json.dumps(document, indent=2).encode()
            headers = {"content-type": "application/json"}
            assert other.client.post("/api/import", content=body, headers=headers).json()["spans"] == 2

    def test_har(self, viewer: Running) -> None:
        full = {
            "url.full": "http://db/q", "http.request.header.accept": ["a", "b"],
            "http.response.header.etag": "x", "http.request.body.size": 3,
        }  # fmt: skip
        root = Span(
            duration=10 * MS, states=(MS, 0, 0, 2 * MS, 5 * MS, 2 * MS), attributes={"url.query": "a=1"}
        )
        call = inner(
            trace=root.trace, parent=root.span, kind=CLIENT, method="POST", duration=4 * MS, attributes=full
        )
        viewer.send([root, call, inner(trace=root.trace, parent=root.span)])
        first, second = viewer.get(f"/api/traces/{root.trace_id}/export", format="har")["log"]["entries"]
        assert first["request"]["url"] == "http://localhost/items/1?a=1"
        assert first["startedDateTime"] == "2023-11-14T22:13:20.000000Z"
        assert first["timings"] == {
            "blocked": 1.0, "dns": -1, "connect": -1, "send": 0.0, "wait": 7.0, "receive": 2.0,
        }  # fmt: skip
        assert sum(spent for spent in first["timings"].values() if spent > 0) == first["time"] == 10.0
        assert second["request"]["url"] == "http://db/q"
        assert [header["value"] for header in second["request"]["headers"]] == ["a", "b"]
        assert second["timings"]["wait"] == second["time"] == 4.0
        assert second["response"]["status"] == 0

    def test_the_apis_own_form(self, viewer: Running) -> None:
        span = fill(viewer)
        found = viewer.get(f"/api/traces/{span.trace_id}/export", format="json")
        assert found == viewer.get(f"/api/traces/{span.trace_id}")
        assert viewer.client.get("/api/traces/ffff/export").status_code == 404

    @pytest.mark.parametrize(
        ("headers", "body", "says"),
        [
            (LINES, b'{"a": 1}\n', "line 1 is no OTLP export request"),
            (LINES, b'{"resourceSpans": []}\n{"x": 1}\n', "line 2 is no OTLP"),
            (LINES, b'{"resourceSpans": [', "line 1: "),
            (ZIP, b"PK but no zip", "no zip that can be read"),
            (ZIP, b"", "no zip that can be read"),
        ],
    )
    def test_what_cannot_be_read_is_said(
        self, viewer: Running, headers: dict[str, str], body: bytes, says: str
    ) -> None:
        reply = viewer.client.post("/api/import", content=body, headers=headers)
        assert reply.status_code == 400
        assert says in reply.json()["error"]["message"]

    def test_a_store_that_cannot_be_written_is_a_503(
        self, viewer: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fails(*_: object) -> None:
            raise StoreError("the store could not write: No space left on device")

        monkeypatch.setattr(Store, "add", fails)
        monkeypatch.setattr(Store, "clear", fails)
        body = json.dumps({"resourceSpans": []}).encode()
        for reply in (
            viewer.client.post("/api/import", content=body, headers=LINES),
            viewer.client.delete("/api/data"),
        ):
            assert reply.status_code == 503
            assert "No space left" in reply.json()["error"]["message"]

    def test_nothing_is_nothing(self, viewer: Running) -> None:
        reply = viewer.client.post("/api/import", content=b"\n", headers=LINES)
        assert reply.json() == {"spans": 0, "logs": 0, "metric_points": 0}
        assert viewer.client.get("/api/export").content == b""

    def test_zips_of_others(self, viewer: Running) -> None:
        files = io.BytesIO()
        with zipfile.ZipFile(files, "w") as archive:
            archive.writestr("../../evil", "x")
        reply = viewer.client.post("/api/import", content=files.getvalue(), headers=ZIP)
        assert "the zip is no export" in reply.json()["error"]["message"]
        with zipfile.ZipFile(files, "w") as archive:
            for table in ("stored_spans", "logs", "metrics", "resources", "scopes"):
                archive.writestr(f"{table}.parquet", "x")
        reply = viewer.client.post("/api/import", content=files.getvalue(), headers=ZIP)
        assert "not those of an export" in reply.json()["error"]["message"]

    def test_zip_bombs(self, viewer: Running, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("wirespan.viewer.parquet.MAX_BYTES", 10)
        reply = viewer.client.get("/api/export", params={"format": "parquet"})
        reply = viewer.client.post("/api/import", content=reply.content, headers=ZIP)
        assert "has more than" in reply.json()["error"]["message"]

    def test_metrics_of_every_kind_that_otlp_carries(self, viewer: Running) -> None:
        request, place = metrics()
        full = place.add(name="full")
        full.histogram.aggregation_temporality = 1
        full.histogram.data_points.add(
            time_unix_nano=T0, count=3, sum=6.0, min=1.0, max=3.0, explicit_bounds=[2.0],
            bucket_counts=[1, 2], attributes=pairs({"a": 1}),
        )  # fmt: skip
        viewer.post("/v1/metrics", request.SerializeToString())
        with running() as other:
            other.client.post("/api/import", content=viewer.client.get("/api/export").content, headers=LINES)
            assert everything(other) == everything(viewer)

    def test_logs_without_a_trace(self, viewer: Running) -> None:
        request = ExportLogsServiceRequest()
        request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=T0)
        viewer.post("/v1/logs", request.SerializeToString())
        (line,) = viewer.client.get("/api/export").text.splitlines()
        (record,) = json.loads(line)["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
        assert {"traceId", "spanId"}.isdisjoint(record)

    def test_the_state_of_a_trace(self, viewer: Running) -> None:
        request = ExportTraceServiceRequest.FromString(traces([span := Span()]))
        request.resource_spans[0].scope_spans[0].spans[0].trace_state = "a=1"
        viewer.post("/v1/traces", request.SerializeToString())
        assert '"traceState":"a=1"' in viewer.client.get(f"/api/traces/{span.trace_id}/export").text

    def test_values_of_every_kind(self) -> None:
        assert _value(None) == {}
        assert _value({"a": [True]}) == {
            "kvlistValue": {
                "values": [{"key": "a", "value": {"arrayValue": {"values": [{"boolValue": True}]}}}]
            }
        }


class TestPage:
    def test_files_and_views(self, tmp_path: Path) -> None:
        (tmp_path / "assets").mkdir()
        (tmp_path / "index.html").write_text("<p>page</p>")
        (tmp_path / "assets" / "app-1a2b.js").write_text("1")
        (tmp_path / "odd.bin").write_bytes(b"\0")
        with running(static=tmp_path) as run:
            for view in ("/", "/routes", "/trace/abc"):
                reply = run.client.get(view)
                assert (reply.text, reply.headers["cache-control"]) == ("<p>page</p>", "no-cache")
                assert reply.headers["content-type"] == "text/html; charset=utf-8"
            asset = run.client.get("/assets/app-1a2b.js")
            assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert asset.headers["content-type"].startswith("text/javascript")
            assert run.client.get("/odd.bin").headers["content-type"] == "application/octet-stream"
            again = run.client.get("/", headers={"if-none-match": reply.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
            assert run.client.get("/assets/old.js").status_code == 404
            for path in ("/../etc/passwd", "/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd"):
                assert run.client.get(path).text == "<p>page</p>"
            assert run.client.head("/").status_code == 200

    def test_without_a_page_it_says_how_to_get_one(self, tmp_path: Path) -> None:
        with running(static=tmp_path / "nothing") as run:
            reply = run.client.get("/")
            assert reply.status_code == 503
            assert "make build" in reply.text


def test_the_viewer_does_not_trace_itself(viewer: Running) -> None:
    for _ in range(3):
        viewer.get("/api/requests")
    assert viewer.get("/api/status")["spans"] == 0
