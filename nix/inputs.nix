# The locks' groups → the store paths of their files.
{ lock, locked }:
let
  inherit (builtins)
    all
    any
    attrNames
    attrValues
    elem
    filter
    head
    ;

  debianFile = packages: name: baseNameOf packages.${name}.path;
  vendorName = module: "${builtins.replaceStrings [ "/" ] [ "-" ] module}-vendor";

  debOf = packages: name: locked.file (debianFile packages name) packages.${name}.sha256;
  deb = debOf lock.debian.packages;
  # What only compilers need, only where a Python package is compiled.
  debEntries =
    suite: pythonPackages:
    let
      inherit (suite) packages;
      isForBuilds = group: group == "compiler" || builtins.match ".*/build" group != null;
      unused =
        if any (package: package.compiled or false) pythonPackages then
          [ ]
        else
          filter isForBuilds (attrNames suite.groups);
      needed = builtins.concatLists (attrValues (builtins.removeAttrs suite.groups unused));
    in
    map (name: entry "debian" name (debianFile packages name) (debOf packages name)) (
      filter (name: elem name needed) (attrNames packages)
    );
  fileOf = packages: name: with packages.${name}; locked.file file sha256;
  # A wheel; of a source archive, what its wheel is built from.
  wheelFrom =
    name: package:
    if package ? build then
      {
        name = "${name}-${package.version}";
        archive = locked.file package.file package.sha256;
        requirements = map (fileOf package.build) (attrNames package.build);
        compiled = package.compiled or false;
      }
    else
      locked.file package.file package.sha256;
  wheelOf = packages: name: wheelFrom name packages.${name};
  wheel = wheelOf lock.python.packages;
  vendor = module: locked.directory (vendorName module) lock.go.${module}.vendor;
  seed = locked.directory "seed" lock.debian.seed;

  # What is locked for the locations that have a Python.
  packagesOf =
    python:
    builtins.concatMap (location: attrValues location.packages) (
      filter (location: location.python == python) (attrValues lock.locations)
    );

  entry = kind: name: file: path: {
    inherit kind name file;
    path = "${path}";
  };
  wheelEntries =
    packages:
    builtins.concatMap (
      name:
      [ (entry "python" name packages.${name}.file (fileOf packages name)) ]
      ++ wheelEntries (packages.${name}.build or { })
    ) (attrNames packages);
in
{
  inherit
    deb
    debOf
    wheel
    wheelFrom
    vendor
    seed
    ;

  debs = group: map deb lock.debian.groups.${group};
  wheels = map wheel;
  wheelsOf = packages: map (wheelOf packages);

  # `common`: the names that all lists in `groups` have. `without`: those of a list that `taken` lacks.
  common = groups: filter (name: all (elem name) groups) (head groups);
  without = taken: filter (name: !elem name taken);

  # All files that a build needs, for `nix eval --json`. `./dagnix fetch` reads the locks itself, as it must
  # work without an evaluation.
  listing =
    debEntries lock.debian (attrValues lock.python.packages ++ packagesOf lock.python.version)
    ++ builtins.concatMap (python: debEntries lock.pythons.${python} (packagesOf python)) (
      attrNames lock.pythons
    )
    ++ wheelEntries lock.python.packages
    ++ builtins.concatMap (location: wheelEntries location.packages) (
      builtins.attrValues lock.locations
    )
    ++ map (module: entry "go" module (vendorName module) (vendor module)) (
      # What only the tests of Dagnix compile is no part of a build.
      filter (module: builtins.match "tests/.*" module == null) (attrNames lock.go)
    )
    ++ [ (entry "seed" "seed" "seed" seed) ];
}
