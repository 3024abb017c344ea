# The locks' groups → the store paths of their files.
{ lock, locked }:
let
  inherit (builtins)
    all
    attrNames
    elem
    filter
    head
    ;

  debianFile = name: baseNameOf lock.debian.packages.${name}.path;
  vendorName = module: "${builtins.replaceStrings [ "/" ] [ "-" ] module}-vendor";

  deb = name: locked.file (debianFile name) lock.debian.packages.${name}.sha256;
  wheel = name: with lock.python.packages.${name}; locked.file file sha256;
  vendor = module: locked.directory (vendorName module) lock.go.${module}.vendor;
  seed = locked.directory "seed" lock.debian.seed;

  entry = kind: name: file: path: {
    inherit kind name file;
    path = "${path}";
  };
in
{
  inherit
    deb
    wheel
    vendor
    seed
    ;

  debs = group: map deb lock.debian.groups.${group};
  wheels = map wheel;

  # What stands in every one of `groups` (lists of names), and in a list but not in another.
  common = groups: filter (name: all (elem name) groups) (head groups);
  without = taken: filter (name: !elem name taken);

  # All that `./dagnix fetch` has to bring, for `nix eval --json`.
  listing =
    map (name: entry "debian" name (debianFile name) (deb name)) (attrNames lock.debian.packages)
    ++ map (name: entry "python" name lock.python.packages.${name}.file (wheel name)) (
      attrNames lock.python.packages
    )
    ++ map (module: entry "go" module (vendorName module) (vendor module)) (attrNames lock.go)
    ++ [ (entry "seed" "seed" "seed" seed) ];
}
