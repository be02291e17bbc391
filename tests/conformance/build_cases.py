"""Dockerfiles of which each builder makes an image: all instructions, in all of their forms."""

import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

BOTH = ("classic", "buildx")


class Case(NamedTuple):
    """A Dockerfile, the files of its context, options of `docker build`, and the words that a container of it is run with.

    A file's name that ends in a slash is a directory's, and with ` -> ` in it a link's; `modes` are those of files that have not
    644 or 755. `peers` are those that know its syntax: a container is run of the first one's image and of ours, unless `prints`
    is None; for the second's, which has the same layers and config, that says nothing new.
    """

    text: str
    files: Mapping[str, str | bytes] = {}
    modes: Mapping[str, int] = {}
    arguments: Mapping[str, str] = {}
    labels: Mapping[str, str] = {}
    target: str = ""
    prints: tuple[str, ...] | None = None
    peers: tuple[str, ...] = BOTH

    def write(self, folder: Path) -> None:
        """Make its context in a folder."""
        folder.mkdir()
        (folder / "Dockerfile").write_text(self.text)
        for name, content in self.files.items():
            path, _, link = name.partition(" -> ")
            where = folder / path
            where.parent.mkdir(parents=True, exist_ok=True)
            if link:
                where.symlink_to(link)
            elif path.endswith("/"):
                where.mkdir(exist_ok=True)
            else:
                where.write_bytes(content.encode() if isinstance(content, str) else content)
        for path, mode in self.modes.items():
            (folder / path).chmod(mode)


def packed(fill: Callable[[tarfile.TarFile], None], kind: str = "") -> bytes:
    """Return a tar archive, packed as tarfile's modes say."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=f"w:{kind}", format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        fill(archive)
    return made.getvalue()


def entry(archive: tarfile.TarFile, name: str, content: bytes = b"", **about: object) -> None:
    """Add an entry to an archive."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = len(content), 1_600_000_000, 0o644
    for key, value in about.items():
        setattr(info, key, value)
    archive.addfile(info, io.BytesIO(content))


