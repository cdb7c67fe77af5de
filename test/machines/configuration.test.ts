import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";

const on = journey("configuration", ["busybox:1"]);
const { kubectl } = on;
const apply = (manifest: string) => on.cluster.kubectl.apply(manifest);
const sh = (pod: string, script: string) => kubectl("exec", pod, "--", "sh", "-c", script);

describe("what a pod is told", () => {
  test("ConfigMap, Secret and downward API as environment and as volumes; a change appears in the volume", async () => {
    await kubectl("create", "configmap", "settings", "--from-literal=COLOUR=blue", "--from-literal=size=5");
    await kubectl("create", "secret", "generic", "credentials", "--from-literal=password=s3cret");
    await apply(`
apiVersion: v1
kind: Pod
metadata: {name: told, labels: {tier: front}, annotations: {note: hello}}
spec:
  containers:
  - name: c
    image: busybox:1
    command: [sleep, "3600"]
    resources: {requests: {cpu: 250m, memory: 32Mi}, limits: {cpu: 500m, memory: 64Mi}}
    envFrom: [{configMapRef: {name: settings}}]
    env:
    - {name: SIZE, valueFrom: {configMapKeyRef: {name: settings, key: size}}}
    - {name: PASSWORD, valueFrom: {secretKeyRef: {name: credentials, key: password}}}
    - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
    - {name: LIMIT, valueFrom: {resourceFieldRef: {resource: limits.memory}}}
    - {name: TEXT, value: "$(COLOUR2)-$(SIZE)"}
    volumeMounts:
    - {name: settings, mountPath: /settings}
    - {name: credentials, mountPath: /credentials}
    - {name: about, mountPath: /about}
  volumes:
  - {name: settings, configMap: {name: settings}}
  - {name: credentials, secret: {secretName: credentials, defaultMode: 0400}}
  - {name: about, downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}, {path: cpu, resourceFieldRef: {containerName: c, resource: limits.cpu, divisor: 1m}}]}}
`);
    await kubectl("wait", "--for=condition=Ready", "pod/told", "--timeout=150s");
    expect(await sh("told", 'echo $COLOUR $SIZE $PASSWORD $POD $NODE $LIMIT $TEXT; test -n "$IP" && echo ip')).toBe(
      "blue 5 s3cret told configuration 67108864 $(COLOUR2)-5\nip\n",
    );
    expect(
      await sh(
        "told",
        "cat /settings/COLOUR /credentials/password /about/labels /about/cpu; stat -L -c %a /credentials/password",
      ),
    ).toBe("blues3cret" + 'tier="front"500400\n');
    expect(await sh("told", "echo $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT")).toBe("10.43.0.1:443\n");

    await kubectl("patch", "configmap", "settings", "-p", '{"data":{"COLOUR":"green"}}');
    await eventually(async () => expect(await sh("told", "cat /settings/COLOUR")).toBe("green"));
    await kubectl("label", "pod", "told", "tier=back", "--overwrite");
    await eventually(async () => expect(await sh("told", "cat /about/labels")).toBe('tier="back"'));
    await kubectl("delete", "pod", "told", "--grace-period=1");
  });

  test("a missing ConfigMap holds the container back and says why", async () => {
    await apply(`
apiVersion: v1
kind: Pod
metadata: {name: waits}
spec:
  containers: [{name: c, image: "busybox:1", command: [sleep, "3600"], envFrom: [{configMapRef: {name: later}}]}]
`);
    await eventually(async () => expect(await kubectl("get", "pod", "waits")).toContain("CreateContainerConfigError"));
    await kubectl("create", "configmap", "later", "--from-literal=a=b");
    await kubectl("wait", "--for=condition=Ready", "pod/waits", "--timeout=150s");
    await kubectl("delete", "pod", "waits", "--grace-period=1");
  });
});

test("a pod talks to the API with its own token, CA and role, and is refused what the role lacks", async () => {
  await apply(`
{apiVersion: v1, kind: ServiceAccount, metadata: {name: reader}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: reader}, rules: [{apiGroups: [""], resources: [configmaps], verbs: [get, list]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: reader}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}, subjects: [{kind: ServiceAccount, name: reader, namespace: default}]}
---
apiVersion: v1
kind: Pod
metadata: {name: caller}
spec:
  serviceAccountName: reader
  containers: [{name: c, image: "busybox:1", command: [sleep, "3600"]}]
`);
  await kubectl("wait", "--for=condition=Ready", "pod/caller", "--timeout=150s");
  // busybox has no TLS that checks certificates: the node's curl asks with the pod's files, from the pod's network.
  const { status } = await on.json("get", "pod", "caller");
  const pid = (
    await on.machine.must("docker", [
      "-H",
      "unix:///run/docker.sock",
      "inspect",
      "-f",
      "{{.State.Pid}}",
      status.containerStatuses[0].containerID.replace("docker://", ""),
    ])
  ).trim();
  const files = "/var/run/secrets/kubernetes.io/serviceaccount";
  expect(await sh("caller", `cat ${files}/namespace`)).toBe("default");
  const ask = (path: string) =>
    on.machine.must("sh", [
      "-c",
      `nsenter -t ${pid} -n curl -sS --max-time 60 --cacert /proc/${pid}/root${files}/ca.crt -H "Authorization: Bearer $(cat /proc/${pid}/root${files}/token)" https://10.43.0.1${path}`,
    ]);
  await eventually(async () =>
    expect(JSON.parse(await ask("/api/v1/namespaces/default/configmaps"))).toMatchObject({ kind: "ConfigMapList" }),
  );
  expect(JSON.parse(await ask("/api/v1/namespaces/default/secrets"))).toMatchObject({
    kind: "Status",
    code: 403,
    message:
      'secrets is forbidden: User "system:serviceaccount:default:reader" cannot list resource "secrets" in API group "" in the namespace "default"',
  });
});
