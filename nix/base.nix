# What is under the Dagster images that have one Python, and what is installed for that.
{
  tools,
  inputs,
  version, # of the Python: "3.13"
  suite, # the part of a Debian lock: packages and groups
  dagsterWritable,
}:
let
  inherit (tools) debian;
  python = tools.pythonOf version;
  debs = map (inputs.debOf suite.packages);
  onBase = names: debs (inputs.without suite.groups.base names);

  unpacked = debian.rootfs {
    name = "base-unpacked";
    packages = debs suite.groups.base;
    account = "dagster";
    writable = dagsterWritable;
  };
  programs = debian.selection {
    name = "programs";
    packages = onBase suite.groups.programs;
    files = [
      "usr/bin/tail" # with which Dagster's own compute log manager copies what a step prints
    ];
  };
in
rec {
  base = python.compiled {
    name = "base";
    source = unpacked;
    python = python.interpreter unpacked;
    folders = [
      "/usr/lib/python${version}"
      "/usr/lib/python3"
    ];
  };
  interpreter = python.interpreter base;

  # What compiles the source archives of a code location, with its `build-packages`: in no image.
  compilerOf =
    location:
    debian.compiler {
      name = "compiler";
      packages = debs suite.groups.base ++ onBase (
        suite.groups."${location}/build" or suite.groups.compiler
          or (throw "the lock of Debian's packages has no compiler: run ./dagnix lock debian")
      );
    };

  # `wheel` as the inputs have it → its file, or the folder that it is built into. What a compiled one
  # links to must be in one of the trees `roots`, or in one of the Debian packages `promised`.
  builtFor =
    {
      roots ? [ base ],
      compiler ? compilerOf "",
      promised ? [ ],
    }:
    wheel:
    if !wheel ? archive then
      wheel
    else if !wheel.compiled then
      python.wheelOf (wheel // { python = interpreter; })
    else
      python.linked {
        inherit roots compiler promised;
        python = interpreter;
        wheel = python.wheelOf (
          wheel
          // {
            python = python.interpreter compiler;
            inherit compiler;
          }
        );
      };

  # Wheels as one layer's tree, in an image that `beneath` describes as for `builtFor`; null for no
  # wheels.
  treeOn =
    beneath: name: wheels:
    if wheels == [ ] then
      null
    else
      python.tree {
        inherit name;
        wheels = map (builtFor beneath) wheels;
        python = interpreter;
      };
  treeOf = treeOn { };

  # The same with the venv itself and the programs.
  withDagster = withDagsterOn { };
  withDagsterOn =
    beneath: name: wheels:
    python.tree {
      inherit name;
      wheels = map (builtFor beneath) wheels;
      python = interpreter;
      others = [
        programs
        python.skeleton
      ];
    };

  # The Debian packages of an image, by its name, that go on top; null for none.
  additions =
    image:
    let
      packages = onBase (suite.groups.${image} or [ ]);
    in
    if packages == [ ] then
      null
    else
      debian.addition {
        name = "${image}-debian";
        inherit packages base;
      };
}
