"""Debian's Chromium, and a page in it that holds connections of the npm bundle.

The page comes from an origin of its own, as an embedding application's does.
"""

import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from playwright.async_api import Page, async_playwright

from tests.support.lines import DriverError
from tests.support.server import ROOT

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

PAGE = """<!doctype html><meta charset="utf-8"><title>devices</title>
<script src="/node_modules/@microsoft/signalr/dist/browser/signalr.js"></script>
<script src="/node_modules/@microsoft/signalr-protocol-msgpack/dist/browser/\
signalr-protocol-msgpack.js"></script>
<script type="module">
  import { Connections } from "/tests/support/js/connections.mjs";
  window.connections = new Connections(signalR, signalR.protocols.msgpack, tell);
</script>
"""


class _Files(SimpleHTTPRequestHandler):
    """The checkout's files, and the page at the root."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".mjs": "text/javascript"
    }

    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        body = PAGE.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing: the tests' output is for the tests."""


@contextmanager
def page_origin() -> Iterator[str]:
    """Serves the page; its origin is to be allowed at the server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(ROOT)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class PageProgram:
    """The connections in one page, as a program that does deeds."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def do(self, what: str, **arguments: object) -> object:
        answer = await self._page.evaluate(
            "asked => window.connections.perform(asked)", {"do": what, **arguments}
        )
        if "error" in answer:
            raise DriverError(answer["error"])
        return answer["result"]


@asynccontextmanager
async def connections_page(
    origin: str, on_event: Callable[[dict], None]
) -> AsyncIterator[PageProgram]:
    """A page in a fresh Chromium; what its connections receive goes to `on_event`."""
    executable, node = shutil.which("chromium"), shutil.which("node")
    assert executable, "Chromium is not installed; ./dev test brings it"
    assert node
    # Playwright's own node wants a library that a bare Debian does not have.
    os.environ["PLAYWRIGHT_NODEJS_PATH"] = node
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable, args=list(FLAGS)
        )
        page = await browser.new_page()
        await page.expose_function("tell", on_event)
        await page.goto(origin)
        await page.wait_for_function("window.connections !== undefined")
        try:
            yield PageProgram(page)
        finally:
            await page.evaluate("window.connections.end()")
            await browser.close()
