import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Agent, joinCluster } from "../support/agent.ts";
import { eventually } from "../support/eventually.ts";
import { loadImages } from "../support/images.ts";
import { journey } from "../support/journey.ts";
import type { Machine } from "../support/machine.ts";
import { type MachineDocker, machineDocker, newestDockerd } from "../support/machine-docker.ts";

// The server's own machine lets containers live while Docker is away; the other one has Docker as Debian ships it.
const on = journey("one", ["busybox:1"]);
const { kubectl, json } = on;
const withoutBridge = "--bridge=none --iptables=false --ip6tables=false";
const machines: Record<string, Machine> = {};
const dockers: Record<string, MachineDocker> = {};
let agent: Agent;
let upgraded: string;
/** The oldest API that Docker Engine 29 speaks. */
const withoutOldApi = { DOCKER_MIN_API_VERSION: "1.44" };

const serve = `trap "exit 0" TERM; mkdir /www; echo served > /www/index.html; httpd -f -p 8080 -h /www & wait`;
const podOn = (node: string) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: on-${node}}
spec:
  selector: {matchLabels: {app: on-${node}}}
  template:
    metadata: {labels: {app: on-${node}}}
    spec:
      nodeSelector: {kubernetes.io/hostname: ${node}}
      terminationGracePeriodSeconds: 2
      containers:
      - name: c
        image: busybox:1
        command: [sh, -c, '${serve}']
        readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1, timeoutSeconds: 30}
---
{apiVersion: v1, kind: Service, metadata: {name: on-${node}}, spec: {selector: {app: on-${node}}, ports: [{port: 80, targetPort: 8080}]}}
`;

beforeAll(async () => {
  upgraded = await newestDockerd();
  machines.one = on.machine;
  machines.two = await on.lan.machine("two", { dockerdFlags: `${withoutBridge} --live-restore=false` });
  await loadImages(machines.two, ["busybox:1"]);
  agent = await joinCluster(machines.two, on.cluster);
  for (const [name, machine] of Object.entries(machines)) {
    dockers[name] = await machineDocker(machine);
    await on.cluster.kubectl.apply(podOn(name));
    await kubectl("rollout", "status", `deployment/on-${name}`, "--timeout=150s");
  }
});
afterAll(() => agent?.[Symbol.asyncDispose]());

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: {
    readonly phase: string;
    readonly conditions: readonly { type: string; status: string }[];
    readonly containerStatuses: readonly {
      containerID: string;
      restartCount: number;
      lastState: { terminated?: { reason: string; exitCode: number } };
    }[];
  };
}
const podsOf = async (node: string): Promise<Pod[]> => (await json("get", "pods", "-l", `app=on-${node}`)).items;
const containerOf = ({ status }: Pod) => status.containerStatuses[0];
const isReady = ({ status }: Pod) =>
  status.conditions.some(({ type, status: is }) => type === "Ready" && is === "True");
/** What runs of the pods on the machine, whatever the API says: sandboxes and containers. */
const running = async (node: string): Promise<string[]> => {
  const found: { Id: string }[] = await dockers[node]?.get(`/containers/json?filters={"name":["_on-"]}`);
  return found.map(({ Id }) => Id).sort();
};
const nodeInfo = async (node: string) => (await json("get", "node", node)).status.nodeInfo;
/** How long each Docker was away. */
const absencesMs: number[] = [];
const replace = async (
  node: string,
  signal: NodeJS.Signals,
  program: string,
  env?: NodeJS.ProcessEnv,
  meanwhile?: () => Promise<unknown>,
) => {
  const began = performance.now();
  await dockers[node]?.stop(signal);
  await meanwhile?.();
  await dockers[node]?.start(program, env);
  absencesMs.push(performance.now() - began);
};
/** The Service answers from both nodes, and nothing runs twice. */
const heals = async (node: string) => {
  await eventually(async () => {
    const pods = await podsOf(node);
    expect(pods.map(isReady)).toEqual([true]);
    const own = pods.map((pod) => containerOf(pod)?.containerID.replace("docker://", ""));
    const there = await running(node);
    expect(there).toHaveLength(2);
    expect(there).toEqual(expect.arrayContaining(own));
  });
  const { clusterIP } = (await json("get", "service", `on-${node}`)).spec;
  for (const machine of Object.values(machines))
    await eventually(async () =>
      expect(await machine.must("curl", ["-sS", "-m", "10", `http://${clusterIP}/`])).toBe("served\n"),
    );
};
/** A command in the pod, which the node has its Docker run. */
const servesInside = (node: string) =>
  eventually(async () =>
    expect(await kubectl("exec", `deployment/on-${node}`, "--", "cat", "/www/index.html")).toBe("served\n"),
  );

