from dagnix.locks.solve import locations


def test_what_only_the_dev_shell_has_is_no_layer_to_share() -> None:
    groups = {"webserver": ["a", "b"], "daemon": ["a"], "pipes": ["c"], "dev": ["a", "d"]}
    packages = {name: {"version": "1"} for name in "abcd"}
    lock = {"groups": {"x": groups}, "packages": {"x": packages}}
    assert locations.without_dev(lock) == {"x": {name: packages[name] for name in "abc"}}


def test_a_checkout_without_a_lock_shares_nothing() -> None:
    assert locations.without_dev({}) == {}
