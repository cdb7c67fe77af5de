import { StatusError } from "../../api/status.ts";
import type { Incoming, Outgoing } from "./exchange.ts";

// More than this at once only wait for each other. Watches, logs and other streams do not count: they last.
const mostAtOnce = 1000;
const retryAfterSeconds = 1;

/** Bounds how many requests are worked on at once. */
export class InFlight {
  #count = 0;

  /** Takes a place until the answer is over; false when there is none. */
  enter({ url = "" }: Incoming, outgoing: Outgoing): boolean {
    if (isLong(url)) return true;
    if (this.#count >= mostAtOnce) return false;
    this.#count++;
    outgoing.on("close", () => {
      this.#count--;
    });
    return true;
  }

  static refusal(): StatusError {
    return new StatusError("TooManyRequests", "Too many requests, please try again later.", { retryAfterSeconds });
  }
}

function isLong(url: string): boolean {
  return /[?&]watch=|\/watch\/|\/(log|exec|attach|portforward|proxy)([/?]|$)/.test(url);
}
