import { describe, expect, test } from "vitest";
import type { AnyObject } from "../../api/object.ts";
import { podSecurity } from "./pod-security.ts";
import { anObject, aPod, refusalBy, reviewOf, storeWith } from "./testing/reviews.ts";

const prefix = "pod-security.kubernetes.io/";

function aNamespace(labels: Record<string, string>): AnyObject {
  const named = Object.fromEntries(Object.entries(labels).map(([mode, level]) => [`${prefix}${mode}`, level]));
  return anObject("v1", "Namespace", { metadata: { name: "ns", labels: named } });
}

async function step(labels: Record<string, string>, ...pods: AnyObject[]): Promise<ReturnType<typeof podSecurity>> {
  return podSecurity({ store: await storeWith(aNamespace(labels), ...pods) });
}

const careful = {
  containers: [{ name: "main", securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } } }],
  securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
};
const careless = { containers: [{ name: "main", image: "i" }] };
const carelessDetails =
  'allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "main" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "main" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")';

function withContext(securityContext: object): object {
  return { containers: [{ name: "a", securityContext }, { name: "b" }] };
}

describe("baseline refuses", () => {
  test.each([
    [{ hostNetwork: true, hostIPC: true }, "host namespaces (hostNetwork=true, hostIPC=true)"],
    [{ volumes: [{ name: "h", hostPath: {} }] }, 'hostPath volumes (volume "h")'],
    [
      {
        containers: [
          { name: "a", ports: [{ hostPort: 80 }, { hostPort: 443 }] },
          { name: "b", ports: [{ hostPort: 80 }] },
        ],
      },
      'hostPort (containers "a", "b" use hostPorts 443, 80)',
    ],
    [withContext({ privileged: true }), 'privileged (container "a" must not set securityContext.privileged=true)'],
    [
      withContext({ capabilities: { add: ["SYS_ADMIN", "CHOWN"] } }),
      'non-default capabilities (container "a" must not include "SYS_ADMIN" in securityContext.capabilities.add)',
    ],
    [
      withContext({ procMount: "Unmasked" }),
      'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
    ],
    [
      {
        securityContext: { seccompProfile: { type: "Unconfined" } },
        ...withContext({ seccompProfile: { type: "Unconfined" } }),
      },
      'seccompProfile (pod and container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      { securityContext: { seLinuxOptions: { type: "x", user: "u" } } },
      'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "x"; user may not be set)',
    ],
    [
      { securityContext: { sysctls: [{ name: "kernel.x" }, { name: "net.ipv4.tcp_rmem" }] } },
      "forbidden sysctls (kernel.x)",
    ],
    [
      { containers: [{ name: "a", livenessProbe: { httpGet: { host: "example.com" } } }] },
      'probe or lifecycle host (container "a" uses probe or lifecycle host "example.com")',
    ],
    [
      { securityContext: { windowsOptions: { hostProcess: true } } },
      "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)",
    ],
    [
      { securityContext: { appArmorProfile: { type: "Unconfined" } } },
      'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
    ],
  ])("%j", async (spec, why) => {
    expect(await refusalBy(await step({ enforce: "baseline" }), reviewOf(aPod(spec)))).toBe(
      `pods "a" is forbidden: violates PodSecurity "baseline:latest": ${why}`,
    );
  });
});

describe("restricted", () => {
  test("lets in who asks for little", async () => {
    expect(await refusalBy(await step({ enforce: "restricted" }), reviewOf(aPod(careful)))).toBeUndefined();
  });

  test("refuses who says nothing", async () => {
    expect(await refusalBy(await step({ enforce: "restricted" }), reviewOf(aPod(careless)))).toBe(
      `pods "a" is forbidden: violates PodSecurity "restricted:latest": ${carelessDetails}`,
    );
  });

  test("names volume types once, and not as baseline does as well", async () => {
    const volumes = [
      { name: "h", hostPath: {} },
      { name: "n", nfs: {} },
      { name: "e", emptyDir: {} },
    ];
    expect(await refusalBy(await step({ enforce: "restricted" }), reviewOf(aPod({ ...careful, volumes })))).toMatch(
      /: restricted volume types \(volumes "h", "n" use restricted volume types "hostPath", "nfs"\)$/,
    );
  });

  test("is what it was in the version that the label names", async () => {
    const old = await step({ enforce: "restricted", "enforce-version": "v1.18" });
    expect(await refusalBy(old, reviewOf(aPod(careless)))).toBe(
      'pods "a" is forbidden: violates PodSecurity "restricted:v1.18": allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false), runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true)',
    );
  });

  test("lets a pod with users of its own be root there", async () => {
    const spec = {
      ...careful,
      hostUsers: false,
      securityContext: { ...careful.securityContext, runAsNonRoot: false, runAsUser: 0 },
    };
    expect(await refusalBy(await step({ enforce: "restricted" }), reviewOf(aPod(spec)))).toBeUndefined();
    expect(
      await refusalBy(await step({ enforce: "restricted", "enforce-version": "v1.34" }), reviewOf(aPod(spec))),
    ).toContain("runAsUser=0 (pod must not set runAsUser=0)");
  });
});

describe("warnings", () => {
  test("a template that no pod can be made from", async () => {
    const warnings: string[] = [];
    const deployment = anObject("apps/v1", "Deployment", { spec: { template: { spec: careless } } });
    expect(await refusalBy(await step({ enforce: "restricted" }), reviewOf(deployment, { warnings }))).toBeUndefined();
    expect(warnings).toEqual([`would violate PodSecurity "restricted:latest": ${carelessDetails}`]);
  });

  test("a pod that meets the enforced level but not the one that is warned of", async () => {
    const warnings: string[] = [];
    const warning = await step({ enforce: "baseline", warn: "restricted" });
    expect(await refusalBy(warning, reviewOf(aPod(careless), { warnings }))).toBeUndefined();
    expect(warnings).toEqual([`would violate PodSecurity "restricted:latest": ${carelessDetails}`]);
  });

  test("pods that are there when their namespace becomes stricter", async () => {
    const warnings: string[] = [];
    const pods = [aPod(careless, { name: "x" }), aPod(careless, { name: "w" }), aPod(careful, { name: "v" })];
    const old = aNamespace({ enforce: "baseline" });
    const tighten = reviewOf(aNamespace({ enforce: "restricted" }), { old, warnings });
    expect(await refusalBy(await step({}, ...pods), tighten)).toBeUndefined();
    expect(warnings).toEqual([
      'existing pods in namespace "ns" violate the new PodSecurity enforce level "restricted:latest"',
      "w (and 1 other pod): allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile",
    ]);
  });
});

test("labels that cannot be read are refused when they change", async () => {
  const bad = aNamespace({ enforce: "extreme", "warn-version": "2" });
  const why =
    'Namespace "ns" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "extreme": must be one of privileged, baseline, restricted, metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "2": must be "latest" or "v1.x"]';
  expect(await refusalBy(await step({}), reviewOf(bad))).toBe(why);
  expect(await refusalBy(await step({}), reviewOf(bad, { old: aNamespace({}) }))).toBe(why);
  expect(await refusalBy(await step({}), reviewOf(bad, { old: bad }))).toBeUndefined();
});

test("a pod is judged again only when other programs are to run in it", async () => {
  const guard = await step({ enforce: "restricted" });
  const old = aPod(careless);
  expect(await refusalBy(guard, reviewOf(aPod(careless, { labels: { a: "b" } }), { old }))).toBeUndefined();
  const other = aPod({ containers: [{ name: "main", image: "j" }] });
  expect(await refusalBy(guard, reviewOf(other, { old }))).toContain("violates PodSecurity");
});
