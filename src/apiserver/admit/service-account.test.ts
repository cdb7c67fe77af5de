import { describe, expect, test } from "vitest";
import { serviceAccount } from "./service-account.ts";
import { anObject, aPod, refusalBy, reviewOf, storeWith } from "./testing/reviews.ts";

const yes = true;
const no = false;
const unsaid = undefined;

// Whatever the account says, the pod has the last word (Kubernetes docs, "Opt out of API credential automounting").
test.each([
  [unsaid, unsaid, yes],
  [unsaid, yes, yes],
  [unsaid, no, no],
  [yes, unsaid, yes],
  [yes, yes, yes],
  [yes, no, no],
  [no, unsaid, no],
  [no, yes, yes],
  [no, no, no],
])("where the account says %s and the pod %s, a token is mounted: %s", async (ofAccount, ofPod, mounted) => {
  const said = (automountServiceAccountToken: boolean | undefined) =>
    automountServiceAccountToken === undefined ? {} : { automountServiceAccountToken };
  const account = anObject("v1", "ServiceAccount", {
    metadata: { name: "mount", namespace: "ns" },
    ...said(ofAccount),
  });
  const spec = { serviceAccountName: "mount", containers: [{ name: "c", image: "i" }], ...said(ofPod) };
  const pod = anObject("v1", "Pod", { spec });
  const review = reviewOf(pod);
  await serviceAccount({ store: await storeWith(account) }).mutate?.(review);
  const { containers, volumes = [] } = pod.spec as {
    containers: { volumeMounts?: { mountPath: string }[] }[];
    volumes?: object[];
  };
  const mounts = (containers[0]?.volumeMounts ?? []).map(({ mountPath }) => mountPath);
  expect(mounts).toEqual(mounted ? ["/var/run/secrets/kubernetes.io/serviceaccount"] : []);
  expect(volumes).toHaveLength(mounted ? 1 : 0);
});

describe("an account that names the Secrets of its pods", async () => {
  const annotations = { "kubernetes.io/enforce-mountable-secrets": "true" };
  const account = anObject("v1", "ServiceAccount", {
    metadata: { name: "strict", namespace: "ns", annotations },
    secrets: [{ name: "own" }],
    imagePullSecrets: [{ name: "pull" }],
  });
  const step = serviceAccount({ store: await storeWith(account) });
  const container = (rest: object) => ({ name: "c", image: "i", ...rest });
  const variable = (name: string) => ({ env: [{ name: "V", valueFrom: { secretKeyRef: { name, key: "k" } } }] });
  const because = "is not allowed because service account strict does not reference that";

  test.each<[what: string, spec: object, refused: string | undefined]>([
    ["those it names", { volumes: [{ name: "v", secret: { secretName: "own" } }], containers: [] }, undefined],
    [
      "another one as a volume",
      { volumes: [{ name: "v", secret: { secretName: "x" } }], containers: [] },
      `volume with secret.secretName="x" ${because} secret`,
    ],
    [
      "another one in a variable",
      { containers: [container(variable("own")), container(variable("x"))] },
      `container c with envVar V referencing secret.secretName="x" ${because} secret`,
    ],
    [
      "another one as an environment",
      { initContainers: [container({ envFrom: [{ secretRef: { name: "x" } }] })], containers: [] },
      `init container c with envFrom referencing secret.secretName="x" ${because} secret`,
    ],
    [
      "another one for images",
      { imagePullSecrets: [{ name: "pull" }, { name: "x" }], containers: [] },
      `imagePullSecrets[1].name="x" ${because} imagePullSecret`,
    ],
  ])("%s", async (_, spec, refused) => {
    const pod = aPod({ serviceAccountName: "strict", ...spec });
    expect(await refusalBy(step, reviewOf(pod))).toBe(refused && `pods "a" is forbidden: ${refused}`);
  });

  test("containers that are added keep to it too", async () => {
    const pod = aPod({ serviceAccountName: "strict", ephemeralContainers: [container(variable("x"))] });
    const review = reviewOf(pod, { old: pod, subresource: "ephemeralcontainers" });
    expect(await refusalBy(step, review)).toBe(
      `pods "a" is forbidden: ephemeral container c with envVar V referencing secret.secretName="x" ${because} secret`,
    );
  });
});

test.each<[spec: object, refused: string | undefined]>([
  [{}, undefined],
  [{ serviceAccountName: "x" }, "a mirror pod may not reference service accounts"],
  [{ imagePullSecrets: [{ name: "x" }] }, "a mirror pod may not reference secrets"],
  [
    { volumes: [{ name: "v", projected: { sources: [{ serviceAccountToken: { path: "t" } }] } }] },
    "a mirror pod may not use ServiceAccountToken volume projections",
  ],
])("a mirror pod with %j", async (spec, refused) => {
  const pod = aPod(spec, { annotations: { "kubernetes.io/config.mirror": "m" } });
  const step = serviceAccount({ store: await storeWith() });
  expect(await refusalBy(step, reviewOf(pod))).toBe(refused && `pods "a" is forbidden: ${refused}`);
});
