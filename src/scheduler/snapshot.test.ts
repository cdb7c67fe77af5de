import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Snapshot } from "./snapshot.ts";
import { aNode, aPodInfo } from "./testing/objects.ts";

describe("the snapshot", () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ do: fc.constant("place" as const), pod: fc.nat(5), node: fc.nat(2), app: fc.constantFrom("a", "b") }),
      fc.record({ do: fc.constant("remove" as const), pod: fc.nat(5) }),
      fc.record({ do: fc.constant("node" as const), node: fc.nat(2) }),
      fc.record({ do: fc.constant("unnode" as const), node: fc.nat(2) }),
    ),
    { maxLength: 40 },
  );

  test("counts pods by node as if it counted them anew, whatever happened", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const cluster = new Snapshot(() => ({}));
        const placed = new Map<string, { app: string; node: string }>();
        const counts = ({ labels }: { labels: Readonly<Record<string, string>> }) => labels.app === "a";
        const isA = cluster.podsByNode("app a", counts);
        const question = { topologyKey: "kubernetes.io/hostname", keys: ["kubernetes.io/hostname"] };
        for (const step of all) {
          cluster.podsByDomain("app a", counts, question);
          if (step.do === "place") {
            const name = `p${step.pod}`;
            cluster.place(aPodInfo({ name, labels: { app: step.app } }), `n${step.node}`);
            placed.set(name, { app: step.app, node: `n${step.node}` });
          } else if (step.do === "remove") {
            cluster.remove(`uid-of-p${step.pod}`);
            placed.delete(`p${step.pod}`);
          } else if (step.do === "node") cluster.setNode(aNode({ name: `n${step.node}` }));
          else cluster.removeNode(`n${step.node}`);
        }
        const expected: Record<string, number> = {};
        for (const { app, node } of placed.values()) if (app === "a") expected[node] = (expected[node] ?? 0) + 1;
        expect(Object.fromEntries(isA)).toEqual(expected);
        const known = cluster.list.map(({ name }) => [name, expected[name] ?? 0]);
        expect(Object.fromEntries(cluster.podsByDomain("app a", counts, question))).toEqual(Object.fromEntries(known));
        for (const { name, pods } of cluster.list)
          expect([...pods.values()].map(({ pod }) => pod.metadata.name).sort()).toEqual(
            [...placed]
              .filter(([, { node }]) => node === name)
              .map(([pod]) => pod)
              .sort(),
          );
      }),
    );
  });
});
