"""`python -m dagnix.compose`."""

from dagnix.compose import main

main()
