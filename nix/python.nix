# Wheels → an installed tree, and interpreters that run such trees outside an image.
{
  derive,
  bootstrap,
  triplet, # Debian's name for the architecture in library paths
  version, # "3.13"
  installer, # the wheel of PyPA's installer, which runs from the zip as it is
}:
let
  venv = "/opt/dagster/venv";
  sitePackages = "${venv}/lib/python${version}/site-packages";

  # Runs `rootfs`'s Python on any Linux, with the root's own C library.
  interpreter =
    rootfs:
    bootstrap.run "python" ./builders/interpreter.sh {
      inherit rootfs version;
      libraries = "${rootfs}/usr/lib/${triplet}";
    };
in
{
  inherit venv sitePackages interpreter;

  # `source` with its .pyc files, below `at`. Hashes that nobody checks make these independent of
  # file times and spare Python a look at each source.
  compiled =
    {
      name,
      source,
      python,
      at ? "",
      folders ? [ at ],
    }:
    bootstrap.run name ./builders/compile.sh {
      inherit
        source
        at
        folders
        python
        ;
      PYTHONHASHSEED = "0";
      # As root without a sandbox, Python would write into the store.
      PYTHONDONTWRITEBYTECODE = "1";
    };

  # The venv itself, without packages.
  skeleton = bootstrap.run "venv" ./builders/venv.sh { inherit venv version; };

  # `wheels` as files of an image, in the venv that all Dagster images share, together with the files
  # of other trees, small ones.
  tree =
    {
      name,
      wheels,
      python,
      others ? [ ],
    }:
    derive {
      inherit name;
      builder = "${python}/bin/python";
      args = [
        ./builders/install_wheels.py
        "--venv"
        venv
        "--out"
        (placeholder "out")
      ]
      ++ map (tree: "--with=${tree}") others
      ++ wheels;
      PYTHONPATH = installer;
      PYTHONHASHSEED = "0";
      PYTHONDONTWRITEBYTECODE = "1";
    };

  # Installed trees together, with their scripts, for the host: the CLI and the dev shell.
  environment =
    {
      name,
      trees,
      python,
    }:
    bootstrap.run name ./builders/environment.sh {
      inherit
        trees
        python
        version
        venv
        ;
      inherit (python) libraries;
    };
}
