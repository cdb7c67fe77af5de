/* A web server to try things out with: answers GET and HEAD on port 8080 with its host name and the path asked for. */
#include "system.h"

enum { AF_INET = 2, AF_INET6 = 10, SOCK_STREAM = 1, SOCK_NONBLOCK = 2048, SOL_SOCKET = 1, SO_REUSEADDR = 2, POLLIN = 1 };
enum { firstClient = 2, most = 128, requestAtMost = 4096 };
struct poll { int fd; short events, revents; };
struct names { char system[65], host[65], release[65], version[65], machine[65], domain[65]; };
struct address { unsigned short family, port; unsigned char rest[24]; };

static struct poll polled[most];
static char requests[most][requestAtMost];
static int lengths[most];
static int count = firstClient;
static struct names names;
static char answer[requestAtMost + 1024];
static int answerLength;

static void add(const char *text, int length) {
  for (int i = 0; i < length && answerLength < (int)sizeof answer; i++) answer[answerLength++] = text[i];
}
static int lengthOf(const char *text) {
  int length = 0;
  while (text[length]) length++;
  return length;
}
static void addText(const char *text) { add(text, lengthOf(text)); }
static void addNumber(int number) {
  char digits[12];
  int at = sizeof digits;
  do digits[--at] = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  add(digits + at, (int)sizeof digits - at);
}
static int startsWith(const char *text, int length, const char *start) {
  int expected = lengthOf(start);
  if (length < expected) return 0;
  for (int i = 0; i < expected; i++)
    if (text[i] != start[i]) return 0;
  return 1;
}

/* The length of the request's head if it is whole, 0 if more has to come. */
static int headLength(const char *text, int length) {
  for (int i = 3; i < length; i++)
    if (text[i] == '\n' && (text[i - 1] == '\n' || (text[i - 1] == '\r' && text[i - 2] == '\n'))) return i + 1;
  return 0;
}

static void compose(const char *request, int length) {
  int head = startsWith(request, length, "HEAD "), get = startsWith(request, length, "GET ");
  answerLength = 0;
  if (!head && !get) {
    addText("HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return;
  }
  const char *path = request + (head ? 5 : 4);
  int pathLength = 0;
  while (path + pathLength < request + length && path[pathLength] > ' ') pathLength++;
  const char *words[] = {"Hello from ", names.host, ", you asked for ", "\n"};
  int bodyLength = pathLength;
  for (int i = 0; i < 4; i++) bodyLength += lengthOf(words[i]);
  addText("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: ");
  addNumber(bodyLength);
  addText("\r\n\r\n");
  if (head) return;
  for (int i = 0; i < 3; i++) addText(words[i]);
  add(path, pathLength);
  addText(words[3]);
}

static void drop(int client) {
  call1(CLOSE, polled[client].fd);
  count--;
  if (client == count) return;
  polled[client] = polled[count];
  lengths[client] = lengths[count];
  memcpy(requests[client], requests[count], (word)lengths[count]);
}

static void serve(int client) {
  int fd = polled[client].fd;
  sword length = call3(READ, fd, requests[client] + lengths[client], requestAtMost - lengths[client]);
  if (length == -EINTR || length == -EAGAIN) return;
  if (length <= 0) return drop(client);
  lengths[client] += (int)length;
  int whole = headLength(requests[client], lengths[client]);
  if (!whole && lengths[client] < requestAtMost) return;
  if (whole) {
    compose(requests[client], whole);
  } else {
    answerLength = 0;
    addText("HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  }
  /* The answer is smaller than any socket's buffer, so one write takes it. */
  call3(WRITE, fd, answer, answerLength);
  call2(SHUTDOWN, fd, 1);
  drop(client);
}

static int listenOn(unsigned short family) {
  struct address any = {family, 8080 >> 8 | (8080 & 255) << 8, {0}};
  int yes = 1, fd = (int)call3(SOCKET, family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) return fd;
  call5(SETSOCKOPT, fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (call3(BIND, fd, &any, family == AF_INET6 ? 28 : 16) < 0 || call2(LISTEN, fd, 128) < 0) {
    call1(CLOSE, fd);
    return -1;
  }
  return fd;
}

static void welcome(int listener) {
  sword fd = call4(ACCEPT4, listener, 0, 0, SOCK_NONBLOCK);
  if (fd < 0) return;
  if (count == most) drop(firstClient); /* idle connections must not keep others out */
  polled[count] = (struct poll){(int)fd, POLLIN, 0};
  lengths[count++] = 0;
}

__attribute__((used)) static void run(void) {
  word stop = SIGINT_BIT | SIGTERM_BIT;
  blockSignals(stop | SIGPIPE_BIT);
  call1(UNAME, &names);
  int listener = listenOn(AF_INET6); /* both families, where the kernel has IPv6 */
  if (listener < 0) listener = listenOn(AF_INET);
  if (listener < 0) leave(1);
  /* The first process of a container does not die of a signal by itself. */
  int signals = (int)call4(SIGNALFD4, -1, &stop, sizeof stop, 0);
  polled[0] = (struct poll){listener, POLLIN, 0};
  polled[1] = (struct poll){signals, POLLIN, 0};
  for (;;) {
    if (call5(PPOLL, polled, count, 0, 0, 0) < 0) continue;
    if (polled[1].revents) leave(0);
    for (int client = count - 1; client >= firstClient; client--)
      if (polled[client].revents) serve(client);
    if (polled[0].revents) welcome(listener);
  }
}
START(run);
