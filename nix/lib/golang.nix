# Go modules → a static binary.
{
  bootstrap,
  packages, # Debian's, of the compiler and of Go's library
  architecture, # Go's word for it: amd64, arm64
}:
rec {
  toolchain = bootstrap.run "go" ./builders/go_toolchain.sh {
    inherit packages;
    deb = ./builders/deb.sh;
  };

  # A script that compiles, with what go_build.sh has of Go.
  build =
    script: attributes:
    bootstrap.run attributes.name script (
      attributes
      // {
        go = toolchain;
        CGO_ENABLED = "0";
        GOARCH = architecture;
        GOFLAGS = "-mod=vendor";
        GOPROXY = "off";
        GOTOOLCHAIN = "local";
      }
    );

  # `vendor` holds go.mod, go.sum and vendor/; `sources` the module's own files, if it has any.
  binary =
    {
      name,
      vendor,
      package,
      sources ? "",
    }:
    build ./builders/go_build.sh {
      inherit
        name
        vendor
        package
        sources
        ;
    };
}
