import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Service } from "../../api/schema/types.ts";
import { notFound } from "../../api/status.ts";
import { aContainer, aPod } from "../testing/objects.ts";
import { type EnvironmentInputs, environmentOf } from "./environment.ts";
import { expand } from "./expand.ts";

const service = (namespace: string, name: string, clusterIP = "10.43.0.1"): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { namespace, name },
  spec: { clusterIP, ports: [{ name: "https", port: 443, protocol: "TCP" }] },
});
const maps: Record<string, Record<string, string>> = { settings: { color: "blue", size: "big" } };

const variables = async (over: Partial<EnvironmentInputs> & { env?: EnvironmentInputs["container"]["env"] }) => {
  const { env = [], ...rest } = over;
  const inputs: EnvironmentInputs = {
    pod: aPod({ labels: { app: "shop" } }),
    container: aContainer({ env, resources: { limits: { cpu: "1500m", memory: "64Mi" } } }),
    objects: {
      configMap: async (_, name) => {
        if (!maps[name]) throw notFound({ group: "", plural: "configmap" }, name);
        return { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: maps[name] };
      },
      secret: async (_, name) => ({
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name },
        data: { key: btoa("hidden") },
      }),
    },
    services: [],
    volumes: new Map(),
    allocatable: { cpu: "2", memory: "1Gi" },
    podIps: ["10.42.0.5", "fd00::5"],
    hostIps: ["192.168.0.2"],
    ...rest,
  };
  return Object.fromEntries(await environmentOf(inputs));
};

describe("a container's environment", () => {
  test("takes values from everywhere they may come from", async () => {
    const from = (name: string, valueFrom: object) => ({ name, valueFrom });
    expect(
      await variables({
        env: [
          { name: "PLAIN", value: "1" },
          { name: "NESTED", value: "$(PLAIN)-$(UNKNOWN)-$$(PLAIN)" },
          from("COLOR", { configMapKeyRef: { name: "settings", key: "color" } }),
          from("HIDDEN", { secretKeyRef: { name: "s", key: "key" } }),
          from("ABSENT", { secretKeyRef: { name: "s", key: "none", optional: true } }),
          from("IPS", { fieldRef: { fieldPath: "status.podIPs" } }),
          from("LABEL", { fieldRef: { fieldPath: "metadata.labels['app']" } }),
          from("CPU", { resourceFieldRef: { resource: "limits.cpu" } }),
          from("MEMORY", { resourceFieldRef: { resource: "limits.memory", divisor: "1Mi" } }),
        ],
      }),
    ).toEqual({
      PLAIN: "1",
      NESTED: "1-$(UNKNOWN)-$(PLAIN)",
      COLOR: "blue",
      HIDDEN: "hidden",
      IPS: "10.42.0.5,fd00::5",
      LABEL: "shop",
      CPU: "2",
      MEMORY: "64",
    });
  });

  test("takes whole objects, with a prefix, behind its own variables", async () => {
    const container = aContainer({
      envFrom: [{ prefix: "S_", configMapRef: { name: "settings" } }],
      env: [{ name: "S_size", value: "small" }],
    });
    expect(await variables({ container })).toEqual({ S_color: "blue", S_size: "small" });
  });

  test("tells of the Services of its namespace and of the API", async () => {
    const services = [
      service("default", "kubernetes"),
      service("shop", "my-db", "10.43.0.9"),
      service("default", "other"),
      service("shop", "head", "None"),
    ];
    const names = Object.keys(await variables({ services })).filter((name) => name.endsWith("_SERVICE_HOST"));
    expect(names).toEqual(["KUBERNETES_SERVICE_HOST", "MY_DB_SERVICE_HOST"]);
    expect(await variables({ services })).toMatchObject({
      MY_DB_SERVICE_PORT: "443",
      MY_DB_SERVICE_PORT_HTTPS: "443",
      MY_DB_PORT_443_TCP: "tcp://10.43.0.9:443",
    });
    const pod = aPod({ spec: { enableServiceLinks: false } });
    expect(Object.keys(await variables({ services, pod })).filter((name) => name.startsWith("MY_DB"))).toEqual([]);
  });

  test("says what is missing", async () => {
    const absent = { env: [{ name: "X", valueFrom: { configMapKeyRef: { name: "gone", key: "k" } } }] };
    await expect(variables(absent)).rejects.toThrow('configmap "gone" not found');
    const noKey = { env: [{ name: "X", valueFrom: { configMapKeyRef: { name: "settings", key: "k" } } }] };
    await expect(variables(noKey)).rejects.toThrow("couldn't find key k in ConfigMap shop/settings");
  });

  test("leaves alone what only looks like a variable", () => {
    expect(expand("$(A) $A $( $$$ $", () => "x")).toBe("x $A $( $$ $");
  });
});

describe("a variable from a file of a volume", () => {
  const from = (more: object) => [
    { name: "COLOR", valueFrom: { fileKeyRef: { volumeName: "made", path: "made.env", key: "COLOR", ...more } } },
  ];
  const volumes = async () => {
    const hostPath = await mkdtemp(join(tmpdir(), "skiff-env-"));
    onTestFinished(() => rm(hostPath, { recursive: true }));
    await writeFile(join(hostPath, "made.env"), "COLOR='blue'\n");
    return new Map([["made", { hostPath }]]);
  };

  test("is read from it, though the container does not mount the volume", async () =>
    expect(await variables({ env: from({}), volumes: await volumes() })).toMatchObject({ COLOR: "blue" }));

  test.each([
    [{ volumeName: "other" }, 'cannot find the volume "other" referenced by FileKeyRef'],
    [{ path: "other.env", optional: true }, "couldn't parse env file"],
    [{ key: "SIZE" }, 'environment variable key "SIZE" not found in file'],
  ])("is refused: %o", async (more, message) => {
    await expect(variables({ env: from(more), volumes: await volumes() })).rejects.toThrow(message);
  });

  test("may be absent where that is said", async () =>
    expect(await variables({ env: from({ key: "SIZE", optional: true }), volumes: await volumes() })).toEqual({}));
});
