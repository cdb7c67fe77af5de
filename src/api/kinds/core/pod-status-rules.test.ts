import { describe, expect, test } from "vitest";
import { Path } from "../../field.ts";
import { sent } from "../testing/judge.ts";
import { pod } from "./pod.ts";

const main = { name: "main", image: "app:1" };
const ended = (exitCode: number) => ({ containerStatuses: [{ name: "main", state: { terminated: { exitCode } } }] });
const runs = { containerStatuses: [{ name: "main", state: { running: {} } }] };
const cannotReturn = "may not be transitioned to non-terminated state";

/** What is wrong with a report on a pod of which another report was there. */
function wrongWith({ spec = {}, before = {}, after }: { spec?: object; before?: object; after: object }): string[] {
  const [old, next] = [before, after].map((status) => sent(pod, { spec: { containers: [main], ...spec }, status }));
  const errors = pod.strategy.validateSubresource?.("status", next as never, old as never, new Path());
  return (errors ?? []).map(({ field, message }) => `${field}: ${message}`);
}

describe("a report on a pod", () => {
  test.each<[string, given: Parameters<typeof wrongWith>[0], wrong: string[]]>([
    [
      "names its conditions well",
      { after: { conditions: [{ type: "a b", status: "True", observedGeneration: -1 }] } },
      [
        "status.conditions[0].observedGeneration: Invalid value: -1: must be a non-negative integer",
        "status.conditions[0].Type: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      ],
    ],
    ["may nominate a node", { after: { nominatedNodeName: "n" } }, []],
    [
      "nominates none for a pod that has one",
      { spec: { nodeName: "n" }, after: { nominatedNodeName: "other" } },
      ["status.nominatedNodeName: Forbidden: may not be set on pods that are already bound to a node"],
    ],
    [
      "keeps the nomination that was there",
      { spec: { nodeName: "n" }, before: { nominatedNodeName: "n" }, after: { nominatedNodeName: "n" } },
      [],
    ],
    ["brings back what always runs", { before: ended(0), after: runs }, []],
    ["brings back what failed", { spec: { restartPolicy: "OnFailure" }, before: ended(1), after: runs }, []],
    [
      "does not bring back what is done",
      { spec: { restartPolicy: "OnFailure" }, before: ended(0), after: runs },
      [`status.containerStatuses[0].state: Forbidden: ${cannotReturn}`],
    ],
    [
      "brings back by a container's own policy",
      {
        spec: { restartPolicy: "Never", containers: [{ ...main, restartPolicy: "OnFailure" }] },
        before: ended(2),
        after: runs,
      },
      [],
    ],
    [
      "brings back by a rule",
      {
        spec: {
          restartPolicy: "Never",
          containers: [
            {
              ...main,
              restartPolicy: "Never",
              restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [42] } }],
            },
          ],
        },
        before: ended(42),
        after: runs,
      },
      [],
    ],
    [
      "names only claims that the pod has",
      { after: { resourceClaimStatuses: [{ name: "a" }, { name: "a", resourceClaimName: "B" }] } },
      [
        'status.resourceClaimStatuses[0].name: Invalid value: "a": must match the name of an entry in `spec.resourceClaims`',
        'status.resourceClaimStatuses[1].name: Invalid value: "a": must match the name of an entry in `spec.resourceClaims`',
        'status.resourceClaimStatuses[1].name: Duplicate value: "a"',
        "status.resourceClaimStatuses[1].name: Invalid value: \"B\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      ],
    ],
    [
      "has one address of a family",
      { after: { podIPs: [{ ip: "10.0.0.1" }, { ip: "10.0.0.2" }] } },
      [
        'status.podIPs: Invalid value: [{"IP":"10.0.0.1"},{"IP":"10.0.0.2"}]: may specify no more than one IP for each IP family',
      ],
    ],
    [
      "tells users that there can be",
      { after: { containerStatuses: [{ name: "main", user: { linux: { uid: -1, gid: 0 } } }] } },
      ["status.containerStatuses[0].user.linux.uid: Invalid value: -1: must be between 0 and 2147483647, inclusive"],
    ],
    [
      "tells the health of what was asked for, each thing once",
      {
        spec: { containers: [{ ...main, resources: { requests: { "a.com/x": "1" }, limits: { "a.com/x": "1" } } }] },
        after: {
          containerStatuses: [
            {
              name: "main",
              allocatedResourcesStatus: [
                {
                  name: "a.com/x",
                  resources: [
                    { resourceID: "1", health: "Sick" },
                    { resourceID: "1", health: "Healthy" },
                  ],
                },
                { name: "a.com/y" },
              ],
            },
          ],
        },
      },
      [
        'status.containerStatuses[0].allocatedResourcesStatus[0].resources[0].health: Unsupported value: "Sick": supported values: "Healthy", "Unhealthy", "Unknown"',
        'status.containerStatuses[0].allocatedResourcesStatus[0].resources[1].resourceID: Duplicate value: "1"',
        'status.containerStatuses[0].allocatedResourcesStatus[1].name: Invalid value: "a.com/y": must match one of the container\'s resource requests',
      ],
    ],
  ])("%s", (_, given, wrong) => expect(wrongWith(given)).toEqual(wrong));
});
