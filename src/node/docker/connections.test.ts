import { inspect } from "node:util";
import { expect, test } from "vitest";
import { DockerConnections } from "./connections.ts";

test("say nothing of their sockets when they are printed: docker-modem does so for every request", () => {
  using connections = new DockerConnections();
  expect(inspect({ agent: connections }, { showHidden: true, depth: null })).toBe("{ agent: DockerConnections }");
});
