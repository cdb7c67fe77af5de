import type Docker from "dockerode";
import { beforeEach, expect, test } from "vitest";
import { DockerContainers } from "./containers.ts";
import { identityLabels } from "./labels.ts";

/** Docker with these containers of pod u1, and a count of what it was asked. */
function aDocker(ids: string[]) {
  const asked = { list: 0, inspect: 0 };
  const running = new Set(ids);
  const info = (id: string) => ({
    Id: id,
    Created: "2026-01-01T00:00:00Z",
    Image: "sha256:1",
    State: {
      Running: running.has(id),
      Status: "running",
      Pid: 1,
      ExitCode: 0,
      Error: "",
      StartedAt: "",
      FinishedAt: "",
    },
    HostConfig: {},
    Config: {
      Image: "busybox:1",
      Labels: identityLabels({ podUid: "u1", namespace: "shop", podName: "web", container: id, attempt: 0 }),
    },
  });
  const docker = {
    listContainers: async () => {
      asked.list++;
      return ids.map((Id) => ({ Id }));
    },
    getContainer: (id: string) => ({
      inspect: async () => {
        asked.inspect++;
        if (!ids.includes(id)) throw Object.assign(new Error("no such container"), { statusCode: 404 });
        return info(id);
      },
    }),
  };
  return { docker: docker as unknown as Docker, asked, running, ids };
}

const names = async (containers: DockerContainers) =>
  (await containers.list("u1")).containers.map(({ name, state }) => `${name} ${state}`);
let world: ReturnType<typeof aDocker>;
let containers: DockerContainers;
beforeEach(() => {
  world = aDocker(["a", "b"]);
  containers = new DockerContainers(world.docker);
});

test("Docker is asked once while nothing happens", async () => {
  containers.heard({ type: "resync" });
  for (let turn = 0; turn < 3; turn++) expect(await names(containers)).toEqual(["a running", "b running"]);
  expect(world.asked).toEqual({ list: 1, inspect: 2 });
});

test("Docker is asked every time while no events come in", async () => {
  await names(containers);
  await names(containers);
  expect(world.asked).toEqual({ list: 2, inspect: 4 });
  containers.heard({ type: "resync" });
  await names(containers);
  containers.deaf();
  await names(containers);
  expect(world.asked.list).toBe(4);
});

test("what an event tells of is looked at again, and what skiff did itself", async () => {
  containers.heard({ type: "resync" });
  await names(containers);
  world.running.delete("a");
  containers.heard({ type: "exited", id: "a", podUid: "u1", container: "a" });
  expect(await names(containers)).toEqual(["a exited", "b running"]);
  await containers.change("b", async () => void world.running.delete("b"));
  expect(await names(containers)).toEqual(["a exited", "b exited"]);
  expect(world.asked).toEqual({ list: 1, inspect: 4 });
});

test("what comes and goes is known without a list", async () => {
  containers.heard({ type: "resync" });
  await names(containers);
  world.ids.push("c");
  world.running.add("c");
  containers.created("c", "u1");
  containers.heard({ type: "removed", id: "a", podUid: "u1", container: "a" });
  expect(await names(containers)).toEqual(["b running", "c running"]);
  expect(world.asked.list).toBe(1);
});

test("a list that something happened during is not remembered", async () => {
  containers.heard({ type: "resync" });
  const listing = containers.list("u1");
  containers.created("c", "u1");
  await listing;
  await names(containers);
  expect(world.asked.list).toBe(2);
});

test("one that is gone without a word is left out", async () => {
  containers.heard({ type: "resync" });
  await names(containers);
  world.ids.splice(0, 1);
  await containers.change("a", async () => undefined);
  expect(await names(containers)).toEqual(["b running"]);
});
