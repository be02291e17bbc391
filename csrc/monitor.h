/* What passes between the monitor, whoever started it, and whoever finds it later. */
#ifndef LABCORE_MONITOR_H
#define LABCORE_MONITOR_H

#include <stddef.h>
#include <stdint.h>

/* Descriptors that the starter lays out before it execs the monitor; 0, 1 and 2 are the container's. */
enum {
    MONITOR_BLOCK = 3,   /* a memfd that holds the block; in the child, the pipe end that its exec closes */
    MONITOR_CONTROL = 4, /* SOCK_SEQPACKET: messages to the starter */
    MONITOR_SYNC = 5,    /* where a plan's `sync` steps meet the starter */
    MONITOR_CGROUP = 6,  /* the cgroup to start in; absent if it is the starter's */
    /* Of a container that is kept, which others than its starter will look for: see keeper.c. */
    MONITOR_DIRECTORY = 7, /* where it is recorded */
    MONITOR_MEETING = 8,   /* a listening SOCK_SEQPACKET socket in it */
    MONITOR_STDIN = 9,     /* the other ends of the container's pipes; absent if it has none */
    MONITOR_STDOUT = 10,
    MONITOR_STDERR = 11,
    MONITOR_LOG = 12,
    MONITOR_OWN = 13,       /* those from here on the monitor opens itself */
    MONITOR_PRESERVED = 32, /* what the container's program is to find open: its plan brings them to 3, 4, ... */
    MONITOR_DESCRIPTORS = 64,
};

enum {
    MESSAGE_REFUSED = 1,  /* no child: `error` of clone3 (or of what comes before it) */
    MESSAGE_CLONED = 2,   /* `pid`, and its pidfd as SCM_RIGHTS */
    MESSAGE_WALKED = 3,   /* followed by the report; the child runs its program, or is dead */
    MESSAGE_EXITED = 4,   /* `code` and `status` as in siginfo_t */
    MESSAGE_MET = 5,      /* `pid`; its pidfd, and the container's input if it has one, as SCM_RIGHTS */
    MESSAGE_TERMINAL = 6, /* to the monitor, before the last `sync`: the other end of the terminal, as SCM_RIGHTS */
};

struct message {
    uint32_t kind;
    int32_t pid;
    int32_t error;
    int32_t code;
    int32_t status;
    uint32_t reserved;
};

/* Send a message, what follows it, and descriptors (-1: none). One who has gone away is no reason to leave the container alone:
 * what cannot be sent is not looked at. */
void tell(int channel, struct message message, const void *rest, size_t rest_size, int first, int second);

#endif
