# What the layers hold, as trees of files, and the Python that runs them outside an image.
{
  tools,
  lock,
  inputs,
  locations, # name → the folder with its code, a Dagster project
  dagsterWritable,
  postgresWritable,
}:
let
  inherit (tools) debian python;
  inherit (inputs) common without;
  debianGroup = name: lock.debian.groups.${name};
  pythonGroup = name: lock.python.groups.${name};

  unpackedBase = debian.rootfs {
    name = "base-unpacked";
    packages = inputs.debs "base";
    account = "dagster";
    writable = dagsterWritable;
  };
  base = python.compiled {
    name = "base";
    source = unpackedBase;
    python = python.interpreter unpackedBase;
    folders = [
      "/usr/lib/python${lock.python.version}"
      "/usr/lib/python3"
    ];
  };
  interpreter = python.interpreter base;

  # What all three Dagster images need is one tree, and so one layer.
  shared = common (
    map pythonGroup [
      "webserver"
      "daemon"
      "pipes"
    ]
  );
  treeOf =
    name: wheels:
    if wheels == [ ] then
      null
    else
      python.tree {
        inherit name wheels;
        python = interpreter;
      };
  wheelTree = name: names: treeOf name (inputs.wheels names);
  own = group: without shared (pythonGroup group);
  onBase = names: map inputs.deb (without (debianGroup "base") names);
  additions = location: onBase (lock.debian.groups.${location} or [ ]);

  programs = debian.selection {
    name = "programs";
    packages = onBase (debianGroup "programs");
    files = [
      "usr/bin/tail" # with which Dagster copies what a step prints, for the dashboard
    ];
  };
  withDagster =
    name: wheels:
    python.tree {
      inherit name wheels;
      python = interpreter;
      others = [
        programs
        python.skeleton
      ];
    };
  dagster = withDagster "dagster" (inputs.wheels shared);

  # A location whose lock has all of the layer `dagster` as it is takes that layer; one with other
  # versions has all of its packages in a layer of its own.
  location =
    name: source:
    let
      locked =
        lock.locations.${name} or {
          inherit (lock.python) packages;
          group = pythonGroup name;
        };
      isShared = builtins.all (
        package:
        builtins.elem package locked.group
        && locked.packages.${package}.sha256 == lock.python.packages.${package}.sha256
      ) shared;
      wheels = inputs.wheelsOf locked.packages;
    in
    {
      dagster = if isShared then dagster else withDagster "dagster-of-${name}" (wheels locked.group);
      python = if isShared then treeOf name (wheels (without shared locked.group)) else null;
      debian =
        if additions name == [ ] then
          null
        else
          debian.addition {
            name = "${name}-debian";
            packages = additions name;
            inherit base;
          };
      code = source;
    };
  trees = builtins.mapAttrs location locations;
in
{
  inherit base interpreter;

  # Each the tree of one layer; null makes no layer.
  inherit dagster;
  webserver = wheelTree "webserver" (own "webserver");
  daemon = wheelTree "daemon" (own "daemon");
  locations = trees;

  postgres = debian.rootfs {
    name = "postgres";
    packages = inputs.debs "postgres";
    account = "postgres";
    writable = postgresWritable;
  };

  # For the host. What an image has already is not installed a second time.
  cliPython = wheelTree "cli" (without (shared ++ own "webserver") (pythonGroup "cli"));
  devPython = wheelTree "dev" (
    without (shared ++ own "webserver" ++ own "pipes" ++ pythonGroup "cli") (pythonGroup "dev" ++ pythonGroup "build")
  );
}
