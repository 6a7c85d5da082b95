//! What belongs to a toolchain alone.

/// Variables that only the Go toolchain reads, by its documentation (`go help environment`) and the official image.
pub const GO_VARIABLES: [&str; 22] = [
    "GOPATH",
    "GOROOT",
    "GOBIN",
    "GO111MODULE",
    "GOPROXY",
    "GOFLAGS",
    "GOPRIVATE",
    "GONOSUMDB",
    "GONOSUMCHECK",
    "GOSUMDB",
    "GONOPROXY",
    "GOCACHE",
    "GOMODCACHE",
    "GOOS",
    "GOARCH",
    "GOARM",
    "CGO_ENABLED",
    "CGO_CFLAGS",
    "CGO_LDFLAGS",
    "GO_VERSION",
    "GOLANG_VERSION",
    "GOTOOLCHAIN",
];
