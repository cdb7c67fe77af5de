import { fakeClock } from "../../base/testing/fake-clock.ts";
import { transportContract } from "./contract.ts";
import { memoryTransport } from "./memory-transport.ts";

transportContract("the API server in memory", async () => {
  const transport = memoryTransport(fakeClock());
  transport.served.set("apps/v1", [{ name: "deployments", kind: "Deployment", namespaced: true }]);
  return { transport, namespace: "default", async [Symbol.asyncDispose]() {} };
});
