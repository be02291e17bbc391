/* Stand beside a container that others than its starter will look for. */
#ifndef LABCORE_KEEPER_H
#define LABCORE_KEEPER_H

#include <signal.h>

#include "block.h"

struct keeping {
    uint64_t buffer; /* bytes of output that may wait to be written; 0: none, the container waits */
    uint64_t max_size;
    unsigned files;
    int input_once; /* the first who takes the container's input has it alone, and its end is the input's end */
};

/* Before the child exists: get the log ready. Returns 0 or -errno. */
int keep_ready(const struct keeping *keeping);

/* Record the child, so that it is found even if the starter ends now. */
void keep_started(int pid);

/* Log its output and let others meet it until it has ended; then record how it did. `report` says how far its plan came. */
void keep_until_exit(int pid, int pidfd, const struct report *report, siginfo_t *info);

/* All is recorded and told: wait for the rest of the log. */
void keep_done(void);

#endif
