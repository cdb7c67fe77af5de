import { CoreV1Api, KubeConfig, makeInformer, type V1ConfigMap } from "@kubernetes/client-node";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Api, openApi } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { kubectlPath } from "../support/kubectl.ts";
import { start } from "../support/run.ts";

const on = journey("kill", ["busybox:1"]);
const kills = 50;
const path = "/api/v1/namespaces/default/configmaps";
let api: Api;
beforeAll(() => void (api = openApi(on.cluster.kubeconfig)));
afterAll(() => api?.[Symbol.dispose]());

interface Written {
  readonly value: string;
  readonly revision: number;
}

/** Writes until told to stop; what was acknowledged, by name, and every revision that was handed out. */
function writers(count: number) {
  const acknowledged = new Map<string, Written>();
  const revisions: number[] = [];
  const state = { on: true, next: 0 };
  const one = async () => {
    while (state.on) {
      const [name, value] = [`w-${state.next++ % 400}`, String(state.next)];
      const before = acknowledged.get(name);
      const object = {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name, labels: { load: "yes" } },
        data: { value },
      };
      // A failed connection leaves open whether the write happened: only answers count.
      const answer = await api
        .request(before ? "PUT" : "POST", before ? `${path}/${name}` : path, object)
        .catch(() => undefined);
      if (!answer || answer.status >= 500) await new Promise((done) => setTimeout(done, 20));
      else if (answer.status === 409 && !before)
        acknowledged.set(name, { value: "?", revision: 0 }); // it had happened
      else if (answer.status < 300) {
        const revision = Number(answer.body.metadata.resourceVersion);
        revisions.push(revision);
        if (revision > (acknowledged.get(name)?.revision ?? 0)) acknowledged.set(name, { value, revision });
      }
    }
  };
  const running = Array.from({ length: count }, one);
  return {
    acknowledged,
    revisions,
    async stop() {
      state.on = false;
      await Promise.all(running);
    },
  };
}

test(`kill -9 under load, ${kills} times: no acknowledged write is lost, no container restarted, watches resume`, {
  timeout: 900_000,
}, async () => {
  await on.kubectl("create", "deployment", "steady", "--image=busybox:1", "--replicas=2", "--", "sleep", "36000");
  await on.kubectl("rollout", "status", "deployment/steady", "--timeout=90s");
  const containers = async () =>
    (await on.json("get", "pods", "-l", "app=steady")).items
      .map((pod: { status: { containerStatuses: { containerID: string; restartCount: number }[] } }) =>
        pod.status.containerStatuses.map((c) => [c.containerID, c.restartCount]),
      )
      .sort();
  const before = await containers();

  const config = new KubeConfig();
  config.loadFromFile(on.cluster.kubeconfig);
  const list = () =>
    config.makeApiClient(CoreV1Api).listNamespacedConfigMap({ namespace: "default", labelSelector: "load=yes" });
  const seen = new Map<string, string>();
  const informer = makeInformer<V1ConfigMap>(config, path, list, "load=yes");
  const note = (object: V1ConfigMap) => void seen.set(object.metadata!.name!, object.data!.value!);
  informer.on("add", note);
  informer.on("update", note);
  informer.on("error", () => void setTimeout(() => informer.start().catch(() => {}), 200));
  await informer.start();
  const watch = start(await kubectlPath(), ["get", "configmaps", "-w", "-o", "name"], {
    env: { ...process.env, KUBECONFIG: on.cluster.kubeconfig },
  });

  // The instants are random; a failing run prints the seed that repeats them.
  const seed = Number(process.env.SKIFF_SEED ?? Date.now() % 1_000_000);
  const pauses = fc.sample(fc.integer({ min: 0, max: 400 }), { numRuns: kills, seed });
  const load = writers(8);
  for (const pauseMs of pauses) {
    await new Promise((done) => setTimeout(done, pauseMs));
    await on.cluster.stop("SIGKILL");
    await on.cluster.start();
  }
  await load.stop();

  const { body } = await api.request("GET", `${path}?labelSelector=load%3Dyes`);
  const stored = new Map<string, Written>(
    body.items.map((item: V1ConfigMap) => [
      item.metadata!.name!,
      { value: item.data!.value!, revision: Number(item.metadata!.resourceVersion) },
    ]),
  );
  for (const [name, written] of load.acknowledged) {
    expect(stored.get(name)?.revision ?? -1, `${name}, seed ${seed}`).toBeGreaterThanOrEqual(written.revision);
    if (stored.get(name)?.revision === written.revision)
      expect(stored.get(name)?.value, `${name}, seed ${seed}`).toBe(written.value);
  }
  expect(new Set(load.revisions).size, `revisions handed out twice, seed ${seed}`).toBe(load.revisions.length);
  await eventually(() =>
    expect(Object.fromEntries(seen)).toEqual(Object.fromEntries([...stored].map(([name, { value }]) => [name, value]))),
  );
  expect(await containers()).toEqual(before);
  await on.kubectl("create", "configmap", "after-all", "--from-literal=a=b");
  await eventually(() => expect(watch.output()).toContain("configmap/after-all"));
  await watch.stop("SIGKILL");
  await informer.stop();
});
