from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from support.layers import Contents, contents

from dagnix.images.layout import Layout


@pytest.fixture(scope="session")
def files(layouts: dict[str, Layout]) -> Iterator[dict[str, Contents]]:
    """What is in each image, by service."""
    with ExitStack() as opened:
        yield {name: opened.enter_context(contents(it)) for name, it in layouts.items()}
