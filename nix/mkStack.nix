# `lib.mkStack`: the folders of a project → the outputs of its flake. Each argument is described in
# docs/mkstack.md.
{
  self,
  pipes,
  config,
  # Beside `config`, not in `self`: in Nix 2.8 that is the whole repository, of which the project
  # may be a folder.
  locks ? dirOf config + "/nix/locks",
  version ? builtins.head (builtins.split "\n" (builtins.readFile (dirOf config + "/VERSION"))),
  source ? "",
  checks ? _: { },
  packages ? _: { },
}:
let
  systems = [ "x86_64-linux" ];
  stacks = builtins.listToAttrs (
    map (system: {
      name = system;
      value = import ./. {
        inherit
          system
          pipes
          config
          locks
          version
          source
          ;
        root = dirOf config;
        # Only git's have one of these; Nix 2.8 has no other sign of a tree that is not committed.
        tracked = self ? rev || self ? dirtyRev || self ? submodules;
        revision = self.rev or "dirty";
      };
    }) systems
  );
  each = f: builtins.mapAttrs (_: f) stacks;
in
{
  packages = each (stack: stack.packages // packages stack);
  # The others that a stack has are about Dagnix itself.
  checks = each (stack: { inherit (stack.checks) reproducible; } // checks stack);
  locked = each (stack: stack.locked);
  devShells = each (stack: { default = stack.shell; });
  apps = each (stack: {
    default = {
      type = "app";
      program = "${stack.packages.cli}/bin/dagnix";
    };
  });
}
