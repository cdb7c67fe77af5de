import { mkdirSync, mkdtempDisposableSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { configMap } from "../../src/api/kinds/core/config-map.ts";
import { event } from "../../src/api/kinds/core/event.ts";
import type { ApiServer } from "../../src/apiserver/serve.ts";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { noLog } from "../../src/base/log.ts";
import { type Client, openClient } from "../../src/client/client.ts";
import { deployManifests } from "../../src/cluster/deploy-manifests.ts";
import { addon } from "../../src/cluster/manifests/addon.ts";
import { startApiServer } from "../support/api-server.ts";

/** Files in the manifests directory become objects. */
describe("the manifests directory", () => {
  const directory = mkdtempSync(join(tmpdir(), "skiff-manifests-"));
  const running = new AsyncDisposableStack();
  let server: ApiServer;
  let client: Client;
  const eventually = (check: () => Promise<void>) => vi.waitFor(check);
  const write = (name: string, ...documents: string[]) => writeFileSync(join(directory, name), documents.join("---\n"));
  const map = (name: string, value: string, kind = "ConfigMap") =>
    `apiVersion: v1\nkind: ${kind}\nmetadata:\n  name: ${name}\ndata:\n  key: ${value}\n`;
  const names = async () =>
    (await client.list(configMap, { namespace: "default" })).items
      .map(({ metadata, data }) => `${metadata.name}=${data?.key}`)
      .sort();
  const start = async () => deployManifests({ directory, client, clock: systemClock, log: noLog });

  beforeAll(async () => {
    server = running.use(await startApiServer());
    const admin = { name: "admin", uid: "", groups: ["system:masters"], extra: {} };
    client = openClient(server.transportFor(admin), { fieldManager: "test" });
  });
  afterAll(async () => {
    await running.disposeAsync();
    rmSync(directory, { recursive: true });
  });

  test("is applied at the start, and followed", async () => {
    write("there.yaml", map("a", "one"));
    running.use(await start());
    await eventually(async () => expect(await names()).toEqual(["a=one"]));
    write("later.yaml", map("b", "one"), map("c", "one"));
    await eventually(async () => expect(await names()).toEqual(["a=one", "b=one", "c=one"]));
  });

  test("changes objects, and deletes what vanishes from a file", async () => {
    write("later.yaml", map("b", "two"));
    await eventually(async () => expect(await names()).toEqual(["a=one", "b=two"]));
    await eventually(async () => {
      const { spec, status } = await client.get(addon, { namespace: "kube-system", name: "later" });
      expect(spec.source).toBe(join(directory, "later.yaml"));
      expect(status?.objects).toEqual([{ apiVersion: "v1", kind: "ConfigMap", namespace: "default", name: "b" }]);
    });
  });

  test("leaves objects whose file goes", async () => {
    rmSync(join(directory, "later.yaml"));
    write("last.yaml", map("d", "one"));
    await eventually(async () => expect(await names()).toEqual(["a=one", "b=two", "d=one"]));
  });

  test("reads directories inside, and no file beside which lies its .skip", async () => {
    mkdirSync(join(directory, "inside"));
    write("inside/skipped.yaml.skip", "");
    write("inside/skipped.yaml", map("e", "one"));
    write(
      "inside/more.json",
      JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "f" }, data: { key: "one" } }),
    );
    await eventually(async () => expect(await names()).toEqual(["a=one", "b=two", "d=one", "f=one"]));
  });

  test("says what is wrong with a file, and applies it when that is mended", async () => {
    write("wrong.yaml", "kind: ConfigMap\n");
    await eventually(async () => {
      const { items } = await client.list(event, { namespace: "kube-system" });
      expect(items.map(({ message }) => message).join()).toContain("every document needs apiVersion and kind");
    });
    write("wrong.yaml", map("g", "one"));
    await eventually(async () => expect(await names()).toContain("g=one"));
  });

  test("deletes nothing while a file is being written", async () => {
    using made = mkdtempDisposableSync(join(tmpdir(), "skiff-manifests-"));
    const file = (name: string) => join(made.path, name);
    const follow = (clock: Clock) => deployManifests({ directory: made.path, client, clock, log: noLog });
    const uid = async () => (await client.get(configMap, { namespace: "default", name: "i" })).metadata.uid;
    const whole = [map("h", "one"), map("i", "one")].join("---\n");
    writeFileSync(file("pair.yaml"), whole);
    {
      await using _ = await follow(systemClock);
      await eventually(async () => {
        const { status } = await client.get(addon, { namespace: "kube-system", name: "pair" });
        expect(status?.objects).toHaveLength(2);
      });
    }
    const before = await uid();

    // The moment in which half of the file is there; what is looked at behind it is of the day before.
    writeFileSync(file("pair.yaml"), map("h", "two"));
    const { mtimeMs } = statSync(file("pair.yaml"));
    writeFileSync(file("whole.yaml"), map("j", "one"));
    utimesSync(file("whole.yaml"), mtimeMs / 1000 - 86_400, mtimeMs / 1000 - 86_400);
    let isHalf = true;
    await using _ = await follow({ ...systemClock, now: () => (isHalf ? mtimeMs : systemClock.now()) });
    await eventually(async () => expect(await names()).toContain("j=one"));
    expect(await names()).toContain("h=one");
    writeFileSync(file("pair.yaml"), whole.replace("one", "two"));
    isHalf = false;
    await eventually(async () => expect(await names()).toEqual(expect.arrayContaining(["h=two", "i=one"])));
    expect(await uid()).toBe(before);
  });
});
