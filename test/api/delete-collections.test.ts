import { expect, test } from "vitest";
import { startApiServer } from "../support/api-server.ts";
import { ask } from "../support/ask.ts";

interface Answered {
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
  readonly metadata: { readonly continue?: string; readonly remainingItemCount?: number };
  readonly message?: string;
}

const at = "/api/v1/namespaces/default/configmaps";

/** A server with ConfigMaps of these names, the second half of them labelled, and what is asked of it. */
async function aServer(names: readonly string[]) {
  const server = await startApiServer();
  const revisions: string[] = [];
  for (const [i, name] of names.entries()) {
    const labels = i < names.length / 2 ? {} : { half: "second" };
    const { text } = await ask(server.url, "POST", at, { body: { metadata: { name, labels } } });
    revisions.push(JSON.parse(text).metadata.resourceVersion);
  }
  const answered = async (method: string, query = "") => {
    const { status, text } = await ask(server.url, method, at + query);
    return { status, answer: JSON.parse(text) as Answered };
  };
  const namesIn = ({ items }: Answered) => items.map(({ metadata }) => metadata.name);
  return {
    revisions,
    answered,
    removed: async (query: string) => namesIn((await answered("DELETE", query)).answer),
    left: async () => namesIn((await answered("GET")).answer),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

test("deleting a page of a collection deletes that page, and says how to go on", async () => {
  await using server = await aServer(["a", "b", "c", "d"]);
  const { answer } = await server.answered("DELETE", "?limit=3");
  expect(answer.items.map(({ metadata }) => metadata.name)).toEqual(["a", "b", "c"]);
  expect(answer.metadata).toMatchObject({ remainingItemCount: 1, continue: expect.any(String) });
  expect(await server.left()).toEqual(["d"]);
  expect(await server.removed(`?limit=3&continue=${answer.metadata.continue}`)).toEqual(["d"]);
  expect(await server.left()).toEqual([]);
});

test("a page of what a selector selects counts only that", async () => {
  await using server = await aServer(["a", "b", "c", "d", "e", "f"]);
  expect(await server.removed("?labelSelector=half%3Dsecond&limit=2")).toEqual(["d", "e"]);
  expect(await server.left()).toEqual(["a", "b", "c", "f"]);
});

test("a collection as it was earlier leaves what came later", async () => {
  await using server = await aServer(["a", "b", "c"]);
  expect(await server.removed(`?resourceVersion=${server.revisions[1]}`)).toEqual(["a", "b"]);
  expect(await server.left()).toEqual(["c"]);
});

test("contradicting options delete nothing", async () => {
  await using server = await aServer(["a"]);
  const { status, answer } = await server.answered("DELETE", "?resourceVersionMatch=Exact");
  expect([status, answer.message]).toEqual([
    422,
    'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
  ]);
  expect(await server.left()).toEqual(["a"]);
});

test("a pod of several disruption budgets cannot be evicted", async () => {
  await using server = await startApiServer();
  const make = (path: string, body: object) => ask(server.url, "POST", path, { body });
  const budget = (name: string) => ({ metadata: { name }, spec: { selector: {}, maxUnavailable: 1 } });
  for (const name of ["one", "two"])
    await make("/apis/policy/v1/namespaces/default/poddisruptionbudgets", budget(name));
  const pods = "/api/v1/namespaces/default/pods";
  const spec = { containers: [{ name: "c", image: "i" }], nodeName: "n" };
  await make("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  await make(pods, { metadata: { name: "p" }, spec });
  const running = { body: { status: { phase: "Running" } }, type: "application/merge-patch+json" };
  await ask(server.url, "PATCH", `${pods}/p/status`, running);
  const { status, text } = await make(`${pods}/p/eviction`, { metadata: { name: "p" } });
  expect([status, JSON.parse(text).message]).toEqual([
    500,
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
  ]);
  expect((await ask(server.url, "GET", `${pods}/p`)).status).toBe(200);
});
