/* The few system calls that skiff's own images need, without a C library: x86-64 and arm64 Linux. */
#ifndef SKIFF_SYSTEM_H
#define SKIFF_SYSTEM_H

typedef unsigned long word;
typedef long sword;

#if defined(__x86_64__)
enum { READ = 0, WRITE = 1, CLOSE = 3, OPENAT = 257, RT_SIGPROCMASK = 14, RT_SIGTIMEDWAIT = 128, SOCKET = 41, CONNECT = 42,
       ACCEPT4 = 288, SHUTDOWN = 48, BIND = 49, LISTEN = 50, SETSOCKOPT = 54, EXIT_GROUP = 231, WAIT4 = 61, UNAME = 63,
       PPOLL = 271, SENDTO = 44, SETNS = 308, SIGNALFD4 = 289 };
static sword call6(sword n, sword a, sword b, sword c, sword d, sword e, sword f) {
  sword result;
  register sword r10 __asm__("r10") = d;
  register sword r8 __asm__("r8") = e;
  register sword r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#define START(main) __asm__(".globl _start\n_start:\n xor %rbp,%rbp\n mov %rsp,%rdi\n and $-16,%rsp\n call " #main "\n")
#elif defined(__aarch64__)
enum { READ = 63, WRITE = 64, CLOSE = 57, OPENAT = 56, RT_SIGPROCMASK = 135, RT_SIGTIMEDWAIT = 137, SOCKET = 198,
       CONNECT = 203, ACCEPT4 = 242, SHUTDOWN = 210, BIND = 200, LISTEN = 201, SETSOCKOPT = 208, EXIT_GROUP = 94,
       WAIT4 = 260, UNAME = 160, PPOLL = 73, SENDTO = 206, SETNS = 268, SIGNALFD4 = 74 };
static sword call6(sword n, sword a, sword b, sword c, sword d, sword e, sword f) {
  register sword x8 __asm__("x8") = n;
  register sword x0 __asm__("x0") = a;
  register sword x1 __asm__("x1") = b;
  register sword x2 __asm__("x2") = c;
  register sword x3 __asm__("x3") = d;
  register sword x4 __asm__("x4") = e;
  register sword x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
#define START(main) __asm__(".globl _start\n_start:\n mov x29,#0\n mov x0,sp\n bl " #main "\n")
#else
#error "skiff's images are built for x86-64 and arm64"
#endif

#define call1(n, a) call6(n, (sword)(a), 0, 0, 0, 0, 0)
#define call2(n, a, b) call6(n, (sword)(a), (sword)(b), 0, 0, 0, 0)
#define call3(n, a, b, c) call6(n, (sword)(a), (sword)(b), (sword)(c), 0, 0, 0)
#define call4(n, a, b, c, d) call6(n, (sword)(a), (sword)(b), (sword)(c), (sword)(d), 0, 0)
#define call5(n, a, b, c, d, e) call6(n, (sword)(a), (sword)(b), (sword)(c), (sword)(d), (sword)(e), 0)

enum { SIGPIPE_BIT = 1 << 12, SIGINT_BIT = 1 << 1, SIGTERM_BIT = 1 << 14, SIGCHLD_BIT = 1 << 16 };
enum { SIG_BLOCK = 0, AT_FDCWD = -100, EINTR = 4, EAGAIN = 11 };

static inline void leave(int code) {
  for (;;) call1(EXIT_GROUP, code);
}
static inline void blockSignals(word set) { call4(RT_SIGPROCMASK, SIG_BLOCK, &set, 0, sizeof set); }

/* The compiler may make calls of these two out of loops and initialisers. */
__attribute__((used)) void *memset(void *to, int value, word length) {
  volatile unsigned char *at = to;
  while (length--) *at++ = (unsigned char)value;
  return to;
}
__attribute__((used)) void *memcpy(void *to, const void *from, word length) {
  volatile unsigned char *at = to;
  const unsigned char *source = from;
  while (length--) *at++ = *source++;
  return to;
}
#endif
