"""Probes: each a suspicion."""
import asyncio, contextvars, gc, time, threading
from typing import Any
import pytest
from harness import Recorder, Server, request, times, wait_for, HELLO, hello, NUMBERS, states_ms
from wirespan._core import Exchange, define_event

START = {"type": "http.response.start", "status": 200, "headers": []}

def test_slow_reader_longer_than_idle(serve, recorder):
    size = 8 << 20
    async def h(x): x.reply(200, "t/p", b"x"*size)
    s = serve(h, tracers=[recorder], timeout_idle_s=0.3)
    with s.connect(receive_buffer=65536) as c:
        c.send(request())
        got = 0
        t = time.monotonic()
        while True:
            d = c.socket.recv(65536)
            got += len(d)
            if not d or got >= size: break
            time.sleep(0.02)
        print(got, time.monotonic()-t, recorder.one().end_reason)
        assert got >= size

def test_asgi_gone_no_reply(serve, recorder):
    async def app(scope, receive, send):
        while (await receive())["type"] != "http.disconnect": pass
    with serve(asgi=app, tracers=[recorder]).connect() as c:
        c.send(request()); recorder.wait_started()
        c.finish_sending()
        print(c.read_all())
    st = recorder.one()
    print(st.status_code, st.end_reason, st.send_size)
    assert st.status_code is None

def test_native_disconnect_raised_status(serve, recorder):
    async def h(x):
        while not x.is_disconnected: await asyncio.sleep(0.01)
        raise ConnectionError("x")
    with serve(h, tracers=[recorder]).connect() as c:
        c.send(request()); recorder.wait_started()
        c.finish_sending()
        print(c.read_all())
    st = recorder.one()
    print(st.status_code, st.end_reason, st.send_size, st.error)

def test_leak_asgi_exceptions(serve):
    class T:
        def start(self, c, r): return c
        def finish(self, c, r): pass
    async def app(scope, receive, send):
        big = b"x" * 1000
        raise ValueError("boom")
    s = serve(asgi=app, tracers=[T()])
    def count():
        gc.collect(); return sum(isinstance(i, Exchange) for i in gc.get_objects())
    with s.connect() as c:
        for _ in range(200):
            c.send(request()); c.response()
        s.errors.clear()
    n = s.call(count)
    print("left", n)
    assert n < 10

def test_leak_asgi_ok(serve):
    async def app(scope, receive, send):
        scope["me"] = (receive, send)
        await send(START); await send({"type": "http.response.body"})
    s = serve(asgi=app)
    def count():
        gc.collect(); return sum(isinstance(i, Exchange) for i in gc.get_objects())
    with s.connect() as c:
        for _ in range(200):
            c.send(request()); c.response()
    n = s.call(count)
    print("left", n)
    assert n < 10

def test_waiters_of_cancelled_receive(serve):
    out = []
    async def app(scope, receive, send):
        await receive()
        for _ in range(2000):
            t = asyncio.ensure_future(receive())
            await asyncio.sleep(0)
            t.cancel()
            await asyncio.sleep(0)
        gc.collect()
        out.append(sum(1 for o in gc.get_objects() if type(o).__name__ == "Future"))
        await send(START); await send({"type": "http.response.body"})
    s = serve(asgi=app)
    with s.connect() as c:
        c.send(request()); c.response()
    print(out)
    assert out[0] < 100

def test_await_after_cancelled_read_is_await(serve, recorder):
    async def h(x):
        try:
            async with asyncio.timeout(0.01): await x.read()
        except TimeoutError: pass
        await asyncio.sleep(0.2)
        x.reply(200, None, b"")
    with serve(h, tracers=[recorder]).connect() as c:
        c.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
        c.response()
        c.send(b"12345")
    ms = states_ms(recorder.one())
    print(ms)
    assert ms["await"] > 190

def test_raise_level_in_start(serve):
    seen = []
    class T:
        def start(self, c, r): r.stats.level = 2; return c
        def finish(self, c, r): seen.append((r.stats.events(), r.stats.states(), r.stats.total_ns()))
    async def h(x):
        await asyncio.sleep(0.05); x.reply(200, None, b"")
    with serve(h, tracers=[T()], trace_level=0).connect() as c:
        c.send(request()); c.response()
        wait_for(lambda: seen, "x")
    print(seen)
    e, st, tot = seen[0]
    assert tot > 0 and sum(st.values()) == tot and len(e) > 5 and st["await"] > 45e6

def test_lower_to_disabled(serve, recorder):
    async def h(x):
        x.stats.level = 0
        x.reply(200, None, b"")
    with serve(h, tracers=[recorder]).connect() as c:
        c.send(request()); c.response()
    st = recorder.one(); print(st.events(), st.states(), st.total_ns())

def test_user_records_builtin_after_close(serve):
    ev = define_event("late_probe", 1)
    seen = []
    class T:
        def start(self, c, r): return c
        def finish(self, c, r):
            r.stats.record(NUMBERS["HTTP_FINISH"], 2, "again"); r.stats.record(ev, 1, "a")
            seen.append((r.stats.events(), r.stats.total_ns()))
    with serve(hello, tracers=[T()]).connect() as c:
        c.send(request()); c.response()
        wait_for(lambda: seen, "x")
    print(seen)

def test_idle_client_ok_after_large(serve): pass

def test_deadlock_on_finalizer(serve):
    class D:
        def __init__(s, x): s.x = x
        def __del__(s): s.x.values; s.x.stats.panicked()
    async def h(x):
        x.params = {"d": D(x)}
        x.params = {}
        x.values = {"d": D(x)}
        x.values = {}
        x.reply(200, None, b"")
    with serve(h).connect() as c:
        c.socket.settimeout(2)
        c.send(request()); assert c.response().status == 200

def test_two_errors(serve):
    async def h(x):
        class D:
            def __del__(s): x.stats.panicked()
        def f():
            d = D(); raise ValueError("1")
        try: f()
        except ValueError as e: x.note_error(e)
        raise RuntimeError("2")
    with serve(h).connect() as c:
        c.socket.settimeout(2)
        c.send(request()); assert c.response().status == 500
