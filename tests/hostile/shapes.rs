//! Dockerfiles of a given size that nobody writes by accident.

/// A shape: its name, and what makes a body of about so many bytes.
pub type Shape = (&'static str, fn(usize) -> Vec<u8>);

/// A line that BuildKit reads is shorter than this; what is longer goes on behind a continuation.
const LINE: usize = 60_000;

/// `piece` as often as it fits into `size` bytes.
fn fill(size: usize, piece: &str) -> Vec<u8> {
    piece.repeat((size / piece.len()).max(1)).into_bytes()
}

/// What `make` gives for 0, 1, 2, …, up to `size` bytes.
fn count(size: usize, make: impl Fn(usize) -> String) -> Vec<u8> {
    let mut out = Vec::with_capacity(size);
    for number in 0.. {
        let piece = make(number);
        if out.len() + piece.len() > size {
            break;
        }
        out.extend_from_slice(piece.as_bytes());
    }
    out
}

/// One instruction over as many lines as it needs: `head`, `piece` as often as it fits, `tail`.
fn long(size: usize, head: &str, piece: &str, tail: &str) -> Vec<u8> {
    let mut out = head.as_bytes().to_vec();
    let mut line = out.len();
    while out.len() + piece.len() + tail.len() < size {
        if line + piece.len() > LINE {
            out.extend_from_slice(b"\\\n");
            line = 0;
        }
        out.extend_from_slice(piece.as_bytes());
        line += piece.len();
    }
    out.extend_from_slice(tail.as_bytes());
    out.push(b'\n');
    out
}

/// One instruction in which `open` and `close` are as often as they fit.
fn nest(size: usize, head: &str, open: &str, middle: &str, close: &str) -> Vec<u8> {
    let depth = size / (open.len() + close.len());
    let mut out = long(depth * open.len(), head, open, middle);
    out.pop();
    out.extend_from_slice(b"\\\n");
    out.extend(long(depth * close.len(), "", close, ""));
    out
}

/// Every shape.
pub const SHAPES: &[Shape] = &[
    ("one line", |size| [b"RUN ".to_vec(), fill(size, "a"), b"\n".to_vec()].concat()),
    ("one line of backslashes", |size| [fill(size, "\\"), b"\n".to_vec()].concat()),
    ("one word over many lines", |size| long(size, "RUN ", "a", "")),
    ("one argument over many lines", |size| long(size, "ENV A=", "a", "")),
    ("one quoted value", |size| long(size, "ENV A=\"", "a ", "\"")),
    ("one quote that never closes", |size| long(size, "RUN echo \"", "a ", "")),
    ("words", |size| long(size, "RUN echo", " a", "")),
    ("words to copy", |size| long(size, "COPY", " a", " /b/")),
    ("words of a volume", |size| long(size, "VOLUME", " /a", "")),
    ("different volumes", |size| {
        [b"VOLUME".to_vec(), count(size, |n| format!(" /a{n}{}", wrap(n))), b"\n".to_vec()].concat()
    }),
    ("ports", |size| long(size, "EXPOSE", " 80", "")),
    ("pairs", |size| [b"ENV".to_vec(), count(size, |n| format!(" a{n}=b{}", wrap(n))), b"\n".to_vec()].concat()),
    ("pairs that read the one before", |size| {
        [b"ENV a0=b".to_vec(), count(size, |n| format!(" a{}=$a{n}{}", n + 1, wrap(n))), b"\n".to_vec()].concat()
    }),
    ("labels", |size| {
        [b"LABEL".to_vec(), count(size, |n| format!(" a{n}=\"b c\"{}", wrap(n))), b"\n".to_vec()].concat()
    }),
    ("flags", |size| long(size, "RUN", " --mount=type=cache,target=/a", " true")),
    ("one flag", |size| long(size, "RUN --mount=type=cache,target=/", "a", " true")),
    ("copy flags", |size| long(size, "COPY", " --exclude=a", " b c")),
    ("JSON", |size| long(size, "CMD [\"a\"", ", \"b\"", "]")),
    ("JSON in JSON", |size| nest(size, "CMD ", "[", "", "]")),
    ("JSON that never closes", |size| long(size, "CMD [\"a\"", ", \"b\"", "")),
    ("JSON escapes", |size| long(size, "CMD [\"", "\\ud800", "\"]")),
    ("RUN", |size| fill(size, "RUN true\n")),
    ("RUN of different commands", |size| count(size, |n| format!("RUN make a{n} > /b{n}\n"))),
    ("RUN in folders", |size| count(size, |n| format!("RUN cd a{n} && make b{n} && mv b{n} ..\n"))),
    ("RUN that makes folders", |size| count(size, |n| format!("RUN mkdir -p /data/a{n} && chown 1 /data/a{n}\n"))),
    ("RUN that makes users", |size| count(size, |n| format!("RUN useradd a{n}\n"))),
    ("RUN that installs", |size| count(size, |n| format!("RUN apt-get install -y a{n}\n"))),
    ("RUN that removes", |size| count(size, |n| format!("RUN rm -rf /a{n}\n"))),
    ("RUN that links", |size| count(size, |n| format!("RUN ln -s /a{n} /usr/local/bin/b{n}\n"))),
    ("RUN that downloads", |size| count(size, |n| format!("RUN curl -o /a{n} https://example.com/{n}\n"))),
    ("RUN that unpacks", |size| count(size, |n| format!("RUN tar -xzf a{n}.tar.gz -C /opt/a{n}\n"))),
    ("RUN that builds", |size| count(size, |n| format!("RUN go build -o /bin/a{n} ./cmd/a{n}\n"))),
    ("RUN with a heredoc", |size| count(size, |n| format!("RUN <<E\nmake a{n}\nE\n"))),
    ("RUN with a cache", |size| fill(size, "RUN --mount=type=cache,target=/root/.cache make\n")),
    ("COPY", |size| count(size, |n| format!("COPY a{n} /b/c{n}\n"))),
    ("COPY into the working directory", |size| count(size, |n| format!("COPY a{n} .\n"))),
    ("COPY with a heredoc", |size| count(size, |n| format!("COPY <<E /a{n}\nb\nE\n"))),
    ("COPY from a stage", |size| count(size, |n| format!("COPY --from=a{n} /a /b{n}\n"))),
    ("ADD", |size| count(size, |n| format!("ADD https://example.com/a{n} /b/\n"))),
    ("ENV", |size| count(size, |n| format!("ENV a{n}=b\n"))),
    ("ENV of one name", |size| fill(size, "ENV PATH=/a:$PATH\n")),
    ("ENV that reads the one before", |size| {
        [b"ENV a0=b\n".to_vec(), count(size, |n| format!("ENV a{}=$a{n}\n", n + 1))].concat()
    }),
    ("ENV that doubles the one before", |size| {
        [b"ENV a0=b\n".to_vec(), count(size, |n| format!("ENV a{}=$a{n}$a{n}\n", n + 1))].concat()
    }),
    ("ENV that is read by RUN", |size| count(size, |n| format!("ENV a{n}=b\nRUN make $a{n}\n"))),
    ("ARG", |size| count(size, |n| format!("ARG a{n}\n"))),
    ("ARG that reads the one before", |size| {
        [b"ARG a0=b\n".to_vec(), count(size, |n| format!("ARG a{}=${{a{n}}}\n", n + 1))].concat()
    }),
    ("ARG that adds to the one before", |size| {
        [b"ARG a0=b\n".to_vec(), count(size, |n| format!("ARG a{}=${{a{n}}}c\n", n + 1))].concat()
    }),
    ("ARG that reads nothing that is there", |size| count(size, |n| format!("ARG a{n}=$b{n}\n"))),
    ("ARG with patterns", |size| {
        [
            format!("ARG a={}b\n", "a".repeat(size.min(80_000) / 2)).into_bytes(),
            fill(size / 2, "ARG c=${a%%*a*a*c}${a##*a*b}\n"),
        ]
        .concat()
    }),
    ("LABEL", |size| count(size, |n| format!("LABEL a{n}=b\n"))),
    ("WORKDIR", |size| count(size, |n| format!("WORKDIR /a{n}\n"))),
    ("WORKDIR that goes deeper", |size| fill(size, "WORKDIR a\n")),
    ("WORKDIR and RUN", |size| count(size, |n| format!("WORKDIR /a{n}\nRUN make\n"))),
    ("USER", |size| count(size, |n| format!("USER a{n}\n"))),
    ("USER and RUN", |size| count(size, |n| format!("USER a{n}\nRUN make\n"))),
    ("EXPOSE", |size| count(size, |n| format!("EXPOSE {n}\n"))),
    ("VOLUME", |size| count(size, |n| format!("VOLUME /a{n}\n"))),
    ("SHELL", |size| fill(size, "SHELL [\"/bin/sh\", \"-c\"]\n")),
    ("SHELL and RUN", |size| fill(size, "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN a | b\n")),
    ("CMD", |size| fill(size, "CMD [\"a\"]\n")),
    ("ENTRYPOINT", |size| fill(size, "ENTRYPOINT a && b\n")),
    ("HEALTHCHECK", |size| fill(size, "HEALTHCHECK --interval=1s CMD a || b\n")),
    ("STOPSIGNAL", |size| fill(size, "STOPSIGNAL 9\n")),
    ("MAINTAINER", |size| fill(size, "MAINTAINER a\n")),
    ("ONBUILD", |size| fill(size, "ONBUILD RUN a\n")),
    ("ONBUILD of ONBUILD", |size| long(size, "ONBUILD ", "ONBUILD ", "RUN a")),
    ("stages", |size| fill(size, "FROM alpine\nRUN a\n")),
    ("named stages", |size| count(size, |n| format!("FROM alpine AS a{n}\nRUN a\n"))),
    ("stages on the one before", |size| {
        [b"FROM alpine AS a0\n".to_vec(), count(size, |n| format!("FROM a{n} AS a{}\nRUN a\n", n + 1))].concat()
    }),
    ("stages that read from below", |size| {
        [b"FROM alpine AS a0\n".to_vec(), count(size, |n| format!("FROM a{n} AS a{}\nENV b=$c$d\n", n + 1))].concat()
    }),
    ("stages that copy from the one before", |size| {
        [
            b"FROM alpine AS a0\n".to_vec(),
            count(size, |n| format!("FROM alpine AS a{}\nCOPY --from=a{n} /a /a\n", n + 1)),
        ]
        .concat()
    }),
    ("comments", |size| fill(size, "# a\n")),
    ("comments that look like directives", |size| fill(size, "# escape=`\n")),
    ("blank lines", |size| fill(size, "\n")),
    ("lines of blanks", |size| fill(size, " \t\r\n")),
    ("carriage returns", |size| {
        [b"RUN a".to_vec(), fill(size.min(LINE), "\r"), b"\n".to_vec(), fill(size, "\r\n")].concat()
    }),
    ("continuations", |size| [b"RUN a \\\n".to_vec(), fill(size, "b \\\n"), b"c\n".to_vec()].concat()),
    ("continuations of nothing", |size| [b"RUN a".to_vec(), fill(size, "\\\n"), b"\n".to_vec()].concat()),
    ("continuations before anything", |size| [fill(size, "\\\n"), b"RUN a\n".to_vec()].concat()),
    ("continuations with blanks behind", |size| [b"RUN a ".to_vec(), fill(size, "\\ \t \n"), b"\n".to_vec()].concat()),
    ("comments in a continuation", |size| [b"RUN a \\\n".to_vec(), fill(size, "# b\n"), b"c\n".to_vec()].concat()),
    ("blank lines in a continuation", |size| [b"RUN a \\\n".to_vec(), fill(size, "\n"), b"c\n".to_vec()].concat()),
    ("commands over continuations", |size| [b"RUN a \\\n".to_vec(), fill(size, " && b \\\n"), b"\n".to_vec()].concat()),
    ("a keyword over continuations", |size| [b"R\\\n".to_vec(), fill(size, "\\\n"), b"UN a\n".to_vec()].concat()),
    ("a heredoc that never closes", |size| [b"RUN <<E\n".to_vec(), fill(size, "a\n")].concat()),
    ("a long heredoc", |size| [b"RUN <<E\n".to_vec(), fill(size, "a\n"), b"E\n".to_vec()].concat()),
    ("a long heredoc of long lines", |size| {
        [b"RUN <<E\n".to_vec(), fill(size, &("a ".repeat(9000) + "\n")), b"E\n".to_vec()].concat()
    }),
    ("a heredoc that nearly closes", |size| [b"RUN <<-E\n".to_vec(), fill(size, "\tE \n"), b"E\n".to_vec()].concat()),
    ("a file in a heredoc", |size| [b"COPY <<E /a\n".to_vec(), fill(size, "$a ${b:-c}\n"), b"E\n".to_vec()].concat()),
    ("heredocs on a line", |size| {
        let openers = count(size.min(2 * LINE) / 2, |n| format!(" <<E{n}"));
        let number = openers.iter().filter(|byte| **byte == b' ').count();
        let bodies = (0..number).map(|n| format!("a\nE{n}\n")).collect::<String>();
        [b"RUN cat".to_vec(), openers, b"\n".to_vec(), bodies.into_bytes()].concat()
    }),
    ("heredocs on many lines", |size| {
        let openers = count(size / 2, |n| format!(" <<E{n}{}", wrap(n)));
        let number = openers.iter().filter(|byte| **byte == b'E').count();
        let bodies = (0..number).map(|n| format!("a\nE{n}\n")).collect::<String>();
        [b"RUN cat".to_vec(), openers, b"\n".to_vec(), bodies.into_bytes()].concat()
    }),
    ("heredocs that never close", |size| {
        [b"RUN cat".to_vec(), count(size, |n| format!(" <<E{n}{}", wrap(n))), b"\n".to_vec()].concat()
    }),
    ("substitutions", |size| long(size, "RUN echo", " $(a)", "")),
    ("substitutions in substitutions", |size| nest(size, "RUN echo ", "$(", "a", ")")),
    ("substitutions that never close", |size| long(size, "RUN echo ", "$(", "")),
    ("many substitutions in substitutions", |size| fill(size, "RUN echo $($($($($($($($($($($(a)))))))))))\n")),
    ("many substitutions that never close", |size| fill(size, "RUN echo $($($($($($($($($($($(a))))))))))\n")),
    ("substitutions in quotes", |size| nest(size, "RUN echo ", "\"$(", "a", ")\"")),
    ("backticks", |size| long(size, "RUN echo", " `a`", "")),
    ("backticks that never close", |size| fill(size, "RUN echo `a``\n")),
    ("parameters in parameters", |size| nest(size, "RUN echo ", "${a:-", "b", "}")),
    ("parameters that never close", |size| long(size, "RUN echo ", "${a:-", "")),
    ("parameters in a value", |size| nest(size, "ENV a=", "${a:-", "b", "}")),
    ("parameters in many values", |size| fill(size, &format!("ENV a={}{}\n", "${a:-".repeat(200), "}".repeat(200)))),
    ("parameters in a value that never close", |size| long(size, "ENV a=", "${a:-", "")),
    ("patterns in a value", |size| nest(size, "ENV a=", "${a/b/", "c", "}")),
    ("quotes", |size| long(size, "RUN echo ", "\"a\"'b'", "")),
    ("quotes in a value", |size| long(size, "ENV a=", "\"a\"'b'", "")),
    ("escaped quotes", |size| long(size, "RUN echo \"", "\\\"", "\"")),
    ("subshells", |size| nest(size, "RUN ", "(", "a", ")")),
    ("groups", |size| nest(size, "RUN ", "{ ", "a;", "}; ")),
    ("branches", |size| nest(size, "RUN ", "if a; then ", "b;", "fi; ")),
    ("many branches", |size| fill(size, "RUN if a; then b; elif c; then d; else e; fi\n")),
    ("branches in a script", |size| {
        [b"RUN <<E\n".to_vec(), fill(size, "if a; then b; fi\n"), b"E\n".to_vec()].concat()
    }),
    ("loops", |size| fill(size, "RUN for a in b c d; do e $a; done\n")),
    ("cases", |size| {
        [b"RUN case a in".to_vec(), count(size, |n| format!(" b{n}) c;;{}", wrap(n))), b" esac\n".to_vec()].concat()
    }),
    ("arithmetic", |size| long(size, "RUN echo $((1", "+1", "))")),
    ("commands after `&&`", |size| long(size, "RUN a", " && b", "")),
    ("commands after `||`", |size| long(size, "RUN a", " || b", "")),
    ("commands after `;`", |size| long(size, "RUN a", "; b", "")),
    ("commands after `|`", |size| long(size, "RUN a", " | b", "")),
    ("commands after `&`", |size| long(size, "RUN a", " & b", "")),
    ("only operators", |size| long(size, "RUN ", "&&", "")),
    ("many scripts of commands", |size| fill(size, &format!("RUN a{}\n", " && b".repeat(2000)))),
    ("many scripts of builds", |size| {
        fill(size, &format!("RUN go mod download{}\n", " && go build -o /a ./b".repeat(500)))
    }),
    ("many scripts of folders", |size| fill(size, &format!("RUN cd /a{}\n", " && cd b".repeat(2000)))),
    ("many scripts of packages", |size| {
        fill(size, &format!("RUN apt-get update && apt-get install -y{}\n", " a".repeat(5000)))
    }),
    ("many scripts of different packages", |size| {
        let one = (0..2000).map(|n| format!(" a{n}")).collect::<String>();
        fill(size, &format!("RUN apt-get update && apt-get install -y{one}\n"))
    }),
    ("many scripts of assignments", |size| {
        let one = (0..2000).map(|n| format!("a{n}=b; ")).collect::<String>();
        fill(size, &format!("RUN {one} echo $a0 $a1 $c\n"))
    }),
    ("many scripts of variables", |size| fill(size, &format!("RUN a=b; echo{}\n", " $a".repeat(5000)))),
    ("many scripts in scripts", |size| fill(size, &format!("RUN sh -c '{}'\n", "a && ".repeat(1000) + "b"))),
    ("redirections", |size| long(size, "RUN a", " > b", "")),
    ("many scripts of redirections", |size| fill(size, &format!("RUN a{}\n", " > b".repeat(1000)))),
    ("globs", |size| long(size, "COPY ", "*?[a]", " /")),
    ("a deep path", |size| long(size, "COPY a /", "b/", "")),
    ("a path that goes up", |size| long(size, "WORKDIR /", "../", "")),
    ("NUL", |size| fill(size, "\0")),
    ("NUL in a value", |size| long(size, "ENV a=", "\0", "")),
    ("NUL in a command", |size| fill(size, "RUN a\0b\n")),
    ("bytes that are no text", |size| {
        [b"RUN ".to_vec(), vec![0xff; size.min(LINE)], b"\n".to_vec(), b"# \xff\n".repeat(size / 4)].concat()
    }),
    ("no text in a continuation", |size| {
        [b"RUN a \\\n".to_vec(), b"\xff\xc3\\\n".repeat(size / 4), b"b\n".to_vec()].concat()
    }),
    ("characters", |size| long(size, "RUN echo ", "\u{1F433}", "")),
    ("many scripts of characters", |size| fill(size, "RUN echo \u{1F433} \"\u{e9}\" $(a)\n")),
    ("white space of every kind", |size| long(size, "RUN", "\u{a0}\u{2003}\u{b}", "a")),
    ("angle brackets", |size| long(size, "RUN a", " <", "")),
    ("braces", |size| long(size, "RUN a ", "{", "")),
    ("dollars", |size| long(size, "ENV a=", "$", "")),
    ("hashes", |size| long(size, "RUN a ", "#", "")),
    ("equals", |size| long(size, "ENV a", "=", "")),
    ("dashes", |size| long(size, "RUN ", "--a ", "b")),
    ("marks", |size| fill(size, "\u{feff}")),
];

/// A continuation after every thousandth piece, so that no line is too long.
fn wrap(number: usize) -> &'static str {
    if number % 1000 == 999 { "\\\n" } else { "" }
}

/// A name, what is before a body, what is behind it.
pub type Frame = (&'static str, &'static str, &'static str);

/// What stands around a body, so that transforms have something to do.
pub const FRAMES: &[Frame] = &[
    ("alpine", "FROM alpine:3.20\n", ""),
    (
        "go",
        "FROM golang:1.22-alpine\nWORKDIR /src\nCOPY . .\n",
        "RUN go build -o app .\nEXPOSE 8080\nCMD [\"./app\"]\n",
    ),
    (
        "node",
        "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\n",
        "RUN npm run build\nVOLUME /data\nCMD [\"node\", \"server.js\"]\n",
    ),
    ("python", "FROM python:3.12\nWORKDIR /app\nRUN pip install flask\n", "COPY . .\nCMD [\"python\", \"app.py\"]\n"),
    ("unknown", "FROM example.com/a\n", "RUN make install\nENTRYPOINT [\"/usr/local/bin/a\"]\n"),
];
