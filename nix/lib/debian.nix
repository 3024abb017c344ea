# .deb files → what an image holds of them, unpacked without running dpkg.
{ bootstrap }:
let
  scripts = {
    unpack = ./builders/unpack.sh;
    deb = ./builders/deb.sh;
  };
in
{
  # A whole root file system. `account` names uid and gid 10001; `writable` are directories that
  # the image's layer gives to it.
  rootfs =
    {
      name,
      packages,
      account,
      writable,
    }:
    bootstrap.run name ./builders/rootfs.sh (scripts // { inherit packages account writable; });

  # A root file system with a compiler and a shell, for `bootstrap.runIn`.
  compiler =
    { name, packages }:
    bootstrap.run name ./builders/compiler.sh (
      scripts
      // {
        inherit packages;
        rootfs = ./builders/rootfs.sh;
        account = "builder";
        writable = [ ];
      }
    );

  # Packages that go on top of the root file system `base`.
  addition =
    {
      name,
      packages,
      base,
    }:
    bootstrap.run name ./builders/addition.sh (scripts // { inherit packages base; });

  # The image `gate`: its program, and no more of the packages than the authorities of certificates.
  gate =
    {
      gate,
      packages,
      writable,
    }:
    bootstrap.run "gate-root" ./builders/gate.sh (scripts // { inherit gate packages writable; });

  # No more than `files` of the packages, with their licences and records.
  selection =
    {
      name,
      packages,
      files,
    }:
    bootstrap.run name ./builders/selection.sh (scripts // { inherit packages files; });
}
