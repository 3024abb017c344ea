# What `nix flake check` runs: all that needs no podman, no network and no host.
{
  tools,
  host,
  layouts,
  docs,
  digests, # a file
  expectedDigests, # what should stand in it
  layoutsAgain, # the same images, from derivations that share nothing with the first
  sources, # the checkout's Python code and tests
  runtimeWithTests,
  gateWithTests,
  projects, # those that the runtime's tests read
}:
let
  inherit (tools) bootstrap;
  check =
    name: script: attributes:
    bootstrap.run "check-${name}" script (attributes // { inherit (host) dev; });
in
{
  inherit docs;
  lint = check "lint" ./checks/lint.sh { inherit sources; };
  builders = check "builders" ./checks/builders.sh { inherit sources; };
  runtime = check "runtime" ./checks/runtime.sh {
    inherit (tools) go;
    inherit (tools.runtime) vendor;
    inherit projects;
    sources = runtimeWithTests;
  };
  gate = check "gate" ./checks/gate.sh {
    inherit (tools) go;
    inherit (tools.gate) vendor;
    # The package's own tests are the entrypoint's.
    sources = tools.withLogs gateWithTests;
  };
  digests = check "digests" ./checks/digests.sh {
    expected = builtins.toJSON expectedDigests;
    built = digests;
  };
  reproducible = check "reproducible" ./checks/reproducible.sh {
    first = builtins.attrValues layouts;
    second = builtins.attrValues layoutsAgain;
  };
}
