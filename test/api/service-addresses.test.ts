import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { event } from "../../src/api/kinds/core/event.ts";
import { service } from "../../src/api/kinds/core/service.ts";
import { ipAddress } from "../../src/api/kinds/networking/ip-address.ts";
import { serviceCIDR } from "../../src/api/kinds/networking/service-cidr.ts";
import type { Service, ServicePort } from "../../src/api/schema/types.ts";
import { accountUser } from "../../src/app/part-users.ts";
import { constant } from "../../src/base/changing.ts";
import { systemClock as clock } from "../../src/base/clock.ts";
import { noLog as log } from "../../src/base/log.ts";
import { type Client, openClient } from "../../src/client/client.ts";
import { openInformers } from "../../src/client/open-informers.ts";
import { runControllers, runServerLoops } from "../../src/controllers/run.ts";
import { startApiServer } from "../support/api-server.ts";

describe("addresses of Services", () => {
  let client: Client;
  const running = new AsyncDisposableStack();
  const eventually = (check: () => Promise<void>) => vi.waitFor(check);
  const made = (name: string, spec: Partial<Service["spec"]> = {}) =>
    client.create(service, { metadata: { namespace: "default", name }, spec: { ports: [{ port: 80 }], ...spec } });
  const refusal = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => "was taken",
      (error: Error) => error.message,
    );
  const parentOf = async (name: string) => (await client.get(ipAddress, { name })).spec.parentRef;
  const reasons = async () => (await client.list(event)).items.map(({ reason }) => reason);

  beforeAll(async () => {
    const server = running.use(await startApiServer({ serviceCidrs: ["10.43.0.0/28"] }));
    client = openClient(server.transportFor(accountUser("system:apiserver")), { fieldManager: "test" });
    const informers = running.use(openInformers(client, { clock, log }));
    const clientFor = (account: string) => openClient(server.transportFor(accountUser(account)), { fieldManager: "c" });
    const options = { clusterCidrs: ["10.42.0.0/16"], rootCa: constant("the certificate") };
    running.use(await runControllers({ clientFor, informers, clock, log, options }));
    const nodePorts = { from: 30_000, to: 32_767 };
    running.use(await runServerLoops({ clientFor, informers, clock, log, nodePorts }));
  });
  afterAll(() => running[Symbol.asyncDispose]());

  test("the cluster's own range is ready and held", async () => {
    await eventually(async () => {
      const { spec, status, metadata } = await client.get(serviceCIDR, { name: "kubernetes" });
      expect(spec?.cidrs).toEqual(["10.43.0.0/28"]);
      expect(metadata.finalizers).toEqual(["networking.k8s.io/service-cidr-finalizer"]);
      expect(status?.conditions).toMatchObject([{ type: "Ready", status: "True" }]);
    });
    const parent = { resource: "services", namespace: "default", name: "kubernetes" };
    await eventually(async () => expect(await parentOf("10.43.0.1")).toEqual(parent));
  });

  test("an address goes with its Service, and with a Service that was refused", async () => {
    await made("web", { clusterIP: "10.43.0.5" });
    expect(await parentOf("10.43.0.5")).toMatchObject({ name: "web" });
    expect(await refusal(made("other", { clusterIP: "10.43.0.5" }))).toContain("provided IP is already allocated");
    expect(await refusal(made("web", { clusterIP: "10.43.0.6" }))).toContain("already exists");
    await client.delete(service, { namespace: "default", name: "web" });
    expect((await client.list(ipAddress)).items.map(({ metadata }) => metadata.name)).toEqual(["10.43.0.1"]);
  });

  test("an address that somebody else wrote down is not given", async () => {
    const spec = { parentRef: { group: "example.com", resource: "gateways", name: "g" } };
    await client.create(ipAddress, { metadata: { name: "10.43.0.9" }, spec });
    expect(await refusal(made("web", { clusterIP: "10.43.0.9" }))).toContain("provided IP is already allocated");
    await client.delete(ipAddress, { name: "10.43.0.9" });
  });

  test("a lost IPAddress comes back", async () => {
    await made("web", { clusterIP: "10.43.0.5" });
    await client.delete(ipAddress, { name: "10.43.0.5" });
    await eventually(async () => expect(await parentOf("10.43.0.5")).toMatchObject({ name: "web" }));
    await eventually(async () => expect(await reasons()).toContain("ClusterIPNotAllocated"));
  });

  test.each<[what: string, spec: Partial<Service["spec"]>, wrong: string[]]>([
    [
      "two families",
      { ipFamilies: ["IPv4", "IPv6"] },
      [
        'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
        'spec.ipFamilies[1]: Invalid value: "IPv6": not configured on this cluster',
      ],
    ],
    [
      "two families and a policy for one",
      { ipFamilies: ["IPv4", "IPv6"], ipFamilyPolicy: "SingleStack" },
      [
        "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
      ],
    ],
    [
      "an address of another family",
      { clusterIP: "fd00::1" },
      ['spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster'],
    ],
    [
      "a node port for two ports",
      {
        type: "NodePort",
        ports: [
          { name: "a", port: 80, nodePort: 30_700 },
          { name: "b", port: 81, nodePort: 30_700 },
        ],
      },
      ["spec.ports[1].nodePort: Invalid value: 30700: provided port is already allocated"],
    ],
  ])("a Service cannot have %s", async (_, spec, wrong) => {
    const message = wrong.length > 1 ? `[${wrong.join(", ")}]` : wrong[0];
    expect(await refusal(made("bad", spec))).toBe(`Service "bad" is invalid: ${message}`);
  });

  test("a Service without a selector has the families that it asks for", async () => {
    const { spec } = await made("heads", { clusterIP: "None", ipFamilyPolicy: "SingleStack" });
    expect(spec.ipFamilies).toEqual(["IPv4"]);
    const both = await made("tails", { clusterIP: "None", ipFamilies: ["IPv6"] });
    expect(both.spec).toMatchObject({ ipFamilies: ["IPv6", "IPv4"], ipFamilyPolicy: "RequireDualStack" });
  });

  test("a full range is widened by another one, which stays while it is needed", async () => {
    for (let i = 0; i < 12; i++) await made(`full-${i}`);
    expect(await refusal(made("one-more"))).toContain("failed to allocate a serviceIP: range is full");
    await client.create(serviceCIDR, { metadata: { name: "second" }, spec: { cidrs: ["10.99.0.0/24"] } });
    const { spec } = await made("one-more");
    expect(spec?.clusterIP).toMatch(/^10\.99\.0\./);

    await eventually(async () =>
      expect((await client.get(serviceCIDR, { name: "second" })).metadata.finalizers).toHaveLength(1),
    );
    await client.delete(serviceCIDR, { name: "second" });
    await eventually(async () => {
      const { status } = await client.get(serviceCIDR, { name: "second" });
      expect(status?.conditions).toMatchObject([{ type: "Ready", status: "False", reason: "Terminating" }]);
    });
    expect(await refusal(made("too-late"))).toContain("range is full");
    await client.delete(service, { namespace: "default", name: "one-more" });
    await eventually(async () =>
      expect(await refusal(client.get(serviceCIDR, { name: "second" }))).toContain("not found"),
    );
  });

  test("a node port's number belongs to one Service, which may use it for several protocols", async () => {
    await client.delete(service, { namespace: "default", name: "full-0" });
    await client.delete(service, { namespace: "default", name: "full-1" });
    const port = (protocol: string, nodePort?: number): ServicePort => ({
      name: protocol.toLowerCase(),
      port: 53,
      protocol,
      ...(nodePort && { nodePort }),
    });
    const first = await made("dns", { type: "NodePort", ports: [port("UDP", 30_053), port("TCP")] });
    expect(first.spec?.ports?.map(({ nodePort }) => nodePort)).toEqual([30_053, 30_053]);
    const second = made("other-dns", { type: "NodePort", ports: [port("SCTP", 30_053)] });
    expect(await refusal(second)).toContain("provided port is already allocated");
  });
});
