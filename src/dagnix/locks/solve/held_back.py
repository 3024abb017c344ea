"""Why pip took an older version than it might have: newer ones have no wheel for the machine.

pip says nothing of files that are no wheels (--only-binary) but in its log. The lines there, here
without the time before each, are those of pip 26:

    Skipping link: No sources permitted for NAME: URL (from INDEX) (requires-python:>=3.9)
    Skipping link: none of the wheel's tags (TAGS) are compatible (HINT): URL (from INDEX)
    Found link URL (from INDEX) (requires-python:>=3.9), version: 1.0
    Will try a different candidate, due to conflict:
        PARENT 2.0 depends on NAME<4 and >=3
        The user requested NAME<5
    ERROR: No matching distribution found for NAME>=3 (from PARENT)
    The conflict is caused by:
        PARENT 2.0 depends on NAME>=3
    Could not fetch URL URL: connection error: REASON - skipping
"""

import functools
import re
import urllib.parse
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

SKIPPED = re.compile(r"Skipping link: (?:No sources|none of the wheel's tags).*: (\S+:\S+)(.*)")
FOUND = re.compile(r"Found link (\S+)")
PYTHON = re.compile(r"\(requires-python:([^)]*)\)")
CONFLICT = "Will try a different candidate, due to conflict:"
CAUSED = "The conflict is caused by:"
CAUSE = re.compile(
    r"(?:(?P<parent>\S+) (?P<version>\S+) depends on|The user requested) (?P<needed>.+)"
)
NONE = re.compile(r"ERROR: No matching distribution found for (.+?)(?: \(from (.+)\))?")
# An answer with 404 is one: that the index does not have the package.
UNANSWERED = re.compile(
    r"Could not fetch URL \S+: "
    r"((?:connection error|timed out|5\d\d Server Error|There was a problem confirming).*) - skip"
)
TIME = re.compile(r"^\S+T\S+\s+")

Versions = Mapping[str, set[Version]]


def lines(
    log: str,
    python: str,
    chosen: Mapping[str, Version],
    requirements: Iterable[Requirement],
    constraints: Iterable[Requirement],
) -> list[str]:
    """Return a sentence for each package that would be newer if something had a wheel.

    `python` is the version that all of it is for, `chosen` what pip took, `requirements` are those
    of people and of what was chosen.
    """
    said = [TIME.sub("", line) for line in log.splitlines()]
    bounds = _specifiers(constraints)
    needed = _specifiers(requirements)
    without = without_wheel(said, python)
    found = {}
    for name, version in sorted(chosen.items()):
        allowed = (needed[name] & bounds[name]).filter(without[name])
        if newer := [each for each in allowed if _is_newer(each, version)]:
            found[name] = f"{max(newer)} has no wheel"
    for name, version, cause in _conflicts(said, without, bounds):
        if name in chosen and _is_newer(version, chosen[name]):
            # pip tries the newest first.
            found.setdefault(name, f"{version} depends on {cause}, which has no wheel")
    return [f"{name} stays at {chosen[name]}: {why}" for name, why in found.items()]


def _is_newer(one: Version, other: Version) -> bool:
    """Tell whether a version is newer; a pre-release is for who has one."""
    return one > other and (other.is_prerelease or not one.is_prerelease)


def _specifiers(requirements: Iterable[Requirement]) -> Mapping[str, SpecifierSet]:
    """Return what is asked of each package's version."""
    found: dict[str, SpecifierSet] = defaultdict(SpecifierSet)
    for each in requirements:
        found[canonicalize_name(each.name)] &= each.specifier
    return found


def no_wheel(log: str, python: str) -> dict[str, str]:
    """Return what pip found no wheel of; empty if it failed otherwise.

    It has "name" and "version", "file", which is the source archive or "" if there is none, "said",
    which names the version and what needs it, and "alternative", which version has a wheel.
    """
    said = [TIME.sub("", line) for line in log.splitlines()]
    by_file = _by_file(said, python)  # once: a conflict may name hundreds of versions
    for requirement, parent in _unmet(said):
        name = canonicalize_name(requirement.name)
        skipped, usable = (versions[name] for versions in by_file)
        desired = list(requirement.specifier.filter(skipped - usable))
        if desired and not any(requirement.specifier.filter(usable)):
            archives = _archives(said, name, python)
            version = max(archives.keys() & set(desired) or desired)
            return {
                "name": name,
                "version": str(version),
                "file": archives.get(version, ""),
                "said": f"{name} {version}" + (f", which {parent} needs," if parent else ""),
                "alternative": f"the newest version with a wheel is {max(usable)}"
                if usable
                else "no version has a wheel",
            }
    return {}


