import { expect, test } from "vitest";
import { serviceAccount } from "./service-account.ts";
import { anObject, reviewOf, storeWith } from "./testing/reviews.ts";

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
