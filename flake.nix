{
  description = "Dagster in small images, from locked Debian packages and wheels";

  # No inputs: what goes into a build stands in nix/locks (docs/decisions/0001-no-nixpkgs.md).
  inputs = { };

  outputs =
    { self }:
    let
      mkStack = import ./nix/mkStack.nix;
    in
    mkStack {
      inherit self;
      pipes = ./pipes;
      config = ./config;
      source = "https://github.com/dagnix/dagnix";
      checks = stack: stack.checks;
      packages = stack: { inherit (stack) docs kubernetes; };
    }
    // {
      lib = { inherit mkStack; };
      templates.default = {
        path = ./templates/project;
        description = "A project of its own: pipes/, config/ and compose.yaml, on Dagnix";
        welcomeText = ''
          Next, in this folder:

              chmod +x dagnix    # Nix does not keep that
              git init && git add .
              ./dagnix up
        '';
      };
    };
}
