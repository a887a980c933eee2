"""What every client here has: see stage.mjs, which speaks the same way."""

import http.server
import json
import queue
import sys
import threading

settings = json.loads(sys.stdin.readline())


def passed(step):
    """A step that worked."""
    print(f"passed {step}", flush=True)


def expect(fact, what):
    """A step that did not."""
    if not fact:
        raise AssertionError(f"expected: {what}")


def visit(url):
    """The person opens an address in the browser."""
    print(f"visit {url}", flush=True)


class Callback:
    """Waits for the browser to come back."""

    def __init__(self):
        arrived = self.arrived = queue.Queue()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"You can close this page.")
                arrived.put(self.path)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.redirect_uri = f"http://127.0.0.1:{self.server.server_port}/callback"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self):
        """The address it came to."""
        return self.redirect_uri.removesuffix("/callback") + self.arrived.get(timeout=60)
