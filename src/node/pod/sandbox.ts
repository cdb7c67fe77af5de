import { messageOf } from "../../base/log.ts";
import type { Listing, Sandbox } from "../runtime.ts";
import type { PodContext } from "./context.ts";
import { nameOmissions, sandboxSpecOf } from "./prepare.ts";
import { cgroupLimitsOf } from "./resources.ts";
import type { PodState } from "./state.ts";

/** What is left of an earlier sandbox's containers gets this long. */
const leftOverGraceSeconds = 2;

/** Makes what holds the pod's namespaces and connects it to the network; what an earlier attempt left is stopped first. */
export async function makeSandbox(
  { context, state, listing }: { context: PodContext; state: PodState; listing: Listing },
  attempt: number,
  signal: AbortSignal,
): Promise<Sandbox> {
  const { runtime, network, cgroups, turns } = context;
  if (attempt > 0) {
    state.tellPod("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
    for (const { id, state: is } of listing.containers)
      if (is === "running") await runtime.stopContainer(id, leftOverGraceSeconds);
    for (const { id } of listing.sandboxes) await runtime.stopPodSandbox(id);
    await network.detach(state.uid);
  }
  for (const omission of await nameOmissions(context, state.pod))
    state.tellPod("Warning", "DNSConfigForming", omission);
  try {
    const spec = await sandboxSpecOf(context, state.pod, attempt);
    await cgroups.prepare(spec.cgroupParent, cgroupLimitsOf(state.given, context.allocatable()));
    return await turns.start(async () => {
      const sandbox = await runtime.runPodSandbox(spec, signal);
      await attachSandbox({ context, state, sandbox }, signal);
      return sandbox;
    }, signal);
  } catch (error) {
    if (!signal.aborted)
      state.tellPod("Warning", "FailedCreatePodSandBox", `Failed to create pod sandbox: ${messageOf(error)}`);
    throw error;
  }
}

/** Gives the sandbox its addresses, or mends its connection; a pod on the node's network has the node's. */
export async function attachSandbox(
  { context: { network, hostIps }, state, sandbox }: { context: PodContext; state: PodState; sandbox: Sandbox },
  signal: AbortSignal,
): Promise<void> {
  const { metadata, spec } = state.pod;
  const { namespace = "", name } = metadata;
  const pod = { uid: state.uid, namespace, name, pid: sandbox.pid, hadIps: state.podIps };
  state.podIps = spec.hostNetwork ? hostIps : (await network.attach(pod, signal)).ips;
}
