"""For each wrong answer the claim that rejects it, as a pattern, and where the step itself fails, what is said then."""

from typing import NamedTuple


class Reason(NamedTuple):
    """`claim` must be among those that did not hold; `said` stands in what the step printed or raised."""

    claim: str
    said: str = ""


def raised(said: str) -> Reason:
    return Reason("your step raised an error", said)


OWN = Reason("labcore's version was called: the step is to be your own")
NOBODY = Reason("no container was seen that runs the program that was asked for")
CODE = Reason("the program's exit code, returned")
NAME = Reason("host name")
NUMBER = Reason("the number out here of the process that is")
ROOT = Reason("its root is the directory that was named")
OVERLAY = Reason("its root is an overlay")
CGROUP = Reason("it was born in a cgroup of its own")
POWERS = Reason("what it can ever gain: the capabilities that were asked for")
FILTER = Reason("a filter looks at its system calls")
DIGEST = Reason("and is the digest of the bytes that were given")
DELETED = Reason("/etc/gone, which a layer deletes, is not to be seen")
CONFIG = Reason("the config: other bytes than were asked for are refused")
FILE = Reason("a file that the layer deletes is not to be seen")
BELOW = Reason("and nothing that lower layers have there")
EACH = Reason("a file that each layer has is found in each, the lowest first")
NAMESPACE = Reason("where no .* namespaces may be made, .* is missing")
NO_OVERLAY = Reason("or nothing can be mounted, the overlay is missing")
DEV = Reason("/dev is a tmpfs of its own")
DEVICE = Reason("each device of the spec is there, with its numbers")
SAYS_SO = Reason("for each thing that is missing it prints a line, with its cure")
FAILS = Reason("a program that is not there is no success")
HAS_BRIDGE = Reason("there is a bridge lab0 in the host's network")
HAS_CABLE = Reason("eth0 is in the container's network, one end of a veth pair")
ON_BRIDGE = Reason("the other end is a port of lab0, in the host's network")
COMES_THROUGH = Reason("bytes that come through to its program, which answers at their end")
MACHINE = Reason("a program's machine is the number at byte 18")

