/* The output of a child that nobody reads any more. */
#ifndef LABCORE_DISCARD_H
#define LABCORE_DISCARD_H

/* The starter has gone, and reads the child's output no more: it is thrown away here. Else the child would get SIGPIPE, or a
 * hangup of its terminal, or wait for ever. */
void discard_output(int pidfd, int terminal);

#endif
