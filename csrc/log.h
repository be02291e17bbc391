/* A container's output on disk: records one after another. Each is a header, as many bytes as it says, and in four bytes how
 * long the whole record is: from there the records are found from the end on. */
#ifndef LABCORE_LOG_H
#define LABCORE_LOG_H

#include <stdint.h>

struct log_header {
    uint64_t time;   /* CLOCK_REALTIME, nanoseconds */
    uint64_t offset; /* of these bytes in all that the container has put out: a gap before it is what was lost */
    uint32_t size;
    uint32_t stream; /* 1: standard output, 2: standard error */
};

struct log {
    int descriptor;
    int directory;     /* that `log` lies in, and `log.1`, `log.2`, ... when it has grown */
    uint64_t size;     /* of the file */
    uint64_t offset;   /* how much the container has put out */
    uint64_t max_size; /* begin a new file before it would be larger; 0: never */
    unsigned files;    /* to keep */
    uint32_t chunk;    /* the most bytes in one record */
    int writer;        /* the process that writes for us, or 0 */
    int is_lossless;   /* nothing goes that an attached reader has not seen: log_waits */
    int removed;       /* the file that went last to make room, or -1 */
};

/* Keep records in `log`. With a `buffer` in bytes they are written by a process of its own, and those that find the buffer full
 * are lost: a slow disk never makes the container wait. With 0 they are written at once, and it waits. Returns 0 or -errno. */
int log_open(struct log *log, uint64_t buffer);

/* Returns whether the container has to wait for whoever is attached. An attached reader has the newest file that it has opened
 * locked, flock(2). While that is the one that went last, the next may not go: the reader would never see it. */
int log_waits(const struct log *log);

/* Log some output; what cannot be written is lost, and the next record's offset says so. */
void log_put(struct log *log, uint32_t stream, const void *bytes, uint32_t size);

/* Wait until all is written. */
void log_close(struct log *log);

#endif