describe("with live-restore, Docker", () => {
  test.each<[how: string, program: () => string, signal: NodeJS.Signals]>([
    ["that is restarted", () => "dockerd", "SIGTERM"],
    ["that is killed", () => "dockerd", "SIGKILL"],
    ["that is upgraded to one without the old API", () => upgraded, "SIGTERM"],
  ])("%s touches no container, and pods answer meanwhile", async (_, program, signal) => {
    const before = await running("one");
    const [pod] = await podsOf("one");
    const { clusterIP } = (await json("get", "service", "on-one")).spec;
    await replace("one", signal, program(), withoutOldApi, async () =>
      expect(await on.get(`http://${clusterIP}/`)).toBe("served\n"),
    );
    expect(await running("one")).toEqual(before);
    await heals("one");
    await eventually(async () => {
      const [after] = await podsOf("one");
      expect(after && containerOf(after)).toEqual(pod && containerOf(pod));
    });
    // What is asked of Docker is answered again: logs, a command, the end of a container.
    await servesInside("one");
  });

  test("a container that ends while it is away is started again when it is back", async () => {
    const [pod] = await podsOf("one");
    const { containerID = "", restartCount = 0 } = (pod && containerOf(pod)) ?? {};
    const found = await dockers.one?.get(`/containers/${containerID.replace("docker://", "")}/json`);
    await replace("one", "SIGTERM", upgraded, {}, () => on.machine.must("kill", ["-9", String(found.State.Pid)]));
    await eventually(async () => {
      const [after] = await podsOf("one");
      expect(after?.metadata.uid).toBe(pod?.metadata.uid);
      expect(after && containerOf(after)).toMatchObject({
        restartCount: restartCount + 1,
        lastState: { terminated: { exitCode: 137 } },
      });
    });
    await heals("one");
  });
});

describe("without live-restore, Docker", () => {
  test.each<[how: string, program: () => string, signal: NodeJS.Signals]>([
    ["that is restarted", () => "dockerd", "SIGTERM"],
    ["that is upgraded", () => upgraded, "SIGTERM"],
  ])("%s ends containers; the same pods run again, once, and say why", async (_, program, signal) => {
    const [pod] = await podsOf("two");
    const { restartCount = 0 } = (pod && containerOf(pod)) ?? {};
    await replace("two", signal, program());
    await eventually(async () => {
      const [after] = await podsOf("two");
      expect(after?.metadata.uid).toBe(pod?.metadata.uid);
      expect(after && containerOf(after)?.restartCount).toBe(restartCount + 1);
      expect(after && containerOf(after)?.lastState.terminated).toMatchObject({ reason: "Completed", exitCode: 0 });
    });
    await heals("two");
    await eventually(async () => {
      const about = `involvedObject.name=${pod?.metadata.name}`;
      const { items } = await json("get", "events", "--field-selector", about);
      expect(items.map(({ reason, message }: { reason: string; message: string }) => [reason, message])).toContainEqual(
        ["SandboxChanged", "Pod sandbox changed, it will be killed and re-created."],
      );
    });
    await servesInside("two");
  });
});

test("an upgraded Docker is shown by its node, which was Ready all along", async () => {
  for (const [name, docker] of Object.entries(dockers)) {
    const { Version } = await docker.get("/version");
    await eventually(async () => expect((await nodeInfo(name)).containerRuntimeVersion).toBe(`docker://${Version}`));
  }
  // A node is Ready through half a minute without Docker; a slow machine may need longer to start one.
  if (Math.max(...absencesMs) > 25_000) return;
  const { items } = await json("get", "events", "-A", "--field-selector", "reason=NodeNotReady");
  expect(items).toEqual([]);
});
