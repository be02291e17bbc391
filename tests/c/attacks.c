/* What a hostile program tries inside a container, a word on the command line for each attempt. Compiled by the tests, static.
 *
 * No attempt harms where it succeeds: arguments are such that a call that is let through fails for another reason, or does
 * nothing. What came of it is printed, as an errno's name or as what was gained.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NEW_USER 0x10000000

static const char *outcome(long result)
{
    return result < 0 ? strerrorname_np(errno) : "done";
}

/* --- calls: one line for each system call that a container has no business with */

static void attempt(const char *name, long result)
{
    printf("%s %s\n", name, outcome(result));
}

static long clone_with(long flags) /* a child that ends at once */
{
    long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    return pid < 0 ? pid : waitpid((pid_t)pid, NULL, 0);
}

static long unshare_in_a_child(long flags) /* what it gains must not make the attempts that follow fail */
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(syscall(SYS_unshare, flags) < 0 ? errno : 0);
    waitpid(pid, &status, 0);
    errno = WEXITSTATUS(status);
    return errno ? -1 : 0;
}

#ifdef __x86_64__
static long by_the_32_bit_gate(long number) /* the same kernel, another table of calls: a filter must know both */
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(0), "c"(0), "d"(0), "S"(0), "D"(0)
                     : "r8", "r9", "r10", "r11", "memory");
    errno = result < 0 ? (int)-result : 0;
    return result < 0 ? -1 : 0;
}
#endif

static int calls(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    attempt("mount", syscall(SYS_mount, "none", "/nowhere", "tmpfs", 0, 0));
    attempt("umount", syscall(SYS_umount2, "/nowhere", 0));
    attempt("pivot_root", syscall(SYS_pivot_root, "/nowhere", "/nowhere"));
    attempt("open_tree", syscall(428, -1, "nowhere", 0));
    attempt("move_mount", syscall(429, -1, "nowhere", -1, "nowhere", 0));
    attempt("fsopen", syscall(430, "nonesuch", 0));
    attempt("mount_setattr", syscall(442, -1, "nowhere", 0, 0, 0));
    attempt("unshare-user", unshare_in_a_child(NEW_USER));
    attempt("clone-user", clone_with(NEW_USER));
    attempt("clone3", syscall(435, NULL, 0));
    attempt("setns", syscall(SYS_setns, -1, 0));
    attempt("keyctl", syscall(SYS_keyctl, 9999, 0, 0, 0, 0));
    attempt("add_key", syscall(SYS_add_key, NULL, NULL, NULL, 0, 0));
    attempt("request_key", syscall(SYS_request_key, NULL, NULL, NULL, 0));
    attempt("io_uring_setup", syscall(425, 0, NULL));
    attempt("bpf", syscall(SYS_bpf, 9999, NULL, 0));
    attempt("perf_event_open", syscall(SYS_perf_event_open, NULL, 0, 0, -1, 0));
    attempt("userfaultfd", syscall(SYS_userfaultfd, 0x40000000));
    attempt("kexec_load", syscall(SYS_kexec_load, 0, 0, 0, 0xffff));
    attempt("init_module", syscall(SYS_init_module, NULL, 0, ""));
    attempt("finit_module", syscall(SYS_finit_module, -1, "", 0));
    attempt("delete_module", syscall(SYS_delete_module, "", 0));
    attempt("settimeofday", syscall(SYS_settimeofday, NULL, NULL));
    attempt("swapon", syscall(SYS_swapon, "/nowhere", 0));
    attempt("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
    attempt("acct", syscall(SYS_acct, "/nowhere"));
    attempt("quotactl", syscall(SYS_quotactl, 0, "/nowhere", 0, NULL));
    attempt("syslog", syscall(SYS_syslog, 10, NULL, 0));
    attempt("open_by_handle_at", syscall(SYS_open_by_handle_at, -1, NULL, 0));
    attempt("fanotify_init", syscall(SYS_fanotify_init, 0xffffffff, 0));
    attempt("sethostname", syscall(SYS_sethostname, "x", -1));
    attempt("vhangup", syscall(SYS_vhangup));
    attempt("kcmp", syscall(SYS_kcmp, getpid(), getpid(), 99, 0, 0));
    attempt("personality", syscall(SYS_personality, 0x0040000 /* ADDR_NO_RANDOMIZE */));
    attempt("socket-vsock", syscall(SYS_socket, 40, SOCK_STREAM, 99));
    attempt("socket-vsock-64", syscall(SYS_socket, 40 | 1L << 32, SOCK_STREAM, 99));
    attempt("socket-alg", syscall(SYS_socket, 38, SOCK_SEQPACKET, 0));
#ifdef __x86_64__
    attempt("iopl", syscall(SYS_iopl, 9));
    attempt("mount-32", by_the_32_bit_gate(21));
    attempt("keyctl-32", by_the_32_bit_gate(288));
#endif
    return 0;
}

/* --- writable PATH...: what takes a write, of no byte; but for processes' own files */

static void write_nothing(const char *path)
{
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && (write(fd, "", 0) == 0 || errno != EIO)) /* EIO: a file of /proc that has no use for it */
        puts(path);
    close(fd);
}

