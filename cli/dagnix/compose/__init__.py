"""`podman-compose`, which is quick where a compose file has no variable.

podman-compose 1.6 defines three dataclasses anew for each string in which it looks for variables:
two thirds of a second for compose.yaml.
"""

import podman_compose


def main() -> None:
    """Run podman-compose with the arguments of this program."""
    interpolate = podman_compose.var_interpolate
    podman_compose.var_interpolate = lambda value, environment: (
        interpolate(value, environment) if "$" in value else value
    )
    podman_compose.main()
