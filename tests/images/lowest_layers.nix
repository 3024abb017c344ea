# The layers that hold what Debian and the wheels bring, and those of the code, built anew: a file with
# their paths. The host's shell writes it, which a build in a sandbox does not see.
{
  root, # the checkout
  salt, # as in nix/default.nix
}:
let
  folder = /. + root;
  system = builtins.currentSystem;
  stack =
    salt: programs:
    import (folder + "/nix") {
      inherit system salt programs;
      root = folder;
      pipes = folder + "/pipes";
      config = folder + "/config";
      version = "test";
      revision = "test";
      source = "";
    };
  inherit (stack salt { inherit ((stack "" { }).packages) nix2container; }) layers;
  part = builtins.elemAt;
  pipes = layers.locations.pipes;
  last = builtins.length pipes - 1;
in
derivation {
  inherit system salt;
  name = "lowest-layers";
  builder = "/bin/sh";
  args = [
    "-c"
    "echo $layers > $out"
  ];
  layers = [
    (part layers.webserver 0)
    (part layers.webserver 1)
    (part layers.postgres 0)
    (part pipes (last - 1))
    (part pipes last)
  ];
}
