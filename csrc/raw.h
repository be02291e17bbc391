/* System calls without libc.
 *
 * Between clone and exec a child may share its parent's memory, and the parent may have threads that hold libc's locks.
 * What runs there must therefore not touch errno, malloc, stdio or anything else of libc's. These few lines of assembly
 * are all it uses. They return what the kernel returns: a result, or -errno.
 */
#ifndef LABCORE_RAW_H
#define LABCORE_RAW_H

#include <linux/sched.h>
#include <stdint.h>

#include "compat.h"

#if defined(__x86_64__)

static inline long raw_syscall(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    register uint64_t r10 __asm__("r10") = d;
    register uint64_t r8 __asm__("r8") = e;
    register uint64_t r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* clone3 whose child runs `body(argument)` on the stack named in `args`. The child never returns from here: its new stack
 * holds no return address, which is also why this cannot be written in C. */
static inline long raw_clone3(struct clone_args *args, int (*body)(void *), void *argument)
{
    /* In registers that a system call preserves and that the lines below do not use. */
    register int (*r8)(void *) __asm__("r8") = body;
    register void *r9 __asm__("r9") = argument;
    long result;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "mov %%r9, %%rdi\n\t"
                     "call *%%r8\n\t"
                     "mov %%eax, %%edi\n\t"
                     "mov %[exit], %%eax\n\t"
                     "syscall\n"
                     "1:"
                     : "=a"(result)
                     : "a"(SYS_clone3), "D"(args), "S"(sizeof *args), "r"(r8), "r"(r9), [exit] "i"(SYS_exit_group)
                     : "rcx", "r11", "memory", "cc");
    return result;
}

#elif defined(__aarch64__)

static inline long raw_syscall(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    register long x8 __asm__("x8") = number;
    register uint64_t x0 __asm__("x0") = a;
    register uint64_t x1 __asm__("x1") = b;
    register uint64_t x2 __asm__("x2") = c;
    register uint64_t x3 __asm__("x3") = d;
    register uint64_t x4 __asm__("x4") = e;
    register uint64_t x5 __asm__("x5") = f;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return (long)x0;
}

static inline long raw_clone3(struct clone_args *args, int (*body)(void *), void *argument)
{
    register long x8 __asm__("x8") = SYS_clone3;
    register uint64_t x0 __asm__("x0") = (uint64_t)args;
    register uint64_t x1 __asm__("x1") = sizeof *args;
    register int (*x9)(void *) __asm__("x9") = body;
    register void *x10 __asm__("x10") = argument;
    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x0, x10\n\t"
                     "blr x9\n\t"
                     "mov x8, %[exit]\n\t"
                     "svc #0\n"
                     "1:"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x9), "r"(x10), [exit] "i"(SYS_exit_group)
                     : "x30", "memory", "cc");
    return (long)x0;
}

#else
#error "labcore knows the system call convention of x86-64 and arm64 only"
#endif

#endif
