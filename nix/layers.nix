# The layers of the images, bottom up. Those in `shared` are the same bytes in all Dagster images,
# so that they are stored and pushed once.
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
in
{
  shared =
    layer "base" {
      trees = [ trees.base ];
      writable = dagsterWritable;
      shared = temporary;
    }
    ++ layer "dagster" { trees = trees.dagster; }
    ++ runtimeLayer;

  webserver = layer "webserver" { trees = trees.webserver; };
  daemon = layer "daemon" { trees = trees.daemon; };
  pipes =
    layer "pipes-debian" { trees = trees.pipesDebian; }
    ++ layer "pipes" { trees = trees.pipesPython; };

  config = layer "config" {
    trees = [ config ];
    at = "/opt/dagster/home";
  };
  code = layer "code" { trees = [ trees.code ]; };

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
