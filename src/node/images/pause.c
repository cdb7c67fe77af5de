/* Holds a pod's namespaces: sleeps until it is told to end, and buries the processes that a shared PID namespace leaves it. */
#include "system.h"

__attribute__((used)) static void run(void) {
  word set = SIGINT_BIT | SIGTERM_BIT | SIGCHLD_BIT;
  blockSignals(set);
  for (;;) {
    sword signal = call4(RT_SIGTIMEDWAIT, &set, 0, 0, sizeof set);
    if (signal == 2 || signal == 15) leave(0);
    while (call4(WAIT4, -1, 0, 1 /* WNOHANG */, 0) > 0) {
    }
  }
}
START(run);
