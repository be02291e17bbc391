/* labcore-monitor: walks a plan in a child that shares nothing with whoever asked for it, and outlives the asker.
 *
 *   starter                    monitor                      child
 *   exec  ------------------>  map the block, walk what comes before the clone (joins namespaces)
 *                              clone3  ------------------>  walk
 *   pid, pidfd  <-- CLONED --                               sync  <---- 1 byte each way ---->  starter
 *                              (end of file on a pipe)  <-- execve, or exit
 *   report      <-- WALKED --
 *                              waitid  <------------------  exit
 *   status      <-- EXITED --
 *
 *   labcore-monitor                                      the starter alone learns of the container
 *   labcore-monitor WAITS                                the child is reaped only once the starter sends a byte; it is left to
 *                                                        others if the starter goes away
 *   labcore-monitor KEEPS OUTPUT                         the child runs on if the starter goes away, and its output goes
 * nowhere labcore-monitor BUFFER MAX_SIZE FILES INPUT_ONCE     as a shim, for whoever looks for its container later: see shim.h
 *
 * Static, single-threaded, and small: one of them stands beside every container that has one.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "block.h"
#include "discard.h"
#include "message.h"
#include "monitor.h"
#include "raw.h"
#include "shim.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static void tell_starter(struct message message, const void *rest, size_t rest_size, int descriptor)
{
    tell(MONITOR_CONTROL, message, rest, rest_size, descriptor, -1);
}

static int refuse(int error)
{
    tell_starter((struct message){.kind = MESSAGE_REFUSED, .error = error}, NULL, 0, -1);
    return 1;
}

/* The container's streams are its own: while the monitor held a pipe's end too, its reader would never see the end. */
static void let_go_of_streams(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2; fd++)
        if (null < 0 || dup2(null, fd) < 0)
            close(fd);
    if (null > 2)
        close(null);
    close(MONITOR_SYNC);
    close(MONITOR_CGROUP);
    raw_syscall(SYS_close_range, MONITOR_PRESERVED, ~0U, 0, 0, 0, 0); /* what is our own lies below */
}

/* Of a step that nobody but the reader of the child's errors will hear of: its text, and what went wrong, as programs say it.
 */
static void say_what_failed(const struct block *block, const struct report *report)
{
    const struct step *steps = (const struct step *)(block + 1);
    const char *said = report->failed < 0 ? NULL : (const char *)(uintptr_t)steps[report->failed].said;
    const char *error = strerror(report->error);
    if (said)
        dprintf(STDERR_FILENO, "%s: %c%s\n", said, tolower(error[0]), error + 1);
}

static void wait_until_closed(int fd)
{
    char byte;
    while (read(fd, &byte, 1) < 0 && errno == EINTR)
        ;
}

/* Does the starter want to hear of the end? Until it has said so the child is not reaped, however soon it ends. */
static bool has_word(int channel)
{
    char byte;
    ssize_t got;
    while ((got = read(channel, &byte, 1)) < 0 && errno == EINTR)
        ;
    return got == 1;
}

static struct shim_options as_shim_options(char **words)
{
    return (struct shim_options){
        .buffer = strtoull(words[0], NULL, 10),
        .max_size = strtoull(words[1], NULL, 10),
        .files = (unsigned)strtoul(words[2], NULL, 10),
        .input_once = strtol(words[3], NULL, 10) != 0,
    };
}

/* Returns whether the child has ended; if not, the starter has: then a child that is to die with its parent does so with us. */
static bool wait_for_exit(int pidfd, siginfo_t *info)
{
    struct pollfd watched[] = {{.fd = pidfd, .events = POLLIN}, {.fd = MONITOR_CONTROL}};
    while (poll(watched, 2, -1) < 0 && errno == EINTR)
        ;
    if (!watched[0].revents)
        return false;
    while (waitid(P_PIDFD, (id_t)pidfd, info, WEXITED) < 0 && errno == EINTR)
        ;
    return true;
}

/* The plan that the starter has left behind a descriptor; NULL, with errno, if it is none. */
static struct block *map_block(void)
{
    struct stat status;
    if (fstat(MONITOR_BLOCK, &status) < 0)
        return NULL;
    struct block *block = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, MONITOR_BLOCK, 0);
    if (block == MAP_FAILED)
        return NULL;
    if (block_check(block, (size_t)status.st_size)) {
        errno = EINVAL;
        return NULL;
    }
    block_relocate(block);
    close(MONITOR_BLOCK);
    return block;
}

