"""A FastAPI application runs unchanged: what people use most, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Annotated

import httpx
import pytest
from fastapi import (
    APIRouter,
    BackgroundTasks,
    Depends,
    FastAPI,
    File,
    Form,
    HTTPException,
    Request,
    Response,
    UploadFile,
)
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel

from harness import Recorder, Server, states_ms

pytestmark = pytest.mark.wire
Serve = Callable[..., Server]


class Item(BaseModel):
    name: str
    price: float


class OutOfStockError(Exception):
    pass


router = APIRouter()


async def session(request: Request) -> AsyncIterator[str]:
    request.app.state.log.append("open")
    yield "session"
    request.app.state.log.append("close")


@router.get("/items/{number}")
async def item(number: int, session: Annotated[str, Depends(session)], q: str = "-") -> dict[str, object]:
    return {"number": number, "session": session, "q": q}


@router.post("/items", status_code=201)
async def create(item: Item) -> Item:
    return item


@router.get("/sync")
def sync() -> dict[str, str]:
    return {"ran": "in a thread"}


@router.post("/upload")
async def upload(file: Annotated[UploadFile, File()], note: Annotated[str, Form()]) -> dict[str, object]:
    return {"name": file.filename, "size": len(await file.read()), "note": note}


@router.get("/stream")
async def stream() -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        for n in range(5):
            yield f"{n}\n".encode()
            await asyncio.sleep(0)

    return StreamingResponse(pieces(), media_type="text/plain")


@router.post("/background")
async def background(request: Request, tasks: BackgroundTasks) -> dict[str, bool]:
    tasks.add_task(request.app.state.log.append, "background")
    return {"queued": True}


@router.get("/missing")
async def missing() -> None:
    raise HTTPException(404, "not here", headers={"x-reason": "gone"})


@router.get("/sold-out")
async def sold_out() -> None:
    raise OutOfStockError


@router.get("/broken")
async def broken() -> None:
    raise LookupError("secret")


async def out_of_stock(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"sold": "out"}, status_code=409)


async def add_field(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    response.headers["x-middleware"] = "yes"
    return response


def make_app(log: list[str]) -> FastAPI:
    app = FastAPI(exception_handlers={OutOfStockError: out_of_stock})
    app.middleware("http")(add_field)
    app.include_router(router)
    app.state.log = log
    return app


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def http(serve: Serve, recorder: Recorder, loop: str, log: list[str]) -> Iterator[httpx.Client]:
    server = serve(asgi=make_app(log), tracers=[recorder], loop=loop)
    with httpx.Client(base_url=server.base_url) as client:
        yield client


def test_path_query_and_dependency(http: httpx.Client, log: list[str]) -> None:
    response = http.get("/items/7", params={"q": "a b&c"})
    assert response.json() == {"number": 7, "session": "session", "q": "a b&c"}
    assert response.headers["x-middleware"] == "yes"
    http.get("/sync")  # in order: the dependency is closed before the next request begins on this connection
    assert log == ["open", "close"]


def test_validation(http: httpx.Client) -> None:
    assert http.post("/items", json={"name": "a", "price": 1.5}).json() == {"name": "a", "price": 1.5}
    assert http.post("/items", json={"name": "a"}).status_code == 422
    assert http.get("/items/seven").status_code == 422


def test_def_endpoint_runs_in_a_thread(http: httpx.Client) -> None:
    assert http.get("/sync").json() == {"ran": "in a thread"}


def test_upload(http: httpx.Client) -> None:
    content = bytes(range(256)) * 8_192
    response = http.post("/upload", files={"file": ("a.bin", content)}, data={"note": "hi"})
    assert response.json() == {"name": "a.bin", "size": len(content), "note": "hi"}


def test_streaming_response(http: httpx.Client) -> None:
    with http.stream("GET", "/stream") as response:
        assert response.headers["transfer-encoding"] == "chunked"
        assert "".join(response.iter_text()) == "0\n1\n2\n3\n4\n"


def test_background_task_runs_after_the_response(
    http: httpx.Client, recorder: Recorder, log: list[str]
) -> None:
    assert http.post("/background").json() == {"queued": True}
    states_ms(recorder.one())
    assert log == ["background"]


def test_exception_handlers(http: httpx.Client) -> None:
    missing = http.get("/missing")
    assert (missing.status_code, missing.headers["x-reason"]) == (404, "gone")
    assert http.get("/sold-out").json() == {"sold": "out"}
    broken = http.get("/broken")
    assert (broken.status_code, "secret" in broken.text) == (500, False)
    assert http.get("/sync").status_code == 200, "the server goes on"


def test_every_request_has_its_record(http: httpx.Client, recorder: Recorder) -> None:
    for path in ("/items/1", "/sync", "/stream", "/missing", "/broken"):
        http.get(path)
    records = recorder.wait(5)
    # An application may still do something after its response, while the next one is on its way.
    assert sorted(stats.status_code or 0 for stats in records) == [200, 200, 200, 404, 500]
    for stats in records:
        states_ms(stats)


def test_openapi_page(http: httpx.Client) -> None:
    assert "/items/{number}" in http.get("/openapi.json").json()["paths"]
