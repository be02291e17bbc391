/* labcore-floor: the least that a container start can cost on this kernel.
 *
 *     labcore-floor DIRECTORY LAYER FILTER PROGRAM [ARG...]
 *
 * makes the system calls of labcore's default plan, written out by hand, with nothing around them: no plan, no checks, no
 * report. DIRECTORY holds LAYER and an empty directory `scratch`; FILTER is a file with the compiled seccomp filter. For each
 * line on standard input it runs PROGRAM once in a container and writes the nanoseconds from before clone to after its exit, or
 * "failed". A test compares what a program sees in here with what it sees in labcore's container.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "compat.h"

#define MUST(call)                                                                                                             \
    if ((call) < 0)                                                                                                            \
    return 127

enum { QUIET = MS_NOSUID | MS_NODEV | MS_NOEXEC };

static const char *const hidden_files[] = {
    "/proc/asound",      "/proc/interrupts", "/proc/kcore",       "/proc/keys", "/proc/latency_stats",
    "/proc/sched_debug", "/proc/timer_list", "/proc/timer_stats", "/proc/scsi", "/sys/devices/virtual/powercap"};
static const char *const hidden_directories[] = {"/proc/acpi", "/sys/firmware"};
static const char *const protected[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
static const uint64_t kept = 1 << CAP_CHOWN | 1 << CAP_DAC_OVERRIDE | 1 << CAP_FSETID | 1 << CAP_FOWNER | 1 << CAP_NET_RAW |
                             1 << CAP_SETGID | 1 << CAP_SETUID | 1u << CAP_SETFCAP | 1 << CAP_SETPCAP |
                             1 << CAP_NET_BIND_SERVICE | 1 << CAP_SYS_CHROOT | 1 << CAP_KILL | 1 << CAP_AUDIT_WRITE;

struct job {
    const char *directory;
    char options[4096];
    struct sock_fprog filter;
    char **argv;
};

static int mount_root(const struct job *job)
{
    MUST(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
    MUST(chdir(job->directory));
    MUST(mount("tmpfs", "scratch", "tmpfs", MS_NODEV, "mode=700"));
    MUST(mkdir("scratch/upper", 0755));
    MUST(mkdir("scratch/work", 0755));
    MUST(mkdir("scratch/root", 0755));
    MUST(mount("overlay", "scratch/root", "overlay", MS_NODEV, job->options));
    MUST(chdir("scratch/root"));
    MUST(syscall(SYS_pivot_root, ".", "."));
    MUST(umount2(".", MNT_DETACH));
    return chdir("/");
}

static int mount_inside(void)
{
    mkdir("/proc", 0755);
    mkdir("/sys", 0755);
    mkdir("/dev", 0755);
    MUST(mount("proc", "/proc", "proc", QUIET, NULL));
    MUST(mount("sysfs", "/sys", "sysfs", QUIET | MS_RDONLY, NULL));
    MUST(mount("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"));
    MUST(mkdir("/dev/pts", 0755));
    MUST(mkdir("/dev/shm", 0755));
    MUST(mkdir("/dev/mqueue", 0755));
    MUST(mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"));
    MUST(mount("shm", "/dev/shm", "tmpfs", QUIET, "mode=1777,size=65536k"));
    MUST(mount("mqueue", "/dev/mqueue", "mqueue", QUIET, NULL));
    MUST(mknod("/dev/null", S_IFCHR | 0666, makedev(1, 3)));
    MUST(mknod("/dev/zero", S_IFCHR | 0666, makedev(1, 5)));
    MUST(mknod("/dev/full", S_IFCHR | 0666, makedev(1, 7)));
    MUST(mknod("/dev/random", S_IFCHR | 0666, makedev(1, 8)));
    MUST(mknod("/dev/urandom", S_IFCHR | 0666, makedev(1, 9)));
    MUST(mknod("/dev/tty", S_IFCHR | 0666, makedev(5, 0)));
    MUST(symlink("pts/ptmx", "/dev/ptmx"));
    MUST(symlink("/proc/self/fd", "/dev/fd"));
    MUST(symlink("/proc/self/fd/0", "/dev/stdin"));
    MUST(symlink("/proc/self/fd/1", "/dev/stdout"));
    return symlink("/proc/self/fd/2", "/dev/stderr");
}

static int confine(const struct job *job)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    MUST(fd);
    MUST(ioctl(fd, SIOCSIFFLAGS, &lo));
    close(fd);

    /* What this kernel lacks is passed over. */
    for (size_t i = 0; i < sizeof hidden_files / sizeof *hidden_files; i++)
        mount("/dev/null", hidden_files[i], NULL, MS_BIND, NULL);
    for (size_t i = 0; i < sizeof hidden_directories / sizeof *hidden_directories; i++)
        mount("tmpfs", hidden_directories[i], "tmpfs", QUIET | MS_RDONLY, "size=0");
    for (size_t i = 0; i < sizeof protected / sizeof *protected; i++) {
        mount(protected[i], protected[i], NULL, MS_BIND | MS_REC, NULL);
        mount("none", protected[i], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | QUIET, NULL);
    }

    for (int capability = 0; capability <= 63; capability++)
        if (!(kept >> capability & 1))
            prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &job->filter));
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {{(uint32_t)kept, (uint32_t)kept, 0}, {0, 0, 0}};
    return (int)syscall(SYS_capset, &header, sets);
}

static void default_signals(void)
{
    uint64_t by_default[4] = {0}; /* the kernel's struct sigaction */
    for (int number = 1; number <= 64; number++)
        syscall(SYS_rt_sigaction, number, by_default, NULL, sizeof(uint64_t));
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, by_default, NULL, sizeof(uint64_t));
}

static int child(void *argument)
{
    static char *const environment[] = {"HOSTNAME=labcore", "HOME=/root",
                                        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    const struct job *job = argument;
    default_signals();
    setsid();
    umask(0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    MUST(sethostname("labcore", 7));
    MUST(mount_root(job));
    close(3);
    syscall(SYS_close_range, 4, ~0U, 0);
    MUST(mount_inside());
    MUST(confine(job));
    MUST(chdir("/"));
    umask(022);
    execve(job->argv[0], job->argv, environment);
    return 127;
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int main(int argc, char **argv)
{
    static char stack[65536] __attribute__((aligned(16)));
    static struct job job;
    static struct sock_filter instructions[4096];
    if (argc < 5) {
        fprintf(stderr, "usage: labcore-floor DIRECTORY LAYER FILTER PROGRAM [ARG...]\n");
        return 2;
    }
    FILE *file = fopen(argv[3], "rb");
    if (!file) {
        perror(argv[3]);
        return 2;
    }
    job.filter.len = (unsigned short)fread(instructions, sizeof *instructions, 4096, file);
    job.filter.filter = instructions;
    fclose(file);
    job.directory = argv[1];
    job.argv = argv + 4;
    snprintf(job.options, sizeof job.options, "lowerdir=%s,upperdir=scratch/upper,workdir=scratch/work", argv[2]);

    int flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP;
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        uint64_t start = now();
        int status = 0;
        pid_t pid = clone(child, stack + sizeof stack, flags | CLONE_VM | CLONE_VFORK | SIGCHLD, &job);
        if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
            printf("failed\n");
        else
            printf("%llu\n", (unsigned long long)(now() - start));
        fflush(stdout);
    }
    return 0;
}
