# Every derivation of this repo is made here.
#
# None is looked for in a binary cache: no cache has them, a build takes seconds, and a machine that
# reaches only its package mirrors would wait for each look-up to fail.
{ system, salt }:
attributes:
derivation (
  {
    inherit system;
    allowSubstitutes = false;
    ${if salt == "" then null else "salt"} = salt;
  }
  // attributes
)
