# Run by `nix develop`, in the folder that it was called in.
export PATH="$dev/bin:${PATH#/path-not-set:}"
export SHELL="$BASH"
# `dagster dev` imports the code location from its sources.
export PYTHONPATH="$PWD/pipes/src${PYTHONPATH:+:$PYTHONPATH}"
# Hosts on which podman needs settings of its own: see `./dagnix doctor`.
if [ -f .dagnix/containers.conf ]; then
  export CONTAINERS_CONF="$PWD/.dagnix/containers.conf"
fi
# Left over from the derivation that the shell is made from.
unset args builder name out outputs shellHook system allowSubstitutes dev
