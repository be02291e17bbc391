#include "message.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

void tell(int channel, struct message message, const void *rest, size_t rest_size, int first, int second)
{
    int descriptors[2] = {first >= 0 ? first : second, second};
    size_t lent = sizeof(int) * ((first >= 0) + (second >= 0));
    struct iovec parts[2] = {{&message, sizeof message}, {(void *)(uintptr_t)rest, rest_size}};
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct msghdr header = {.msg_iov = parts, .msg_iovlen = rest_size ? 2 : 1};
    if (lent) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(lent);
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(lent);
        memcpy(CMSG_DATA(rights), descriptors, lent);
    }
    (void)!sendmsg(channel, &header, MSG_NOSIGNAL);
}

int receive_descriptor(int channel)
{
    char message[sizeof(struct message)];
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = {message, sizeof message};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control};
    int received = -1;

    if (recvmsg(channel, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0)
        return -1;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    if (rights && rights->cmsg_type == SCM_RIGHTS)
        memcpy(&received, CMSG_DATA(rights), sizeof received);
    return received;
}
