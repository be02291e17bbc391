"""The default profile: what Docker's allows, and refuses, by capability, processor and kernel.

Everything that is not named gets EPERM. Names that a processor does not know are passed over when the filter is compiled.
"""

from __future__ import annotations

from functools import lru_cache

from labcore.spec import Comparison, SeccompProfile, SeccompRule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

ALWAYS = """
    _llseek _newselect accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chown32
    clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
    clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl
    epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat
    faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl
    fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync
    ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat get_robust_list
    get_thread_area getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32
    getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32
    getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getuid32 getxattr getxattrat inotify_add_watch
    inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup
    io_submit ioctl ioprio_get ioprio_set ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown
    lchown32 lgetxattr link linkat listen listmount listxattr listxattrat llistxattr lremovexattr lseek lsetxattr lstat lstat64
    madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap
    mmap2 mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64
    mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat
    open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64
    prctl pread64 preadv preadv2 prlimit64 process_mrelease pselect6 pselect6_time64 pwrite64 pwritev pwritev2 read readahead
    readlink readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename
    renameat renameat2 restart_syscall riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
    rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max
    sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
    sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select
    semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto set_robust_list
    set_thread_area set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer
    setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid
    setsockopt setuid setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask
    sigreturn socketcall socketpair splice stat stat64 statfs statfs64 statmount statx symlink symlinkat sync sync_file_range
    syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime
    timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate
    truncate64 ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork vmsplice wait4
    waitid waitpid write writev
"""

# Before Linux 4.8 a traced process could change its system call after the filter had looked at it.
SINCE_4_8 = "process_vm_readv process_vm_writev ptrace"

BY_MACHINE = {
    "x86_64": "arch_prctl modify_ldt",
    "aarch64": "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls",
}

BY_CAPABILITY = {
    "DAC_READ_SEARCH": "open_by_handle_at",
    "SYS_ADMIN": """
        bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules
        lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname
        sethostname setns syslog umount umount2 unshare
    """,
    "SYS_BOOT": "reboot",
    "SYS_CHROOT": "chroot",
    "SYS_MODULE": "delete_module finit_module init_module",
    "SYS_PACCT": "acct",
    "SYS_PTRACE": "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace",
    "SYS_RAWIO": "ioperm iopl",
    "SYS_TIME": "clock_settime clock_settime64 settimeofday stime",
    "SYS_TTY_CONFIG": "vhangup",
    "SYS_NICE": "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
    "SYSLOG": "syslog",
    "BPF": "bpf",
    "PERFMON": "perf_event_open",
}

AF_ALG, AF_VSOCK = 38, 40  # the kernel's own ciphers, and the hypervisor past every network namespace
AF_MAX = 46  # the first number that no family has: linux/socket.h
PERSONALITIES = (0x0, 0x0008, 0x20000, 0x20008, 0xFFFFFFFF)  # Linux, 32-bit Linux, both with UNAME26, and the question which
NAMESPACE_FLAGS = 0x7E020000  # all of clone's that make a namespace
ENOSYS = 38  # makes the C library try the older `clone`, whose flags a filter can see

# The 32-bit relatives whose programs run here too.
RELATIVES = {"x86_64": ("SCMP_ARCH_X86", "SCMP_ARCH_X32"), "aarch64": ("SCMP_ARCH_ARM",)}


@lru_cache(maxsize=16)
def default_profile(capabilities: frozenset[str], machine: str, kernel: tuple[int, int]) -> SeccompProfile:
    """Return the profile for a container with these capabilities (names without CAP_), on a machine and a kernel release."""
    rules = [_allow(ALWAYS), *_conditional(), _allow(BY_MACHINE.get(machine, ""))]
    if kernel >= (4, 8):
        rules.append(_allow(SINCE_4_8))
    rules += [_allow(names) for capability, names in BY_CAPABILITY.items() if capability in capabilities]
    if "SYS_ADMIN" not in capabilities:
        rules.append(SeccompRule(("clone",), "SCMP_ACT_ALLOW", (Comparison(0, "SCMP_CMP_MASKED_EQ", NAMESPACE_FLAGS, 0),)))
        rules.append(SeccompRule(("clone3",), "SCMP_ACT_ERRNO", errno=ENOSYS))
    # Refused in any case, and named so that the calls of other capabilities are not taken for newer than the profile.
    rules.append(SeccompRule(tuple(" ".join(BY_CAPABILITY.values()).split()), "SCMP_ACT_ERRNO"))
    return SeccompProfile(
        "SCMP_ACT_ERRNO", tuple(rule for rule in rules if rule.names), architectures=RELATIVES.get(machine, ())
    )


def _allow(names: str) -> SeccompRule:
    return SeccompRule(tuple(names.split()), "SCMP_ACT_ALLOW")


def _conditional() -> Iterable[SeccompRule]:
    # All other families, one by one above: the filter sees 64 bits of which the kernel takes 32, so that "greater than 40"
    # would let 40 through with a bit set above these.
    above = [("EQ", family) for family in range(AF_ALG + 1, AF_MAX) if family != AF_VSOCK]
    for operator, family in (("LT", AF_ALG), *above):
        yield SeccompRule(("socket",), "SCMP_ACT_ALLOW", (Comparison(0, f"SCMP_CMP_{operator}", family),))
    for persona in PERSONALITIES:
        yield SeccompRule(("personality",), "SCMP_ACT_ALLOW", (Comparison(0, "SCMP_CMP_EQ", persona),))
