"""Downloads every locked file into the Nix store: the only step of Dagnix that uses the network."""
