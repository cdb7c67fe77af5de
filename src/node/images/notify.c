/*
 * notify: passes what comes on stdin, in messages that end with a zero byte, to the datagram socket that NOTIFY_SOCKET
 * names (sd_notify(3)). Node.js has no datagrams over Unix sockets. Ends with its stdin.
 */
#include "system.h"

enum { AF_UNIX = 1, SOCK_DGRAM = 2, longestPath = 107 };
struct address { unsigned short family; char path[longestPath + 1]; };

static char message[4096];

/* The value of an environment variable, 0 where it is not set. */
static const char *valueOf(char **environment, const char *name) {
  for (; *environment; environment++) {
    word at = 0;
    while (name[at] && (*environment)[at] == name[at]) at++;
    if (!name[at] && (*environment)[at] == '=') return *environment + at + 1;
  }
  return 0;
}

__attribute__((used)) static void run(sword *stack) {
  const char *path = valueOf((char **)(stack + 1 + stack[0] + 1), "NOTIFY_SOCKET");
  if (!path) leave(2);
  struct address to = {AF_UNIX, {0}};
  word length = 0;
  for (; path[length]; length++) {
    if (length == longestPath) leave(2);
    to.path[length] = path[length];
  }
  if (to.path[0] == '@') to.path[0] = 0; /* a name outside the file system */
  int fd = (int)call3(SOCKET, AF_UNIX, SOCK_DGRAM, 0);
  if (fd < 0) leave(1);

  word held = 0;
  for (;;) {
    sword got = call3(READ, 0, message + held, sizeof message - held);
    if (got == -EINTR) continue;
    if (got <= 0) leave(0);
    held += (word)got;
    word begin = 0;
    for (word at = 0; at < held; at++) {
      if (message[at]) continue;
      call6(SENDTO, fd, (sword)(message + begin), (sword)(at - begin), 0, (sword)&to, (sword)(sizeof to.family + length));
      begin = at + 1;
    }
    held -= begin;
    for (word at = 0; at < held; at++) message[at] = message[begin + at];
    if (held == sizeof message) leave(2);
  }
}
START(run);
