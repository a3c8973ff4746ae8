"""What a child span costs: the native provider beside the official SDK. `python -m bench.spans`

One span is what users write: `start_as_current_span`, one `set_attribute`, the end. Both make children of a
sampled span and hand them to their exporter's thread, which throws them away (the SDK's) or keeps them until
they are taken out between rounds (ours). Rounds alternate in one process; what counts is the median of the
rounds' ratios.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace import TracerProvider as SdkProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from wirespan.opentelemetry import TracerProvider
from wirespan.tracers import OpenTelemetry

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

SPANS = 5_000


class Nowhere(SpanExporter):
    """Throws spans away."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def spend(tracer: trace.Tracer) -> float:
    """CPU nanoseconds a span, of the thread that makes it: what exporters do is not among them."""
    start: Callable[[str], AbstractContextManager[Any]] = tracer.start_as_current_span
    with tracer.start_as_current_span("parent"):
        begin = time.thread_time_ns()
        for _ in range(SPANS):
            with start("query") as span:
                span.set_attribute("db.system.name", "postgresql")
        return (time.thread_time_ns() - begin) / SPANS


def measure(rounds: int) -> tuple[list[float], list[float]]:
    """Ours and the SDK's, round by round."""
    spans = OpenTelemetry(exporter="memory")
    ours = TracerProvider(spans).get_tracer("bench")
    sdk = SdkProvider()
    sdk.add_span_processor(BatchSpanProcessor(Nowhere(), max_queue_size=4 * SPANS))
    theirs = sdk.get_tracer("bench")
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        pair = ((ours, times[0]), (theirs, times[1]))
        for tracer, kept in pair if number % 2 else pair[::-1]:
            kept.append(spend(tracer))
            assert len(spans.finished_spans()) == (SPANS + 1 if tracer is ours else 0)
            sdk.force_flush()
    sdk.shutdown()
    return times


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=15)
    ours, theirs = measure(arguments.parse_args().rounds)
    ratio = statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
    print(f"native   {statistics.median(ours):8.0f} ns a span")
    print(f"SDK      {statistics.median(theirs):8.0f} ns a span")
    print(f"ratio    {ratio:8.3f} (at most 0.2)")


if __name__ == "__main__":
    main()
