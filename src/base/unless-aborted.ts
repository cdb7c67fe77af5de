/** What the work comes to; as soon as the signal is aborted its reason is thrown, and the work is left to itself. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((done, fail) => {
    const leave = () => fail(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    work.then(done, fail).finally(() => signal.removeEventListener("abort", leave));
  });
}
