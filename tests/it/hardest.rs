//! The hardest inputs that a person can think of: each is read or refused as BuildKit does, keeps every byte, and is
//! rewritten within the laws.

use dockwright_transforms::settings::Settings;
use dockwright_transforms::syntax::{File, lossless, lossless_scripts};
use dockwright_transforms::{Applicability, Request, catalog, laws};

/// What BuildKit does with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Reads,
    Refuses,
}
use Answer::{Reads, Refuses};

/// Each input with BuildKit's answer.
const INPUTS: &[(Answer, &[u8])] = &[
    // Nothing, and what looks like nothing.
    (Refuses, b""),
    (Refuses, b"\n"),
    (Refuses, b"\\"),
    (Refuses, b"\\\n\\\n\\\n"),
    (Refuses, b"# escape=`"),
    (Refuses, b"\xef\xbb\xbf"),
    (Refuses, b"\0"),
    (Refuses, b"\xff\xfe"),
    (Refuses, b"FROM"),
    (Refuses, b"RUN a\nFROM b\n"),
    (Reads, b"FROM a"),
    (Reads, b"FROM a\r"),
    (Reads, b"FROM a\r\n"),
    (Reads, b"\xef\xbb\xbfFROM a\n"),
    (Reads, b"\n\n\t\nfrom a\n\n"),
    (Reads, b"FRO\\\nM a\n"),
    (Reads, b"\\\nFROM a\n"),
    (Reads, b"FROM\\\n a\\\n AS b\n"),
    (Reads, b"FROM a AS b\nFROM b AS a\nFROM a\n"),
    (Reads, b"ARG a=b\nFROM ${a:-c}:${d:+e}\n"),
    (Reads, b"FROM \"a\" AS b\nFROM b\n"),
    (Reads, b"FROM a@sha256:0\nFROM a:b@sha256:0\nFROM localhost:5000/a/b:c\n"),
    // Continuations.
    (Reads, b"FROM a\nRUN b \\"),
    (Reads, b"FROM a\nRUN b \\\n"),
    (Reads, b"FROM a\nRUN b \\\n\n"),
    (Reads, b"FROM a\nRUN b \\\n\\\n\\\n"),
    (Reads, b"FROM a\nRUN b \\ \t \n c\n"),
    (Reads, b"FROM a\nRUN b \\\n# c\n\n  # d \\\n && e\n"),
    (Reads, b"FROM a\nRUN b \\\\\nUSER c\n"),
    (Reads, b"FROM a\nRUN b \\\\\\\nUSER c\n"),
    (Reads, b"FROM a\nRUN \\\n# only a comment\nUSER b\n"),
    (Reads, b"FROM a\nRUN 'b \\\n c' \"d \\\n e\"\n"),
    (Reads, b"FROM a\nRUN b \\\r\n  && c \\\r\n\r\n  && d\r\n"),
    (Reads, b"FROM a\nRUN b &\\\n& c |\\\n| d\n"),
    (Reads, b"FROM a\nRUN ec\\\nho $(b \\\n c) `d \\\n e`\n"),
    (Reads, b"FROM a\nCOPY [\"b\", \\\n# c\n \"d\"]\n"),
    (Reads, b"FROM a\nENV b=\"c\\\n  d\" \\\n # e\n f=g\n"),
    (Reads, b"FROM a\nRUN --mo\\\nunt=type=cache,target=/b c\n"),
    (Reads, b"FROM a\nRUN \xc3\\\n\xa9\n"),
    (Reads, b"FROM a\nRUN b # c \\\n && d\n"),
    (Reads, b"FROM a\nR\\\nU\\\nN\\\n \\\n"),
    (Reads, b"FROM a\nRUN b \\\r\0d\r"),
    (Reads, b"FROM a\nENV b=c\\ \\\n"),
    (Reads, b"FROM a\r\\\n"),
    (Reads, b"FROM \\ \\"),
    (Reads, b"FROM a\nRUN b\\\r\r\\\n"),
    (Reads, b"FROM a\nENV b=\"c\" \\ \\\n # d\n\n"),
    (Refuses, b"FROM a\nENV b=\"c\" \\ \\ \\\n # d\n\n"),
    (Reads, b"FROM a\nRUN echo $(( 1 <<E \nb\n))\nE\n"),
    // Directives.
    (Reads, b"# escape=`\nFROM a\nRUN b `\n && c \\\nUSER d\n"),
    (Reads, b"#escape = `\r\nFROM a\r\nWORKDIR c:\\\r\nRUN dir\r\n"),
    (Reads, b"# a\n# escape=`\nFROM a\nRUN b \\\n c\n"),
    (Refuses, b"# escape=a\nFROM a\n"),
    (Refuses, b"# escape=`\n# escape=`\nFROM a\n"),
    (Reads, b"# syntax=docker/dockerfile:1\n# check=skip=all\nFROM a\n"),
    (Reads, b"# ESCAPE=`\nFROM a\nENV b=c`\n d=e\n"),
    (Reads, b"#!/bin/sh\n# escape=`\nFROM a\n"),
    // Here-documents.
    (Reads, b"FROM a\nRUN <<E\nb\nE\n"),
    (Reads, b"FROM a\nRUN <<E\nb\nE"),
    (Reads, b"FROM a\r\nRUN <<E\r\nb\r\nE\r\n"),
    (Refuses, b"FROM a\nRUN <<E\nb\n E\n"),
    (Reads, b"FROM a\nRUN <<-E\n\tb\n\t\tE\n"),
    (Reads, b"FROM a\nRUN <<'E' cat > /b\n$c\nE\n"),
    (Reads, b"FROM a\nRUN cat <<A <<B <<-\"C\"\n1\nA\n2\nB\n\t3\n\tC\n"),
    (Reads, b"FROM debian:12\nVOLUME [\"/config\", \"/dow\\nloads\"]\nCMD [\"transmission-daemon\"]\n"),
    (Reads, b"FROM a\nRUN c[\"a\"at <<-A <<B\n\t1\n\tA\n\tB\nB\n"),
    (Reads, b"FROM a\nCOPY <<A <<B /c/\nFROM b\nA\nUSER c\nB\n"),
    (Reads, b"FROM a\nRUN <<E\nFROM b\nRUN <<F\nE\n"),
    (Reads, b"FROM a\nRUN <<E\n#!/usr/bin/env python3\nprint(1)\nE\n"),
    (Reads, b"FROM a\nRUN <<E && \\\nb\nc\nE\n"),
    (Reads, b"FROM a\nRUN b <<< c\nRUN d 1<<2\n2\n"),
    (Reads, b"FROM a\nRUN echo \"<<E\"\nRUN echo '<<E' \\<<E\n"),
    (Reads, b"FROM a\nRUN b $((1<<2))\n"),
    (Reads, b"FROM a\nONBUILD RUN <<E\nb\nE\n"),
    (Reads, b"FROM a\nCMD <<E\n"),
    (Refuses, b"FROM a\nCOPY a <<E\nE\n"),
    (Reads, b"FROM a\nRUN <<E\nE\nRUN <<E\n\nE\n"),
    (Refuses, b"FROM a\nRUN <<E\nb \\\nE\nE\n"),
    (Reads, b"FROM a\nRUN 3<<E cat\nb\nE\n"),
    // JSON.
    (Reads, b"FROM a\nCMD []\n"),
    (Reads, b"FROM a\nCMD ['b']\n"),
    (Refuses, b"FROM a\nCMD [1]\n"),
    (Reads, b"FROM a\nCMD [\"b\"] # c\n"),
    (Reads, b"FROM a\nCMD [ \"\\u0062\\n\\\"\" , \"\\ud83d\\ude00\", \"\\ud800\" ]\n"),
    (Reads, b"FROM a\nRUN [\"b\", \"c\"]\nRUN [ -f b ] && c\nRUN [[ b ]]\n"),
    (Refuses, b"FROM a\nSHELL /bin/sh\n"),
    (Reads, b"FROM a\nSHELL [\"powershell\", \"-Command\"]\nRUN $a = 'b'; if ($a) { c }\n"),
    // Words.
    (Reads, b"FROM a\nENV b c d  e\nENV f=\"g\"'h'i\\ j k=\nENV l=$m n=${o:-${p:-q}}\n"),
    (Refuses, b"FROM a\nENV b\n"),
    (Refuses, b"FROM a\nENV =b\n"),
    (Reads, b"FROM a\nENV b='c\n"),
    (Reads, b"FROM a\nENV b=${c\nRUN d\n"),
    (Reads, b"FROM a\nLABEL b=c \"d e\"=\"f g\" h='i'\n"),
    (Reads, b"FROM a\nARG b c=d e=\"f g\"\nARG PATH=$b\n"),
    (Reads, b"FROM a\nENV b=${c#*/} d=${e%%.*} f=${g//h/i} j=${k/[/l}\n"),
    (Reads, b"FROM a\nWORKDIR $b/../${c}\nWORKDIR d\nWORKDIR ..\n"),
    (Reads, b"FROM a\nUSER ${b:-root}\nCMD c\nUSER 0:0\n"),
    // Flags.
    (Refuses, b"FROM a\nRUN --nothing b\n"),
    (Refuses, b"FROM --platform a\n"),
    (Reads, b"FROM --platform=$BUILDPLATFORM a\nCOPY --from=b --link --chown=c:d e f\n"),
    (Reads, b"FROM a\nRUN --mount=type=secret,id=b --network=none -- c\n"),
    (Reads, b"FROM a\nHEALTHCHECK --interval=1m30s CMD [\"b\"]\nHEALTHCHECK NONE\n"),
    (Refuses, b"FROM a\nHEALTHCHECK --interval=1 CMD b\n"),
    // Triggers.
    (Refuses, b"FROM a\nONBUILD ONBUILD RUN b\n"),
    (Refuses, b"FROM a\nONBUILD FROM b\n"),
    (Reads, b"FROM a\nONBUILD COPY --chown=b c d\nONBUILD CMD [\"e\"]\n"),
    // Shell.
    (Reads, b"FROM a\nRUN b && (c || { d; }) | e 2>&1 >f; if g; then h; fi & wait\n"),
    (Reads, b"FROM a\nRUN case b in (c) d;; e|f) g;; esac; for h in i j; do k; done\n"),
    (Reads, b"FROM a\nRUN b() { c; }; b \"$(d \"$(e 'f)')\")\" ${g:-$(h)}\n"),
    (Reads, b"FROM a\nRUN b && && c\nRUN )\nRUN \"\nRUN `\nRUN $(\n"),
    (Reads, b"FROM a\nRUN b; # c\nRUN d \\; e \\& f\\ g\n"),
    (Reads, b"FROM a\nRUN b 'c\xc2\xa0d' \xe2\x80\xa8 \xf0\x9f\x90\xb3\n"),
    (Reads, b"FROM a\nRUN b\0c\x0bd\x0ce\x85\n"),
    // Files that a transform has to take apart.
    (Reads, b"# escape=`\nFROM golang:1.22-alpine\nWORKDIR /src\nCOPY . .\nRUN go build `\n  # the program\n  -o app .\nCMD [\"./app\"]"),
    (Reads, b"from golang:1.22-alpine\r\nworkdir /src\r\ncopy . .\r\n\r\n# build\r\nrun go build -o app . \\\r\n\r\n # more\r\n && rm -rf /tmp/x\r\ncmd [\"./app\"] \\"),
    (Reads, b"\xef\xbb\xbfFROM golang:1.22-alpine\nWORKDIR /src\nCOPY <<EOF go.mod\nmodule a\nEOF\nCOPY . .\nRUN <<EOF\ngo build -o app .\nEOF\nENTRYPOINT ./app \\\n # last"),
    (Reads, b"FROM node:20 AS x\nUSER root\nFROM x\nWORKDIR /app\nCOPY . .\nRUN npm ci\nUSER root\nCMD node . \\\n\\\n"),
    (Reads, b"FROM python:3.12\nCOPY . /app\n# a comment of CMD\n\n# another\nCMD [\"python\", \"/app/a.py\"]\n# the end"),
    (Reads, b"FROM golang:1.22\nWORKDIR /src\nCOPY . .\nRUN go build -o app .\nHEALTHCHECK CMD [\"./app\"]\nVOLUME [\"/data\"]\nEXPOSE 80/tcp $p\nSTOPSIGNAL 9\nCMD ./app\nONBUILD RUN a\n"),
    (Reads, b"FROM golang:1.22\nWORKDIR /src\nCOPY . .\nRUN go build -o app .\r\nCMD [\"./app\"]\r"),
    (Reads, b"FROM debian:12-slim\n# caf\xe9\nENTRYPOINT [\"/usr/bin/a\"]\n\nCOPY a /usr/bin/a\nRUN apt-get install -y b\n"),
    (Reads, b"FROM golang:1.22\n# caf\xe9\nLABEL a=b\nWORKDIR /src\nCOPY . .\nRUN go build -o app .\n# th\xe9\nCMD [\"./app\"]\n"),
];

