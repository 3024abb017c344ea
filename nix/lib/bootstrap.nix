# busybox and bash, both static and from Debian: what each builder has. It sees nothing else but what
# it names, such as Python (python.nix).
{
  derive,
  seed, # a folder with busybox, which the fetch has put into the store (src/dagnix/locks/fetch/seed.py)
  bashPackage,
}:
let
  tools = derive {
    name = "bootstrap";
    # busybox picks its applet by the name it is called by, so the seed's file must be called so.
    builder = "${seed}/busybox";
    args = [
      "sh"
      "-euc"
      ''
        busybox=${seed}/busybox
        $busybox mkdir -p $out/bin
        $busybox cp $busybox $out/bin/busybox
        for applet in $($busybox --list); do
          [ $applet = busybox ] || $busybox ln -s busybox $out/bin/$applet
        done
        export PATH=$out/bin
        ar p ${bashPackage} data.tar.xz | tar xJO -f - ./usr/bin/bash-static > $out/bin/bash
        chmod 555 $out/bin/bash
      ''
    ];
  };
in
rec {
  inherit tools;

  # A derivation whose program, the first of `args`, has the root file system `root` as `/`.
  runIn =
    root: attributes:
    derive (
      attributes
      // {
        builder = "${tools}/bin/bash";
        args = [
          "-euo"
          "pipefail"
          ./builders/in_root.sh
        ]
        ++ attributes.args;
        inherit root;
        PATH = "${attributes.PATH or "/usr/bin"}:${tools}/bin";
      }
    );

  # A derivation that runs one bash script; `attributes` become its environment.
  run =
    name: script: attributes:
    derive (
      {
        inherit name;
        builder = "${tools}/bin/bash";
        args = [
          "-euo"
          "pipefail"
          script
        ];
        PATH = "${tools}/bin";
      }
      // attributes
    );
}
