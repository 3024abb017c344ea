# The part of the lock files that is for one system.
{ system, locks }:
let
  read = folder: name: builtins.fromJSON (builtins.readFile (folder + "/${name}.json"));
  # A project that has not locked for itself builds from the files that Dagnix is tested with.
  file =
    name: read (if builtins.pathExists (locks + "/${name}.json") then locks else ./locks) name;
  part =
    name: section:
    (file name).${section}.${system}
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
    version = (file "python").python;
  }
  // parts "python" {
    packages = null;
    groups = null;
  };
  # Of Dagnix's own Go code, so never a project's.
  go = read ./locks "go";
}