#[test]
fn each_is_read_or_refused_as_buildkit_does_and_keeps_every_byte() {
    assert!(INPUTS.len() >= 100, "{} inputs", INPUTS.len());
    let mut wrong = Vec::new();
    for (answer, source) in INPUTS {
        let shown = source.escape_ascii();
        let file = match File::parse(source) {
            Ok(file) => file,
            Err(error) => {
                if *answer == Reads {
                    wrong.push(format!("{shown}: we refuse it: {}", error.message));
                }
                continue;
            }
        };
        if *answer == Refuses {
            wrong.push(format!("{shown}: BuildKit refuses it"));
        }
        let joined: Vec<u8> = file.tiles.iter().flat_map(|tile| tile.span.of(source).to_vec()).collect();
        assert_eq!(joined, *source, "{shown}");
        if let Err(what) = lossless(&file).and_then(|()| lossless_scripts(&file)) {
            wrong.push(format!("{shown}: {what}"));
        }
    }
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn each_is_rewritten_within_the_laws() {
    let settings = Settings::default();
    let alone = catalog::ALL.iter().map(|transform| vec![*transform]);
    let (mut wrong, mut changed) = (Vec::new(), 0);
    for transforms in alone.chain([catalog::ALL.to_vec()]) {
        let request =
            Request { transforms: &transforms, threshold: Applicability::Review, context: None, settings: &settings };
        for (_, source) in INPUTS {
            let Ok((outcome, violations)) = laws::check(source, &request) else { continue };
            changed += usize::from(outcome.output.is_some());
            let ids: Vec<_> = transforms.iter().map(|transform| transform.id).collect();
            wrong.extend(violations.iter().map(|violation| format!("{}: {ids:?}: {violation}", source.escape_ascii())));
        }
    }
    assert!(wrong.is_empty(), "{} violations\n{}", wrong.len(), wrong.join("\n"));
    assert!(changed > 10, "only {changed} of them are changed at all");
}

#[test]
fn comments_in_another_encoding_go_with_what_they_comment() {
    let settings = Settings::default();
    let request =
        Request { transforms: catalog::ALL, threshold: Applicability::Review, context: None, settings: &settings };
    let mut seen = 0;
    for (_, source) in INPUTS {
        let Ok((outcome, _)) = laws::check(source, &request) else { continue };
        let Some(after) = outcome.output.filter(|_| source.windows(4).any(|four| four == b"caf\xe9")) else { continue };
        for line in source.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"#")) {
            assert!(after.split(|byte| *byte == b'\n').any(|other| other == line), "{}", after.escape_ascii());
        }
        seen += 1;
    }
    assert_eq!(seen, 2);
}
