# The wheel of one source archive that no lock has yet, for `./dagnix lock`: what an image with this
# Python would get.
{
  system,
  locks, # the project's folder
  location, # the name of the code location that it is for
  python, # "3.13"
  name,
  package, # JSON: the entry that the lock is to have
  debian, # JSON: the names of the Debian packages that an image is to have on top
}:
let
  folder = /. + locks;
  build = import ./. {
    inherit system;
    locks = folder;
    # Of images, and so not looked at.
    root = folder;
    pipes = folder;
    config = folder;
    version = "";
    revision = "";
    source = "";
  };
in
build.wheelFor location python (builtins.fromJSON debian) name (builtins.fromJSON package)