def unanswered(log: str) -> str:
    """Return why an index did not answer, "" if all did: pip goes on as if it had nothing."""
    found = UNANSWERED.findall(log)
    return found[-1] if found else ""


def _unmet(said: Sequence[str]) -> Iterator[tuple[Requirement, str]]:
    """Yield what pip ends for want of, and which package needs it, "" for people."""
    for match in filter(None, map(NONE.fullmatch, said)):
        if requirement := _requirement(match[1]):
            yield requirement, "" if ".txt" in (match[2] or ".txt") else match[2]
    if CAUSED in said:
        for cause in map(CAUSE.fullmatch, said[said.index(CAUSED) + 1 :]):
            if not cause:
                return
            if requirement := _requirement(cause["needed"]):
                yield requirement, cause["parent"] or ""


def _archives(said: Iterable[str], name: str, python: str) -> Mapping[Version, str]:
    """Return the source archive of each version of a package that is for a Python."""
    links = (match for match in map(SKIPPED.match, said) if match and _is_for(match[2], python))
    return {
        version: _file_name(match[1])
        for match in links
        if not _file_name(match[1]).endswith(".whl")
        for package, version in _file(match[1])
        if package == name
    }


def without_wheel(said: Iterable[str], python: str) -> Versions:
    """Return the versions of each package that are for a Python, and have no wheel that fits."""
    skipped, usable = _by_file(said, python)
    return defaultdict(set, {name: skipped[name] - usable[name] for name in skipped})


def _by_file(said: Iterable[str], python: str) -> tuple[Versions, Versions]:
    """Return each package's versions with files that do not fit, and with a wheel that does."""
    skipped: dict[str, set[Version]] = defaultdict(set)
    usable: dict[str, set[Version]] = defaultdict(set)
    for line in said:
        if match := FOUND.match(line):
            for name, version in _file(match[1]):
                usable[name].add(version)
        elif (match := SKIPPED.match(line)) and _is_for(match[2], python):
            for name, version in _file(match[1]):
                skipped[name].add(version)
    return skipped, usable


def _conflicts(
    said: list[str], without: Versions, bounds: Mapping[str, SpecifierSet]
) -> Iterator[tuple[str, Version, str]]:
    """Yield the versions that pip did not take, as what they depend on has no wheel, and that."""
    for number, line in enumerate(said):
        if line != CONFLICT:
            continue
        parents, causes = [], []
        for below in said[number + 1 :]:
            match = CAUSE.fullmatch(below)
            cause = _requirement(match["needed"]) if match else None
            if not match or not cause:
                break
            causes.append(cause)
            if match["parent"]:
                parent = canonicalize_name(match["parent"])
                parents.append((parent, Version(match["version"]), str(cause)))
        for name, specifier in _specifiers(causes).items():
            if any((specifier & bounds[name]).filter(without[name])):
                yield from parents


def _requirement(said: str) -> Requirement | None:
    try:
        return Requirement(said.replace(" and ", ","))
    except InvalidRequirement:  # as a constraint is, which stands in `bounds`
        return None


def _file(url: str) -> Iterator[tuple[str, Version]]:
    """Yield the name and the version in a file's name, if it has them."""
    name = _file_name(url)
    if name.endswith(".whl"):
        # Without the tags, of which an index has ten for each version.
        package, _, rest = name.partition("-")
        name = f"{package}-{rest.partition('-')[0]}"
    elif not name.endswith((".tar.gz", ".zip")):
        return
    yield from _release(name.removesuffix(".tar.gz").removesuffix(".zip"))


def _file_name(url: str) -> str:
    return urllib.parse.unquote(url.partition("#")[0].rpartition("/")[2])


@functools.cache
def _release(stem: str) -> tuple[tuple[str, Version], ...]:
    package, _, version = stem.rpartition("-")
    try:
        return ((canonicalize_name(package), Version(version)),)
    except InvalidVersion:
        return ()


def _is_for(link: str, python: str) -> bool:
    match = PYTHON.search(link)
    return not match or _allows(match[1], python)


@functools.cache
def _allows(specifier: str, python: str) -> bool:
    try:
        return SpecifierSet(specifier).contains(python)
    except InvalidSpecifier:
        return True
