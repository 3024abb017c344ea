"""Dagster's own GraphQL schema knows what the measurements ask for."""

import pytest
from dagster_graphql.schema import create_schema
from graphql import parse, validate

from bench import growth, launches, ready
from bench.variants import containerfiles


@pytest.mark.parametrize(
    "query",
    [
        growth.PAGE,
        launches.LAUNCH,
        launches.STATUSES,
        launches.STARTED,
        ready.STATE,
        containerfiles.LOADED,
    ],
)
def test_a_query_fits_the_schema(query: str) -> None:
    assert validate(create_schema().graphql_schema, parse(query)) == []
