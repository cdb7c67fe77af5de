/**
 * `npm run conformance`: Kubernetes' own conformance tests against skiff, on two machines in network namespaces. As root.
 *
 *   --focus REGEX    tests whose names match (default: all of conformance, several groups side by side, then those that want to be alone);
 *                    given again: another group beside it
 *   --skip REGEX     but not these
 *
 * What the suite says lies in .cache/conformance/*.log. Ends with the sum, and with 1 where a test failed.
 */
import { copyFileSync, createWriteStream } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { joinCluster } from "../support/agent.ts";
import { startCluster } from "../support/cluster.ts";
import { cache } from "../support/debian.ts";
import { eventually } from "../support/eventually.ts";
import { lan } from "../support/machine.ts";
import { start } from "../support/run.ts";
import { loadSuiteImages } from "./images.ts";
import { buildSuite, program, sources } from "./suite.ts";

const { values: given } = parseArgs({
  options: { focus: { type: "string", multiple: true }, skip: { type: "string", default: "" } },
});
const alone = String.raw`\[Serial\]|\[Disruptive\]`;
/** Tests mostly wait: these groups run side by side. */
const groups: Readonly<Record<string, string>> = {
  api: String.raw`\[sig-(api-machinery|auth|instrumentation|architecture|node)\].*\[Conformance\]`,
  network: String.raw`\[sig-(network|cli)\].*\[Conformance\]`,
  node: String.raw`\[k8s\.io\].*\[Conformance\]`,
  apps: String.raw`\[sig-(apps|scheduling)\].*\[Conformance\]`,
  storage: String.raw`\[sig-storage\].*\[Conformance\]`,
};

await buildSuite();
await using network = await lan();
const machines = [await network.machine("one"), await network.machine("two")] as const;
console.log("loading the suite's images …");
for (const machine of machines) await loadSuiteImages(machine);
await using cluster = await startCluster(machines[0]);
await using _agent = await joinCluster(machines[1], cluster);
await eventually(() => cluster.kubectl.must(["wait", "--for=condition=Ready", "node/one", "node/two", "--timeout=1s"]));

const sum = { passed: 0, failed: 0 };
if (given.focus !== undefined)
  await Promise.all(given.focus.map((focus, n) => runTests(`chosen-${n + 1}`, focus, given.skip)));
else {
  const skip = given.skip ? `${alone}|${given.skip}` : alone;
  await Promise.all(Object.entries(groups).map(([name, focus]) => runTests(name, focus, skip)));
  await runTests("alone", String.raw`(${alone}).*\[Conformance\]`, given.skip);
}
console.log(`\n${sum.passed} passed, ${sum.failed} failed`);
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0;

async function runTests(name: string, focus: string, skip: string): Promise<void> {
  const kubeconfig = join(cluster.machine.directory, `kubeconfig-${name}`);
  copyFileSync(cluster.kubeconfig, kubeconfig);
  const log = createWriteStream(join(cache, "conformance", `${name}.log`));
  const suite = start(program("e2e.test"), [
    "-ginkgo.noColor",
    `-ginkgo.focus=${focus}`,
    ...(skip ? [`-ginkgo.skip=${skip}`] : []),
    "--provider=skeleton",
    `--kubeconfig=${kubeconfig}`,
    `--kubectl-path=${program("kubectl")}`,
    `--repo-root=${sources}`,
    "--num-nodes=2",
    "--dump-logs-on-failure=false",
  ]);
  let unread = "";
  suite.child.stdout?.on("data", (text: string) => {
    log.write(text);
    unread += text;
    const end = unread.lastIndexOf("\n") + 1;
    for (const [, how, test] of unread.slice(0, end).matchAll(/"msg":"(PASSED|FAILED) ([^"]*)"/g)) {
      sum[how === "PASSED" ? "passed" : "failed"]++;
      console.log(`${how === "PASSED" ? "✓" : "×"} ${test}`);
    }
    unread = unread.slice(end);
  });
  await suite.ended;
  log.end();
}
