"""A visitor who asks the webserver ten times a second."""

import threading
import time
from contextlib import AbstractContextManager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Self
from urllib.parse import urlsplit

PAUSE_SECONDS = 0.1
ANSWER_SECONDS = 120  # a limit that ends what hangs


class Probe(AbstractContextManager["Probe"]):
    """Asks /server_info until the block ends, and keeps what went wrong."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).netloc
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.answers = 0
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.wait(PAUSE_SECONDS):
            began = time.monotonic()
            connection = HTTPConnection(self._address, timeout=ANSWER_SECONDS)
            try:
                connection.request("GET", "/server_info")
                answer = connection.getresponse()
                answer.read()
            except (OSError, HTTPException) as error:
                self.failures.append(f"after {time.monotonic() - began:.1f} s: {error!r}")
            else:
                if answer.status == HTTPStatus.OK:
                    self.answers += 1
                else:
                    self.failures.append(f"{answer.status} {answer.reason}")
            finally:
                connection.close()
