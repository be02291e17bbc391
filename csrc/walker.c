#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

#include "block.h"
#include "raw.h"

/* By libc, which asks the kernel's vDSO: a system call for each time stamp would take as long as the cheaper half of the steps.
 * It takes no lock and no memory. Whoever walks has called this before it cloned: what the dynamic linker does at the first
 * call of a function is done by then. */
uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct step *steps_of(struct block *block)
{
    return (struct step *)(block + 1);
}

static uint32_t *relocations_of(struct block *block)
{
    return (uint32_t *)((char *)block + block->size) - block->relocations;
}

/* Is the word at this offset, among the steps, an argument (or what is `said`), and a value rather than a register's number? */
static bool is_plain_argument(struct block *block, uint32_t word)
{
    size_t index = (word - sizeof *block) / sizeof(struct step);
    size_t offset = (word - sizeof *block) % sizeof(struct step);
    if (offset < offsetof(struct step, args))
        return false;
    size_t argument = (offset - offsetof(struct step, args)) / sizeof(uint64_t);
    return !(steps_of(block)[index].registers & (1u << argument));
}

const char *block_check(const void *memory, size_t size)
{
    /* The casts drop const for the two accessors above; nothing is written. */
    struct block *block = (struct block *)(uintptr_t)memory;
    if (size < sizeof *block || block->magic != BLOCK_MAGIC)
        return "not a block";
    if (block->size != size)
        return "block is truncated";
    if (block->before > block->steps)
        return "block counts more steps before the clone than it has";
    if (block->steps > BLOCK_MAX_STEPS || block->relocations > size / sizeof(uint64_t))
        return "block counts too many steps or relocations";

    size_t first_word = sizeof *block;
    size_t table = block->relocations * sizeof(uint32_t);
    if (first_word + block->steps * sizeof(struct step) + table > size || size % sizeof(uint32_t))
        return "block's tables reach past its end";
    size_t end = size - table; /* of what relocations may point at, and change */

    for (uint32_t i = 0; i < block->steps; i++) {
        struct step *step = &steps_of(block)[i];
        if (step->result > BLOCK_REGISTERS)
            return "step writes to a register that does not exist";
        if (step->unless > BLOCK_REGISTERS || step->when > BLOCK_REGISTERS)
            return "step asks a register that does not exist";
        for (int a = 0; a < 6; a++)
            if (step->registers & (1u << a) && step->args[a] >= BLOCK_REGISTERS)
                return "step reads a register that does not exist";
    }
    for (uint32_t i = 0; i < block->relocations; i++) {
        uint32_t word = relocations_of(block)[i];
        if (word % sizeof(uint64_t) || word < first_word || word + sizeof(uint64_t) > end)
            return "relocation of a word outside the block";
        if (i && word <= relocations_of(block)[i - 1])
            return "relocations are not in order";
        if (word < first_word + block->steps * sizeof(struct step) && !is_plain_argument(block, word))
            return "relocation of what is no argument";
        if (*(const uint64_t *)((const char *)memory + word) >= end)
            return "relocation points outside the block";
    }
    return NULL;
}

void block_relocate(struct block *block)
{
    for (uint32_t i = 0; i < block->relocations; i++)
        *(uint64_t *)((char *)block + relocations_of(block)[i]) += (uint64_t)block;
}

static bool tolerated(const struct step *step, int error)
{
    return error < 64 && step->tolerate >> error & 1;
}

/* A program starts with no signal blocked and none ignored, whatever its starter had (Python ignores SIGPIPE, and the carrier
 * blocked everything around clone). CLONE_CLEAR_SIGHAND has taken the handlers away, but ignored signals it leaves ignored. */
static void default_signals(void)
{
    struct {
        uint64_t handler, flags, restorer, mask;
    } by_default = {0}; /* the kernel's own struct sigaction */
    for (uint64_t number = 1; number <= 64; number++)
        raw_syscall(SYS_rt_sigaction, number, (uint64_t)&by_default, 0, sizeof by_default.mask, 0, 0);
    raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (uint64_t)&by_default.mask, 0, sizeof by_default.mask, 0, 0);
}

#define NO_RESULT UINT64_MAX /* and no descriptor */

static bool holds_result(uint64_t value)
{
    return (int64_t)value >= 0;
}

static int walk(struct block *block, struct report *report, uint32_t first, uint32_t end)
{
    uint64_t registers[BLOCK_REGISTERS];
    for (int r = 0; r < BLOCK_REGISTERS; r++)
        registers[r] = NO_RESULT;

    for (uint32_t i = first; i < end; i++) {
        struct step *step = &steps_of(block)[i];
        struct outcome *outcome = &report->outcomes[i];
        uint64_t a[6];
        for (int j = 0; j < 6; j++)
            a[j] = step->registers & (1u << j) ? registers[step->args[j]] : step->args[j];

        report->reached = i + 1;
        if (step->unless && holds_result(registers[step->unless - 1]))
            continue;
        if (step->when && !holds_result(registers[step->when - 1])) {
            if (step->result)
                registers[step->result - 1] = NO_RESULT;
            continue;
        }
        outcome->started = monotonic_ns();
        long result = raw_syscall(step->number, a[0], a[1], a[2], a[3], a[4], a[5]);
        if (result == 0 && step->flags & STEP_ZERO_FAILS)
            result = -ECANCELED;
        if (result < 0 && result > -4096) {
            outcome->error = (int)-result;
            if (step->result)
                registers[step->result - 1] = NO_RESULT;
            if (tolerated(step, outcome->error))
                continue;
            report->error = outcome->error;
            report->failed = (int32_t)i;
            return 127;
        }
        if (step->result)
            registers[step->result - 1] = (uint64_t)result;
    }
    return 0;
}

uint64_t block_clone_flags(const struct block *block)
{
    return block->cgroup < 0 ? block->clone_flags : block->clone_flags & ~(uint64_t)CLONE_NEWCGROUP;
}

int block_walk_before(struct block *block, struct report *report)
{
    return walk(block, report, 0, block->before);
}

static long enter_cgroup(const struct block *block)
{
    long result = 0;
    if (block->cgroup >= 0 && !(block->clone_flags & CLONE_INTO_CGROUP))
        result = raw_syscall(SYS_write, (uint64_t)block->cgroup, (uint64_t)"0", 1, 0, 0, 0);
    if (result >= 0 && block_clone_flags(block) != block->clone_flags)
        result = raw_syscall(SYS_unshare, CLONE_NEWCGROUP, 0, 0, 0, 0, 0);
    return result;
}

int block_walk(struct block *block, struct report *report)
{
    default_signals();
    long result = enter_cgroup(block);
    if (result < 0) {
        report->failed = FAILED_IN_CGROUP;
        report->error = (int)-result;
        return 127;
    }
    return walk(block, report, block->before, block->steps);
}
