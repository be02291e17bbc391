#include "discard.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "monitor.h"

void discard_output(int pidfd, int terminal)
{
    static char bytes[1 << 14];
    struct pollfd watched[] = {
        {.fd = pidfd, .events = POLLIN},
        {.fd = MONITOR_STDOUT, .events = POLLIN},
        {.fd = MONITOR_STDERR, .events = POLLIN},
        {.fd = terminal, .events = POLLIN},
    };
    while (!watched[0].revents) {
        if (poll(watched, 4, -1) < 0)
            continue;
        for (int i = 1; i < 4; i++)
            if (watched[i].revents && read(watched[i].fd, bytes, sizeof bytes) <= 0 && errno != EAGAIN)
                watched[i].fd = -1;
    }
}
