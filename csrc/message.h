/* Messages of the monitor to its starter, and of the shim to its clients; unix(7), SOCK_SEQPACKET. */
#ifndef LABCORE_MESSAGE_H
#define LABCORE_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

enum {
    MESSAGE_REFUSED = 1,  /* no child: `error` of clone3 (or of what comes before it) */
    MESSAGE_CLONED = 2,   /* `pid`, and its pidfd as SCM_RIGHTS */
    MESSAGE_WALKED = 3,   /* followed by the report; the child runs its program, or is dead */
    MESSAGE_EXITED = 4,   /* `code` and `status` as in siginfo_t */
    MESSAGE_ATTACHED = 5, /* `pid`; its pidfd, and the container's input if it has one, as SCM_RIGHTS */
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

/* Receive a descriptor that was sent, if one has been: its number, or -1. */
int receive_descriptor(int channel);

#endif
