import { expect, test } from "vitest";
import type { Pod } from "../../api/schema/types.ts";
import { noLog } from "../../base/log.ts";
import { staticPodFrom } from "./read.ts";
import { runStaticPods, type StaticWorker } from "./run-static-pods.ts";

/** A pod "web" as its file describes it; another image makes it another pod. */
function web(image: string): Pod {
  const text = `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web"},"spec":{"containers":[{"name":"main","image":"${image}"}]}}`;
  return staticPodFrom(text, { nodeName: "m1" });
}

/** A node that runs what it is told to; its pods end when the test says so. */
function world() {
  const workers = new Map<string, StaticWorker & { end(): void }>();
  const begun: string[] = [];
  const asked: string[] = [];
  const imageOf = (pod: Pod) => pod.spec.containers[0]?.image ?? "";
  const begin = (pod: Pod): void => {
    const uid = pod.metadata.uid ?? "";
    const { promise: gone, resolve: end } = Promise.withResolvers<void>();
    workers.set(uid, { uid, pod, gone, end, remove: () => void asked.push(imageOf(pod)) });
    void gone.then(() => workers.delete(uid));
    begun.push(imageOf(pod));
  };
  const mirrors = { show: async () => {}, remove: async () => {} };
  const runner = runStaticPods({ workers, begin, shown: () => undefined, mirrors, log: noLog });
  const settled = () => new Promise((done) => setImmediate(done));
  const end = async (pod: Pod) => {
    workers.get(pod.metadata.uid ?? "")?.end();
    await settled();
  };
  return { runner, begun, asked, end };
}

test("a pod that changed is ended first, then begun as it is by then, and nothing of what it was in between", async () => {
  const { runner, begun, asked, end } = world();
  runner.take([web("one")]);
  runner.take([web("two")]);
  runner.take([web("three")]);
  expect(begun).toEqual(["one"]);
  await end(web("one"));
  expect(begun).toEqual(["one", "three"]);
  expect(new Set(asked)).toEqual(new Set(["one"]));
});

test("a pod that was changed back while it ended is begun again, and one whose file went is not", async () => {
  const { runner, begun, end } = world();
  runner.take([web("one")]);
  runner.take([web("two")]);
  runner.take([web("one")]);
  await end(web("one"));
  expect(begun).toEqual(["one", "one"]);
  runner.take([]);
  await end(web("one"));
  expect(begun).toEqual(["one", "one"]);
});
