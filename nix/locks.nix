# The part of the lock files that is for one system.
{ system, locks }:
let
  inherit (builtins)
    attrNames
    filter
    fromJSON
    listToAttrs
    mapAttrs
    match
    pathExists
    readDir
    readFile
    ;

  read = folder: name: fromJSON (readFile (folder + "/${name}.json"));
  # A project that has not locked for itself builds from the files that Dagnix is tested with.
  file = name: read (if pathExists (locks + "/${name}.json") then locks else ./locks) name;
  part =
    name: section:
    let
      ecosystem =
        if match "locations/.*" name != null then
          "python"
        else if match "pythons/.*" name != null then
          "debian"
        else
          name;
    in
    (file name).${section}.${system}
      or (throw "nix/locks/${name}.json has no ${section} for ${system}: run ./dagnix lock ${ecosystem}");
  parts = name: mapAttrs (section: _: part name section);

  # Each code location but `pipes` has a lock of its own, with the folder of its project.
  folder = locks + "/locations";
  names = map (file: builtins.head (match "(.*)\\.json" file)) (
    filter (file: match ".*\\.json" file != null) (
      if pathExists folder then attrNames (readDir folder) else [ ]
    )
  );
  location = name: {
    inherit (read folder name) folder python;
    members = (read folder name).members or [ ];
    packages = part "locations/${name}" "packages";
    group = (part "locations/${name}" "groups").${name};
  };
  suiteOf =
    python:
    if pathExists (locks + "/pythons/${python}.json") then
      parts "pythons/${python}" {
        packages = null;
        groups = null;
      }
    else
      throw "nix/locks/pythons/${python}.json is not there: run ./dagnix lock debian";
in
{
  inherit suiteOf;
  debian = parts "debian" {
    packages = null;
    groups = null;
    seed = null;
  };
  python = {
    version = (file "python").python;
    members = (file "python").members or [ ];
  }
  // parts "python" {
    packages = null;
    groups = null;
  };
  # The suites of the Pythons that a location has in place of that of all images, by version.
  pythons = listToAttrs (
    map (python: {
      name = python;
      value = suiteOf python;
    }) (filter (python: python != (file "python").python) (map (name: (location name).python) names))
  );
  # Of Dagnix's own Go code, so never a project's.
  go = read ./locks "go";
  locations = listToAttrs (
    map (name: {
      inherit name;
      value = location name;
    }) names
  );
}
