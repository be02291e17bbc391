/* The walker on its own, under the address and undefined-behaviour sanitizers: damaged blocks must be refused before anything
 * is read or written outside them, and a good one must be walked as written. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "block.h"
#include "compat.h"

enum { STEPS = 4, TEXT = 64 };

/* getpid -> register 0; getpgid(register 0); a call that fails with EBADF and is forgiven; chdir("/tmp") through a pointer */
struct sample {
    struct block header;
    struct step steps[STEPS];
    char text[TEXT];
    uint32_t relocations[2];
};

static struct sample *sample(void)
{
    struct sample *made = calloc(1, sizeof *made);
    made->header = (struct block){.magic = BLOCK_MAGIC, .size = sizeof *made, .steps = STEPS, .relocations = 1, .cgroup = -1};
    made->steps[0] = (struct step){.number = SYS_getpid, .result = 1};
    made->steps[1] = (struct step){.number = SYS_getpgid, .registers = 1, .args = {0}};
    made->steps[2] = (struct step){.number = SYS_close, .tolerate = 1u << EBADF, .args = {999}};
    made->steps[3] = (struct step){.number = SYS_chdir, .args = {offsetof(struct sample, text)}};
    strcpy(made->text, "/tmp");
    made->relocations[1] = offsetof(struct sample, steps[3].args[0]);
    return made;
}

static struct report *walk_in_child(struct sample *block, int *status)
{
    size_t size = report_size(block->header.steps);
    struct report *report = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert(report != MAP_FAILED);
    report->failed = -1;
    block_relocate(&block->header);
    pid_t pid = fork();
    if (pid == 0)
        _exit(block_walk(&block->header, report));
    assert(waitpid(pid, status, 0) == pid);
    return report;
}

static void test_a_good_block_is_walked(void)
{
    struct sample *block = sample();
    int status;
    assert(block_check(block, sizeof *block) == NULL);
    struct report *report = walk_in_child(block, &status);
    assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert(report->failed == -1 && report->reached == STEPS);
    assert(report->outcomes[2].error == EBADF);
    for (int i = 0; i < STEPS; i++)
        assert(report->outcomes[i].started > 0 && report->outcomes[i].started >= report->outcomes[i ? i - 1 : 0].started);
    free(block);
}

static void test_a_failing_step_ends_the_walk(void)
{
    struct sample *block = sample();
    int status;
    block->steps[2].tolerate = 0;
    struct report *report = walk_in_child(block, &status);
    assert(WEXITSTATUS(status) == 127);
    assert(report->failed == 2 && report->error == EBADF && report->reached == 3);
    assert(report->outcomes[3].started == 0);
    free(block);
}

static void test_end_of_file_at_a_handshake_is_a_failure(void)
{
    struct sample *block = sample();
    int status;
    block->steps[2] = (struct step){.number = SYS_umask, .flags = STEP_ZERO_FAILS, .args = {0}};
    block->steps[1] = (struct step){.number = SYS_umask, .args = {0}}; /* the mask is 0 now, and the next call returns that */
    struct report *report = walk_in_child(block, &status);
    assert(report->failed == 2 && report->error == ECANCELED);
    free(block);
}

static void test_a_step_is_left_out_where_another_has_succeeded(void)
{
    for (int fails = 0; fails < 2; fails++) {
        struct sample *block = sample();
        int status;
        block->steps[2].result = 5; /* close: 0 for a descriptor that is open */
        block->steps[2].args[0] = fails ? 999 : 0;
        block->steps[3].unless = 5;
        struct report *report = walk_in_child(block, &status);
        assert(report->failed == -1 && report->reached == STEPS);
        assert(!report->outcomes[3].started == !fails);
        free(block);
    }
}

static void test_a_step_is_made_only_where_another_has_succeeded(void)
{
    for (int fails = 0; fails < 2; fails++) {
        struct sample *block = sample();
        int status;
        block->steps[1].result = 5; /* of a step that succeeds: what follows takes it back if it fails */
        block->steps[2].result = 5;
        block->steps[2].args[0] = fails ? 999 : 0;
        block->steps[3].when = 5;
        struct report *report = walk_in_child(block, &status);
        assert(report->failed == -1 && report->reached == STEPS);
        assert((report->outcomes[3].started > 0) == !fails);
        free(block);
    }
}

