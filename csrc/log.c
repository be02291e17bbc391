#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "monitor.h"

enum { CHUNK = 1 << 16, PIPE_RECORD = 4096 }; /* a pipe takes PIPE_BUF bytes whole or not at all */

static void keep_removed(struct log *log, const char *oldest)
{
    int file = log->is_lossless ? openat(log->directory, oldest, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return; /* there are not so many yet */
    if (log->removed >= 0)
        close(log->removed);
    log->removed = file;
}

static int is_awaited(const struct log *log)
{
    if (log->removed < 0)
        return 0;
    if (flock(log->removed, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK;
    flock(log->removed, LOCK_UN);
    return 0;
}

int log_waits(const struct log *log)
{
    return log->max_size && log->size >= log->max_size && is_awaited(log);
}

static void rotate(struct log *log)
{
    char from[16], to[16];
    snprintf(to, sizeof to, log->files > 1 ? "log.%u" : "log", log->files - 1);
    keep_removed(log, to);
    for (unsigned file = log->files - 1; file > 0; file--) {
        snprintf(from, sizeof from, file > 1 ? "log.%u" : "log", file - 1);
        snprintf(to, sizeof to, "log.%u", file);
        renameat(log->directory, from, log->directory, to);
    }
    if (log->files < 2)
        unlinkat(log->directory, "log", 0); /* and not cut short: who reads it keeps what it has */
    int fresh = openat(log->directory, "log", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fresh < 0)
        return; /* go on with the old one */
    dup3(fresh, log->descriptor, O_CLOEXEC);
    close(fresh);
    log->size = 0;
}

/* Write a record whole. Half of one would make all that follows unreadable. Returns whether it is written. */
static int write_record(struct log *log, struct log_header *header, const void *bytes)
{
    uint32_t whole = (uint32_t)sizeof *header + header->size + (uint32_t)sizeof whole;
    struct iovec parts[] = {
        {header, sizeof *header},
        {(void *)(uintptr_t)bytes, header->size},
        {&whole, sizeof whole},
    };
    ssize_t written;

    if (log->max_size && log->size && log->size + whole > log->max_size && !is_awaited(log))
        rotate(log);
    while ((written = writev(log->descriptor, parts, 3)) < 0 && errno == EINTR)
        ;
    if (written == (ssize_t)whole) {
        log->size += whole;
        return 1;
    }
    if (written > 0 && ftruncate(log->descriptor, (off_t)log->size) < 0)
        log->size += (uint64_t)written;
    return 0;
}

static int read_whole(int fd, void *memory, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = read(fd, (char *)memory + done, size - done);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            return 0;
    }
    return 1;
}

static void write_for_others(struct log *log, int records)
{
    struct log_header header;
    char bytes[PIPE_RECORD];
    uint32_t whole;
    while (read_whole(records, &header, sizeof header) && read_whole(records, bytes, header.size) &&
           read_whole(records, &whole, sizeof whole))
        write_record(log, &header, bytes);
    _exit(0);
}

int log_open(struct log *log, uint64_t buffer)
{
    struct stat status;
    int records[2];

    log->chunk = CHUNK;
    log->removed = -1;
    log->is_lossless = !buffer;
    if (fstat(log->descriptor, &status) == 0)
        log->size = (uint64_t)status.st_size;
    if (!buffer)
        return 0;
    if (pipe2(records, O_CLOEXEC) < 0)
        return -errno;
    fcntl(records[1], F_SETPIPE_SZ, (int)buffer); /* an ordinary user may have less */
    log->writer = fork();
    if (log->writer < 0)
        return -errno;
    if (log->writer == 0) {
        /* Nothing but the records and the log may stay open here: others wait for the end of all else. */
        dup3(records[0], MONITOR_STDIN, O_CLOEXEC);
        for (int fd = MONITOR_BLOCK; fd < MONITOR_PRESERVED; fd++)
            if (fd != MONITOR_STDIN && fd != log->descriptor && fd != log->directory)
                close(fd);
        write_for_others(log, MONITOR_STDIN);
    }
    close(records[0]);
    close(log->descriptor);
    log->descriptor = records[1];
    fcntl(records[1], F_SETFL, O_NONBLOCK);
    log->chunk = PIPE_RECORD - sizeof(struct log_header) - sizeof(uint32_t);
    log->max_size = 0; /* the writer's business */
    return 0;
}

void log_put(struct log *log, uint32_t stream, const void *bytes, uint32_t size)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t time = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    struct log_header header = {.time = time, .offset = log->offset, .size = size, .stream = stream};
    log->offset += size;
    write_record(log, &header, bytes);
}

void log_close(struct log *log)
{
    close(log->descriptor);
    while (log->writer && waitpid(log->writer, NULL, 0) < 0 && errno == EINTR)
        ;
}
