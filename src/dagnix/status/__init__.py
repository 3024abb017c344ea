"""How an instance is: what `./dagnix status` shows."""
