"""Brings every locked file into the Nix store: the only step of Dagnix that uses the network.

Runs on the host's own Python with nothing but the standard library, as it is there before anything
is built.
"""
