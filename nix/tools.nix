# What the builds work with: a shell, Python, Go and the layer maker, all from locked files.
{
  derive,
  platform,
  lock,
  inputs,
}:
rec {
  inherit derive;
  inherit (platform) triplet;

  bootstrap = import ./lib/bootstrap.nix {
    inherit derive;
    inherit (inputs) seed;
    bashPackage = inputs.deb "bash-static";
  };

  debian = import ./lib/debian.nix { inherit bootstrap; };

  python = pythonOf lock.python.version;
  pythonOf =
    version:
    import ./lib/python.nix {
      inherit derive bootstrap version;
      inherit (platform) triplet;
      installer = inputs.wheel "installer";
      pip = inputs.wheel "pip";
      flit = inputs.wheel "flit-core";
    };

  golang = import ./lib/golang.nix {
    inherit bootstrap;
    packages = inputs.debs "go";
    inherit (platform) architecture;
  };
  go = golang.toolchain;

  nix2container = golang.binary {
    name = "nix2container";
    vendor = inputs.vendor "nix/tools";
    package = "github.com/nlewo/nix2container";
  };

  # For the tests of Dagnix only: a control plane, a node, and the names of Services.
  kubernetes = golang.build ./builders/kubernetes.sh {
    name = "kubernetes";
    vendor = inputs.vendor "tests/kubernetes/cluster";
    coredns = ../tests/kubernetes/cluster/coredns;
  };

  # The gate's sources with the package that src/gate/internal/logs is a link to: it is the entrypoint's, too.
  withLogs =
    own:
    bootstrap.run "gate-sources" ./lib/builders/with_logs.sh {
      inherit own;
      logs = builtins.path {
        name = "logs-sources";
        path = ../src/entrypoint/internal/logs;
        filter = path: type: builtins.match ".*_test\\.go" path == null;
      };
    };

  # The one program of the image `gate`.
  gate = golang.binary {
    name = "gate";
    vendor = inputs.vendor "src/gate";
    package = ".";
    sources = withLogs (
      builtins.path {
        name = "gate-sources";
        path = ../src/gate;
        filter =
          path: type:
          type == "directory"
          || (
            builtins.match ".*\\.(go|json|html)" path != null && builtins.match ".*_test\\.go" path == null
          );
      }
    );
  };

  # Entrypoint and health probes of all other images.
  runtime = golang.binary {
    name = "runtime";
    vendor = inputs.vendor "src/entrypoint";
    package = ".";
    sources = builtins.path {
      name = "runtime-sources";
      path = ../src/entrypoint;
      filter =
        path: type:
        type == "directory"
        || (builtins.match ".*\\.(go|sql|conf)" path != null && builtins.match ".*_test\\.go" path == null);
    };
  };
}
