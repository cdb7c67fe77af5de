import { expect, test } from "vitest";
import { chainsToPass, strictFilters } from "./foreign-filters.ts";

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

const firewalld = { family: "inet", table: "firewalld", name: "filter_FORWARD", hook: "forward", policy: "accept" };

test.each([
  ["nobody keeps anything out", [{ ...forward, hook: "input", policy: "accept" }], []],
  [
    "what reaches the machine is kept out",
    [{ ...forward, name: "INPUT", hook: "input" }, forward],
    ["ip filter INPUT"],
  ],
  ["firewalld refuses behind all others", [firewalld, { ...firewalld, name: "filter_FORWARD_2" }], ["firewalld"]],
])("a user has to open the way where %s", (_, chains, strict) => {
  expect(strictFilters(chains)).toEqual(strict);
});
