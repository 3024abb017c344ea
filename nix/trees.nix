# What the layers hold, as trees of files, and the Python that runs them outside an image.
{
  tools,
  lock,
  inputs,
  locations, # name → the folder with its code, a Dagster project
  members, # name → the projects that this one depends on: their `folder`, `source` and `modules`
  ownPackage, # the folder of dagster_dagnix
  dagsterWritable,
  postgresWritable,
  gateWritable,
}:
let
  inherit (tools) debian;
  inherit (inputs) common without;
  pythonGroup = name: lock.python.groups.${name};

  main = baseOf lock.python.version lock.debian;
  inherit (main) base interpreter treeOf;
  # What is under the images that have one of the Pythons, from the suite that has it.
  bases =
    builtins.mapAttrs baseOf lock.pythons
    // builtins.listToAttrs [
      {
        name = lock.python.version;
        value = main;
      }
    ];
  baseOf =
    version: suite:
    import ./base.nix {
      inherit
        tools
        inputs
        version
        suite
        dagsterWritable
        ;
    };

  # What all three Dagster images need is one tree, and so one layer.
  shared = common (
    map pythonGroup [
      "webserver"
      "daemon"
      "pipes"
    ]
  );
  wheelTree = name: names: treeOf name (inputs.wheels names);
  own = group: without shared (pythonGroup group);
  # What only Kubernetes asks for is one tree of webserver and daemon.
  kubernetes = without shared (
    common (
      map pythonGroup [
        "webserver"
        "daemon"
      ]
    )
  );
  dagster = main.withDagster "dagster" (inputs.wheels shared);
  ownWheel = tools.python.wheelOfProject {
    name = "dagster-dagnix";
    source = ownPackage;
    python = interpreter;
  };

  # A location whose lock has all of the layer `dagster` as it is takes that layer; one with other
  # versions has all of its packages in a layer of its own.
  location =
    name: source:
    let
      locked =
        lock.locations.${name} or {
          inherit (lock.python) packages;
          group = pythonGroup name;
          python = lock.python.version;
        };
      on = bases.${locked.python};
      isShared =
        locked.python == lock.python.version
        && builtins.all (
          package:
          builtins.elem package locked.group
          && locked.packages.${package} == lock.python.packages.${package}
        ) shared;
      wheels = inputs.wheelsOf locked.packages;
      debian = on.additions name;
      beneath = {
        roots = [ on.base ] ++ (if debian == null then [ ] else [ debian ]);
        compiler = on.compilerOf name;
      };
    in
    {
      dagster =
        if isShared then dagster else on.withDagsterOn beneath "dagster-of-${name}" (wheels locked.group);
      python = if isShared then on.treeOn beneath name (wheels (without shared locked.group)) else null;
      dagnix = on.treeOf "dagnix" [ ownWheel ];
      inherit debian;
      inherit (on) base interpreter;
      code = source;
      # Each with the path that PYTHONPATH has of it.
      members = map (member: {
        inherit (member) modules;
        path = "${membersAt}/${member.modules}";
        tree = tools.python.compiled {
          name = "member";
          inherit (member) source;
          at = "${membersAt}/${member.folder}";
          python = on.interpreter;
        };
      }) members.${name};
    };
  membersAt = "/opt/dagster/members";
  trees = builtins.mapAttrs location locations;
in
{
  inherit base interpreter;

  # The wheel of a lock's entry, for the image of a location that has a Python, and is to have Debian
  # packages.
  wheelFor =
    location: version: promised: name: package:
    let
      on = if version == lock.python.version then main else baseOf version (lock.suiteOf version);
    in
    on.builtFor {
      inherit promised;
      compiler = on.compilerOf location;
    } (inputs.wheelFrom name package);

  # Each the tree of one layer; null makes no layer.
  inherit dagster;
  dagnix = treeOf "dagnix" [ ownWheel ];
  kubernetes = wheelTree "kubernetes" kubernetes;
  webserver = wheelTree "webserver" (without kubernetes (own "webserver"));
  daemon = wheelTree "daemon" (without kubernetes (own "daemon"));
  webserverDebian = main.additions "webserver";
  daemonDebian = main.additions "daemon";
  locations = trees;

  postgres = debian.rootfs {
    name = "postgres";
    packages = inputs.debs "postgres";
    account = "postgres";
    writable = postgresWritable;
  };

  gate = debian.gate {
    inherit (tools) gate;
    packages = [ (inputs.deb "ca-certificates") ];
    writable = gateWritable;
  };

  # For the host. What an image has already is not installed a second time.
  cliPython = wheelTree "cli" (
    without (shared ++ without kubernetes (own "webserver")) (pythonGroup "cli")
  );
  devPython = wheelTree "dev" (
    without (shared ++ own "webserver" ++ own "pipes" ++ pythonGroup "cli") (pythonGroup "dev" ++ pythonGroup "build")
  );
}
