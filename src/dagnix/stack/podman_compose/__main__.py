"""`podman-compose` whose containers know how long they may take to stop."""

from dagnix.stack import podman_compose

if __name__ == "__main__":
    podman_compose.main(podman_compose.Engine)
