"""OpenTelemetry beyond the tracer, which makes and sends the spans of requests.

`status` tells how exporters do. `TracerProvider` and `SdkTracer` need the package `opentelemetry-api`:
`pip install wirespan[opentelemetry]`.
"""

from typing import TYPE_CHECKING, Any

from wirespan.opentelemetry.health import status

if TYPE_CHECKING:
    from wirespan.opentelemetry.provider import TracerProvider
    from wirespan.opentelemetry.sdk import SdkTracer

__all__ = ["SdkTracer", "TracerProvider", "status"]


def __getattr__(name: str) -> Any:
    """Imports what needs opentelemetry-api when it is asked for.

    Raises:
        ImportError: opentelemetry-api is not installed.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from wirespan.opentelemetry import provider, sdk  # noqa: PLC0415 - not needed by all who come here
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("opentelemetry"):
            raise
        raise ImportError(
            f"wirespan.opentelemetry.{name} needs the package opentelemetry-api: "
            "run `pip install wirespan[opentelemetry]`"
        ) from error
    return {"SdkTracer": sdk.SdkTracer, "TracerProvider": provider.TracerProvider}[name]
