/* The descriptors that a starter lays out for the monitor. */
#ifndef LABCORE_MONITOR_H
#define LABCORE_MONITOR_H

/* Laid out before the monitor is executed; 0, 1 and 2 are the container's. */
enum {
    MONITOR_BLOCK = 3,   /* a memfd that holds the block; in the child, the pipe end that its exec closes */
    MONITOR_CONTROL = 4, /* SOCK_SEQPACKET: messages to the starter */
    MONITOR_SYNC = 5,    /* where a plan's `sync` steps meet the starter */
    MONITOR_CGROUP = 6,  /* the cgroup to start in, as in block.h; absent if it is the starter's */
    /* Of a shim, whose container others than its starter will look for: see shim.c. */
    MONITOR_DIRECTORY = 7, /* where it is recorded */
    MONITOR_ATTACH = 8,    /* a listening SOCK_SEQPACKET socket in it */
    MONITOR_STDIN = 9,     /* the other ends of the container's pipes; absent if it has none */
    MONITOR_STDOUT = 10,
    MONITOR_STDERR = 11,
    MONITOR_LOG = 12,
    MONITOR_OWN = 13,       /* those from here on the monitor opens itself */
    MONITOR_PRESERVED = 32, /* what the container's program is to find open: its plan brings them to 3, 4, ... */
    MONITOR_DESCRIPTORS = 64,
};

#endif
