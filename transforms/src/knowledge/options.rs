//! Options of tools that take the next word as their value.

/// Those of `go build` and its relatives.
const GO: [&str; 17] = [
    "-o",
    "-ldflags",
    "-tags",
    "-gcflags",
    "-asmflags",
    "-gccgoflags",
    "-mod",
    "-modfile",
    "-p",
    "-buildmode",
    "-compiler",
    "-pkgdir",
    "-installsuffix",
    "-toolexec",
    "-overlay",
    "-C",
    "-exec",
];

/// Whether an option of `go build` and its relatives takes the next word.
pub fn go_takes_value(option: &str) -> bool {
    GO.contains(&option)
}
