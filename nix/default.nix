# All steps for one system, in the order of the picture in docs/architecture.md.
{
  system,
  root, # the folder in which the code locations are
  pipes, # the first one: a Dagster project
  config, # the folder with dagster.yaml and workspace.yaml
  locks ? ./locks,
  version, # the images' tag
  revision, # the git revision of `pipes`
  source, # the address of the repository that `pipes` is in
  tracked ? false, # whether these folders hold what git knows and nothing else
  salt ? "", # another value gives other derivations, which must make the same images
  programs ? { }, # Go programs from another call, by their names in tools.nix: a second build shares them
}@arguments:
let
  platform =
    {
      x86_64-linux = {
        triplet = "x86_64-linux-gnu";
        architecture = "amd64";
      };
      aarch64-linux = {
        triplet = "aarch64-linux-gnu";
        architecture = "arm64";
      };
    }
    .${system};

  # The folders that containers may write to: the Dagster images', Postgres's, and the gate's.
  dagsterWritable = [
    "/var/lib/dagster"
    "/var/lib/dagster/compute_logs"
    "/var/lib/dagster/incoming"
  ];
  postgresWritable = [
    "/var/lib/postgresql"
    "/var/lib/postgresql/data"
    "/run/postgresql"
  ];

  gateWritable = [ "/var/lib/gate" ];

  # locks → store paths
  lock = import ./locks.nix { inherit system locks; };
  derive = import ./lib/derive.nix { inherit system salt; };
  locked = import ./lib/locked.nix { inherit derive; };
  inputs = import ./inputs.nix { inherit lock locked; };

  # store paths → tools and trees
  tools =
    import ./tools.nix {
      inherit
        derive
        platform
        lock
        inputs
        ;
    }
    // programs;
  trees = import ./trees.nix {
    inherit
      tools
      lock
      inputs
      dagsterWritable
      postgresWritable
      gateWritable
      ;
    ownPackage = builtins.path {
      name = "dagster-dagnix";
      path = ../src/dagster_dagnix;
      filter =
        path: type:
        baseNameOf path != "tests"
        && (type == "directory" || builtins.match ".*\\.(py|toml)" path != null);
    };
    locations = builtins.mapAttrs code (
      { inherit pipes; } // builtins.mapAttrs (_: location: root + "/${location.folder}") lock.locations
    );
    members = builtins.mapAttrs (_: location: map member location.members) (
      { pipes = lock.python; } // lock.locations
    );
  };

  # trees → layers → images
  oci = import ./lib/oci.nix {
    inherit derive;
    inherit (tools) bootstrap nix2container;
    inherit (platform) architecture;
    python = trees.interpreter;
  };
  layers = import ./layers.nix {
    inherit
      oci
      trees
      dagsterWritable
      postgresWritable
      gateWritable
      ;
    inherit (tools) runtime;
    config = filesIn "config" config ".*\\.yaml";
    postgresConfig = filesIn "postgres-config" (config + "/postgres") ".*\\.conf";
  };
  images = import ./images.nix {
    inherit
      version
      revision
      source
      lock
      layers
      ;
    inherit (tools.python) venv;
  };

  host = import ./host.nix {
    inherit tools trees;
    commandLine = builtins.path {
      name = "command-line";
      path = ../src;
      filter =
        file: type:
        builtins.match "${builtins.toString ../src}/dagnix(/.*)?" file != null
        && (tracked || !isNoCode file type);
    };
  };

  # A path of its own, so that a build depends on these files and on no others of the checkout. Where
  # not git has chosen them, as in a `path:`, secrets, virtual environments and caches are left out.
  sources = sourcesWithout [ ];
  leftOut = builtins.fromJSON (builtins.readFile ../src/dagnix/images/left_out.json);
  isNoCode =
    file: type:
    builtins.elem (baseNameOf file) leftOut
    || (type == "directory" && builtins.pathExists (file + "/pyvenv.cfg"));
  sourcesWithout =
    excluded: name: path:
    builtins.path {
      inherit name path;
      filter =
        file: type:
        (tracked || !isNoCode file type)
        && !builtins.elem file (map (each: "${toString path}/${each}") excluded);
    };

  # A code location, without what its pyproject.toml, if it has one, keeps out of the image.
  code =
    name: path:
    let
      file = path + "/pyproject.toml";
      project = if builtins.pathExists file then builtins.fromTOML (builtins.readFile file) else { };
      excluded = project.tool.dagnix.exclude or [ ];
    in
    if builtins.isList excluded then
      sourcesWithout excluded name path
    else
      throw "exclude under [tool.dagnix] in the pyproject.toml of ${name} must be a list of paths";

  # A project that a code location depends on, as a uv workspace has such: `modules` is the folder below
  # it that its modules are imported from.
  member = folder: {
    inherit folder;
    source = code "member" (root + "/${folder}");
    modules = if builtins.pathExists (root + "/${folder}/src") then "${folder}/src" else folder;
  };

  filesIn =
    name: path: pattern:
    builtins.path {
      inherit name path;
      filter = file: type: type == "regular" && builtins.match pattern (baseNameOf file) != null;
    };

  # The documentation's site.
  docs = tools.bootstrap.run "docs" ./builders/docs.sh {
    inherit (host) dev;
    sources = builtins.path {
      name = "docs-sources";
      path = ../.;
      filter =
        path: type:
        let
          inside = builtins.replaceStrings [ "${toString ../.}/" ] [ "" ] (toString path);
        in
        builtins.match "docs(/.*)?" inside != null
        || builtins.match "(bench|tests|src|src/dagster_dagnix)" inside != null
        || builtins.match ".*[.]md|mkdocs.yml|bench/chart.svg" inside != null && type == "regular";
    };
    SOURCE_DATE_EPOCH = "315532800"; # as no file of the site is to depend on the time
  };

  layout =
    name: image:
    oci.layout (
      image
      // {
        inherit name;
        reference = "localhost/dagnix/${name}:${version}";
      }
    );
  layouts = builtins.mapAttrs layout images;
  # What nix/digests.json holds. The configuration of the image `pipes` names the commit, and its code is
  # for people to edit: of it these are the layers below the code.
  digests = oci.digests (
    builtins.removeAttrs layouts (builtins.attrNames layers.locations)
    // {
      pipes = builtins.listToAttrs (
        map (layer: {
          name = builtins.replaceStrings [ "layer-" ] [ "" ] layer.name;
          value = layer;
        }) layers.belowCode.pipes
      );
    }
  );
  named =
    suffix: value:
    builtins.listToAttrs (
      map (name: {
        name = "${name}-${suffix}";
        value = value name;
      }) (builtins.attrNames images)
    );
