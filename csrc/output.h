/* A container's output on its way from its pipes, or its terminal, into the log. */
#ifndef LABCORE_OUTPUT_H
#define LABCORE_OUTPUT_H

#include <poll.h>
#include <stdint.h>

#include "log.h"

/* There is output: if it comes in one small piece after the other, let some more come first. To wake for each takes more time
 * than the container takes to write it. */
void output_gather(void);

/* Log a piece. Returns how many bytes there were; at its end the stream is watched no more. */
int output_log(struct pollfd *source, uint32_t stream, struct log *log);

/* Log what the container wrote before it ended: it lies in the pipe by now. More may come for ever from somebody else who has
 * it: that is not awaited. */
void output_drain(struct pollfd *source, uint32_t stream, struct log *log);

#endif
