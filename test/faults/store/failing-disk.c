/*
 * A disk that reports errors, for a process started with it as LD_PRELOAD: while the file that FAILING_DISK names is there, what
 * its first word names ("sync", "write") fails with EIO for files whose names contain "state.db".
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int fails(int fd, const char *what) {
    const char *order = getenv("FAILING_DISK");
    char word[16] = "", link[64], name[4096];
    if (!order) return 0;
    int file = open(order, O_RDONLY);
    if (file < 0) return 0;
    ssize_t read_bytes = read(file, word, sizeof word - 1);
    close(file);
    if (read_bytes <= 0 || strncmp(word, what, strlen(what)) != 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length < 0) return 0;
    name[length] = 0;
    if (!strstr(name, "state.db")) return 0;
    errno = EIO;
    return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int fsync(int fd) { return fails(fd, "sync") ? -1 : NEXT(fsync)(fd); }
int fdatasync(int fd) { return fails(fd, "sync") ? -1 : NEXT(fdatasync)(fd); }
ssize_t write(int fd, const void *from, size_t count) {
    return fails(fd, "write") ? -1 : NEXT(write)(fd, from, count);
}
ssize_t pwrite(int fd, const void *from, size_t count, off_t at) {
    return fails(fd, "write") ? -1 : NEXT(pwrite)(fd, from, count, at);
}
ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at) {
    return fails(fd, "write") ? -1 : NEXT(pwrite64)(fd, from, count, at);
}
