import { fakeClock } from "../../base/testing/fake-clock.ts";
import { transportContract } from "./contract.ts";
import { memoryTransport } from "./memory-transport.ts";

transportContract("the API server in memory", async () => ({
  transport: memoryTransport(fakeClock()),
  namespace: "default",
  async [Symbol.asyncDispose]() {},
}));
