# .deb files → what an image holds of them, unpacked without running dpkg.
{ bootstrap }:
let
  unpack = ./builders/unpack.sh;
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
    bootstrap.run name ./builders/rootfs.sh {
      inherit
        packages
        account
        writable
        unpack
        ;
    };

  # Packages that go on top of the root file system `base`.
  addition =
    {
      name,
      packages,
      base,
    }:
    bootstrap.run name ./builders/addition.sh { inherit packages base unpack; };

  # No more than `files` of the packages, with their licences and records.
  selection =
    {
      name,
      packages,
      files,
    }:
    bootstrap.run name ./builders/selection.sh { inherit packages files unpack; };
}
