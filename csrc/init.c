/* labcore-init PROGRAM [ARG...]: the first process of a PID namespace, for a program that was not made to be one.
 *
 * The kernel gives process 1 two duties. Every orphan becomes its child, and stays a zombie until it is waited for. And
 * signals that it has no handler for do not reach it, so a program that relies on SIGTERM's default would not end. This
 * process does both for its child: it reaps whatever ends, and passes every signal on. When the child has ended it ends with
 * the child's exit code (128 + N after signal N), and the kernel kills what is left in the namespace: pid_namespaces(7).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Faults are about this process itself: the kernel sends them on the spot, and blocking them would only hide a mistake. */
static const int FAULTS[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS};

static sigset_t signals_to_pass_on(void)
{
    sigset_t set;
    sigfillset(&set);
    for (size_t i = 0; i < sizeof FAULTS / sizeof *FAULTS; i++)
        sigdelset(&set, FAULTS[i]);
    return set;
}

/* Reap all that has ended. Returns the exit code of `child` if it is among them, else -1. */
static int reap(pid_t child)
{
    int status, code = -1;
    pid_t ended;
    while ((ended = waitpid(-1, &status, WNOHANG)) > 0)
        if (ended == child)
            code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs("usage: labcore-init PROGRAM [ARG...]\n", stderr);
        return 125;
    }
    sigset_t passed_on = signals_to_pass_on(), before;
    sigprocmask(SIG_BLOCK, &passed_on, &before); /* before the child exists: none is lost */

    pid_t child = fork();
    if (child < 0) {
        perror("labcore-init: fork");
        return 125;
    }
    if (child == 0) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        execvp(argv[1], argv + 1);
        fprintf(stderr, "labcore-init: %s: %s\n", argv[1], strerror(errno));
        _exit(errno == ENOENT ? 127 : 126);
    }
    for (;;) {
        int code, number = sigwaitinfo(&passed_on, NULL);
        if (number == SIGCHLD) {
            if ((code = reap(child)) >= 0)
                return code;
        } else if (number > 0) {
            kill(child, number);
        }
    }
}
