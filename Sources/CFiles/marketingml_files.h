#ifndef MARKETINGML_FILES_H
#define MARKETINGML_FILES_H
// What Swift cannot call by itself: a system call that the C library hides or makes variadic.
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#if defined(__linux__)
#include <fcntl.h>
#include <sys/syscall.h>
#endif

// Exchanges what two paths name, in one step. 0, or -1 with errno; ENOTSUP where the system cannot do it.
static inline int mml_exchange_paths(const char *a, const char *b) {
#if defined(__linux__) && defined(SYS_renameat2)
    return (int)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2u /* RENAME_EXCHANGE */);
#elif defined(__APPLE__)
    return renamex_np(a, b, RENAME_SWAP);
#else
    (void)a, (void)b;
    errno = ENOTSUP;
    return -1;
#endif
}
#endif
