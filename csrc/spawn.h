#ifndef LABCORE_SPAWN_H
#define LABCORE_SPAWN_H

#include <stddef.h>
#include <stdint.h>

/* Walk a block in a child that shares our memory until it execs (CLONE_VM | CLONE_VFORK): starting from a large process
 * costs what it costs from a small one, for no page table is copied. Before the first step, descriptor `layout[i]` becomes
 * the child's descriptor i (-1: i is left as it is). Returns the pid, or -errno of clone3 (or of mmap, for the child's
 * stack; -EINVAL also for a block that lc_check refuses); what befell the steps stands in `report`. `pidfd` is close-on-exec.
 */
long lc_spawn(void *block, size_t size, const int *layout, int layout_size, void *report, int *pidfd);

/* What block_check says of the block: NULL, or what is wrong with it. */
const char *lc_check(const void *block, size_t size);

/* One system call from this thread: its result, or -errno. */
long lc_call(long number, const uint64_t *args);

/* fork with clone3's flags, with what CPython wants done around a fork. Returns as fork does, or -errno. */
long lc_fork(uint64_t flags, int *pidfd);

#endif
