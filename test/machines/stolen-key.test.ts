import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { journey } from "../support/journey.ts";
import { secondNode } from "../support/second-node.ts";

const on = journey("one", ["busybox:1"]);
const two = secondNode(on, "two");

/** On each node a pod with an account and a secret of its own. */
const manifest = ["one", "two"]
  .map(
    (node) => `
{apiVersion: v1, kind: ServiceAccount, metadata: {name: of-${node}}}
---
{apiVersion: v1, kind: Secret, metadata: {name: of-${node}}, stringData: {word: ${node}}}
---
apiVersion: v1
kind: Pod
metadata: {name: on-${node}}
spec:
  nodeName: ${node}
  serviceAccountName: of-${node}
  terminationGracePeriodSeconds: 1
  containers: [{name: c, image: "busybox:1", command: [sleep, "36000"], envFrom: [{secretRef: {name: of-${node}}}]}]`,
  )
  .join("\n---\n");

/** kubectl as whoever took the card out of machine two. */
let thief: (args: readonly string[], input?: string) => Promise<{ code: number; stdout: string; stderr: string }>;
const uids: Record<string, string> = {};

beforeAll(async () => {
  await on.cluster.kubectl.apply(manifest);
  await on.kubectl("wait", "--for=condition=Ready", "pod/on-one", "pod/on-two", "--timeout=150s");
  for (const [kind, name] of [
    ["pod", "on-one"],
    ["pod", "on-two"],
    ["node", "two"],
  ] as const)
    uids[name] = (await on.json("get", kind, name)).metadata.uid;
  const text = (file: string) => two.machine.must("cat", [`/var/lib/skiff/agent/${file}`]);
  const { certificate, serverCa } = JSON.parse(await text("membership.json"));
  const files = { crt: certificate, key: await text("client-kubelet.key"), ca: serverCa };
  const place = (name: string) => join(two.machine.directory, `stolen.${name}`);
  for (const [name, content] of Object.entries(files)) writeFileSync(place(name), content, { mode: 0o600 });
  const identity = [
    "--kubeconfig=/dev/null",
    `--server=https://${on.machine.address}:6443`,
    `--certificate-authority=${place("ca")}`,
    `--client-certificate=${place("crt")}`,
    `--client-key=${place("key")}`,
  ];
  thief = (args, input) => on.cluster.kubectl.run([...identity, ...args], input === undefined ? {} : { input });
});

const words = (line: string): string[] => line.replace(/UID-OF-(\S+)/g, (_, name) => uids[name] ?? "").split(" ");
const bound = (pod: string) => `--bound-object-kind=Pod --bound-object-name=${pod} --bound-object-uid=UID-OF-${pod}`;
const eviction = (pod: string) =>
  JSON.stringify({ apiVersion: "policy/v1", kind: "Eviction", metadata: { name: pod, namespace: "default" } });
const mirror = (spec: object, owner: object = {}) =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "picture",
      namespace: "default",
      annotations: { "kubernetes.io/config.mirror": "x" },
      ownerReferences: [{ apiVersion: "v1", kind: "Node", name: "two", uid: uids.two, controller: true, ...owner }],
    },
    spec: { nodeName: "two", containers: [{ name: "c", image: "busybox:1" }], ...spec },
  });

describe("with the key of a device that was stolen, one may, as its node does,", () => {
  test.each([
    "get node two",
    "get pods -A --field-selector spec.nodeName=two",
    "get pod on-two",
    "get secret of-two",
    "get serviceaccount of-two",
    `create token of-two ${bound("on-two")}`,
    "label node two room=kitchen",
    "get lease two -n kube-node-lease",
    "get services -A",
  ])("%s", async (line) => expect(await thief(words(line))).toMatchObject({ code: 0 }));

  test("show a static pod of its own", async () => {
    expect(await thief(["create", "-f", "-"], mirror({}))).toMatchObject({ code: 0 });
  });
});

describe("but not", () => {
  test.each([
    "get secrets -A",
    "get secrets",
    "get secret of-one",
    "get secret -n kube-system two.node-key.skiff",
    "get secret -n kube-system one.node-key.skiff",
    "get configmaps -A",
    "get pods -A",
    "get pod on-one",
    "get serviceaccount of-one",
    `create token of-one ${bound("on-one")}`,
    `create token of-two ${bound("on-one")}`,
    "create token of-two",
    "create token default -n kube-system",
    "label node one mine=yes",
    "label node two node-role.kubernetes.io/control-plane=true",
    "label node two node-restriction.kubernetes.io/safe=yes",
    "taint node two mine=yes:NoSchedule",
    "delete node one",
    "delete node two",
    "delete lease one -n kube-node-lease",
    "delete pod on-one",
    "label pod on-two mine=yes",
    "annotate pod on-one mine=yes",
    "exec on-one -- true",
    "exec on-two -- true",
    "logs on-one",
    "get --raw /api/v1/nodes/one/proxy/pods",
    "create deployment mine --image=busybox:1",
    "create namespace mine",
    "create clusterrolebinding mine --clusterrole=cluster-admin --user=system:node:two",
    "get nodes --as=system:admin",
    "get clusterroles",
    "create secret generic mine --from-literal=a=b",
  ])("%s", async (line) =>
    expect(await thief(words(line))).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/orbidden|cannot|not allowed/),
    }),
  );

  test.each<[what: string, to: string, body: () => string, why: RegExp]>([
    [
      "evict another node's pod",
      "pods/on-one/eviction",
      () => eviction("on-one"),
      /only evict pods with spec.nodeName/,
    ],
    ["run a pod", "pods", () => mirror({ nodeName: "one" }), /create pods with spec.nodeName set to itself/],
    [
      "show a pod that reads a secret",
      "pods",
      () => mirror({ imagePullSecrets: [{ name: "of-one" }] }),
      /reference secrets/,
    ],
    [
      "show a pod with an account",
      "pods",
      () => mirror({ serviceAccountName: "of-one" }),
      /reference service accounts/,
    ],
    ["show a pod of another node's", "pods", () => mirror({}, { name: "one" }), /owner reference set to itself/],
  ])("%s", async (_, to, body, why) => {
    const { code, stderr } = await thief(["create", "--raw", `/api/v1/namespaces/default/${to}`, "-f", "-"], body());
    expect([code, stderr]).toEqual([1, expect.stringMatching(why)]);
  });

  test("become another node", async () => {
    const ask = JSON.stringify({ nodeName: "one", certificateRequest: "x" });
    const { code, stderr } = await thief(["create", "--raw", "/v1-skiff/join", "-f", "-"], ask);
    expect([code, stderr]).toEqual([1, expect.stringContaining("may not ask for the certificate of node one")]);
  });
});

test("and evict a pod of its own, which then is gone", async () => {
  const path = "/api/v1/namespaces/default/pods/on-two/eviction";
  expect(await thief(["create", "--raw", path, "-f", "-"], eviction("on-two"))).toMatchObject({ code: 0 });
  await on.kubectl("wait", "--for=delete", "pod/on-two", "--timeout=150s");
});
