"""Which files enter the images (nix/locks/*.json), by name, size and SHA-256.

`solve` writes the locks; `fetch` downloads what they name into the Nix store. Both run on the
host's own Python with nothing but the standard library, before anything is built.
"""
