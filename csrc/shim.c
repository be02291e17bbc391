/* The shim: the monitor of a container that outlives its starter. It leaves these in the container's directory:
 *
 *     attach.sock   a client that connects is sent the container's pidfd and its input, and its exit when that comes. A byte
 *                   from it closes the input here, so that it ends with the last other descriptor. Nobody answers: the
 *                   monitor is gone (it has recorded the exit, or was killed, or the machine was)
 *     pid           of its first process, as long as the monitor lives
 *     log           its output: see log.h
 *     exit          how it ended, written whole or not at all. Until then it is `incoming`, where the starter has reserved room
 */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "message.h"
#include "monitor.h"
#include "output.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* What is polled. Behind the last are the clients: whoever has connected and not left. */
enum { ENDED, ATTACH, OUTPUT, ERRORS, CLIENTS, MOST = CLIENTS + 60 };
enum { WAIT_MS = 10 }; /* after which it is looked again how far an attached reader has come */

static struct log container_log;
static struct pollfd watched[MOST];
static int clients, input = -1, input_once, exit_record = -1;

int shim_open(const struct shim_options *options)
{
    input = fcntl(MONITOR_STDIN, F_GETFD) < 0 ? -1 : MONITOR_STDIN;
    input_once = options->input_once;
    container_log = (struct log){
        .descriptor = MONITOR_LOG,
        .directory = MONITOR_DIRECTORY,
        .max_size = options->max_size,
        .files = options->files,
    };
    return log_open(&container_log, options->buffer);
}

/* Write how it ended, whole or not at all, into the room that was reserved for it: the disk may be full by now. */
static void record_exit(const char *text)
{
    const size_t size = strlen(text);
    exit_record = openat(MONITOR_DIRECTORY, "incoming", O_WRONLY | O_CLOEXEC);
    if (exit_record < 0)
        return; /* the directory is gone: those who are connected are told all the same */
    if (write(exit_record, text, size) == (ssize_t)size && ftruncate(exit_record, (off_t)size) == 0)
        renameat(MONITOR_DIRECTORY, "incoming", MONITOR_DIRECTORY, "exit");
}

void shim_started(int pid)
{
    char text[16];
    int file = openat(MONITOR_DIRECTORY, "pid", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int size = snprintf(text, sizeof text, "%d\n", pid);
    (void)!write(file, text, (size_t)size); /* not synced: after a crash of the machine it means nothing */
    close(file);
}

/* A terminal takes the place of all three streams. It is sent by the starter, before the plan's end. */
static void take_terminal(void)
{
    int terminal = receive_descriptor(MONITOR_CONTROL);
    if (terminal < 0)
        return;
    input = terminal;
    input_once = 0;
    watched[OUTPUT].fd = input;
    /* While somebody has this end open the other never hangs up: a program may close its terminal and open it again. */
    (void)!ioctl(input, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static void attach(int pid, int pidfd)
{
    int client = accept4(MONITOR_ATTACH, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0)
        return;
    tell(client, (struct message){.kind = MESSAGE_ATTACHED, .pid = pid}, NULL, 0, pidfd, input);
    if (input >= 0 && input_once) {
        close(input);
        input = -1;
    }
    watched[CLIENTS + clients++] = (struct pollfd){.fd = client, .events = POLLIN};
}

/* A terminal stays: it has no end of input. */
static void close_input(void)
{
    if (input >= 0 && input != watched[OUTPUT].fd) {
        close(input);
        input = -1;
    }
}

static void hear_clients(void)
{
    char byte;
    for (int i = 0; i < clients;) {
        struct pollfd *client = &watched[CLIENTS + i];
        if (client->revents & POLLIN && read(client->fd, &byte, 1) == 1)
            close_input();
        if (client->revents & (POLLHUP | POLLERR)) {
            close(client->fd);
            *client = watched[CLIENTS + --clients];
        } else {
            i++;
        }
    }
}

static void watch(int pid, int pidfd)
{
    for (;;) {
        watched[ATTACH].events = CLIENTS + clients < MOST ? POLLIN : 0; /* the others wait in its queue */
        int waits = log_waits(&container_log);
        watched[OUTPUT].events = watched[ERRORS].events = waits ? 0 : POLLIN;
        if (poll(watched, (nfds_t)(CLIENTS + clients), waits ? WAIT_MS : -1) <= 0)
            continue;
        if ((watched[OUTPUT].revents || watched[ERRORS].revents) && !watched[ENDED].revents)
            output_gather();
        if (watched[OUTPUT].revents)
            output_log(&watched[OUTPUT], 1, &container_log);
        if (watched[ERRORS].revents)
            output_log(&watched[ERRORS], 2, &container_log);
        hear_clients();
        if (watched[ATTACH].revents)
            attach(pid, pidfd);
        if (watched[ENDED].revents)
            return;
    }
}

void shim_until_exit(int pid, int pidfd, const struct report *report, siginfo_t *info)
{
    char text[160];
    struct timespec now;

    watched[ENDED] = (struct pollfd){.fd = pidfd, .events = POLLIN};
    watched[ATTACH] = (struct pollfd){.fd = MONITOR_ATTACH, .events = POLLIN};
    watched[OUTPUT] = (struct pollfd){.fd = MONITOR_STDOUT, .events = POLLIN};
    watched[ERRORS] = (struct pollfd){.fd = MONITOR_STDERR, .events = POLLIN};
    take_terminal();
    watch(pid, pidfd);
    while (waitid(P_PIDFD, (id_t)pidfd, info, WEXITED) < 0 && errno == EINTR)
        ;
    output_drain(&watched[OUTPUT], 1, &container_log);
    output_drain(&watched[ERRORS], 2, &container_log);
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(text, sizeof text, "%d %d %lld%09ld %llu %d %d\n", info->si_code, info->si_status, (long long)now.tv_sec,
             now.tv_nsec, (unsigned long long)container_log.offset, report->failed, report->error);
    record_exit(text);
    close(MONITOR_ATTACH); /* not before: whom nobody answers must find the record */
    struct message exited = {.kind = MESSAGE_EXITED, .pid = pid, .code = info->si_code, .status = info->si_status};
    for (int i = 0; i < clients; i++)
        tell(watched[CLIENTS + i].fd, exited, NULL, 0, -1, -1);
}

void shim_close(void)
{
    if (exit_record >= 0) { /* not before: nobody waits for the disk */
        fsync(exit_record);
        fsync(MONITOR_DIRECTORY);
    }
    log_close(&container_log);
}
