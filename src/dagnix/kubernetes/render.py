"""All objects of an instance, in the order in which they need each other."""

from collections.abc import Iterator

import yaml

from dagnix.kubernetes import dashboard, database, instance, locations, policies
from dagnix.kubernetes.objects import Object
from dagnix.kubernetes.settings import Settings


def objects(settings: Settings, *, with_secrets: bool = True) -> Iterator[Object]:
    """Yield all objects, or all but the Secrets."""
    yield from instance.objects(settings)
    if with_secrets:
        yield from instance.secrets(settings)
    yield from policies.objects(settings)
    if settings.has_postgres:
        yield from database.objects(settings)
    for each in settings.locations:
        yield from locations.objects(settings, each)
    yield from dashboard.objects(settings)


def manifests(settings: Settings, *, with_secrets: bool = True) -> str:
    """Return the objects as YAML for `kubectl apply`."""
    found = objects(settings, with_secrets=with_secrets)
    return yaml.dump_all(found, Dumper=_Plain, sort_keys=False, width=1000)


class _Plain(yaml.SafeDumper):
    """Writes no anchors, which a person would have to look up."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - as SafeDumper has it
        return True
