"""Writes nix/locks/*.json: which files enter the images, by name, size and SHA-256.

Runs on the host's own Python with nothing but the standard library, as it is there before anything
is built.
"""
