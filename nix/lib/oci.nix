# Trees → layers → an image, as an OCI layout and as the archive made from it.
{
  derive,
  bootstrap,
  nix2container,
  python,
  architecture, # OCI's word for it: amd64, arm64
}:
rec {
  # One layer: the tree's content lands at `at`, root's and read-only but for the directories in
  # `writable`, which uid 10001 owns, and `shared`, which are like /tmp.
  #
  # One tree, as nix2container refuses a directory that two trees have if its size differs, and that
  # depends on the file system. One call of it for each layer: with several, each tar would hold all
  # paths.
  layer =
    {
      name,
      tree,
      at ? "",
      writable ? [ ],
      shared ? [ ],
    }:
    let
      permission = rights: directory: rights // {
        path = "${tree}";
        regex = "^${tree}${directory}$";
      };
      permissions = map (permission {
        mode = "0755";
        uid = 10001;
        gid = 10001;
      }) writable ++ map (permission { mode = "1777"; }) shared;
    in
    bootstrap.run "layer-${name}" ./builders/layer.sh {
      inherit tree nix2container python;
      builder_script = ./builders/packages.py;
      graph = builtins.toJSON [
        {
          path = "${tree}";
          references = [ ];
        }
      ];
      rewrites = builtins.toJSON [
        {
          path = "${tree}";
          regex = "^${tree}";
          repl = at;
        }
      ];
      perms = builtins.toJSON permissions;
    };

  # What is edited most, with its .pyc files, in two layers: an edit makes one of them new, so half of
  # it is to be pushed and pulled. With more of them podman would be slower: it stores a layer anew when
  # one below it is new. Both in one derivation, as to start one takes longer than the work in it.
  codeLayers =
    {
      source,
      at,
      python, # that runs the code
    }:
    let
      parts = [
        "lower"
        "upper"
      ];
      built = bootstrap.run "layers-code" ./builders/code_layers.sh {
        inherit
          source
          at
          parts
          nix2container
          python
          ;
        builder_script = ./builders/spread.py;
        PYTHONHASHSEED = "0"; # the order of sets in .pyc files
        # As root without a sandbox, Python would write into the store.
        PYTHONDONTWRITEBYTECODE = "1";
      };
    in
    map (part: "${built}/${part}") parts;

  # An OCI layout whose blobs link to the layers: nothing is copied, and podman loads it at once.
  layout =
    {
      name, # "pipes"
      reference, # "localhost/dagnix/pipes:0.1.0"
      layers,
      locked, # type of packages → name → entry of a lock, for its SPDX document
      config, # an OCI ImageConfig: https://github.com/opencontainers/image-spec/blob/main/config.md
    }:
    bootstrap.run "${name}-oci" ./builders/layout.sh {
      inherit
        nix2container
        python
        layers
        reference
        architecture
        ;
      image = name;
      locked = builtins.toFile "locked.json" (builtins.toJSON locked);
      config = builtins.toJSON config;
      spdx_script = ./builders/spdx.py;
      builder_script = ./builders/oci_layout.py;
    };

  # A file with the digests of layouts and of groups of layers, by name.
  digests =
    built:
    derive {
      name = "digests.json";
      builder = "${python}/bin/python";
      args = [
        ./builders/digests.py
        (placeholder "out")
        (builtins.toJSON built)
      ];
    };

  # One file for `podman load -i` and for carrying away; it keeps the image's name.
  archive =
    name: layout:
    derive {
      name = "${name}-image.tar";
      builder = "${python}/bin/python";
      args = [
        ./builders/oci_archive.py
        layout
        (placeholder "out")
      ];
    };
}
