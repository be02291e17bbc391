/* The shim's part of the monitor: it stands beside a container that others than its starter will look for. */
#ifndef LABCORE_SHIM_H
#define LABCORE_SHIM_H

#include <signal.h>

#include "block.h"

struct shim_options {
    uint64_t buffer; /* bytes of output that may wait to be written; 0: none, the container waits */
    uint64_t max_size;
    unsigned files;
    int input_once; /* the first who takes the container's input has it alone, and its end is the input's end */
};

/* Before the child exists: get the log ready. Returns 0 or -errno. */
int shim_open(const struct shim_options *options);

/* Record the child, so that it is found even if the starter ends now. */
void shim_started(int pid);

/* Log its output and let clients attach until it has ended; then record how it did. `report` says how far its plan came. */
void shim_until_exit(int pid, int pidfd, const struct report *report, siginfo_t *info);

/* All is recorded and told: have the record outlive a crash of the machine, and wait for the rest of the log. */
void shim_close(void);

#endif
