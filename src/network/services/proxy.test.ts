import { expect, test } from "vitest";
import { pod } from "../../api/kinds/core/pod.ts";
import { service } from "../../api/kinds/core/service.ts";
import { endpointSlice } from "../../api/kinds/discovery/endpoint-slice.ts";
import { systemClock } from "../../base/clock.ts";
import { noLog } from "../../base/log.ts";
import { fedInformers } from "../testing/fed-informers.ts";
import { anEndpoint, aService, aSlice } from "../testing/objects.ts";
import { ServiceProxy } from "./proxy.ts";

test("a Service that cannot be made sense of keeps no other from working", async () => {
  const informers = fedInformers();
  const written: string[] = [];
  await using proxy = new ServiceProxy({
    services: informers.of(service),
    slices: informers.of(endpointSlice),
    pods: informers.of(pod),
    place: { nodeName: "n1", clusterCidrs: ["10.42.0.0/16"], answeredHere: new Set(), insideOf: () => [] },
    settings: () => ({
      podCidrs: [],
      clusterCidrs: ["10.42.0.0/16"],
      serviceCidrs: ["10.43.0.0/16"],
      answeredHere: new Set<string>(),
      dnsPort: 53,
    }),
    kernel: {
      exists: async () => true,
      replace: async (text) => void written.push(text),
      change: async (commands) => void written.push(...commands),
    },
    clock: systemClock,
    log: noLog,
  });
  informers.put("services", aService({ ports: [null as never] }, { name: "broken" }));
  informers.put("services", aService({ clusterIP: "10.43.0.7" }));
  informers.put("endpointslices", aSlice([anEndpoint("10.42.0.9")]));
  await proxy.start();
  await new Promise((begun) => setImmediate(begun));
  await proxy.settled();
  expect(written.join("\n")).toContain("10.43.0.7");
  expect(written.join("\n")).toContain("10.42.0.9");
});
