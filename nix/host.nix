# What runs on the host rather than in an image: the CLI, and the dev shell's environment.
{
  tools,
  trees,
  commandLine, # the folder with the package `dagnix`
}:
let
  inherit (tools) bootstrap python;

  cliCode = python.compiled {
    name = "cli-code";
    source = commandLine;
    at = python.sitePackages;
    python = trees.interpreter;
  };
  cliScript = bootstrap.run "cli-script" ./builders/cli_script.sh { inherit (python) venv; };
  # dagster-graphql brings most of what the webserver needs: those trees serve both.
  cliTrees = [
    cliScript
    cliCode
    trees.cliPython
    trees.dagster
    trees.webserver
  ];

  environment =
    name: parts:
    python.environment {
      inherit name;
      trees = builtins.filter (tree: tree != null) parts;
      python = trees.interpreter;
    };
in
rec {
  cli = environment "dagnix" cliTrees;
  dev = environment "dagnix-dev" (
    cliTrees
    ++ [
      trees.dagnix
      trees.kubernetes
      trees.daemon
      trees.locations.pipes.python
      trees.devPython
    ]
  );

  # For `nix develop`, which takes any derivation whose builder is bash and whose outputs are named.
  # It has no PATH of its own, so that the user's comes through, behind the environment's programs.
  shell = tools.derive {
    name = "dagnix-shell";
    outputs = [ "out" ];
    builder = "${bootstrap.tools}/bin/bash";
    args = [
      "-c"
      "echo ${dev} > $out"
    ];
    inherit dev;
    members = map (member: member.modules) trees.locations.pipes.members;
    shellHook = builtins.readFile ./builders/shell_hook.sh;
  };
}
