import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import {
  type ContainerRuntime,
  type ContainerSpec,
  ImagePullError,
  type RuntimeEvent,
  SandboxGone,
} from "../runtime.ts";
import { aContainerSpec, aSandboxSpec } from "./specs.ts";

/** What every container runtime keeps. It needs an image "busybox:1". */
export function runtimeContract(name: string, open: () => Promise<ContainerRuntime>): void {
  describe(`${name} keeps the container runtime contract`, () => {
    const quiet = new AbortController().signal;
    let runtime: ContainerRuntime;
    beforeAll(async () => {
      runtime = await open();
    });
    afterEach(async () => {
      for (const { id } of (await runtime.list()).sandboxes) await runtime.removePodSandbox(id);
      expect(await runtime.list()).toEqual({ sandboxes: [], containers: [] });
    });
    afterAll(() => runtime[Symbol.asyncDispose]());

    async function aRunningContainer(over: Partial<ContainerSpec> = {}) {
      const spec = aSandboxSpec();
      const sandbox = await runtime.runPodSandbox(spec, quiet);
      const id = await runtime.createContainer(sandbox.id, aContainerSpec(spec, over), quiet);
      await runtime.startContainer(id);
      return { spec, sandbox, id };
    }
    const ended = (podUid: string) =>
      vi.waitFor(async () => {
        const container = (await runtime.list(podUid)).containers[0];
        expect(container?.state).toBe("exited");
        return container!;
      });
    async function output(id: string, command: string[]) {
      const session = await runtime.exec(id, { command, stdin: false, stdout: true, stderr: false, tty: false }, quiet);
      const said = await text(session.stdout!);
      return { said, code: await session.exited };
    }

    test("makes a sandbox once, however often it is asked", async () => {
      const spec = aSandboxSpec();
      const first = await runtime.runPodSandbox(spec, quiet);
      const again = await runtime.runPodSandbox(spec, quiet);
      expect(again).toEqual(first);
      expect(first).toMatchObject({
        podUid: spec.podUid,
        namespace: "default",
        name: spec.name,
        attempt: 0,
        state: "ready",
      });
      expect(first.pid).toBeGreaterThan(0);
    });

    test("runs a container with its command, environment, directory and host name", async () => {
      const { spec, id } = await aRunningContainer({
        env: [{ name: "GREETING", value: "hello = world" }],
        workingDir: "/tmp",
        annotations: { "skiff/hash": "abc" },
      });
      expect((await output(id, ["sh", "-c", 'echo "$GREETING $PWD $(hostname)"'])).said).toBe(
        `hello = world /tmp ${spec.hostname}\n`,
      );
      const [container] = (await runtime.list(spec.podUid)).containers;
      expect(container).toMatchObject({ id, name: "main", attempt: 0, state: "running", image: "busybox:1" });
      expect(container?.annotations).toEqual({ "skiff/hash": "abc" });
    });

    test("lets the containers of a pod share network and IPC", async () => {
      const { spec, sandbox, id } = await aRunningContainer();
      const second = await runtime.createContainer(sandbox.id, aContainerSpec(spec, { name: "second" }), quiet);
      await runtime.startContainer(second);
      const namespaces = ["sh", "-c", "readlink /proc/self/ns/net /proc/self/ns/ipc"];
      expect((await output(second, namespaces)).said).toBe((await output(id, namespaces)).said);
    });

    test("says how a container ended", async () => {
      const { spec } = await aRunningContainer({ command: ["sh", "-c", "exit 3"] });
      expect(await ended(spec.podUid)).toMatchObject({ exitCode: 3, pid: 0, oomKilled: false });
    });

    test("says why a container did not start", async () => {
      const spec = aSandboxSpec();
      const sandbox = await runtime.runPodSandbox(spec, quiet);
      const id = await runtime.createContainer(sandbox.id, aContainerSpec(spec, { command: ["/none"] }), quiet);
      await expect(runtime.startContainer(id)).rejects.toThrow(/\/none/);
      expect((await ended(spec.podUid)).error).toMatch(/\/none/);
    });

    test("refuses a container in a sandbox that is gone", async () => {
      const spec = aSandboxSpec();
      const sandbox = await runtime.runPodSandbox(spec, quiet);
      await runtime.removePodSandbox(sandbox.id);
      await expect(runtime.createContainer(sandbox.id, aContainerSpec(spec), quiet)).rejects.toThrow(SandboxGone);
    });

    test("stops with TERM, and with KILL when that is not heard", async () => {
      const polite = await aRunningContainer({
        command: ["sh", "-c", "trap 'exit 7' TERM; touch /tmp/listening; while :; do sleep 0.1; done"],
      });
      // The first process of a container does not hear a signal for which it has not set a trap yet.
      const listens = ["test", "-e", "/tmp/listening"];
      await vi.waitFor(async () => expect((await output(polite.id, listens)).code).toBe(0));
      await runtime.stopContainer(polite.id, 20);
      expect((await ended(polite.spec.podUid)).exitCode).toBe(7);
      const deaf = await aRunningContainer({ command: ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"] });
      await runtime.stopContainer(deaf.id, 1);
      expect((await ended(deaf.spec.podUid)).exitCode).toBe(137);
      await runtime.stopContainer(deaf.id, 1);
    });

    test("tells what happens, as it happens", async () => {
      const stop = new AbortController();
      const seen: RuntimeEvent[] = [];
      const reading = (async () => {
        for await (const event of runtime.events(stop.signal)) seen.push(event);
      })();
      await vi.waitFor(() => expect(seen).toEqual([{ type: "resync" }]));
      const { spec, id, sandbox } = await aRunningContainer();
      await runtime.removeContainer(id);
      const podUid = spec.podUid;
      await vi.waitFor(() =>
        expect(seen.slice(1)).toEqual([
          { type: "started", id: sandbox.id, podUid, container: undefined },
          { type: "started", id, podUid, container: "main" },
          { type: "exited", id, podUid, container: "main" },
          { type: "removed", id, podUid, container: "main" },
        ]),
      );
      stop.abort();
      await reading;
    });

    test("runs commands with their own streams and exit codes", async () => {
      const { id } = await aRunningContainer();
      const command = ["sh", "-c", "cat; echo oops >&2; exit 5"];
      const session = await runtime.exec(id, { command, stdin: true, stdout: true, stderr: true, tty: false }, quiet);
      session.stdin!.end("through\n");
      expect(await Promise.all([text(session.stdout!), text(session.stderr!), session.exited])).toEqual([
        "through\n",
        "oops\n",
        5,
      ]);
    });

    test("runs commands on a terminal of the asked size", async () => {
      const { id } = await aRunningContainer();
      const command = ["sh", "-c", "read line; stty size; echo $line"];
      const session = await runtime.exec(id, { command, stdin: true, stdout: true, stderr: false, tty: true }, quiet);
      await session.resize(77, 33);
      session.stdin!.write("typed\n");
      expect(await text(session.stdout!)).toBe("typed\r\n33 77\r\ntyped\r\n");
      expect(await session.exited).toBe(0);
    });

    test("ends a command when it is given up", async () => {
      const { id } = await aRunningContainer();
      const stop = new AbortController();
      const options = { command: ["sleep", "1234"], stdin: false, stdout: true, stderr: false, tty: false };
      const session = await runtime.exec(id, options, stop.signal);
      session.stdout!.on("error", () => undefined).resume();
      stop.abort();
      await session.exited.catch(() => undefined);
      await vi.waitFor(async () => expect((await output(id, ["ps"])).said).not.toContain("sleep 1234"));
    });

    test("attaches to the first process", async () => {
      const { id } = await aRunningContainer({ command: ["cat"], stdin: true, stdinOnce: true });
      const session = await runtime.attach(id, { stdin: true, stdout: true, stderr: true, tty: false }, quiet);
      session.stdin!.end("echoed\n");
      expect(await text(session.stdout!)).toBe("echoed\n");
      await session.exited;
    });

    test("keeps what containers wrote", async () => {
      const script = "echo one; echo two; until test -e /tmp/enough; do sleep 0.1; done; echo bad >&2";
      const { spec, id } = await aRunningContainer({ command: ["sh", "-c", script] });
      const all = { follow: false, timestamps: false, stream: "all" } as const;
      // What comes by two streams at once comes in any order.
      await vi.waitFor(async () => expect(await text(await runtime.logs(id, all, quiet))).toBe("one\ntwo\n"));
      await output(id, ["touch", "/tmp/enough"]);
      await ended(spec.podUid);
      expect(await text(await runtime.logs(id, all, quiet))).toBe("one\ntwo\nbad\n");
      expect(await text(await runtime.logs(id, { ...all, tailLines: 2 }, quiet))).toBe("two\nbad\n");
      expect(await text(await runtime.logs(id, { ...all, stream: "stderr" }, quiet))).toBe("bad\n");
      expect(
        await text(await runtime.logs(id, { ...all, follow: true, timestamps: true, tailLines: 1 }, quiet)),
      ).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z bad\n$/);
      expect(await text(await runtime.logs(id, { ...all, sinceMs: Date.now() + 60_000 }, quiet))).toBe("");
    });

    test("reaches a port that listens on the pod's loopback only", async () => {
      const server = "httpd -f -p 127.0.0.1:8080 -h /etc";
      const { sandbox, id } = await aRunningContainer({
        command: ["sh", "-c", `ip link set lo up; ${server}`],
        security: { ...aContainerSpec(aSandboxSpec()).security, addCapabilities: ["NET_ADMIN"] },
      });
      await vi.waitFor(async () =>
        expect((await output(id, ["wget", "-q", "-O-", "http://127.0.0.1:8080/passwd"])).code).toBe(0),
      );
      const connection = await runtime.portForward(sandbox.id, 8080, quiet);
      connection.end("GET /passwd HTTP/1.0\r\n\r\n");
      expect(await text(connection)).toContain("root:x:0:0");
      await expect(runtime.portForward(sandbox.id, 81, quiet)).rejects.toThrow("connection refused");
    });

    test("knows its images", async () => {
      const image = await runtime.imageStatus("busybox:1");
      expect(image?.tags).toEqual(["busybox:1"]);
      expect((await runtime.listImages()).map(({ id }) => id)).toContain(image?.id);
      expect(await runtime.imageStatus("no-such-image:1")).toBeUndefined();
      await expect(runtime.pullImage("127.0.0.1:9/none:1", undefined, quiet)).rejects.toThrow(ImagePullError);
    });

    test("changes the limits of a running container", async () => {
      const { id } = await aRunningContainer({ resources: { memoryLimitBytes: 64 << 20 } });
      await runtime.updateContainer(id, { memoryLimitBytes: 128 << 20 });
    });
  });
}
