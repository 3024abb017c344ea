# Wheels → an installed tree, and interpreters that run such trees outside an image.
{
  derive,
  bootstrap,
  triplet, # Debian's name for the architecture in library paths
  version, # "3.13"
  installer, # the wheel of PyPA's installer, which runs from the zip as it is
  pip, # and that of pip, likewise
  flit, # and of the build backend of our own package
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
rec {
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

  # A compiled wheel, if the image has the libraries that it links to: in one of the trees `roots`, or
  # in one of the Debian packages `promised`.
  linked =
    {
      wheel,
      compiler,
      roots,
      promised,
      python,
    }:
    bootstrap.runIn compiler {
      inherit (wheel) name;
      args = [
        "${python}/bin/python"
        ./builders/linked_libraries.py
        wheel
        (placeholder "out")
        "--compiler=${compiler}"
        "--triplet=${triplet}"
      ]
      ++ map (root: "--root=${root}") roots
      ++ map (package: "--package=${package}") promised;
      PYTHONDONTWRITEBYTECODE = "1";
    };

  # The wheel of a source archive, in a folder of its own. What its build works with is in no image.
  wheelOf =
    {
      name,
      archive,
      requirements, # wheels
      python, # with the headers, if there is a compiler
      compiler ? null, # the root file system that has it
      ...
    }:
    let
      installed = tree {
        name = "build-requirements";
        wheels = requirements;
        inherit python;
      };
      builder = environment {
        name = "build-environment";
        trees = if requirements == [ ] then [ ] else [ installed ];
        inherit python;
      };
      words = [
        ./builders/build_wheel.py
        archive
        (placeholder "out")
      ];
      attributes = {
        name = "wheel-of-${name}";
        PYTHONPATH = pip;
        PYTHONHASHSEED = "0";
        PYTHONDONTWRITEBYTECODE = "1";
        SOURCE_DATE_EPOCH = "315532800"; # 1980, the first year that a zip file knows
      };
    in
    if compiler == null then
      derive (
        attributes
        // {
          builder = "${builder}/bin/python";
          args = words;
          PATH = "${builder}/bin:${bootstrap.tools}/bin";
        }
      )
    else
      bootstrap.runIn compiler (
        attributes
        // {
          args = [ "${builder}/bin/python" ] ++ words ++ [ "--compiler" ];
          PATH = "${builder}/bin:/usr/bin";
          # Debug information names folders of the build, and no image has a debugger.
          CFLAGS = "-g0";
          CXXFLAGS = "-g0";
        }
      );

  # The wheel of a Python project in this repository, in a folder of its own.
  wheelOfProject =
    {
      name,
      source,
      python,
    }:
    bootstrap.run "wheel-of-${name}" ./builders/own_wheel.sh {
      inherit source python;
      PYTHONPATH = flit;
      PYTHONHASHSEED = "0";
      PYTHONDONTWRITEBYTECODE = "1";
      SOURCE_DATE_EPOCH = "315532800"; # as above
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
