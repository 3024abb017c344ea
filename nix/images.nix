# The images, as data: which layers, which command, which words about them.
{
  version, # of the pipelines' code: the image's tag
  revision, # the git revision of the pipelines' code
  source, # where that code lives
  lock, # for the versions of what is inside
  layers, # of each image, bottom up
  venv,
}:
let
  entrypoint = "/opt/dagster/bin/runtime";
  workspace = "/opt/dagster/home/workspace.yaml";
  labels =
    title: inside:
    {
      "org.opencontainers.image.title" = title;
      "org.opencontainers.image.version" = inside.version;
      "org.opencontainers.image.revision" = inside.revision;
    }
    // (if inside.source == "" then { } else { "org.opencontainers.image.source" = inside.source; });

  # Only the pipes image names the commit: a commit must not change the images that it does not touch.
  dagster = rec {
    version = lock.python.packages.dagster.version;
    revision = version;
    source = "https://github.com/dagster-io/dagster";
  };

  # What of the locks may be in an image: the entries of Python packages, and those of a suite.
  entries = python: suite: {
    pypi = python;
    deb = suite.packages;
  };
  only = names: packages: builtins.intersectAttrs (builtins.listToAttrs (map (name: { inherit name; value = null; }) names)) packages;
  main = group: entries (only lock.python.groups.${group} lock.python.packages) lock.debian;

  dagsterImage =
    {
      title,
      inside,
      command,
      environment ? [ ],
      moreLabels ? { },
      layers,
      locked,
    }:
    {
      inherit layers locked;
      config = {
        User = "10001:10001";
        WorkingDir = "/var/lib/dagster";
        Entrypoint = [
          entrypoint
          "start"
        ];
        Cmd = command;
        Labels = labels title inside // moreLabels;
        Env = [
          "PATH=${venv}/bin:/usr/bin"
          "LANG=C.UTF-8"
          "HOME=/var/lib/dagster"
          "DAGSTER_HOME=/opt/dagster/home"
          "PYTHONUNBUFFERED=1"
          "PYTHONDONTWRITEBYTECODE=1"
        ]
        ++ environment;
      };
    };

  location =
    name: own:
    dagsterImage {
      title = "Dagster code location";
      inside = { inherit version revision source; };
      layers = own;
      locked =
        let
          its = lock.locations.${name} or null;
        in
        if its == null then
          main name
        else
          entries (only its.group its.packages) (lock.pythons.${its.python} or lock.debian);
      # The runtime reads in the project what to serve.
      command = [ "code-server" ];
      # Which webserver and daemon it fits to, without a look inside.
      moreLabels."dagnix.dagster.version" =
        (lock.locations.${name} or lock.python).packages.dagster.version;
      environment = [
        "PIPES_INCOMING_DIR=/var/lib/dagster/incoming"
      ]
      ++ (
        if layers.memberPaths.${name} == [ ] then
          [ ]
        else
          [ "PYTHONPATH=${builtins.concatStringsSep ":" layers.memberPaths.${name}}" ]
      );
    };
in
builtins.mapAttrs location layers.locations
// {
  webserver = dagsterImage {
    title = "Dagster webserver";
    inside = dagster;
    layers = layers.webserver;
    locked = main "webserver";
    command = [
      "python"
      "-P" # nothing of the working directory is imported
      "-m"
      "dagster_dagnix.webserver"
      "--socket"
      "/run/dagnix/webserver/http.sock"
      "--workspace"
      workspace
    ];
  };

  daemon = dagsterImage {
    title = "Dagster daemon";
    inside = dagster;
    layers = layers.daemon;
    locked = main "daemon";
    command = [
      "dagster-daemon"
      "run"
      "--workspace"
      workspace
    ];
  };

  gate = {
    layers = layers.gate;
    locked = entries { } lock.debian;
    config = {
      User = "10001:10001";
      WorkingDir = "/var/lib/gate";
      Entrypoint = [ "/opt/dagster/bin/gate" ];
      Cmd = [ "serve" ];
      ExposedPorts."3000/tcp" = { };
      # Dagnix's own version, not that of a project on it.
      Labels = labels "Gate of the Dagster webserver" rec {
        version = builtins.head (builtins.split "\n" (builtins.readFile ../VERSION));
        revision = version;
        source = "https://github.com/dagnix/dagnix";
      };
    };
  };

  postgres = {
    layers = layers.postgres;
    locked = entries { } lock.debian;
    config = {
      User = "10001:10001";
      WorkingDir = "/var/lib/postgresql";
      Entrypoint = [
        entrypoint
        "postgres"
      ];
      StopSignal = "SIGINT"; # Postgres' fast shutdown
      Labels = labels "PostgreSQL for Dagster" rec {
        version = lock.debian.packages."postgresql-17".version;
        revision = version;
        source = "https://salsa.debian.org/postgresql/postgresql";
      };
      Env = [
        "PATH=/usr/lib/postgresql/17/bin:/usr/bin"
        "LANG=C.UTF-8"
        "PGDATA=/var/lib/postgresql/data"
        "PGPASSFILE=/run/postgresql/pgpass" # the superuser's; written at each start
      ];
    };
  };
}
