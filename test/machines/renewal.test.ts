import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeWhole } from "../../src/base/files.ts";
import { skiffProgram } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { kubectlPath } from "../support/kubectl.ts";
import { start } from "../support/run.ts";
import { secondNode } from "../support/second-node.ts";

// Certificates that are made anew every 30 seconds or so: a year of renewals in the life of this test.
const on = journey("one", ["busybox:1"], { flags: ["--certificate-lifetime", "40s"] });

/** Until all is set up and connected, on a busy machine longer than the administrator's certificate lives, kubectl has the newest one. */
let isSetUp = false;
let keeping: Promise<void>;
const keepKubeconfig = async () => {
  while (!isSetUp) {
    const text = await on.machine.must("cat", ["/etc/skiff/skiff.yaml"]);
    await writeWhole(on.cluster.kubeconfig, text.replace("https://127.0.0.1:", `https://${on.machine.address}:`));
    await sleep(1_000);
  }
};
beforeAll(() => void (keeping = keepKubeconfig()));
afterAll(() => void (isSetUp = true));

const two = secondNode(on, "two");
const counter = "i=0; while true; do i=$((i+1)); echo line $i; sleep 1; done";

beforeAll(() => on.runOn("two", "away", "sh", "-c", counter));

/** The serial number of what the API server shows. */
const shown = async () => {
  const script = "openssl s_client -connect 127.0.0.1:6443 </dev/null 2>/dev/null | openssl x509 -noout -serial";
  return (await on.machine.must("sh", ["-c", script])).trim();
};
const renewals = () => two.agent.output().split("the node's certificate was renewed and is in use").length - 1;
const pids = () =>
  Promise.all(
    [on.machine, two.machine].map((machine) => machine.must("pgrep", ["-f", `${skiffProgram.at(-1)} (server|agent)`])),
  );

test("certificates that end are made anew in the running server and agent, and who is connected stays connected", async () => {
  const before = await pids();
  const kubectl = await kubectlPath();
  const env = { ...process.env, KUBECONFIG: on.cluster.kubeconfig };
  const watching = start(kubectl, ["get", "pods", "-w", "--no-headers"], { env });
  const following = start(kubectl, ["logs", "-f", "away"], { env });
  const seen = new Set<string>();
  try {
    await eventually(() => {
      expect(watching.output()).toMatch(/^away /);
      expect(following.output()).toMatch(/^line 1\n/);
    });
    isSetUp = true;
    await keeping;
    const renewed = renewals();
    await eventually(
      async () => {
        seen.add(await shown());
        expect([seen.size, renewals()]).toEqual([
          expect.toSatisfy((n) => n >= 3),
          expect.toSatisfy((n) => n >= renewed + 2),
        ]);
      },
      { limitMs: 200_000 },
    );
    // The kubeconfig of the beginning has ended; what is connected since then goes on.
    const fresh = await on.machine.must("cat", ["/etc/skiff/skiff.yaml"]);
    expect(fresh).not.toBe(readFileSync(on.cluster.kubeconfig, "utf8"));
    const inside = (...args: string[]) => on.machine.must(kubectl, ["--kubeconfig", "/etc/skiff/skiff.yaml", ...args]);
    await eventually(async () => {
      expect(await inside("exec", "away", "--", "hostname")).toBe("away\n");
      expect(await inside("get", "nodes", "--no-headers")).toMatch(/^one +Ready .*\ntwo +Ready /);
      await inside("label", "pod", "away", "--overwrite", "seen=late");
    });
    await eventually(() => expect(watching.output()).toMatch(/away .*\n.*away /s));
    const lines = following.output().split("\n").length;
    await eventually(() => expect(following.output().split("\n").length).toBeGreaterThan(lines));
    expect([watching.child.exitCode, following.child.exitCode]).toEqual([null, null]);
    expect(await pids()).toEqual(before);
    expect(two.agent.output()).not.toMatch(/ERROR/);
  } finally {
    watching.child.kill();
    following.child.kill();
  }
});