static void walk(const char *directory)
{
    DIR *all = opendir(directory);
    struct dirent *entry;
    while (all && (entry = readdir(all))) {
        char path[4096];
        if (entry->d_name[0] == '.' || (!strcmp(directory, "/proc") && entry->d_name[0] >= '0' && entry->d_name[0] <= '9'))
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        struct stat status;
        if (lstat(path, &status) < 0 || S_ISLNK(status.st_mode))
            continue;
        if (S_ISDIR(status.st_mode))
            walk(path);
        else
            write_nothing(path);
    }
    if (all)
        closedir(all);
}

/* --- chroot: the classic, with a working directory that the new root does not contain */

static int escape_chroot(void)
{
    mkdir("/tmp/jail", 0700);
    int outside = open("/", O_DIRECTORY);
    if (outside < 0 || chroot("/tmp/jail") < 0 || fchdir(outside) < 0)
        return puts(strerrorname_np(errno)), 1;
    for (int i = 0; i < 100; i++)
        if (chdir("..") < 0)
            break;
    if (chroot(".") < 0)
        return puts(strerrorname_np(errno)), 1;
    execl("/bin/ls", "ls", "/", NULL);
    return 1;
}

/* --- handle HEX TYPE: open a file of the file system that carries the root by its number, past all directories */

static int open_handle(const char *hex, const char *type)
{
    struct {
        struct file_handle head;
        unsigned char bytes[128];
    } handle = {.head = {.handle_type = atoi(type)}};
    unsigned char *target = handle.head.f_handle;
    for (; hex[0] && hex[1]; hex += 2, handle.head.handle_bytes++)
        sscanf(hex, "%2hhx", target++);
    int mount = open("/", O_RDONLY | O_DIRECTORY);
    int fd = (int)syscall(SYS_open_by_handle_at, mount, &handle, O_RDONLY);
    if (fd < 0)
        return puts(strerrorname_np(errno)), 1;
    char text[100];
    ssize_t count = read(fd, text, sizeof text);
    return count < 0 || write(1, text, (size_t)count) < 0;
}

/* --- scan SECONDS: look for processes that come into this container, and into whatever of them can be opened */

/* Read a process's name; text stays as it is once the process has ended. */
static void read_name(int pid, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    int comm = open(path, O_RDONLY);
    ssize_t count = comm < 0 ? 0 : read(comm, text, size - 1);
    if (count > 0)
        text[count - 1] = 0;
    if (comm >= 0)
        close(comm);
}

static void look_into(int pid)
{
    static const char *const parts[] = {"mem", "root/etc", "cwd/.", "fd/3", "fd/4", "fd/5", "fd/6", "fd/7", "environ", "maps"};
    char path[64], text[64];
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        text[0] = 0;
        read_name(pid, text, sizeof text);
        snprintf(path, sizeof path, "/proc/%d/%s", pid, parts[i]);
        int fd = open(path, strcmp(parts[i], "mem") ? O_RDONLY | O_NONBLOCK : O_RDWR);
        if (fd < 0)
            continue;
        read_name(pid, text, sizeof text); /* it may have become the program meanwhile, and have ended since */
        printf("opened %s of %s\n", parts[i], text);
        close(fd);
    }
    struct rlimit limit;
    if (syscall(SYS_prlimit64, pid, RLIMIT_CORE, NULL, &limit) == 0)
        printf("met %d\n", pid);
    if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0) {
        printf("traced %d\n", pid);
        ptrace(PTRACE_DETACH, pid, 0, 0);
    }
}

