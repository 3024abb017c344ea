{
  description = "Dagster pipelines, in images that Dagnix builds";
  inputs.dagnix.url = "github:dagnix/dagnix"; # or a fork, such as git+ssh://git@git.example.org/dagnix
  outputs =
    { self, dagnix }:
    dagnix.lib.mkStack {
      inherit self;
      pipes = ./pipes;
      config = ./config;
      source = "https://git.example.org/team/project"; # of this repository, for the images' labels
    };
}
