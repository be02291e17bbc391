/* What the work of a program costs: the same static program runs on the host, in a container and in a virtual machine.
 *
 *     labcore-probe [DIRECTORY]      files are made in DIRECTORY, which had better be in memory
 *
 * Prints a line for each kind of work: its name, and nanoseconds for each time it was done. Each is repeated until it has
 * taken BUDGET; the fastest of ROUNDS rounds counts, for whatever else the machine does only makes it slower. Nor does one slow
 * trial say that the budget is filled: the fastest of TRIALS does. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 5, TRIALS = 3, BUDGET = 10 * 1000 * 1000 /* ns */ };

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Arithmetic that no compiler can leave out: a step of xorshift for each time. */
static int work_cpu(int times)
{
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < times; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    __asm__ volatile("" : : "r"(x));
    return 0;
}

/* The shortest way into the kernel and back. */
static int work_getpid(int times)
{
    for (int i = 0; i < times; i++)
        if (syscall(SYS_getpid) <= 0)
            return -1;
    return 0;
}

/* A look at a file: a path is resolved. */
static int work_stat(int times)
{
    struct stat seen;
    for (int i = 0; i < times; i++)
        if (stat(".", &seen))
            return -1;
    return 0;
}

/* A file is made and removed. */
static int work_create(int times)
{
    for (int i = 0; i < times; i++) {
        int fd = open(".labcore-probe", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        if (fd < 0 || close(fd) || unlink(".labcore-probe"))
            return -1;
    }
    return 0;
}

static int echo_until_end(int in, int out)
{
    char byte;
    while (read(in, &byte, 1) == 1)
        if (write(out, &byte, 1) != 1)
            return 1;
    return 0;
}

/* A byte goes to another process and comes back: two switches from one to the other. */
static int work_pipe(int times)
{
    int there[2], back[2];
    char byte = 0;
    int failed = pipe(there) || pipe(back);
    pid_t child = failed ? -1 : fork();
    if (child < 0)
        return -1;
    if (child == 0) {
        close(there[1]);
        close(back[0]);
        _exit(echo_until_end(there[0], back[1]));
    }
    close(there[0]);
    close(back[1]);
    for (int i = 0; i < times && !failed; i++)
        failed = write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1;
    close(there[1]);
    close(back[0]);
    return waitpid(child, NULL, 0) == child && !failed ? 0 : -1;
}

/* A process is made, and ends. */
static int work_fork(int times)
{
    for (int i = 0; i < times; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        if (child < 0 || waitpid(child, NULL, 0) != child)
            return -1;
    }
    return 0;
}

static const struct {
    const char *name;
    int (*work)(int times);
} kinds[] = {
    {"cpu", work_cpu},       {"getpid", work_getpid}, {"stat", work_stat},
    {"create", work_create}, {"pipe", work_pipe},     {"fork", work_fork},
};

/* Return the nanoseconds of the fastest of some rounds, or a negative number for a failure. */
static int64_t fastest(int (*work)(int times), int times, int rounds)
{
    int64_t best = INT64_MAX;
    for (int round = 0; round < rounds; round++) {
        int64_t start = now();
        if (work(times))
            return -1;
        int64_t took = now() - start;
        best = took < best ? took : best;
    }
    return best;
}

/* Return nanoseconds for each time, or a negative number for a failure. */
static double measure(int (*work)(int times))
{
    int times = 1;
    for (; times < 1 << 28; times *= 2) { /* how often fits into the budget */
        int64_t took = fastest(work, times, TRIALS);
        if (took < 0 || took > BUDGET / 2)
            break;
    }
    return (double)fastest(work, times, ROUNDS) / times;
}

int main(int argc, char **argv)
{
    int failed = argc == 2 && chdir(argv[1]);
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        double ns = measure(kinds[i].work);
        failed |= ns < 0;
        printf("%s %.1f\n", kinds[i].name, ns);
        fflush(stdout);
    }
    return failed;
}