def odd_tree(archive: tarfile.TarFile) -> None:
    """Fill an archive with what makes archives hard."""
    entry(archive, "t/", type=tarfile.DIRTYPE, mode=0o2770, uid=7, gid=8)
    entry(archive, "t/file", b"in an archive\n", mode=0o4711, uid=1234, gid=4321)
    entry(archive, "t/hard", type=tarfile.LNKTYPE, linkname="t/file", mode=0o4711, uid=1234, gid=4321)
    entry(archive, "t/link", type=tarfile.SYMTYPE, linkname="../etc/passwd", mode=0o777)
    entry(archive, "t/fifo", type=tarfile.FIFOTYPE, mode=0o600)
    entry(archive, "t/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666)
    entry(archive, "without/a/parent", b"x")
    entry(archive, "t/" + "ö" * 60 + "x" * 80, b"long")


def with_xattrs(archive: tarfile.TarFile) -> None:
    """Fill an archive with extended attributes: a user's, and a capability."""
    capability = b"\x01\x00\x00\x02\x00\x20\x00\x00".ljust(20, b"\x00").decode("latin-1")
    entry(archive, "noted", b"x", pax_headers={"SCHILY.xattr.user.note": "hello"})
    entry(archive, "ping", b"x", mode=0o755, pax_headers={"SCHILY.xattr.security.capability": capability})


def plain(archive: tarfile.TarFile) -> None:
    """Fill an archive with one file."""
    entry(archive, "sub/file", b"packed\n")


def users(archive: tarfile.TarFile) -> None:
    """Fill an archive with a layer of the base: users and groups, and the files that engines mount theirs over."""
    entry(archive, "etc", type=tarfile.DIRTYPE, mode=0o755)
    people = "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"
    entry(archive, "etc/passwd", people.encode())
    entry(archive, "etc/group", b"root:x:0:\nwww-data:x:33:\nusers:x:100:www-data\nnogroup:x:65534:\n")
    for name in ("hosts", "hostname", "resolv.conf"):
        entry(archive, f"etc/{name}")


TREE = {
    "a.txt": "a\n",
    "b.txt": "b\n",
    "c.md": "c\n",
    "bin/tool": "#!/bin/sh\necho tool\n",
    "dir/one": "1\n",
    "dir/sub/two": "2\n",
    "dir/sub/deep/three": "3\n",
    "dir/empty/": "",
    "dir/.hidden": "h\n",
    "dir/link -> one": "",
    "dir/dangling -> /nowhere": "",
    "dirlink -> dir": "",
    "filelink -> a.txt": "",
}
MODES = {"bin/tool": 0o755, "dir/one": 0o600, "dir/sub": 0o700, "b.txt": 0o640}
SH = ("sh", "-c")
BUILDX = ("buildx",)
F = "FROM busybox\n"

CASES: dict[str, Case] = {
    # --- what changes the config alone
    "env": Case(
        F + "ENV A=1 B=\"two words\" C='$A' D=two\\ words E=\nENV OLD a  value with $A and \"quotes\"\nENV A=2 F=$A G=${A}x\n",
        prints=(*SH, 'echo "$A|$B|$C|$D|$E|$OLD|$F|$G"'),
    ),
    "env modifiers": Case(F + "ENV A=1 N=\nENV B=${A:-z} C=${Z:-z} D=${A:+y} E=${Z:+y} G=${N:-n} H=\\$A I='a\\nb' J=\"a\\\"b\" K=a${A}b$A-c\n"),
    "env path": Case(F + "ENV PATH=/opt/bin:$PATH\nENV HOME=/opt\nRUN echo $PATH $HOME > /said\n", prints=("cat", "/said")),
    "label": Case(F + "LABEL a=1 \"b c\"=\"d e\" f.g-h='i j'\nLABEL old style value\nLABEL multi=\"a\\\nb\" a=2\nENV V=v\nLABEL v=$V x=\"${V}$V\" y='$V'\n"),
    "maintainer": Case(F + "MAINTAINER A B <a@b.c>\nCMD true\n"),
    "cmd of a shell": Case(F + "ENV X=y\nCMD echo $X $HOME\n", prints=()),
    "cmd exec": Case(F + 'CMD ["echo", "a b", "$HOME", "\\u00e4\\\\"]\n', prints=()),
    "cmd that is no json": Case(F + "CMD ['echo', 'x']\n"),
    "cmd twice": Case(F + "CMD echo one\nCMD echo two\n", prints=()),
    "entrypoint exec with cmd": Case(F + 'ENTRYPOINT ["echo", "e"]\nCMD ["c", "d"]\n', prints=()),
    "entrypoint of a shell": Case(F + "ENTRYPOINT echo e\nCMD c\n", prints=()),
    "entrypoint behind cmd": Case(F + 'CMD ["c"]\nENTRYPOINT ["echo", "e"]\n', prints=()),
    "entrypoint over a stage's cmd": Case(
        'FROM busybox AS base\nCMD ["base"]\nFROM base\nENTRYPOINT ["echo", "e"]\n', prints=()
    ),
    "entrypoint over an image's cmd": Case(F + 'ENTRYPOINT ["echo", "e"]\n', prints=()),
    "cmd over a stage's entrypoint": Case('FROM busybox AS base\nENTRYPOINT ["echo"]\nCMD ["base"]\nFROM base\nCMD ["top"]\n', prints=()),
    "empty cmd and entrypoint": Case(F + "CMD []\nENTRYPOINT []\n"),
    "expose": Case(F + "ARG P=70\nEXPOSE 80 81/udp 90-92/tcp\nEXPOSE 443/TCP $P ${P}/udp\nEXPOSE 80\n"),
    "volume": Case(F + 'ENV D=/d\nVOLUME ["/a", "/b c"]\nVOLUME /x /y $D\n'),
    "stopsignal": Case(F + "ARG S=SIGQUIT\nSTOPSIGNAL $S\n"),
    "stopsignal by number": Case(F + "STOPSIGNAL 9\n"),
    "healthcheck": Case(F + "HEALTHCHECK --interval=1m30s --timeout=3s --start-period=500ms --start-interval=2s --retries=4 CMD test -e /x\n"),
    "healthcheck exec": Case(F + 'HEALTHCHECK CMD ["true", "x"]\n'),
    "healthcheck none": Case(F + "HEALTHCHECK CMD true\nHEALTHCHECK NONE\n"),
    "shell": Case(F + 'SHELL ["/bin/sh", "-xec"]\nRUN echo hi > /x\nCMD echo y\nENTRYPOINT echo z\n', prints=()),
    "user": Case(F + "ENV U=www-data\nUSER 1000:1000\nRUN id > /tmp/one\nUSER $U\nRUN id > /tmp/two\nUSER nobody:users\n", prints=(*SH, "id; cat /tmp/one /tmp/two")),
    # --- directories
    "workdir": Case(F + "ENV R=rel\nWORKDIR /a/b\nWORKDIR c\nWORKDIR $R/../d\nRUN pwd > here\n", prints=(*SH, "pwd; cat here")),
    "workdir that exists": Case(F + "WORKDIR /etc\nWORKDIR /tmp/\n", prints=("pwd",)),
    "workdir of a user": Case(F + "USER 1000:1001\nWORKDIR /made/deep\n", prints=(*SH, "stat -c '%u %g %a' .")),
    "workdir by a link": Case(F + "RUN mkdir /real && ln -s /real /link\nWORKDIR /link/sub\nRUN echo x > f\n", prints=(*SH, "ls /real/sub")),
    # --- triggers and arguments
    "onbuild": Case(
        "FROM busybox AS base\nONBUILD ENV T=1\nONBUILD RUN echo triggered $T > /t\nONBUILD COPY a.txt /a\nFROM base\nCMD cat /t /a\n",
        TREE, prints=(),
    ),
    "onbuild that is kept": Case(F + "ONBUILD RUN echo x\nONBUILD COPY . /app\nONBUILD CMD [\"x\"]\n"),
    "arg": Case(
        "ARG TAG=latest\nARG OUT=global\nFROM busybox:$TAG AS one\nARG OUT\nARG A=default B\nRUN echo \"$OUT|$A|$B|$C\" > /one\n"
        "FROM one\nARG A\nARG C=c$A\nENV E=$C\nRUN echo \"$OUT|$A|$B|$C\" > /two\n",
        arguments={"A": "given", "B": "b b"}, prints=("cat", "/one", "/two"),
    ),
    "arg under env": Case(F + "ARG A=arg\nENV A=env\nRUN echo $A > /a\nARG A=again\nRUN echo $A >> /a\n", prints=("cat", "/a")),
    "arg of a proxy": Case(F + "RUN echo $http_proxy > /p\n", arguments={"http_proxy": "http://p:1"}, prints=("cat", "/p")),
    "arg of platforms": Case(F + "ARG TARGETOS\nARG TARGETARCH TARGETPLATFORM BUILDPLATFORM\nRUN echo $TARGETOS $TARGETPLATFORM > /p\n", peers=BUILDX, prints=("cat", "/p")),
    "labels and arguments": Case(F + "ARG A\nLABEL given=by-file a=$A\n", arguments={"A": "1"}, labels={"given": "by option", "x.y": "z"}),
    # --- text
    "continuations": Case("# a comment\n\nfrom busybox\n  run echo a \\\n  # in between\n\n  b \\\n   > /f && \\\n  cat /f\ncmd cat /f\n", prints=()),
    "escape": Case("# escape=`\nFROM busybox\nRUN echo a `\n b > /f\nENV A=c:\\d B=a`$b\n", prints=("cat", "/f")),
    "heredocs": Case(
        F + "ENV V=v\nRUN <<EOF\necho $V > /one\necho two >> /one\nEOF\nRUN cat <<'A' > /two && cat <<-B > /three\n$V\nA\n\t$V tab\nB\n"
        "COPY <<x.txt <<\"y.txt\" /files/\nvalue $V\nx.txt\nraw $V\ny.txt\nRUN <<EOF\n#!/bin/cat\nshown\nEOF\n",
        peers=BUILDX, prints=("cat", "/one", "/two", "/three", "/files/x.txt", "/files/y.txt"),
    ),
    # --- COPY and ADD
    "copy of files": Case(F + "COPY a.txt /x\nCOPY a.txt b.txt /new/dir/\nCOPY bin/tool /etc/\nWORKDIR /w\nCOPY c.md rel/\nCOPY a.txt .\n", TREE, MODES),
    "copy of directories": Case(F + "COPY dir /d\nCOPY dir /tmp/\nCOPY dir/sub dir/empty /two/\n", TREE, MODES),
    "copy of everything": Case(F + "COPY . /all\n", TREE, MODES),
    "copy of wildcards": Case(F + "COPY *.txt /t/\nCOPY d?r/s* /s/\nCOPY [ab].* dir/*/two /m/\n", TREE, MODES),
    "copy json": Case(F + 'COPY ["a b", "c d/"]\nENV N=b.txt\nCOPY ["$N", "/v"]\n', {**TREE, "a b": "space\n"}),
    "copy of a link to a file": Case(F + "COPY filelink /f\nCOPY dirlink/one /one\n", TREE),
    "copy of a link to a directory": Case(F + "COPY dirlink /d\n", TREE),
    "copy onto links": Case(F + "RUN mkdir /real && ln -s /real /link && echo old > /real/f && ln -s f /real/l\nCOPY a.txt /link/\nCOPY b.txt /link/l\n", TREE, MODES, prints=(*SH, "ls -l /real | awk '{print $1,$9,$10,$11}'; cat /real/f")),
    "copy over what exists": Case(F + "RUN mkdir -p -m 700 /d/sub && chown 5:6 /d && echo old > /d/one && chmod 751 /tmp\nCOPY dir /d\nCOPY a.txt /tmp/\n", TREE, MODES),
    "copy of an owner": Case(F + "COPY --chown=1000:1001 dir /d\nCOPY --chown=www-data a.txt /a\nCOPY --chown=nobody:users b.txt /new/b\nCOPY --chown=55 c.md /c\n", TREE, MODES),
    "copy for a user": Case(F + "USER 1000\nCOPY a.txt /a/b/\nWORKDIR /w\nCOPY a.txt .\n", TREE),
    "copy of a mode": Case(F + "COPY --chmod=750 a.txt /a\nCOPY --chmod=640 --chown=1:2 dir /d\nCOPY --chmod=u+x,g=,o-r b.txt /n/b\n", TREE, MODES, peers=BUILDX),
    "copy of a setuid file": Case(F + "COPY a.txt /new/\nRUN mkdir /d\nCOPY --chown=1:1 b.txt /d/\n", TREE, {"a.txt": 0o4755, "b.txt": 0o2711}),
    "copy linked": Case(F + "RUN mkdir -m 700 /d && ln -s d /l\nCOPY --link a.txt /d/\nCOPY --link --chown=3:4 dir /e/f/\n", TREE, MODES, peers=BUILDX),
    "copy with exclusions": Case(F + "COPY --exclude=*.md --exclude=dir/sub . /x/\nCOPY --exclude=one dir /y\n", TREE, peers=BUILDX),
    "copy with parents": Case(F + "COPY --parents dir/sub/two a.txt /p/\nCOPY --parents dir/./sub/deep /q/\n", TREE, MODES, peers=()),
    "copy from a stage": Case(
        "FROM busybox AS one\nRUN mkdir -p /o/d && echo x > /o/f && ln -s f /o/l && ln /o/f /o/h && chown -R 9:9 /o && chmod 1755 /o/d && chmod 711 /o/f && mkfifo /o/p\n"
        "FROM busybox\nCOPY --from=one /o /copied\nCOPY --from=0 /o/f /o/d /two/\nCOPY --from=one --chown=1:1 /o/l /l\n",
    ),
    "copy from an image": Case("FROM scratch\nCOPY --from=busybox /etc/passwd /etc/group /etc/\nCOPY --from=busybox:latest /home /home\n"),
    "add of archives": Case(
        F + "ADD a.tar /a\nADD b.tgz c.tbz /b/\nADD a.tar.txt /not\nADD e.zip /e/\nADD dir /d\n",
        {"a.tar": packed(odd_tree), "b.tgz": packed(plain, "gz"), "c.tbz": packed(plain, "bz2"), "a.tar.txt": "no archive\n", "e.zip": b"PK\x03\x04", "dir/x.tar": packed(plain)},
    ),
    "add of an archive with an owner": Case(F + "ADD --chown=5:6 a.tar /a/\nADD --chown=5:6 b.tgz b.txt /b/\n", {"a.tar": packed(odd_tree), "b.tgz": packed(plain, "gz"), "b.txt": "b\n"}),
    "add of attributes": Case(F + "ADD a.tar /a/\n", {"a.tar": packed(with_xattrs)}),
    "add by a name that is packed": Case(F + "ADD plain.tar.gz /p/\n", {"plain.tar.gz": "no archive\n"}),
    "dockerignore": Case(
        F + "COPY . /all\n",
        {**TREE, ".dockerignore": "# comment\n*.md\n**/two\n!dir/sub/two\nDockerfile\n.dockerignore\n  bin/  \n/dir/empty\n"}, MODES,
    ),
    "dockerignore with exceptions": Case(F + "COPY . /all\n", {**TREE, ".dockerignore": "*\n!dir\ndir/s*\n!dir/sub/deep\n!*.txt\n?.txt\n!b.txt\n"}, MODES),
    "names": Case(F + "COPY . /n/\nRUN touch '/n/ü ö' \"/n/$(printf 'x%.0s' $(seq 150))\"\n", {"d/é": "1", "d/with space": "2", "d/" + "y" * 120 + "/" + "z" * 120: "3", "d/a%2Fb#c": "4"}),
    # --- stages
    "stages": Case(
        "FROM busybox AS a\nRUN echo a > /a\nFROM busybox AS unused\nRUN exit 1\nFROM a AS b\nRUN echo b > /b\nFROM scratch\nCOPY --from=a /a /\nCOPY --from=b /a /b /c/\n", peers=BUILDX
    ),
    "target": Case("FROM busybox AS a\nENV A=1\nFROM a AS mid\nRUN echo mid > /mid\nCMD cat /mid\nFROM mid\nRUN exit 1\n", target="MID", prints=()),
    "scratch": Case("FROM scratch\nCOPY a.txt /\nENV A=b\nCMD [\"/a.txt\"]\n", TREE),
    # --- RUN
    "run": Case(F + 'RUN echo a > /a\nRUN ["sh", "-c", "echo $0 > /b", "zero"]\nRUN umask > /u; id >> /u; cat /proc/self/status | grep -e CapEff -e NoNew -e Seccomp: >> /u\n', prints=("cat", "/a", "/b", "/u")),
    "run that changes nothing": Case(F + "RUN true\nRUN touch /tmp/x && rm /tmp/x\nENV A=b\nRUN echo > /x\n"),
    "run that deletes": Case(F + "RUN mkdir -p /d/e && touch /d/f /d/e/g /h\nRUN rm /d/f /etc/group && rm -r /d/e\nRUN rm -r /d /home\n", prints=("ls", "/", "-d", "/d")),
    "run that replaces": Case(F + "RUN mkdir /d && touch /d/a /f && ln -s f /l\nRUN rm -r /d && mkdir /d && touch /d/b && rm /f && mkdir /f && rm /l && touch /l\nRUN rm -r /f && echo x > /f\n", prints=("ls", "/d", "/f", "/l")),
    "run that renames": Case(F + "RUN mkdir -p /d/e && echo x > /d/e/f && echo y > /g\nRUN mv /g /h && mv /d/e/f /d/g\nRUN mv /d /k && mv /home /house\n", prints=("ls", "/k", "/house")),
    "run that changes modes": Case(F + "RUN mkdir /d && echo x > /d/f\nRUN chmod 4711 /d/f\nRUN chmod 1777 /d\nRUN chown 7:8 /d/f && chown 7:8 /d\nRUN chmod 700 /home\n"),
    "run that links": Case(F + "RUN echo x > /f && ln /f /g && ln -s /f /s && ln -s nowhere /n\nRUN ln /f /h && echo more >> /g\nRUN ln -sf /g /s && rm /f\n"),
    "run of special files": Case(F + "RUN mkfifo -m 620 /p && mkdir -m 2750 /d && mkfifo /d/q\nRUN rm /p && mkfifo /p && mv /d/q /d/r\n"),
    "run that touches": Case(F + "RUN mkdir /d && echo x > /d/f\nRUN touch /d/f\nRUN touch /d\nRUN cp -a /d/f /d/g && mv /d/g /d/f\n"),
    "run below a volume": Case(F + "RUN mkdir /v && echo old > /v/old\nVOLUME /v\nRUN echo new > /v/new; echo x > /beside\nCOPY a.txt /v/\n", TREE, prints=(*SH, "ls /v")),
    "run in places that are mounted": Case(F + "RUN echo 1 > /dev/shm/x; echo 2 > /etc/hosts; touch /dev/y; mkdir /run/z; echo n > /tmp/n\n"),
    "run with mounts": Case(
        F + "WORKDIR /w\nRUN --mount=type=cache,target=/cache/deep echo x > /cache/deep/x\nRUN --mount=type=tmpfs,target=/t echo x > /t/x; mount | grep -c ' /t ' > /n\n"
        "RUN --mount=target=/ctx cat /ctx/a.txt > /got; echo x 2>&1 > /ctx/new || echo read-only >> /got\n"
        "RUN --mount=type=bind,source=dir,target=rel,rw touch rel/new && ls rel > /listed\nRUN --mount=type=secret,id=none cat /run/secrets/none 2>&1 | wc -l >> /got\n",
        TREE, peers=BUILDX, prints=("cat", "/n", "/got", "/listed"),
    ),
    "run with mounts of stages": Case(
        "FROM busybox AS one\nRUN mkdir /o && echo one > /o/f\nFROM busybox\nRUN --mount=from=one,source=/o,target=/m cat /m/f > /x\n"
        "RUN --mount=from=busybox,target=/bb ls -d /bb/etc >> /x\nRUN --mount=type=cache,target=/c,uid=5,gid=6,mode=0711 stat -c '%u %g %a' /c >> /x\n",
        peers=BUILDX, prints=("cat", "/x"),
    ),
    "run without a network": Case(F + "RUN --network=none ls /sys/class/net > /n\nRUN hostname > /h\n", peers=BUILDX, prints=("cat", "/n", "/h")),
}  # fmt: skip
