# A lock entry → the store path that `./dagnix fetch` fills.
#
# These derivations are never built: their outputs are fixed by hash, and the fetch makes them valid.
# When one is missing, Nix tries the URL, and its message then says which file it is and what to do.
{ derive }:
let
  # Store names allow little, and nix2container reads them as regular expressions.
  storeName =
    file:
    builtins.concatStringsSep "_" (
      builtins.filter builtins.isString (builtins.split "[^A-Za-z0-9._-]" file)
    );

  fixedOutput =
    mode: file: sha256:
    derive {
      name = storeName file;
      builder = "builtin:fetchurl";
      url = "${storeName file} is not in the store yet: run ./dagnix fetch";
      outputHashMode = mode;
      outputHashAlgo = "sha256";
      outputHash = sha256;
    };
in
{
  file = fixedOutput "flat";
  directory = fixedOutput "recursive";
}