static void refused(struct sample *block, size_t size, const char *why)
{
    const char *answer = block_check(block, size);
    if (!answer || strcmp(answer, why)) {
        fprintf(stderr, "expected \"%s\", got \"%s\"\n", why, answer ? answer : "(accepted)");
        abort();
    }
    free(block);
}

static void test_damage_is_refused(void)
{
    struct sample *block;
    refused(sample(), 3, "not a block");
    refused(sample(), sizeof(struct sample) - 4, "block is truncated");
    (block = sample())->header.magic ^= 1;
    refused(block, sizeof *block, "not a block");
    (block = sample())->header.steps = BLOCK_MAX_STEPS + 1;
    refused(block, sizeof *block, "block counts too many steps or relocations");
    (block = sample())->header.relocations = UINT32_MAX;
    refused(block, sizeof *block, "block counts too many steps or relocations");
    (block = sample())->header.steps = STEPS + 2;
    refused(block, sizeof *block, "block's tables reach past its end");
    (block = sample())->header.before = STEPS + 1;
    refused(block, sizeof *block, "block counts more steps before the clone than it has");
    (block = sample())->steps[1].args[0] = BLOCK_REGISTERS;
    refused(block, sizeof *block, "step reads a register that does not exist");
    (block = sample())->steps[0].unless = BLOCK_REGISTERS + 1;
    refused(block, sizeof *block, "step asks a register that does not exist");
    (block = sample())->steps[0].when = BLOCK_REGISTERS + 1;
    refused(block, sizeof *block, "step asks a register that does not exist");
    (block = sample())->steps[0].result = BLOCK_REGISTERS + 1;
    refused(block, sizeof *block, "step writes to a register that does not exist");
    uint32_t outside[] = {0, 4, sizeof(struct block) + 4, sizeof(struct sample) - 8, sizeof(struct sample), UINT32_MAX};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        (block = sample())->relocations[1] = outside[i];
        refused(block, sizeof *block, "relocation of a word outside the block");
    }
    (block = sample())->relocations[1] = offsetof(struct sample, steps[3].tolerate);
    refused(block, sizeof *block, "relocation of what is no argument");
    (block = sample())->relocations[1] = offsetof(struct sample, steps[1].args[0]);
    refused(block, sizeof *block, "relocation of what is no argument"); /* it names a register */
    block = sample();
    block->header.relocations = 2;
    block->relocations[0] = block->relocations[1];
    refused(block, sizeof *block, "relocations are not in order");
    (block = sample())->steps[3].args[0] = sizeof(struct sample);
    refused(block, sizeof *block, "relocation points outside the block");
}

/* Relocate and walk a block that was accepted, with calls that do not exist instead of its own. */
static void walk_harmlessly(struct block *block)
{
    struct report *report = calloc(1, report_size(block->steps));
    struct step *steps = (struct step *)(block + 1);
    block_relocate(block);
    for (uint32_t i = 0; i < block->steps; i++) {
        steps[i].number = UINT32_MAX;
        steps[i].tolerate = UINT64_MAX;
    }
    block_walk(block, report);
    free(report);
}

/* Whatever single byte is changed, checking never reads outside, and what is accepted can be relocated. */
static void test_every_byte_damaged(void)
{
    for (size_t at = 0; at < sizeof(struct sample); at++)
        for (int bit = 0; bit < 8; bit++) {
            struct sample *block = sample();
            ((unsigned char *)block)[at] ^= (unsigned char)(1 << bit);
            if (!block_check(block, sizeof *block))
                walk_harmlessly(&block->header);
            free(block);
        }
}

static void test_random_blocks(void)
{
    srand(4711);
    for (int round = 0; round < 20000; round++) {
        size_t size = 32 + (size_t)(rand() % 512);
        unsigned char *bytes = malloc(size);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (unsigned char)rand();
        struct block *block = (struct block *)bytes;
        block->magic = BLOCK_MAGIC;
        block->size = (uint32_t)size;
        block->steps %= 6;
        block->relocations %= 6;
        if (!block_check(bytes, size))
            walk_harmlessly(block);
        free(bytes);
    }
}

int main(void)
{
    test_a_good_block_is_walked();
    test_a_failing_step_ends_the_walk();
    test_end_of_file_at_a_handshake_is_a_failure();
    test_a_step_is_left_out_where_another_has_succeeded();
    test_a_step_is_made_only_where_another_has_succeeded();
    test_damage_is_refused();
    test_every_byte_damaged();
    test_random_blocks();
    puts("walker: all tests passed");
    return 0;
}
