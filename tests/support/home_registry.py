"""The instance's own /v2/ registry, served from a thread of this process on a free loopback port."""

import socket
import threading
import time

import uvicorn

from api.app import create_app
from api.settings import Settings
from api.wiring import of_effects


class HomeRegistry:
    """Serves the kept images of an instance; ``stop`` is a registry that is off."""

    def __init__(self, effects):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        app = create_app(of_effects(Settings(home="/nonexistent/home"), effects))
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none", lifespan="on"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < deadline, "the registry did not start"
            time.sleep(0.01)

    def stop(self):
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()
