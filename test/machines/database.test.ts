import { describe, expect, test } from "vitest";
import { fixture } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";

const on = journey("database", ["postgres:15"]);
const { kubectl, json } = on;

const storage = "/var/lib/skiff/storage";
const directories = async () => (await on.machine.must("ls", [storage])).split("\n").filter(Boolean);
const ready = () => kubectl("rollout", "status", "statefulset/postgres", "--timeout=150s");

/** One statement, from inside the pod but over the network and with the password. */
async function sql(statement: string): Promise<string> {
  const url = "postgresql://postgres:not-a-secret@postgres-0.postgres/postgres";
  return (await kubectl("exec", "postgres-0", "--", "psql", "-tA", url, "-c", statement)).trim();
}
const rows = () => sql("select string_agg(name, ',' order by name) from boats");

describe("a database in a StatefulSet, on the default StorageClass", () => {
  test("comes up with a volume on the node's own disk", async () => {
    await on.cluster.kubectl.apply(fixture("postgres-statefulset.yaml"));
    await ready();
    const claim = await eventually(async () => {
      const { spec, status } = await json("get", "pvc", "data-postgres-0");
      expect(status).toMatchObject({ phase: "Bound", capacity: { storage: "256Mi" } });
      return { spec };
    });
    expect(claim.spec.storageClassName).toBe("local-path");
    expect(await directories()).toEqual([`${claim.spec.volumeName}_default_data-postgres-0`]);
    await eventually(() => sql("create table if not exists boats (name text)"));
    await sql("insert into boats values ('skiff'), ('dory')");
    expect(await rows()).toBe("dory,skiff");
  });

  test("keeps its data when its pod is deleted", async () => {
    const before = (await json("get", "pod", "postgres-0")).metadata.uid;
    await kubectl("delete", "pod", "postgres-0", "--timeout=150s");
    await eventually(async () => expect((await json("get", "pod", "postgres-0")).metadata.uid).not.toBe(before));
    await ready();
    await eventually(async () => expect(await rows()).toBe("dory,skiff"));
  });

  test("keeps its data when it is scaled to nothing and back", async () => {
    await kubectl("scale", "statefulset/postgres", "--replicas=0");
    await kubectl("wait", "--for=delete", "pod/postgres-0", "--timeout=150s");
    expect(await directories()).toHaveLength(1);
    await kubectl("scale", "statefulset/postgres", "--replicas=1");
    await ready();
    await eventually(async () => expect(await rows()).toBe("dory,skiff"));
  });

  test("leaves nothing on the disk when it is deleted, for that is its policy", async () => {
    await kubectl("delete", "statefulset", "postgres", "--timeout=150s");
    await eventually(async () => {
      expect((await json("get", "pvc,pv")).items).toEqual([]);
      expect(await directories()).toEqual([]);
    });
  });
});
