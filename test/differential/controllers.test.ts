import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { kubectlPath } from "../support/kubectl.ts";
import { run, start } from "../support/run.ts";

/*
 * What people once did to a cluster with simulated nodes is done to this control plane, and what becomes of the objects
 * compared: by the program that lies beside the recordings. Only areas that are quick and do not hang on time; as many
 * scenarios as stand here must show no difference. The recordings are no part of the project: they are looked for beside it,
 * or where SKIFF_CONTROLLER_RECORDINGS says.
 */
const recordings = resolve(
  process.env.SKIFF_CONTROLLER_RECORDINGS ??
    join(import.meta.dirname, "../../../shared/reference/recorded-controllers"),
);
const replay = join(recordings, "replay/record-controllers.mjs");
const areas: readonly [area: string, same: number][] = [
  ["accounts", 3],
  ["garbage", 9],
  ["namespaces", 3],
  ["quota", 3],
];
const root = resolve(import.meta.dirname, "../..");
const node = join(root, "node_modules/.bin/node");

describe("controllers do what they were recorded to do", () => {
  if (!existsSync(replay)) {
    test.skip(`left out: there is no ${replay}`, () => {});
    return;
  }
  test("in the areas that are quick", { timeout: 300_000 }, async () => {
    await using plane = await startControlPlane();
    const files = areas.map(([area]) => join(recordings, `${area}.yaml`));
    const args = ["--against", plane.url, "--token", plane.token, "--kubectl", await kubectlPath(), ...files];
    const { stdout, stderr } = await run(node, [replay, ...args], { cwd: root, limitMs: 280_000 });
    for (const [area, same] of areas) {
      const [, all, different = 0] =
        new RegExp(`^${area}: (\\d+) scenarios, (\\d+) with differences`, "m").exec(stdout) ?? [];
      console.log(`${area}: ${Number(all) - Number(different)} of ${all} the same`);
      expect(Number(all) - Number(different), `${stdout}${stderr}`).toBeGreaterThanOrEqual(same);
    }
  });
});

interface ControlPlane extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
}

/** A control plane in a process of its own. */
async function startControlPlane(): Promise<ControlPlane> {
  const plane = start(node, [join(root, "test/support/run-control-plane.ts")]);
  const [, url = "", token = ""] = await new Promise<RegExpExecArray>((resolveWith, reject) => {
    const read = (): void => {
      const said = /the API answers on (\S+); token: (\S+)/.exec(plane.output());
      if (said) resolveWith(said);
    };
    plane.child.stdout?.on("data", read);
    plane.child.once("exit", () => reject(new Error(`the control plane ended:\n${plane.output()}`)));
  });
  return {
    url,
    token,
    async [Symbol.asyncDispose]() {
      plane.child.kill("SIGTERM");
      await plane.ended;
    },
  };
}