in
{
  inherit docs layers layouts;
  inherit (host) shell;
  inherit (tools) kubernetes;
  inherit (trees) wheelFor;
  checks = import ./checks.nix {
    inherit
      tools
      host
      layouts
      digests
      docs
      ;
    expectedDigests = (builtins.fromJSON (builtins.readFile ./digests.json)).${system} or { };
    runtimeWithTests = sources "runtime-with-tests" ../src/entrypoint;
    gateWithTests = sources "gate-with-tests" ../src/gate;
    projects = sources "projects" ../tests/projects;
    layoutsAgain = (import ./. (
      arguments
      // {
        salt = "again";
        # Most of the compiling, whose digests stand in nix/digests.json.
        programs = { inherit (tools) gate nix2container runtime; };
      }
    )).layouts;
    sources = builtins.path {
      name = "python-sources";
      path = ../.;
      filter =
        path: type: type == "directory" || builtins.match ".*\\.(py|toml|csv)|.*/left_out\\.json" path != null;
    };
  };
  locked = inputs.listing;

  packages =
    named "oci" (name: layouts.${name})
    // named "image" (name: oci.archive name layouts.${name})
    // {
      inherit (tools)
        gate
        go
        nix2container
        runtime
        ;
      inherit (host) cli dev;
      # busybox and bash, for `./dagnix debug`.
      debug-tools = tools.bootstrap.tools;
      inherit digests;
      python = trees.interpreter;
    };
}
