import { describe, expect, test } from "vitest";
import { applyTypeDefaults, pullPolicyOf } from "./defaults.ts";

const core = "io.k8s.api.core.v1";

function defaulted(type: string, object: object): object {
  applyTypeDefaults(object, type);
  return object;
}

describe("defaults by type", () => {
  test.each<[string, type: string, given: object, then: object]>([
    [
      "a probe has its times and thresholds",
      `${core}.Probe`,
      { timeoutSeconds: 0, periodSeconds: 3 },
      { timeoutSeconds: 1, periodSeconds: 3, successThreshold: 1, failureThreshold: 3 },
    ],
    ["a volume without a source is an empty directory", `${core}.Volume`, { name: "a" }, { name: "a", emptyDir: {} }],
    [
      "a volume with a source stays what it is, with files that all may read",
      `${core}.Volume`,
      { name: "a", configMap: { name: "c" } },
      { name: "a", configMap: { name: "c", defaultMode: 420 } },
    ],
    [
      "a port of a Service aims at the same port",
      `${core}.ServicePort`,
      { port: 80 },
      { port: 80, protocol: "TCP", targetPort: 80 },
    ],
    [
      "the account's old name follows the new one",
      `${core}.PodSpec`,
      { serviceAccount: "a", containers: [] },
      {
        serviceAccount: "a",
        serviceAccountName: "a",
        containers: [],
        restartPolicy: "Always",
        dnsPolicy: "ClusterFirst",
        schedulerName: "default-scheduler",
        terminationGracePeriodSeconds: 30,
        securityContext: {},
      },
    ],
  ])("%s", (_, type, given, then) => {
    expect(defaulted(type, given)).toEqual(then);
  });

  test("a pod template inside another kind gets those of its types, not those of a Pod", () => {
    const deployment = {
      spec: {
        template: {
          spec: { containers: [{ name: "a", image: "a:1", resources: { limits: { cpu: "1" } }, env: [] }] },
        },
      },
    };
    applyTypeDefaults(deployment, "io.k8s.api.apps.v1.Deployment");
    const { spec } = deployment.spec.template;
    expect(spec).toMatchObject({ dnsPolicy: "ClusterFirst" });
    expect(spec).not.toHaveProperty("enableServiceLinks");
    expect(spec.containers[0]).toEqual({
      name: "a",
      image: "a:1",
      env: [],
      resources: { limits: { cpu: "1" } },
      imagePullPolicy: "IfNotPresent",
      terminationMessagePath: "/dev/termination-log",
      terminationMessagePolicy: "File",
    });
  });

  test("in a Pod limits become requests, and ports of the host's network the host's", () => {
    const pod = {
      spec: {
        hostNetwork: true,
        containers: [
          {
            name: "a",
            image: "a",
            ports: [{ containerPort: 80 }],
            resources: { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "1m" } },
          },
        ],
      },
    };
    applyTypeDefaults(pod, `${core}.Pod`);
    expect(pod.spec).toMatchObject({ enableServiceLinks: true });
    expect(pod.spec.containers[0]).toMatchObject({
      imagePullPolicy: "Always",
      ports: [{ containerPort: 80, hostPort: 80, protocol: "TCP" }],
      resources: { requests: { cpu: "1m", memory: "1Gi" } },
    });
  });
});

test.each([
  ["nginx", "Always"],
  ["nginx:latest", "Always"],
  ["nginx:1.27", "IfNotPresent"],
  ["registry:5000/nginx", "Always"],
  ["registry:5000/nginx:1", "IfNotPresent"],
  ["nginx@sha256:0000", "IfNotPresent"],
  ["nginx:latest@sha256:0000", "Always"],
])("%s is pulled %s", (image, policy) => expect(pullPolicyOf(image)).toBe(policy));
