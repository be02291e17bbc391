#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 1 << 16 };        /* as much as a pipe holds, unless it is told to hold more */
enum { BUSY_PIPE = 1 << 20 };    /* bytes that the pipe of a container may hold that writes faster than we read */
enum { IN_A_ROW = 16 };          /* pieces without a rest between them, after which more are expected */
enum { REST_NS = 1000000 };      /* between two pieces: they are not in a row */
enum { GATHER_NS = 200 * 1000 }; /* nobody sees that a line comes so much later */

void output_gather(void)
{
    static struct timespec last;
    static unsigned in_a_row;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t since = (now.tv_sec - last.tv_sec) * (int64_t)1000000000 + now.tv_nsec - last.tv_nsec;
    last = now;
    in_a_row = since < REST_NS ? in_a_row + 1 : 0;
    if (in_a_row > IN_A_ROW)
        nanosleep(&(struct timespec){.tv_nsec = GATHER_NS}, NULL);
}

/* A pipe that was found full gets larger, fcntl(2), so that the container waits for us less often. What is not given, to an
 * ordinary user or for a terminal, is not needed. */
static void widen(int pipe)
{
    if (fcntl(pipe, F_GETPIPE_SZ) == PIECE)
        (void)!fcntl(pipe, F_SETPIPE_SZ, BUSY_PIPE);
}

int output_log(struct pollfd *source, uint32_t stream, struct log *log)
{
    static char bytes[PIECE];
    ssize_t size = read(source->fd, bytes, log->chunk);
    if (size == PIECE)
        widen(source->fd);
    if (size > 0)
        log_put(log, stream, bytes, (uint32_t)size);
    else if (size == 0 || (errno != EINTR && errno != EAGAIN))
        source->fd = -1;
    return (int)size;
}

void output_drain(struct pollfd *source, uint32_t stream, struct log *log)
{
    int left = 0;
    if (source->fd < 0 || ioctl(source->fd, FIONREAD, &left) < 0)
        return;
    for (int taken; left > 0; left -= taken)
        if ((taken = output_log(source, stream, log)) <= 0)
            return;
}
