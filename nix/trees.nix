# What the layers hold, as trees of files, and the Python that runs them outside an image.
{
  tools,
  lock,
  inputs,
  pipes,
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
  wheelTrees =
    name: names:
    if names == [ ] then
      [ ]
    else
      [
        (python.tree {
          inherit name;
          python = interpreter;
          wheels = inputs.wheels names;
        })
      ];
  own = group: without shared (pythonGroup group);
  onBase = group: map inputs.deb (without (debianGroup "base") (debianGroup group));

  programs = debian.selection {
    name = "programs";
    packages = onBase "programs";
    files = [
      "usr/bin/tail" # with which Dagster copies what a step prints, for the dashboard
    ];
  };
in
{
  inherit base interpreter;

  # Each a list of trees for one layer; an empty list makes no layer.
  dagster = [
    programs
    python.skeleton
  ]
  ++ wheelTrees "dagster" shared;
  webserver = wheelTrees "webserver" (own "webserver");
  daemon = wheelTrees "daemon" (own "daemon");
  pipesDebian =
    if onBase "pipes" == [ ] then
      [ ]
    else
      [
        (debian.addition {
          name = "pipes-debian";
          packages = onBase "pipes";
          inherit base;
        })
      ];
  pipesPython = wheelTrees "pipes" (own "pipes");

  code = python.compiled {
    name = "code";
    source = pipes;
    at = "/opt/dagster/pipes";
    python = interpreter;
  };

  postgres = debian.rootfs {
    name = "postgres";
    packages = inputs.debs "postgres";
    account = "postgres";
    writable = postgresWritable;
  };

  # For the host. What an image has already is not installed a second time.
  cliPython = wheelTrees "cli" (without (shared ++ own "webserver") (pythonGroup "cli"));
  devPython = wheelTrees "dev" (
    without (shared ++ own "webserver" ++ own "pipes" ++ pythonGroup "cli") (pythonGroup "dev" ++ pythonGroup "build")
  );
}
