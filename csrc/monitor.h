/* What passes between the monitor and whoever started it. */
#ifndef LABCORE_MONITOR_H
#define LABCORE_MONITOR_H

#include <stdint.h>

/* Descriptors that the starter lays out before it execs the monitor; 0, 1 and 2 are the container's. */
enum {
    MONITOR_BLOCK = 3,   /* a memfd that holds the block; in the child, the pipe end that its exec closes */
    MONITOR_CONTROL = 4, /* SOCK_SEQPACKET: messages to the starter */
    MONITOR_SYNC = 5,    /* where a plan's `sync` steps meet the starter */
    MONITOR_CGROUP = 6,  /* the cgroup to start in; absent if it is the starter's */
};

enum {
    MESSAGE_REFUSED = 1, /* no child: `error` of clone3 (or of what comes before it) */
    MESSAGE_CLONED = 2,  /* `pid`, and its pidfd as SCM_RIGHTS */
    MESSAGE_WALKED = 3,  /* followed by the report; the child runs its program, or is dead */
    MESSAGE_EXITED = 4,  /* `code` and `status` as in siginfo_t */
};

struct message {
    uint32_t kind;
    int32_t pid;
    int32_t error;
    int32_t code;
    int32_t status;
    uint32_t reserved;
};

#endif
