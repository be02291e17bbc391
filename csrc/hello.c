/* The program of the hello-world image: the whole image is this one file. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    char host[256] = "?";
    gethostname(host, sizeof host - 1);
    printf("\n"
           "Hello from labcore!\n"
           "\n"
           "I am process %d of the host \"%s\", and as far as I can see there is nothing else here.\n"
           "This is how I came to be:\n"
           " 1. The labcore command looked up the image \"hello-world\": one layer with one file.\n"
           " 2. Python wrote a plan: namespaces, a root file system, mounts, rights, and this program.\n"
           " 3. One clone3 made a process with namespaces of its own, and a walker in C followed the plan.\n"
           " 4. The plan's last line was execve. I printed this, and now I end.\n"
           "\n"
           "Read the plan:      labcore plan hello-world\n"
           "Look around inside: labcore run -i --rm busybox sh\n"
           "\n",
           getpid(), host);
    return 0;
}
