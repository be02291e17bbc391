/* The block: a plan as one flat piece of memory, and the report that comes back.
 *
 *     +--------+---------+---------------------------------+---------------+
 *     | header | steps[] | data: strings, structs, arrays  | relocations[] |
 *     +--------+---------+---------------------------------+---------------+
 *
 * Nothing in it is a pointer. Where a pointer is wanted (a path, argv) a 64-bit word holds an offset from the start of the
 * block, and `relocations` lists the offsets of those words, in order, each once; whoever has the block in memory adds its
 * address to each of them once, before clone. The child then needs no parsing and no memory of its own.
 *
 * A step is one system call. The walker makes the calls in order and decides nothing.
 */
#ifndef LABCORE_BLOCK_H
#define LABCORE_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#define BLOCK_MAGIC 0x324b4c42u /* "BLK2" */
#define BLOCK_REGISTERS 2048    /* a start's stack has room for them */
#define BLOCK_MAX_STEPS 65536u

struct block {
    uint32_t magic;
    uint32_t size; /* of the whole block, in bytes */
    uint32_t steps;
    uint32_t relocations;
    uint64_t clone_flags;
    int32_t cgroup;  /* descriptor of the cgroup to start in: with CLONE_INTO_CGROUP of a v2 directory, else of a v1 `tasks`
                        file, which the child writes itself into; -1: the starter's */
    uint32_t before; /* this many of the steps are made by the carrier itself, before it clones */
};

enum { STEP_ZERO_FAILS = 1 }; /* a result of 0 (end of file at a handshake) is a failure: ECANCELED */

struct step {
    uint32_t number; /* of the system call */
    uint8_t flags;
    uint8_t registers; /* bit i: args[i] is the number of a register, not a value */
    uint16_t result;   /* register that takes the result, counted from 1, and none if the step fails; 0: dropped */
    uint16_t unless;   /* register, counted from 1: if it holds a result, the step is left out; 0: always made */
    uint16_t when;     /* register, counted from 1: if it holds no result, the step is left out, and has none; 0: always made */
    uint16_t reserved[2];
    uint64_t tolerate; /* bit e: errno e is no failure, go on with the next step */
    uint64_t args[6];
    uint64_t said; /* text that the monitor's child writes to descriptor 2, with the error behind it, if this fails; 0: none */
};

struct outcome {
    uint64_t started; /* CLOCK_MONOTONIC, nanoseconds; 0: never reached */
    int32_t error;    /* errno, also when tolerated */
    uint32_t reserved;
};

enum { FAILED_IN_LAYOUT = -2, FAILED_IN_CGROUP = -3 };

struct report {
    uint64_t cloned;    /* just before clone, in the parent */
    uint64_t returned;  /* the child has left this memory: it runs its program, or it is dead */
    int32_t pid_inside; /* the child's pid as its own PID namespace counts */
    int32_t failed;     /* step that failed; -1: none; FAILED_IN_LAYOUT: no step yet, a descriptor could not be put in place;
                           FAILED_IN_CGROUP: nor yet, its cgroup could not be entered */
    int32_t error;      /* its errno */
    uint32_t reached;   /* the last step that was begun, counted from 1 */
    struct outcome outcomes[];
};

static inline size_t report_size(uint32_t steps)
{
    return sizeof(struct report) + steps * sizeof(struct outcome);
}

/* Is this a block that can be walked without reading or writing outside it? NULL, or what is wrong. */
const char *block_check(const void *memory, size_t size);

/* Turn offsets into addresses. Once for each copy in memory. */
void block_relocate(struct block *block);

/* The flags for clone3. A child that is born in another cgroup makes its cgroup namespace itself, when it is there: by the
 * clone it would get one whose root is its parent's cgroup, cgroup_namespaces(7). */
uint64_t block_clone_flags(const struct block *block);

/* Make the calls that come before the clone. Runs in the carrier: only in one that shares its memory with nobody. Returns 0, or
 * 127 when one failed. */
int block_walk_before(struct block *block, struct report *report);

/* Make the calls after the clone. Runs in the child. Returns the exit status for a child whose plan has ended without an exec:
 * 0 when every step was made, 127 when one failed. */
int block_walk(struct block *block, struct report *report);

uint64_t monotonic_ns(void);

#endif
