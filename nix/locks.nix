# The part of the lock files that is for one system.
{ system, locks }:
let
  read = name: builtins.fromJSON (builtins.readFile (locks + "/${name}.json"));
  part =
    name: section:
    (read name).${section}.${system}
      or (throw "nix/locks/${name}.json has no ${section} for ${system}: run ./dagnix lock ${name}");
  parts = name: builtins.mapAttrs (section: _: part name section);
in
{
  debian = parts "debian" {
    packages = null;
    groups = null;
    seed = null;
  };
  python = {
    version = (read "python").python;
  }
  // parts "python" {
    packages = null;
    groups = null;
  };
  go = read "go";
}
