"""The gate's table of roles, against Dagster's schema."""

import json

from dagster_graphql.schema import create_schema
from support.stack import ROOT

TABLE = json.loads((ROOT / "src/gate/internal/role/mutations.json").read_text())


def test_each_mutation_of_dagster_has_a_role() -> None:
    mutations = create_schema().graphql_schema.mutation_type
    assert mutations
    assert TABLE.keys() == mutations.fields.keys()
    assert list(TABLE) == sorted(TABLE)
    # A viewer changes nothing.
    assert set(TABLE.values()) == {"operator", "admin"}
