import { expect, test } from "vitest";
import { chainsToPass } from "./foreign-filters.ts";

const forward = { family: "ip", table: "filter", name: "FORWARD", hook: "forward", policy: "drop" };
const dockerUser = { family: "ip", table: "filter", name: "DOCKER-USER" };

test.each([
  ["nobody drops", [{ ...forward, policy: "accept" }, dockerUser], []],
  ["Docker drops and keeps a chain for its users", [forward, dockerUser], [dockerUser]],
  ["somebody else drops", [forward, { ...dockerUser, family: "ip6" }], [forward]],
  ["another hook drops", [{ ...forward, hook: "input" }], []],
])("pods' packets are let through where %s", (_, chains, passed) => {
  expect(chainsToPass(chains)).toEqual(passed);
});
