import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { VolumeMount } from "../../src/api/schema/types.ts";
import { runtimeFlags } from "../support/docker.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { aPod, main, sh } from "../support/pods.ts";

/*
 * Kubernetes docs, "Mount propagation", on a machine whose mounts are private, as they are under every init but systemd:
 * kubelet's own directory is shared all the same.
 */
const directory = mkdtempSync(join(tmpdir(), "skiff-runtime-"));
const dockerdFlags = ["--bridge=none", "--iptables=false", "--ip6tables=false", ...runtimeFlags(directory)].join(" ");
const on = journey("mounts", ["busybox:1"], { dockerdFlags });
afterAll(() => rmSync(directory, { recursive: true }));
const { kubectl, apply, ready } = on;
const exec = (pod: string, script: string, container = "main") =>
  kubectl("exec", pod, "-c", container, "--", "sh", "-c", script);
const machine = (script: string) => on.machine.must("sh", ["-c", script]);

const privileged = { securityContext: { privileged: true } };
const modes = {
  giver: "Bidirectional",
  taker: "HostToContainer",
  alone: "None",
  usual: undefined,
} as const satisfies Record<string, VolumeMount["mountPropagation"]>;
const mounting = (mode: VolumeMount["mountPropagation"]) => ({
  volumeMounts: [{ name: "v", mountPath: "/v", ...(mode && { mountPropagation: mode }) }],
  ...privileged,
});

describe("what a container mounts below a volume", () => {
  const shared = "/var/lib/kubelet/shared";
  const pods = Object.keys(modes);

  test("reaches whom its mountPropagation says, and the other way round", async () => {
    const volumes = [{ name: "v", hostPath: { path: shared, type: "DirectoryOrCreate" } }];
    await apply(
      ...Object.entries(modes).map(([name, mode]) => aPod(name, { volumes, containers: [main(mounting(mode))] })),
    );
    await ready(...pods);
    await machine(`for one in ${pods.join(" ")} machine; do mkdir ${shared}/$one; done`);
    for (const pod of pods) await exec(pod, `mount -t tmpfs ${pod} /v/${pod} && touch /v/${pod}/mounted`);
    await machine(`mount -t tmpfs machine ${shared}/machine && touch ${shared}/machine/mounted`);
    const seen = "ls -d */mounted";
    const sees = Object.fromEntries(
      await Promise.all(pods.map(async (pod) => [pod, (await exec(pod, `cd /v; ${seen}`)).split("/mounted\n")])),
    );
    expect(sees).toEqual({
      giver: ["giver", "machine", ""],
      taker: ["giver", "machine", "taker", ""],
      alone: ["alone", ""],
      usual: ["usual", ""],
    });
    expect(await machine(`cd ${shared}; ${seen}`)).toBe("giver/mounted\nmachine/mounted\n");
    await machine(`umount ${shared}/machine ${shared}/giver`);
    await kubectl("delete", "pods", ...pods, "--timeout=150s");
  });

  test("reaches the pod's other containers through an emptyDir, and goes with the pod", async () => {
    const mount = "mount -t tmpfs served /v/served && echo found >/v/served/file && exec sleep 3600";
    await apply(
      aPod("pair", {
        volumes: [{ name: "v", emptyDir: {} }],
        initContainers: [
          sh(`mkdir /v/served; ${mount}`, { name: "giver", restartPolicy: "Always", ...mounting("Bidirectional") }),
        ],
        containers: [main({ ...mounting("HostToContainer"), securityContext: {} })],
      }),
    );
    await ready("pair");
    await eventually(async () => expect(await exec("pair", "cat /v/served/file")).toBe("found\n"));
    const mounted = () => machine("grep -c ' /var/lib/skiff/agent/pods/.*/served ' /proc/mounts || true");
    expect(await mounted()).toBe("1\n");
    await kubectl("delete", "pod", "pair", "--timeout=150s");
    expect(await mounted()).toBe("0\n");
    expect(await machine("ls /var/lib/skiff/agent/pods")).toBe("");
  });
});
