import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { aPod, main } from "../support/pods.ts";
import type { start } from "../support/run.ts";

const on = journey("registry", ["busybox:1"]);
const { kubectl, json } = on;
const docker = (...args: string[]) => on.machine.must("docker", ["-H", "unix:///run/docker.sock", ...args]);
const image = "127.0.0.1:5000/team/busybox:1";
let registry: ReturnType<typeof start>;

beforeAll(async () => {
  const folder = on.machine.directory;
  writeFileSync(
    join(folder, "registry.yaml"),
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${folder}/registry}}\nhttp: {addr: "127.0.0.1:5000"}\n`,
  );
  registry = on.machine.start("docker-registry", ["serve", join(folder, "registry.yaml")]);
  await eventually(() => on.machine.must("curl", ["-sf", "http://127.0.0.1:5000/v2/"]));
  await docker("tag", "busybox:1", image);
  await docker("push", image);
  await docker("rmi", image);
});
afterAll(() => registry?.stop("SIGKILL"));

test("an image is pulled from a registry, and Events tell it", async () => {
  await kubectl("run", "pulled", `--image=${image}`, "--", "sleep", "3600");
  await kubectl("wait", "--for=condition=Ready", "pod/pulled", "--timeout=150s");
  await eventually(async () => {
    const events = await kubectl("events", "--for", "pod/pulled");
    expect(events).toMatch(new RegExp(`Normal +Pulling .*Pulling image "${image}"`));
    expect(events).toMatch(
      new RegExp(
        `Normal +Pulled .*Successfully pulled image "${image}" in \\S+ \\(\\S+ including waiting\\)\\. Image size: \\d+ bytes\\.`,
      ),
    );
  });
  expect((await json("get", "pod", "pulled")).status.containerStatuses[0].imageID).toMatch(/@sha256:[0-9a-f]{64}$/);
});

test("IfNotPresent takes what is there, Never refuses what is not", async () => {
  await kubectl("run", "again", `--image=${image}`, "--image-pull-policy=IfNotPresent", "--", "sleep", "3600");
  await kubectl("wait", "--for=condition=Ready", "pod/again", "--timeout=150s");
  await eventually(async () =>
    expect(await kubectl("events", "--for", "pod/again")).toContain(
      `Container image "${image}" already present on machine`,
    ),
  );
  await kubectl("run", "never", "--image=127.0.0.1:5000/absent:1", "--image-pull-policy=Never");
  await eventually(async () => expect(await kubectl("get", "pod", "never")).toContain("ErrImageNeverPull"));
});

test("a failed pull shows ErrImagePull, then ImagePullBackOff, and heals when the image appears", async () => {
  await kubectl("run", "late", "--image=127.0.0.1:5000/team/late:1", "--", "sleep", "3600");
  await eventually(async () => {
    const { waiting } = (await json("get", "pod", "late")).status.containerStatuses[0].state;
    expect(waiting).toMatchObject({
      reason: "ImagePullBackOff",
      message: expect.stringContaining('Back-off pulling image "127.0.0.1:5000/team/late:1"'),
    });
  });
  await eventually(async () => {
    const events = await kubectl("events", "--for", "pod/late");
    expect(events).toMatch(/Warning +Failed .*Failed to pull image "127.0.0.1:5000\/team\/late:1": /);
    expect(events).toMatch(/Warning +Failed .*Error: ErrImagePull/);
  });
  await docker("tag", "busybox:1", "127.0.0.1:5000/team/late:1");
  await docker("push", "127.0.0.1:5000/team/late:1");
  await docker("rmi", "127.0.0.1:5000/team/late:1");
  await kubectl("wait", "--for=condition=Ready", "pod/late", "--timeout=150s");
});

test("a volume from an image is pulled with the policy Always, again where the registry has another by now", async () => {
  const reference = "127.0.0.1:5000/team/pictures:1";
  const publish = async (content: string) => {
    await docker("import", "-c", "LABEL kind=pictures", await pictures(content), reference);
    await docker("push", reference);
    await docker("rmi", reference);
  };
  const viewer = (name: string) => ({
    ...aPod(name, {
      volumes: [{ name: "volume", image: { reference, pullPolicy: "Always" } }],
      containers: [main({ volumeMounts: [{ name: "volume", mountPath: "/volume" }] })],
    }),
  });
  await publish("kitten.jpg");
  await on.apply(viewer("first"));
  await on.ready("first");
  expect(await kubectl("exec", "first", "--", "cat", "/volume/data.json")).toBe("kitten.jpg");
  await publish("nautilus.jpg");
  await on.apply(viewer("second"));
  await on.ready("second");
  expect(await kubectl("exec", "second", "--", "cat", "/volume/data.json")).toBe("nautilus.jpg");
  expect(await kubectl("exec", "first", "--", "cat", "/volume/data.json")).toBe("kitten.jpg");
});

/** An archive with one file, data.json; its path. */
async function pictures(content: string): Promise<string> {
  const folder = join(on.machine.directory, "pictures");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "data.json"), content);
  const archive = `${folder}.tar`;
  await on.machine.must("tar", ["-C", folder, "-cf", archive, "data.json"]);
  return archive;
}
