# Run by `nix develop`, in the folder that it was called in.
export PATH="$dev/bin:${PATH#/path-not-set:}"
export SHELL="$BASH"
# Root may write into the Nix store, and pytest would.
export PYTHONPYCACHEPREFIX="${XDG_CACHE_HOME:-$HOME/.cache}/dagnix/pycache"
# `dagster dev` imports the code location from its sources.
export PYTHONPATH="$PWD/pipes/src${PYTHONPATH:+:$PYTHONPATH}"
for folder in ${members:-}; do
  PYTHONPATH="$PYTHONPATH:$PWD/$folder"
done
# What podman needs on some hosts. Where there is no podman, or no stack here, there is nothing to set.
eval "$("$dev/bin/dagnix" env 2> /dev/null)"
# Left over from the derivation that the shell is made from.
unset args builder name out outputs shellHook system allowSubstitutes preferLocalBuild dev members folder
