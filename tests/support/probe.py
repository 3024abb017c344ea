"""A visitor who asks the webserver ten times a second."""

import threading
import time
from contextlib import AbstractContextManager
from typing import Self

import requests

PAUSE_SECONDS = 0.1
ANSWER_SECONDS = 10


class Probe(AbstractContextManager["Probe"]):
    """Asks /server_info until the block ends, and keeps what went wrong."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/server_info"
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
            try:
                requests.get(self._url, timeout=ANSWER_SECONDS).raise_for_status()
                self.answers += 1
            except requests.RequestException as error:
                self.failures.append(f"after {time.monotonic() - began:.1f} s: {error}")
