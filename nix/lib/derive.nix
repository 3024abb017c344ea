# Every derivation of this repo is made here.
#
# None is looked for in a binary cache: no cache has them, a build takes seconds, and a machine that
# reaches only its package mirrors would wait for each look-up to fail. Nor is one sent to another
# machine when this one can build it: the files to send outweigh the work, and only to ask for such a
# machine, whether there is one or not, takes as long as an image's layout.
{ system, salt }:
attributes:
derivation (
  {
    inherit system;
    allowSubstitutes = false;
    preferLocalBuild = true;
    ${if salt == "" then null else "salt"} = salt;
  }
  // attributes
)