/* Returns the child's number, or an error below zero. The child has no memory of ours; it holds the pipe's end `running` until
 * execve or its exit closes it. */
static long clone_child(struct block *block, struct report *report, int running, int *pidfd)
{
    struct clone_args args = {
        .flags = block_clone_flags(block) | CLONE_PIDFD | CLONE_CLEAR_SIGHAND | CLONE_CHILD_SETTID,
        .pidfd = (uint64_t)pidfd,
        .child_tid = (uint64_t)&report->pid_inside,
        .exit_signal = SIGCHLD,
        .cgroup = (uint64_t)block->cgroup,
    };
    long pid = raw_syscall(SYS_clone3, (uint64_t)&args, sizeof args, 0, 0, 0, 0);
    if (pid != 0)
        return pid;
    dup3(running, MONITOR_BLOCK, O_CLOEXEC); /* where a plan that closes the descriptors above leaves it alone */
    close(running);
    int code = block_walk(block, report);
    say_what_failed(block, report);
    _exit(code);
}

/* Returns the same file at a number at which nothing is looked for that the starter may not have lent; or -1, with errno. */
static int at_own_number(int fd)
{
    const int moved = fcntl(fd, F_DUPFD_CLOEXEC, MONITOR_OWN);
    if (moved >= 0)
        close(fd);
    return moved;
}

static int own_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    for (int i = 0; i < 2; i++)
        if ((ends[i] = at_own_number(ends[i])) < 0)
            return -1;
    return 0;
}

static void become_a_monitor(void)
{
    for (int fd = MONITOR_BLOCK; fd < MONITOR_OWN; fd++)
        (void)!fcntl(fd, F_SETFD, FD_CLOEXEC); /* some may be absent */
    prctl(PR_SET_NAME, "labcore-monitor");     /* it was started by a descriptor, whose number would be its name */
    setsid();                                  /* a Ctrl-C in the starter's terminal is not for us */
}

int main(int argc, char **argv)
{
    int running[2], pidfd = -1, error;
    const bool waits = argc == 2, keeps_output = argc == 3, is_shim = argc == 5;

    become_a_monitor();
    struct block *block = map_block();
    if (!block)
        return refuse(errno);
    size_t shared = report_size(block->steps);
    struct report *report = mmap(NULL, shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (report == MAP_FAILED || own_pipe(running) < 0)
        return refuse(errno);
    if (is_shim) {
        struct shim_options options = as_shim_options(argv + 1);
        if ((error = shim_open(&options)) < 0)
            return refuse(-error);
    }

    report->failed = -1;
    report->cloned = monotonic_ns();
    if (block_walk_before(block, report)) {
        tell_starter((struct message){.kind = MESSAGE_WALKED}, report, shared, -1);
        return 1;
    }
    long pid = clone_child(block, report, running[1], &pidfd);
    if (pid < 0)
        return refuse((int)-pid);
    if ((pidfd = at_own_number(pidfd)) < 0) {
        error = errno;
        kill((pid_t)pid, SIGKILL);
        return refuse(error);
    }

    signal(SIGPIPE, SIG_IGN); /* a log's reader may leave */
    if (is_shim)
        shim_started((int)pid);
    tell_starter((struct message){.kind = MESSAGE_CLONED, .pid = (int32_t)pid}, NULL, 0, pidfd);
    let_go_of_streams();
    close(running[1]);
    wait_until_closed(running[0]);
    report->returned = monotonic_ns();
    tell_starter((struct message){.kind = MESSAGE_WALKED, .pid = (int32_t)pid}, report, shared, -1);
    if (waits && !has_word(MONITOR_CONTROL))
        return 0;

    siginfo_t info = {0};
    const int terminal = keeps_output ? receive_descriptor(MONITOR_CONTROL) : -1; /* it was sent before the plan's end */
    if (is_shim)
        shim_until_exit((int)pid, pidfd, report, &info);
    else if (!wait_for_exit(pidfd, &info)) {
        if (keeps_output)
            discard_output(pidfd, terminal);
        return 0;
    }
    tell_starter((struct message){.kind = MESSAGE_EXITED, .pid = (int32_t)pid, .code = info.si_code, .status = info.si_status},
                 NULL, 0, -1);
    if (is_shim)
        shim_close();
    return 0;
}
