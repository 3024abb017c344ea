# Go modules → a static binary.
{
  bootstrap,
  go, # the toolchain: golang-1.24-go and -src, unpacked
  architecture, # Go's word for it: amd64, arm64
}:
{
  # `vendor` holds go.mod, go.sum and vendor/; `sources` the module's own files, if it has any.
  binary =
    {
      name,
      vendor,
      package,
      sources ? "",
    }:
    bootstrap.run name ./builders/go_build.sh {
      inherit
        go
        name
        vendor
        package
        sources
        ;
      CGO_ENABLED = "0";
      GOARCH = architecture;
      GOFLAGS = "-mod=vendor";
      GOPROXY = "off";
      GOTOOLCHAIN = "local";
    };
}
