"""The viewer as a wirespan application: OTLP in, API and page out, all on one port."""

from dataclasses import dataclass
from pathlib import Path

from wirespan.app import App
from wirespan.viewer.api import Api
from wirespan.viewer.live import Live
from wirespan.viewer.misdirected import GrpcNotice, add_directions
from wirespan.viewer.page import STATIC, Page
from wirespan.viewer.receiver import add_receiver
from wirespan.viewer.security import Guard, guarding
from wirespan.viewer.store import Store


@dataclass(frozen=True, slots=True)
class Viewer:
    """An application and what its owner needs to stop it.

    Attributes:
        app: to be served.
        live: its streams; `close` ends them, which a server that stops would wait for.
    """

    app: App
    live: Live


def create(store: Store, *, host: str = "127.0.0.1", token: str = "", static: Path = STATIC) -> Viewer:
    """Makes the viewer's application. It sends no traces: its own requests are not what people look for.

    Args:
        store: what it shows and fills; stays the caller's to close.
        host: the name it is told to listen on, which is then a valid Host.
        token: what clients must know; needed where others than this machine can connect.
        static: the folder of the page.
    """
    app = App(middleware=[guarding(Guard(host, token))], tracers=[GrpcNotice()])
    live = Live(store)
    # Commits are told on the loop that serves, which runs from here on.
    app.on_startup(lambda: store.subscribe(live.wake))
    add_receiver(app, store)
    Api(store, live, token=token).register(app)
    add_directions(app)
    page = Page(static)
    app.get("/")(page.serve)
    app.get("/{path:path}")(page.serve)
    return Viewer(app, live)