REJECTED: dict[tuple[int, str], dict[str, Reason]] = {
    (1, "hostname"): {
        "a faked print": NAME,
        "a hard-coded name": NAME,
        "a call of the reference": OWN,
        "a call of labcore's stage": OWN,
        "a lookalike without a container": Reason("it is process 1 of its own PID namespace"),
        "the machine's own name changed": Reason("the machine that starts it keeps its own name"),
    },
    (1, "namespaces"): {
        "a faked print": Reason("pid: a namespace of its own"),
        "hard-coded kinds": Reason("(a namespace of its own|the starter's, for the spec does not ask for one)"),
        "all kinds, asked for or not": Reason("the starter's, for the spec does not ask for one"),
        "a call of the reference": OWN,
        "a call of the reference, hidden": OWN,
    },
    (1, "rootfs"): {
        "a faked print": NOBODY,
        "a hard-coded directory": ROOT,
        "a call of the reference": OWN,
        "the old root left in place": Reason("nothing of the old root is left in it"),
        "the machine's mounts not made private": raised("mounts still propagate to the host here"),
        "no /proc": Reason("/proc is mounted, a proc file system"),
        "the root not bound onto itself": raised("pivot_root . .: EINVAL"),
        "mounts that follow the machine's": Reason("its mounts are private"),
        "the machine's /proc": Reason("and shows its own processes: process 1 is the program"),
    },
    (1, "run"): {
        "a faked print": NOBODY,
        "a hard-coded name": NAME,
        "a call of the reference": OWN,
        "a call of labcore.run": OWN,
        "a chroot in place of a container": Reason("it is process 1 of its own PID namespace"),
        "a chroot in new namespaces": ROOT,
        "a process that is gone when it is looked at": NOBODY,
        "always success": CODE,
        "success for every failure": FAILS,
        "no lookup in PATH": raised("execve"),
    },
    (1, "outside_pid"): {
        "a faked print": NUMBER,
        "a hard-coded number": NUMBER,
        "direct children only": NUMBER,
        "the process of that number in another container": NUMBER,
        "the youngest": NUMBER,
        "arithmetic": NUMBER,
        "a call of the reference": OWN,
    },
    (1, "read_only"): {
        "a faked print": Reason("the program could not write to /"),
        "a hard-coded directory": Reason("/ is mounted read-only"),
        "a call of the reference": OWN,
        "/tmp forgotten": Reason("the program could write to /tmp"),
    },
    (2, "limits"): {
        "a faked print": CGROUP,
        "hard-coded limits": Reason("most processes in its cgroup"),
        "a call of the reference": OWN,
        "a call of the reference, hidden": OWN,
        "labcore's settings": OWN,
        "only the memory": Reason("most processes in its cgroup"),
        "the starter moved in": CGROUP,
        "a limit where none is asked for": Reason("its memory has no limit of its own"),
        "limits for what asks for none": Reason("for `Resources..` there is no op"),
        "what the kernel refuses passed over": Reason("a limit that the kernel refuses is an error"),
        "another name": CGROUP,
    },
    (2, "confine"): {
        "a faked print": POWERS,
        "a hard-coded map": Reason("uid_map: inside, outside"),
        "hard-coded capabilities": POWERS,
        "a call of the reference": OWN,
        "a call of the reference, hidden": OWN,
        "the bounding set left whole": POWERS,
        "no filter": FILTER,
        "the filter too late": raised("seccomp a filter"),
        "the filter too early": raised("call unshare.NEWUSER.: EPERM"),
        "mapped, but nobody becomes root": Reason("the user outside that root inside is"),
        "the users' map for the groups, too": Reason("gid_map: inside, outside"),
        "the first range of a map only": Reason("uid_map: inside, outside"),
        "inheritable capabilities left": Reason("what it hands on to programs: the capabilities that were asked for"),
        "all the usual paths read-only": Reason("and no path is that the spec does not name"),
        "users without a map": Reason("uid_map: inside, outside"),
        "everything writable": Reason("is read-only"),
        "always a user namespace": Reason("no user namespace, for the spec does not ask for one"),
    },
    (2, "run"): {
        "a faked print": NOBODY,
        "a hard-coded name": NAME,
        "a call of the reference": OWN,
        "a call of labcore.run": OWN,
        "as in lesson 1": CGROUP,
        "limits only": POWERS,
        "rights only": CGROUP,
        "confined before the root is turned": raised("mounts still propagate to the host here"),
        "always success": CODE,
        "success for every failure": FAILS,
    },
    (3, "digest"): {
        "a faked print": Reason("it returns a text"),
        "a hard-coded digest": DIGEST,
        "a call of the reference": OWN,
        "the digits alone": Reason("which begins with sha256:"),
        "another algorithm": DIGEST,
        "of what Python prints": DIGEST,
        "bytes in place of text": Reason("which begins with sha256:"),
    },
    (3, "layers"): {
        "a faked print": raised("layers returned nothing"),
        "hard-coded names": raised("store/layers/3, .* does not exist"),
        "a call of the reference": OWN,
        "a call of labcore's unpacking": OWN,
        "the lowest first": Reason("each file is that of the topmost layer that has it"),
        "all in one directory": Reason("each layer has a directory of its own in the store"),
        "marks left as they are": DELETED,
        "the marks only taken away": DELETED,
        "what tar says is passed over": Reason("a layer that is cut off is an error"),
        "unpacked anew each time": Reason("unpacked once: the second time the same names come back"),
        "the middle one left out": Reason("each layer has a directory of its own in the store"),
        "blobs thrown away": Reason("what lay in the store is as it was"),
    },
    (3, "overlay"): {
        "a faked print": raised("pivot_root . .: EBUSY"),
        "a hard-coded directory": raised("/var/lib/labcore/lab/store"),
        "a call of the reference": OWN,
        "a call of the reference, hidden": OWN,
        "a call of labcore's stage": OWN,
        "the lowest on top": Reason("its read-only layers are the image's, the topmost first"),
        "no layer of its own": Reason("with a layer on top that can be written to"),
        "no workdir": raised("an overlay with an upperdir needs a workdir beside it"),
        "the whole store covered": Reason("and its own lies in `root.scratch`"),
        "on the disk, where it stays": Reason("what the container wrote was in memory, and is gone with it"),
        "an image's layer to write to": Reason("what lay in the store is as it was"),
        "a copy of the layers": OVERLAY,
    },
    (3, "rootfs"): {
        "a faked print": NOBODY,
        "a hard-coded directory": OVERLAY,
        "a call of the reference": OWN,
        "a call of lesson 1's reference": OWN,
        "as in lesson 1": raised("mount proc on /proc: ENOENT"),
        "layers only": raised("'BindRoot' object has no attribute"),
        "the mounts made private too late": raised("mounts still propagate to the host here"),
    },
    (3, "pull"): {
        "a faked print": Reason("the manifest was asked for by its tag"),
        "a hard-coded tag": raised("manifests/latest: 404"),
        "a call of the reference": OWN,
        "a call of labcore's pull": OWN,
        "nothing is checked": CONFIG,
        "only the sizes are compared": CONFIG,
        "the config is not checked": CONFIG,
        "kept before it is checked": Reason("and not kept"),
        "a warning in place of a refusal": CONFIG,
        "layers without the config": Reason("config and layers lie in the store, each under its digest"),
        "no name is given": Reason("the image has its name there"),
        "named before it is whole": Reason("nor has an image a name there whose parts did not all come"),
        "what cannot be written is passed over": Reason("nor where its parts could not be kept"),
        "an empty manifest is named": Reason("the digest of the manifest that has that name"),
        "nothing comes back": Reason("the manifest came back"),
    },
    (3, "run"): {
        "a faked print": NOBODY,
        "a hard-coded image": raised("no image busybox"),
        "a call of the reference": OWN,
        "a call of labcore.run": OWN,
        "as in lesson 1": raised("bind rec: ENOENT"),
        "images only": raised("lab.manifest.store, root."),
        "no limits": CGROUP,
        "no rights taken away": POWERS,
        "further fields dropped": CGROUP,
        "success for every failure": FAILS,
        "always success": CODE,
    },
    (3, "whiteouts"): {
        "a faked print": FILE,
        "a hard-coded name": Reason("nor is a whole directory that it deletes"),
        "a call of the reference": OWN,
        "opaque directories forgotten": BELOW,
        "an opaque mark taken for a name": BELOW,
        "the marks only taken away": FILE,
        "the marks left": Reason("no mark is left"),
        "the top directory only": FILE,
        "empty files for what is deleted": Reason("a device 0/0 stands for what is deleted"),
    },
    (3, "dig"): {
        "a faked print": EACH,
        "a hard-coded secret": Reason("one that there is not, nowhere"),
        "a call of the reference": OWN,
        "what a container sees": EACH,
        "the topmost first": EACH,
        "names in place of contents": EACH,
    },
    (4, "preflight"): {
        "a faked print": NAMESPACE,
        "a hard-coded list": Reason("on this machine as it is, nothing is missing"),
        "a call of the reference": OWN,
        "a call of the reference, hidden": OWN,
        "a call of labcore's doctor": OWN,
        "read in place of tried": NAMESPACE,
        "without the overlay": NO_OVERLAY,
        "an overlay somewhere else": NO_OVERLAY,
        "without the cgroups": Reason("where no cgroups are mounted, they are missing"),
        "some namespaces only": NAMESPACE,
        "no cure": Reason("each comes with a cure"),
        "the error in place of its cure": Reason("a cure says what to do, not what went wrong"),
        "the cause in place of its cure": Reason("a cure says what to do, not what went wrong"),
        "names without their cures": raised("it returns a dictionary, what is missing and its cure"),
        "the first failure is raised": raised("StepFailed"),
        "the right names in the wrong places": NAMESPACE,
    },
    (4, "devices"): {
        "a faked print": DEV,
        "a hard-coded list": DEVICE,
        "a call of the reference": OWN,
        "a call of labcore's stage": OWN,
        "the machine's /dev, disks and all": Reason("and no other: not the machine's disks"),
        "into the image's own directory": DEV,
        "the umask forgotten": Reason("everybody may read and write each"),
        "the umask left at 0": Reason("the program's umask"),
        "a /dev in which everybody may make files": Reason("nobody but root may make anything in it"),
        "terminals for root only": Reason("everybody may open that one"),
        "no pts": Reason("/dev/pts is a devpts"),
        "no ptmx": Reason("/dev/ptmx leads to the one in there"),
        "major and minor exchanged": DEVICE,
        "empty files": DEVICE,
    },
    (4, "rootfs"): {
        "a faked print": NOBODY,
        "a hard-coded directory": OVERLAY,
        "a call of the reference": OWN,
        "as in lesson 3": DEV,
        "before the root is entered": raised("mount tmpfs on dev"),
        "behind the old root": Reason("devices that are bound from the old root are there"),
        "for images only": DEV,
    },
    (4, "main"): {
        "a faked print": NOBODY,
        "a hard-coded image": NOBODY,
        "a call of the reference": OWN,
        "the engine's run": OWN,
        "a subprocess in place of a container": NOBODY,
        "preflight is not asked": SAYS_SO,
        "a warning, and on with it": Reason("starts nothing"),
        "silently given up": SAYS_SO,
        "always success": CODE,
        "success where something is missing": Reason("and returns 125"),
        "the usage on standard output": Reason("says on standard error how it is used"),
        "a usage without the command": Reason("says on standard error how it is used"),
        "success where no container starts": Reason("where `run` fails, its error is raised"),
        "a cure is kept back": SAYS_SO,
        "1 for everything": Reason("and returns 125"),
        "all words in one": NOBODY,
        "falls over its own words": Reason("for fewer than three words, or another first one, it returns 2"),
    },
    (4, "machine_of"): {
        "a faked print": MACHINE,
        "a hard-coded number": MACHINE,
        "a call of the reference": OWN,
        "a call of labcore's": OWN,
        "the machine that it runs on": MACHINE,
        "little-endian only": Reason("in the byte order that byte 5 names"),
        "a script is a program, too": Reason("a script is for no machine"),
        "a file that is cut off": Reason("nor is a file that is cut off|your step raised an error"),  # as short as it is drawn
    },
    (7, "bridge"): {
        "a faked print": HAS_BRIDGE,
        "a hard-coded process": Reason("nothing was added to the machine's own network"),
        "a call of the reference": OWN,
        "a call of the reference, hidden": OWN,
        "a call of labcore's driver": OWN,
        "not up": Reason("lab0 is up"),
        "without an address": Reason("the addresses of lab0"),
        "one address alone": Reason("the addresses of lab0"),
        "a veth pair in place of a bridge": HAS_BRIDGE,
        "made anew each time": raised("File exists"),
    },
    (7, "connect"): {
        "a faked print": HAS_CABLE,
        "a hard-coded address": Reason("its address is nobody else's on the bridge"),
        "a hard-coded number": raised("File exists"),
        "a call of the reference": OWN,
        "a call of labcore's driver": OWN,
        "the cable not laid": ON_BRIDGE,
        "not in the bridge": ON_BRIDGE,
        "the host's end is down": Reason("and it is up"),
        "the container's end is down": Reason("eth0 of the container is up"),
        "no loopback": Reason("lo of the container is up"),
        "no default route": Reason("gateway of its default route"),
        "the way out leads to itself": Reason("gateway of its default route"),
        "the bridge's address": Reason("its address is nobody else's on the bridge"),
        "no subnet": Reason("it has one address, of the network"),
        "wired to the machine": Reason("nothing was added to the machine's own network"),
        "an end is left over": Reason("no end is left over"),
        "another name inside": HAS_CABLE,
    },
    (7, "run"): {
        "a faked print": NOBODY,
        "a hard-coded image": raised("no image busybox"),
        "a call of the reference": OWN,
        "as in lesson 3": HAS_CABLE,
        "connected to itself": HAS_CABLE,
        "connected before it is there": HAS_CABLE,
        "the machine's network in place of one": HAS_CABLE,
        "no limits": CGROUP,
    },
    (7, "publish"): {
        "a faked print": Reason("somebody listens at the port of the machine"),
        "a hard-coded port": COMES_THROUGH,
        "a hard-coded answer": Reason("a connection that nobody in the container answers is closed"),
        "a call of the reference": OWN,
        "a call of labcore's proxy": OWN,
        "one direction only": COMES_THROUGH,
        "the end is not passed on": COMES_THROUGH,
        "the first piece only": COMES_THROUGH,
        "one after the other": Reason("while one connection says nothing, another is served"),
        "connected once and for all": COMES_THROUGH,
        "it gives up when nobody answers": COMES_THROUGH,
        "it goes on when the container has ended": Reason("when the container has ended, nobody listens at the port any more"),
        "a port in use is passed over": Reason("a port of the machine that is in use is an error"),
        "connected from the machine": COMES_THROUGH,
    },
}
