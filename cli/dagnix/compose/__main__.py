"""`podman-compose` whose containers know how long they may take to stop."""

from dagnix import compose

if __name__ == "__main__":
    compose.main(compose.Engine)
