"""Starlette, Django, Litestar and, through a2wsgi, Flask: the same small shop in each, run unchanged."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from harness import Recorder, Server, states_ms

pytestmark = [
    pytest.mark.wire,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # the frameworks' own
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
Serve = Callable[..., Server]


def starlette_shop() -> Any:
    from starlette.applications import Starlette  # noqa: PLC0415 - each framework only where it is tested
    from starlette.requests import Request  # noqa: PLC0415
    from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse  # noqa: PLC0415
    from starlette.routing import Mount, Route  # noqa: PLC0415

    async def hello(request: Request) -> JSONResponse:
        return JSONResponse({"hello": request.path_params["name"]})

    async def upload(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    async def stream(request: Request) -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(4):
                yield b"x" * 1_000

        return StreamingResponse(pieces())

    async def broken(request: Request) -> PlainTextResponse:
        raise LookupError("secret")

    routes = [
        Mount("/hello", routes=[Route("/{name}", hello)]),
        Route("/upload", upload, methods=["POST"]),
        Route("/stream", stream),
        Route("/broken", broken),
    ]
    return Starlette(routes=routes)


def django_shop() -> Any:
    import django  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415
    from django.core.handlers.asgi import ASGIHandler  # noqa: PLC0415
    from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse  # noqa: PLC0415
    from django.urls import path  # noqa: PLC0415

    async def hello(request: HttpRequest, name: str) -> JsonResponse:
        return JsonResponse({"hello": name})

    def upload(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(len(request.body)))

    async def stream(request: HttpRequest) -> StreamingHttpResponse:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(4):
                yield b"x" * 1_000

        return StreamingHttpResponse(pieces())

    async def broken(request: HttpRequest) -> HttpResponse:
        raise LookupError("secret")

    if not settings.configured:
        settings.configure(
            ROOT_URLCONF=type("urls", (), {}),
            ALLOWED_HOSTS=["*"],
            SECRET_KEY="test",
            DATA_UPLOAD_MAX_MEMORY_SIZE=None,
            LOGGING_CONFIG=None,
        )
        django.setup()
    settings.ROOT_URLCONF.urlpatterns = [
        path("hello/<name>", hello),
        path("upload", upload),
        path("stream", stream),
        path("broken", broken),
    ]
    return ASGIHandler()


def litestar_shop() -> Any:
    from litestar import Litestar, Request, get, post  # noqa: PLC0415
    from litestar.response import Stream  # noqa: PLC0415

    @get("/hello/{name:str}")
    async def hello(name: str) -> dict[str, str]:
        return {"hello": name}

    @post("/upload", status_code=200, media_type="text/plain")
    async def upload(request: Request[Any, Any, Any]) -> str:
        return str(len(await request.body()))

    @get("/stream")
    async def stream() -> Stream:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(4):
                yield b"x" * 1_000

        return Stream(pieces())

    @get("/broken")
    async def broken() -> None:
        raise LookupError("secret")

    return Litestar([hello, upload, stream, broken], request_max_body_size=None, logging_config=None)


def flask_shop() -> Any:
    from a2wsgi import WSGIMiddleware  # noqa: PLC0415
    from flask import Flask, Response, jsonify, request  # noqa: PLC0415

    app = Flask("shop")

    @app.get("/hello/<name>")
    def hello(name: str) -> Response:
        return jsonify(hello=name)

    @app.post("/upload")
    def upload() -> str:
        return str(len(request.get_data()))

    @app.get("/stream")
    def stream() -> Response:
        return Response(b"x" * 1_000 for _ in range(4))

    @app.get("/broken")
    def broken() -> str:
        raise LookupError("secret")

    return WSGIMiddleware(app)  # type: ignore[arg-type]  # Flask's protocol names its parameters


SHOPS = {"starlette": starlette_shop, "django": django_shop, "litestar": litestar_shop, "flask": flask_shop}


@pytest.fixture(params=SHOPS)
def http(
    request: pytest.FixtureRequest, serve: Serve, recorder: Recorder, loop: str
) -> Iterator[httpx.Client]:
    server = serve(asgi=SHOPS[request.param](), tracers=[recorder], loop=loop)
    with httpx.Client(base_url=server.base_url) as client:
        yield client


def test_path(http: httpx.Client) -> None:
    assert http.get("/hello/w%C3%B6rld").json() == {"hello": "wörld"}
    assert http.get("/none").status_code == 404
    assert http.put("/upload").status_code in (405, 200), "Django routes all methods alike"


@pytest.mark.parametrize("size", [0, 10, 3_000_000])
def test_upload(http: httpx.Client, size: int) -> None:
    assert http.post("/upload", content=b"x" * size).text == str(size)


def test_chunked_upload(http: httpx.Client, request: pytest.FixtureRequest) -> None:
    response = http.post("/upload", content=(b"x" * 1_000 for _ in range(50)))
    assert response.status_code == 200
    if (
        "flask" not in request.node.name
    ):  # werkzeug reads no body without a length unless the server says it may
        assert response.text == "50000"


def test_stream(http: httpx.Client) -> None:
    assert http.get("/stream").content == b"x" * 4_000


def test_error_is_a_500_and_the_server_goes_on(http: httpx.Client) -> None:
    response = http.get("/broken")
    assert response.status_code == 500
    assert http.get("/hello/again").status_code == 200


def test_every_request_has_its_record(http: httpx.Client, recorder: Recorder) -> None:
    for path in ("/hello/a", "/stream", "/none", "/broken"):
        http.get(path)
    records = recorder.wait(4)
    # An application may still do something after its response, while the next one is on its way.
    assert sorted(stats.status_code or 0 for stats in records) == [200, 200, 404, 500]
    for stats in records:
        states_ms(stats)
