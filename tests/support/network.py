"""A network of a test's own."""

import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1  # netdevice(7)


@contextmanager
def unchanging() -> Iterator[None]:
    """Give this thread, and what it starts meanwhile, a loopback interface and nothing else.

    Chromium drops what it is loading (ERR_NETWORK_CHANGED) when an interface of its host comes or
    goes, as other tests' containers' do. Only root can have such a network; others stay in the
    host's.
    """
    if os.geteuid() != 0:
        yield
        return
    with Path("/proc/thread-self/ns/net").open("rb") as before:
        os.unshare(os.CLONE_NEWNET)
        try:
            with socket.socket() as any_socket:
                fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
            yield
        finally:
            os.setns(before.fileno(), os.CLONE_NEWNET)
