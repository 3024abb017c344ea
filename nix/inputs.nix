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
  wheelOf = packages: name: with packages.${name}; locked.file file sha256;
  wheel = wheelOf lock.python.packages;
  vendor = module: locked.directory (vendorName module) lock.go.${module}.vendor;
  seed = locked.directory "seed" lock.debian.seed;

  entry = kind: name: file: path: {
    inherit kind name file;
    path = "${path}";
  };
  wheelEntries =
    packages:
    map (name: entry "python" name packages.${name}.file (wheelOf packages name)) (attrNames packages);
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
  wheelsOf = packages: map (wheelOf packages);

  # What stands in every one of `groups` (lists of names), and in a list but not in another.
  common = groups: filter (name: all (elem name) groups) (head groups);
  without = taken: filter (name: !elem name taken);

  # All that `./dagnix fetch` has to bring, for `nix eval --json`.
  listing =
    map (name: entry "debian" name (debianFile name) (deb name)) (attrNames lock.debian.packages)
    ++ wheelEntries lock.python.packages
    ++ builtins.concatMap (location: wheelEntries location.packages) (
      builtins.attrValues lock.locations
    )
    ++ map (module: entry "go" module (vendorName module) (vendor module)) (attrNames lock.go)
    ++ [ (entry "seed" "seed" "seed" seed) ];
}
