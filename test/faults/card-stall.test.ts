import { afterAll, beforeAll, expect, test } from "vitest";
import { untilReady } from "../support/agent.ts";
import { type Api, openApi } from "../support/api.ts";
import { stallCard } from "../support/card.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { secondNode } from "../support/second-node.ts";

const on = journey("one", ["busybox:1"], { cardMegabytes: 256 });
const two = secondNode(on, "two", { cardMegabytes: 256 });
const { kubectl, json } = on;
const path = "/api/v1/namespaces/default/configmaps";
/** As long as a worn card takes now and then. */
const stallSeconds = 30;
let api: Api;

const serve = "mkdir /www; echo up > /www/index.html; exec httpd -f -p 8080 -h /www";
const podOn = (node: string, name: string) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  nodeName: ${node}
  terminationGracePeriodSeconds: 1
  containers:
  - name: c
    image: busybox:1
    command: [sh, -c, "${serve}"]
    readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1, timeoutSeconds: 10}
    livenessProbe: {httpGet: {port: 8080}, periodSeconds: 1, timeoutSeconds: 10}
`;

beforeAll(async () => {
  api = openApi(on.cluster.kubeconfig, { limitMs: 4 * stallSeconds * 1000 });
  await on.cluster.kubectl.apply(`${podOn("one", "on-one")}---${podOn("two", "on-two")}`);
  await kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=150s");
});
afterAll(async () => {
  api?.[Symbol.dispose]();
});

interface Pod {
  readonly metadata: { readonly name: string };
  readonly status: {
    readonly podIP: string;
    readonly conditions: readonly { type: string; lastTransitionTime: string }[];
    readonly containerStatuses: readonly { containerID: string; restartCount: number; ready: boolean }[];
  };
}
const pods = async (): Promise<Pod[]> => (await json("get", "pods", "on-one", "on-two")).items;
/** The containers of the two pods, how often they were restarted, and whether they are ready. */
const containers = async () =>
  (await pods()).flatMap(({ metadata, status }) =>
    status.containerStatuses.map((each) => [metadata.name, each.containerID, each.restartCount, each.ready]),
  );
const renewal = async (node: string): Promise<string> =>
  (await json("get", "lease", node, "-n", "kube-node-lease")).spec.renewTime;
/** A pod may have been asked before it listened: only what is told after it was Ready counts. */
const nobodyWasLost = async () => {
  const there: readonly Pod[] = (await json("get", "pods")).items;
  const readySince = new Map(
    there.map(({ metadata, status }) => [
      metadata.name,
      status.conditions.find(({ type }) => type === "Ready")?.lastTransitionTime,
    ]),
  );
  const { items } = await json("get", "events", "-A");
  const losses = items.filter(
    ({ reason, involvedObject, lastTimestamp }: Told) =>
      ["NodeNotReady", "Unhealthy", "Killing", "TaintManagerEviction"].includes(reason) &&
      !(Date.parse(lastTimestamp) <= Date.parse(readySince.get(involvedObject.name) ?? "")),
  );
  expect(losses).toEqual([]);
};
interface Told {
  readonly reason: string;
  readonly involvedObject: { readonly name: string };
  readonly lastTimestamp: string;
}

test("an agent's card stalls: its node is heard, its pods answer, and what it was given meanwhile starts then", async () => {
  const before = await containers();
  await stallCard(two.machine, stallSeconds, async () => {
    await on.cluster.kubectl.apply(podOn("two", "late"));
    for (let heard = await renewal("two"), times = 0; times < 2; times++) {
      const last = heard;
      heard = await eventually(async () => {
        const now = await renewal("two");
        expect(now).not.toBe(last);
        return now;
      });
    }
    for (const { status } of await pods()) expect(await on.get(`http://${status.podIP}:8080/`)).toBe("up\n");
  });
  await kubectl("wait", "--for=condition=Ready", "pod/late", "--timeout=150s");
  expect(await containers()).toEqual(before);
  await nobodyWasLost();
});

test("the server's card stalls: writes wait for it, reads go on, and what was answered is there", async () => {
  const before = await containers();
  const object = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { a: "b" } });
  expect((await api.request("POST", path, object("before"))).status).toBe(201);
  const { waiting } = await stallCard(on.machine, stallSeconds, async () => {
    let answered = 0;
    const waiting = Array.from({ length: 20 }, async (_, n) => {
      const answer = await api.request("POST", path, object(`during-${n}`));
      answered++;
      return answer;
    });
    for (let reads = 0; reads < 20; reads++) expect((await api.request("GET", `${path}/before`)).status).toBe(200);
    expect((await api.request("GET", "/readyz")).status).toBe(200);
    for (const { status } of await pods()) expect(await on.get(`http://${status.podIP}:8080/`)).toBe("up\n");
    expect(answered).toBe(0);
    return { waiting };
  });
  for (const answer of await Promise.all(waiting)) expect(answer.status).toBe(201);
  await eventually(async () => expect(await containers()).toEqual(before));
  const heard = await renewal("two");
  await eventually(async () => expect(await renewal("two")).not.toBe(heard));
  await nobodyWasLost();

  await on.cluster.stop("SIGKILL");
  await on.cluster.start();
  await untilReady(on.cluster, "two");
  for (let n = 0; n < 20; n++) expect((await api.request("GET", `${path}/during-${n}`)).status).toBe(200);
  await eventually(async () => expect(await containers()).toEqual(before));
});