static int is_before(const struct timespec *start, double seconds)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9 < seconds;
}

static int for_all_who_come(void (*act)(int pid), double seconds)
{
    struct timespec start;
    int known = getpid();
    setvbuf(stdout, NULL, _IOLBF, 0);
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        DIR *all = opendir("/proc");
        struct dirent *entry;
        while ((entry = readdir(all)))
            if (atoi(entry->d_name) > known)
                act(atoi(entry->d_name));
        closedir(all);
    } while (is_before(&start, seconds));
    return 0;
}

/* --- spoil SECONDS: take hold of the files that such processes run, if they are not of this root, and change them */

static void spoil(int pid)
{
    char path[64];
    struct stat file, root;
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &file) == 0 && stat("/bin/busybox", &root) == 0 && file.st_ino != root.st_ino)
        printf("held %s\n", outcome(fchmod(fd, (file.st_mode & 07777) | S_ISUID)));
    close(fd);
}

/* --- flip A B SECONDS: exchange two names, as fast as it goes */

static int flip(const char *a, const char *b, double seconds)
{
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do
        syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2 /* RENAME_EXCHANGE */);
    while (is_before(&start, seconds));
    return 0;
}

/* --- type TEXT: put characters into the terminal's input, as if they had been typed */

static int type(const char *text)
{
    for (; *text; text++)
        if (ioctl(0, TIOCSTI, text) < 0)
            return puts(strerrorname_np(errno)), 1;
    return puts("typed"), 0;
}

/* --- key NAME: is there a key of this name among those of the session? */

static int find_key(const char *name)
{
    long key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", name, 0);
    char text[100];
    long size = key < 0 ? -1 : syscall(SYS_keyctl, KEYCTL_READ, key, text, sizeof text, 0);
    if (size < 0)
        return puts(strerrorname_np(errno)), 1;
    return printf("%.*s\n", (int)size, text), 0;
}

/* --- with-key NAME VALUE PROGRAM...: run it with a session keyring of its own, and a key in it */

static int with_key(char **words)
{
    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
    if (syscall(SYS_add_key, "user", words[0], words[1], strlen(words[1]), KEY_SPEC_SESSION_KEYRING) < 0)
        return puts(strerrorname_np(errno)), 1;
    execvp(words[2], words + 2);
    return 127;
}

/* --- trace PID, allocate MEGABYTES, raw (a socket), root (become it) */

static int trace(int pid)
{
    puts(outcome(ptrace(PTRACE_SEIZE, pid, 0, 0)));
    return 0;
}

static int allocate(size_t megabytes)
{
    for (size_t i = 0; i < megabytes; i++) {
        char *memory = malloc(1 << 20);
        if (!memory)
            return puts("refused"), 1;
        memset(memory, 1, 1 << 20);
    }
    return puts("allocated"), 0;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (!strcmp(word, "calls"))
        return calls();
    if (!strcmp(word, "writable"))
        for (int i = 2; i < argc; i++)
            strcmp(argv[i], "/proc") && strcmp(argv[i], "/sys") ? write_nothing(argv[i]) : walk(argv[i]);
    if (!strcmp(word, "chroot"))
        return escape_chroot();
    if (!strcmp(word, "handle"))
        return open_handle(argv[2], argv[3]);
    if (!strcmp(word, "scan"))
        return for_all_who_come(look_into, atof(argv[2]));
    if (!strcmp(word, "spoil"))
        return for_all_who_come(spoil, atof(argv[2]));
    if (!strcmp(word, "flip"))
        return flip(argv[2], argv[3], atof(argv[4]));
    if (!strcmp(word, "type"))
        return type(argv[2]);
    if (!strcmp(word, "key"))
        return find_key(argv[2]);
    if (!strcmp(word, "with-key"))
        return with_key(argv + 2);
    if (!strcmp(word, "trace"))
        return trace(atoi(argv[2]));
    if (!strcmp(word, "allocate"))
        return allocate((size_t)atoi(argv[2]));
    if (!strcmp(word, "raw"))
        puts(outcome(socket(AF_INET, SOCK_RAW, 1)));
    if (!strcmp(word, "root"))
        puts(outcome(setuid(0)));
    return 0;
}
