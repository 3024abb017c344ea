{
  description = "Dagster in four small images, from locked Debian packages and wheels";

  # No inputs: what goes into a build stands in nix/locks (docs/decisions/no-nixpkgs.md).
  inputs = { };

  outputs =
    { self }:
    let
      systems = [ "x86_64-linux" ];
      forSystems =
        f:
        builtins.listToAttrs (
          map (system: {
            name = system;
            value = f system;
          }) systems
        );
      stack = forSystems (
        system:
        import ./nix {
          inherit system;
          root = ./.;
          pipes = ./pipes;
          config = ./config;
          version = builtins.replaceStrings [ "\n" ] [ "" ] (builtins.readFile ./VERSION);
          revision = self.rev or "dirty";
          source = "https://github.com/dagnix/dagnix";
        }
      );
      output = name: forSystems (system: stack.${system}.${name});
    in
    {
      packages = output "packages";
      checks = output "checks";
      locked = output "locked";
      devShells = forSystems (system: { default = stack.${system}.shell; });
      apps = forSystems (system: {
        default = {
          type = "app";
          program = "${stack.${system}.packages.cli}/bin/dagnix";
        };
      });
    };
}
