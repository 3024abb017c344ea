# The layers of each image, bottom up. The lower ones are the same bytes in all Dagster images, so
# that they are stored and pushed once.
{
  oci,
  trees,
  runtime,
  config,
  postgresConfig,
  dagsterWritable,
  postgresWritable,
  gateWritable,
}:
let
  layer =
    name: attributes:
    if attributes.tree == null then [ ] else [ (oci.layer ({ inherit name; } // attributes)) ];

  temporary = [
    "/tmp"
    "/var/tmp"
  ];
  runtimeLayer = layer "runtime" {
    tree = runtime;
    at = "/opt/dagster";
  };

  # Under all Dagster images.
  lower =
    {
      base,
      dagster,
      dagnix,
      ...
    }:
    layer "base" {
      tree = base;
      writable = dagsterWritable;
      shared = temporary;
    }
    ++ layer "dagster" { tree = dagster; }
    ++ layer "dagnix" { tree = dagnix; }
    ++ runtimeLayer;
  # Under those that launch runs.
  launching = lower trees ++ layer "kubernetes" { tree = trees.kubernetes; };
  configLayer = layer "config" {
    tree = config;
    at = "/opt/dagster/home";
  };
  # Of each code location, what an edit of its code does not touch.
  belowCode = builtins.mapAttrs (
    name: location:
    lower location
    ++ layer "${name}-debian" { tree = location.debian; }
    ++ layer name { tree = location.python; }
    ++ configLayer
  ) trees.locations;
in
{
  webserver =
    launching
    ++ layer "webserver-debian" { tree = trees.webserverDebian; }
    ++ layer "webserver" { tree = trees.webserver; }
    ++ configLayer;
  daemon =
    launching
    ++ layer "daemon-debian" { tree = trees.daemonDebian; }
    ++ layer "daemon" { tree = trees.daemon; }
    ++ configLayer;

  inherit belowCode;
  memberPaths = builtins.mapAttrs (_: location: map (member: member.path) location.members) trees.locations;
  locations = builtins.mapAttrs (
    name: location:
    belowCode.${name}
    ++ builtins.concatMap (member: layer "member" { inherit (member) tree; }) location.members
    ++ oci.codeLayers {
      source = location.code;
      at = "/opt/dagster/pipes";
      python = location.interpreter;
    }
  ) trees.locations;

  gate = layer "gate" {
    tree = trees.gate;
    writable = gateWritable;
    shared = [ "/tmp" ];
  };

  postgres =
    layer "postgres" {
      tree = trees.postgres;
      writable = postgresWritable;
      shared = temporary;
    }
    ++ runtimeLayer
    ++ layer "postgres-config" {
      tree = postgresConfig;
      at = "/etc/postgresql";
    };
}
