/*
 * forward NETNS PORT: joins a network namespace and carries bytes between stdin/stdout and a TCP port on its loopback,
 * IPv4 first, then IPv6. Says one byte when it knows how it stands: 0 connected, else the error number.
 */
#include "system.h"

enum { AF_INET = 2, AF_INET6 = 10, SOCK_STREAM = 1, POLLIN = 1, SHUT_WR = 1 };
struct address4 { unsigned short family, port; unsigned char ip[4], zero[8]; };
struct address6 { unsigned short family, port; unsigned flow; unsigned char ip[16]; unsigned scope; };
struct poll { int fd; short events, revents; };

static char buffer[65536];

static int writeAll(int fd, const char *data, sword length) {
  while (length > 0) {
    sword written = call3(WRITE, fd, data, length);
    if (written == -EINTR) continue;
    if (written <= 0) return 0;
    data += written;
    length -= written;
  }
  return 1;
}

static void fail(sword error) {
  char code = (char)-error;
  writeAll(1, &code, 1);
  leave(1);
}

static int connectTo(unsigned short port) {
  unsigned short wire = (unsigned short)(port << 8 | port >> 8);
  struct address4 four = {AF_INET, wire, {127, 0, 0, 1}, {0}};
  struct address6 six = {AF_INET6, wire, 0, {0}, 0};
  six.ip[15] = 1;
  int fd = (int)call3(SOCKET, AF_INET, SOCK_STREAM, 0);
  sword error = fd < 0 ? fd : call3(CONNECT, fd, &four, sizeof four);
  if (error == 0) return fd;
  if (fd >= 0) call1(CLOSE, fd);
  fd = (int)call3(SOCKET, AF_INET6, SOCK_STREAM, 0);
  if (fd < 0 || call3(CONNECT, fd, &six, sizeof six) != 0) fail(error);
  return fd;
}

/* Moves what is there; 0 when the source has ended. */
static int move(int from, int to) {
  sword length = call3(READ, from, buffer, sizeof buffer);
  if (length == -EINTR || length == -EAGAIN) return 1;
  return length > 0 && writeAll(to, buffer, length);
}

__attribute__((used)) static void run(sword *stack) {
  char **arguments = (char **)(stack + 1);
  blockSignals(SIGPIPE_BIT);
  if (stack[0] != 3) leave(2);
  sword namespace = call4(OPENAT, AT_FDCWD, arguments[1], 0, 0);
  if (namespace < 0) fail(namespace);
  sword joined = call2(SETNS, namespace, 0x40000000 /* CLONE_NEWNET */);
  if (joined < 0) fail(joined);
  unsigned port = 0;
  for (const char *digit = arguments[2]; *digit; digit++) port = port * 10 + (unsigned)(*digit - '0');
  int remote = connectTo((unsigned short)port);
  char connected = 0;
  writeAll(1, &connected, 1);

  struct poll ends[2] = {{0, POLLIN, 0}, {remote, POLLIN, 0}};
  for (;;) {
    sword ready = call5(PPOLL, ends, 2, 0, 0, 0);
    if (ready == -EINTR) continue;
    if (ready < 0) leave(1);
    if (ends[0].revents && !move(0, remote)) {
      ends[0].fd = -1;
      call2(SHUTDOWN, remote, SHUT_WR);
    }
    if (ends[1].revents && !move(remote, 1)) leave(0);
  }
}
START(run);
