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
}:
let
  layer =
    name: attributes:
    if attributes.trees == [ ] then [ ] else [ (oci.layer ({ inherit name; } // attributes)) ];

  temporary = [
    "/tmp"
    "/var/tmp"
  ];
  runtimeLayer = layer "runtime" {
    trees = [ runtime ];
    at = "/opt/dagster";
  };

  # Under all Dagster images.
  lower =
    dagster:
    layer "base" {
      trees = [ trees.base ];
      writable = dagsterWritable;
      shared = temporary;
    }
    ++ layer "dagster" { trees = dagster; }
    ++ runtimeLayer;
  configLayer = layer "config" {
    trees = [ config ];
    at = "/opt/dagster/home";
  };
in
{
  webserver = lower trees.dagster ++ layer "webserver" { trees = trees.webserver; } ++ configLayer;
  daemon = lower trees.dagster ++ layer "daemon" { trees = trees.daemon; } ++ configLayer;

  locations = builtins.mapAttrs (
    name: location:
    lower location.dagster
    ++ layer "${name}-debian" { trees = location.debian; }
    ++ layer name { trees = location.python; }
    ++ configLayer
    ++ oci.codeLayers {
      source = location.code;
      at = "/opt/dagster/pipes";
    }
  ) trees.locations;

  postgres =
    layer "postgres" {
      trees = [ trees.postgres ];
      writable = postgresWritable;
      shared = temporary;
    }
    ++ runtimeLayer
    ++ layer "postgres-config" {
      trees = [ postgresConfig ];
      at = "/etc/postgresql";
    };
}
