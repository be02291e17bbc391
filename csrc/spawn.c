#include <Python.h>

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "block.h"
#include "monitor.h"
#include "raw.h"
#include "spawn.h"

/* The walker itself uses a few hundred bytes; a page of address space costs nothing until it is touched. */
#define CHILD_STACK (64u * 1024u)

struct child {
    struct block *block;
    struct report *report;
    const int *layout;
    int layout_size;
};

static int child_main(void *argument)
{
    struct child *child = argument;
    if (child->layout_size <= MONITOR_BLOCK)
        raw_syscall(SYS_close, MONITOR_BLOCK, 0, 0, 0, 0, 0);
    for (int target = 0; target < child->layout_size; target++) {
        if (child->layout[target] < 0) {
            if (target >= MONITOR_BLOCK) /* from 3 on they are the carrier's: no plan's child finds the starter's there */
                raw_syscall(SYS_close, (uint64_t)target, 0, 0, 0, 0, 0);
            continue;
        }
        long result = raw_syscall(SYS_dup3, (uint64_t)child->layout[target], (uint64_t)target, 0, 0, 0, 0);
        if (result < 0) {
            child->report->failed = FAILED_IN_LAYOUT;
            child->report->error = (int)-result;
            return 127;
        }
    }
    return block_walk(child->block, child->report);
}

const char *lc_check(const void *block, size_t size)
{
    return block_check(block, size);
}

long lc_call(long number, const uint64_t *args)
{
    return raw_syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}

/*   parent                         child
 *   block all signals
 *   clone3  ---------------------> shares memory, has the stack to itself
 *   (asleep: CLONE_VFORK)          lay out descriptors, unblock signals, walk
 *   awake   <--------------------- execve, or exit
 *   restore signals
 */
long lc_spawn(void *memory, size_t size, const int *layout, int layout_size, void *report_memory, int *pidfd)
{
    struct report *report = report_memory;
    if (block_check(memory, size) || ((struct block *)memory)->before)
        return -EINVAL; /* what joins namespaces must not share memory with us: the monitor's work */
    block_relocate(memory);

    void *stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED)
        return -errno;

    struct child child = {memory, report, layout, layout_size};
    struct clone_args args = {
        .flags =
            block_clone_flags(child.block) | CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND | CLONE_CHILD_SETTID,
        .pidfd = (uint64_t)pidfd,
        .child_tid = (uint64_t)&report->pid_inside,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)stack,
        .stack_size = CHILD_STACK,
        .cgroup = (uint64_t)child.block->cgroup,
    };

    uint64_t all = ~(uint64_t)0, before;
    raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (uint64_t)&all, (uint64_t)&before, sizeof all, 0, 0);
    report->failed = -1;
    report->cloned = monotonic_ns();
    long pid = raw_clone3(&args, child_main, &child);
    report->returned = monotonic_ns();
    raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (uint64_t)&before, 0, sizeof before, 0, 0);

    munmap(stack, CHILD_STACK);
    return pid;
}

static long forked(uint64_t flags, int *pidfd)
{
    struct clone_args args = {
        .flags = flags | CLONE_PIDFD,
        .pidfd = (uint64_t)pidfd,
        .exit_signal = SIGCHLD,
    };
    /* libc keeps the thread's id in its own memory and only its own fork() mends the copy. The kernel knows where it lies
     * (set_tid_address) and can write the child's there; without CONFIG_CHECKPOINT_RESTORE it will not say, and only
     * raise() and abort() in the child notice. */
    uint64_t tid_address = 0;
    if (prctl(PR_GET_TID_ADDRESS, &tid_address) == 0 && tid_address) {
        args.flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
        args.child_tid = tid_address;
    }
    return raw_syscall(SYS_clone3, (uint64_t)&args, sizeof args, 0, 0, 0, 0);
}

long lc_fork(uint64_t flags, int *pidfd)
{
    PyGILState_STATE state = PyGILState_Ensure(); /* cffi let go of it */
    PyOS_BeforeFork();
    long pid = forked(flags, pidfd);
    if (pid == 0)
        PyOS_AfterFork_Child();
    else
        PyOS_AfterFork_Parent();
    PyGILState_Release(state);
    return pid;
}
