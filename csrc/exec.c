/* labcore-exec PATH... "" ARGUMENT...: becomes the first PATH that can be executed, as execvp(3) would, and does nothing else.
 *
 * A process that becomes a container's program can be asked for its own file, and an image can make that file run: its program
 * may begin with `#!/proc/self/exe`. While the extension walks a plan its child's file is the starter's, Python itself; run
 * inside the container it would be open to whoever owns the image. So the child becomes this first, out of a file in memory
 * that nobody else runs, and this becomes the program.
 *
 *   descriptor 3   takes the errno of each PATH that was refused, the last one negative if none is left to be tried;
 *                  it is closed by the program's start
 *   descriptor 4   this file
 *
 * It has no libc: it is read into memory for every start, and a filter of system calls may be in force.
 */
#include <errno.h>
#include <fcntl.h>

#include "raw.h"

enum { REPORT = 3, OWN_FILE = 4 };

static int same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static long start(char **words, char **environment)
{
    char **path = words + 1, **argv = path;
    if (!words[0] || !same(words[0], "labcore-exec"))
        return 126; /* run by an image, as above */
    while (*argv && **argv)
        argv++;
    if (!*argv++)
        return 126;
    raw_syscall(SYS_close, OWN_FILE, 0, 0, 0, 0, 0);
    raw_syscall(SYS_fcntl, REPORT, F_SETFD, FD_CLOEXEC, 0, 0, 0);
    for (; **path; path++) {
        int error = (int)-raw_syscall(SYS_execve, (uint64_t)*path, (uint64_t)argv, (uint64_t)environment, 0, 0, 0);
        int next = *path[1] && (error == ENOENT || error == ENOTDIR || error == EACCES);
        int said = next ? error : -error;
        raw_syscall(SYS_write, REPORT, (uint64_t)&said, sizeof said, 0, 0, 0);
        if (!next)
            break;
    }
    return 127;
}

/* What the kernel lays out on a new program's stack: argc, argv, NULL, environment, NULL. */
__attribute__((used, noreturn)) void begin(long *stack)
{
    char **words = (char **)(stack + 1);
    long code = start(words, words + *stack + 1);
    for (;;)
        raw_syscall(SYS_exit_group, (uint64_t)code, 0, 0, 0, 0, 0);
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall begin\n");
#else
__asm__(".globl _start\n_start:\n\tmov x0, sp\n\tbl begin\n");
#endif
