import { expect, test } from "vitest";
import { Exchange, type Incoming, type Outgoing } from "./exchange.ts";
import { zpages } from "./zpages.ts";

const pages = zpages({
  startedMs: Date.UTC(2026, 0, 1),
  version: { gitVersion: "v1.36.2", goVersion: "go1.26", emulationMajor: "1", emulationMinor: "36" },
  flags: { "secure-port": "6443", "advertise-address": "192.0.2.1" },
  paths: () => ["/livez", "/livez/ping", "/version"],
});

/** What a page answers with to somebody who accepts this. */
async function ask(page: "statusz" | "flagz", accept: string | undefined) {
  let text = "";
  let [status, type] = [0, ""];
  const outgoing = {
    once() {},
    writeHead(code: number, headers: Record<string, string>) {
      [status, type] = [code, headers["content-type"] ?? ""];
    },
    end: (bytes: Buffer) => {
      text = bytes.toString();
    },
  };
  const incoming = { headers: accept === undefined ? {} : { accept } };
  const exchange = new Exchange(incoming as unknown as Incoming, outgoing as unknown as Outgoing);
  await (page === "statusz" ? pages.statusz(exchange, Date.UTC(2026, 0, 1, 1, 2, 3)) : pages.flagz(exchange));
  return { status, type, text };
}

test.each([undefined, "*/*", "text/plain"])("people see text (Accept: %s)", async (accept) => {
  const { status, type, text } = await ask("statusz", accept);
  expect([status, type]).toEqual([200, "text/plain; charset=utf-8"]);
  expect(text).toMatch(/^\nkube-apiserver statusz\n/);
  expect(text).toMatch(/^Up: 1 hr 02 min 03 sec\n.*\nBinary version: 1\.36\.2\n.*\nPaths: \/livez \/version$/m);
  expect((await ask("flagz", accept)).text).toMatch(/\n\nadvertise-address=192.0.2.1\nsecure-port=6443\n$/);
});

test.each(["v1beta1", "v1alpha1"])("programs see an object of config.k8s.io/%s", async (version) => {
  const { type, text } = await ask("statusz", `application/json;v=${version};g=config.k8s.io;as=Statusz`);
  expect(type).toBe("application/json");
  expect(JSON.parse(text)).toEqual({
    kind: "Statusz",
    apiVersion: `config.k8s.io/${version}`,
    metadata: { name: "kube-apiserver" },
    startTime: "2026-01-01T00:00:00Z",
    uptimeSeconds: 3723,
    goVersion: "go1.26",
    binaryVersion: "1.36.2",
    emulationVersion: "1.36",
    paths: ["/livez", "/version"],
  });
  const flagz = await ask("flagz", `application/json;v=${version};g=config.k8s.io;as=Flagz`);
  expect(JSON.parse(flagz.text)).toMatchObject({ kind: "Flagz", flags: { "secure-port": "6443" } });
});

test.each(["application/json", "application/json;v=v1;g=config.k8s.io;as=Statusz"])(
  "another form is refused: %s",
  async (accept) => {
    const { status, text } = await ask("statusz", accept);
    expect(status).toBe(406);
    expect(JSON.parse(text)).toMatchObject({ reason: "NotAcceptable" });
  },
);
