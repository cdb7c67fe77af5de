import { mkdtempSync, rmSync } from "node:fs";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Agent, joinCluster } from "../support/agent.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { loadImages } from "../support/images.ts";
import { type Lan, lan, type Machine } from "../support/machine.ts";
import { must } from "../support/run.ts";

/** Answers on each port of SERVE with its text ("160=foo"), by TLS on those of SERVE_TLS; on 8000 with the method it was asked by. */
const porter = `
import http.server, os, ssl, threading
class Says(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self):
        if self.headers["Upgrade"] == "echo":
            self.send_response(101); self.send_header("Connection", "Upgrade"); self.send_header("Upgrade", "echo"); self.end_headers()
            for line in self.rfile: self.wfile.write(line.upper()); self.wfile.flush()
            return
        said = self.server.says or self.command
        body = b"" if self.command == "HEAD" else said.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if said.startswith("<") else "text/plain")
        self.send_header("X-Method", self.command)
        self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = answer
    def log_message(self, *args): pass
def serve(port, says, tls):
    server = http.server.ThreadingHTTPServer(("", port), Says); server.says = says
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain("/tls/tls.crt", "/tls/tls.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever).start()
for name, tls in (("SERVE", False), ("SERVE_TLS", True)):
    for each in os.environ[name].split(";"): port, says = each.split("=", 1); serve(int(port), says, tls)
serve(8000, "", False)
`;
const link = (path: string) => `<a href="${path}">test</a>`;

let net: Lan;
let cluster: Cluster;
let agent: Agent;
let token = "";
const machines: Machine[] = [];
const kubectl = (...args: string[]) => cluster.kubectl.must(args);

beforeAll(async () => {
  net = await lan();
  for (const name of ["one", "two"]) machines.push(await net.machine(name));
  cluster = await startCluster(machines[0]!);
  agent = await joinCluster(machines[1]!, cluster);
  await loadImages(machines[1]!, ["flask-app:1"]);
  const tls = mkdtempSync(join(tmpdir(), "skt-tls-"));
  const [key, cert] = [join(tls, "key"), join(tls, "cert")];
  await must("openssl", [
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-subj",
    "/CN=x",
    "-keyout",
    key,
    "-out",
    cert,
  ]);
  await kubectl("create", "secret", "tls", "porter", `--key=${key}`, `--cert=${cert}`);
  rmSync(tls, { recursive: true });
  await kubectl("create", "serviceaccount", "asker");
  await kubectl(
    "create",
    "clusterrolebinding",
    "asker",
    "--clusterrole=cluster-admin",
    "--serviceaccount=default:asker",
  );
  token = (await kubectl("create", "token", "asker")).trim();
  const env = (name: string, value: string) => `{name: ${name}, value: '${value}'}`;
  await cluster.kubectl.apply(`
apiVersion: v1
kind: Pod
metadata: {name: porter, labels: {app: porter}}
spec:
  nodeName: two
  terminationGracePeriodSeconds: 0
  volumes: [{name: tls, secret: {secretName: porter}}]
  containers:
  - name: c
    image: flask-app:1
    command: ${JSON.stringify(["python3", "-u", "-c", porter])}
    env: [${env("SERVE", `80=${link("/rewriteme")};1080=${link("/rewriteme")};160=foo;162=bar`)}, ${env("SERVE_TLS", `443=${link("/tlsrewriteme")};460=tls baz;462=tls qux`)}]
    ports: [{containerPort: 80}, {name: dest1, containerPort: 160}, {name: tlsdest1, containerPort: 460}]
    volumeMounts: [{name: tls, mountPath: /tls}]
    readinessProbe: {httpGet: {port: 8000}, periodSeconds: 1, timeoutSeconds: 30}
---
apiVersion: v1
kind: Service
metadata: {name: porter}
spec:
  selector: {app: porter}
  ports:
  - {name: portname1, port: 80, targetPort: dest1}
  - {name: portname2, port: 81, targetPort: 162}
  - {name: tlsportname1, port: 443, targetPort: tlsdest1}
  - {name: tlsportname2, port: 444, targetPort: 462}
---
{apiVersion: v1, kind: Service, metadata: {name: methods}, spec: {selector: {app: porter}, ports: [{port: 80, targetPort: 8000}]}}
`);
  await kubectl("wait", "--for=condition=Ready", "pod/porter", "--timeout=150s");
});
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
  await net?.[Symbol.asyncDispose]();
});

const base = "/api/v1/namespaces/default";

describe("the API server's proxy to a pod on another node", () => {
  const service = (what: string) => `${base}/services/${what}/proxy`;
  const pod = (what: string) => `${base}/pods/${what}/proxy`;

  test.each([
    ["a Service's port by name", service("porter:portname1"), "foo"],
    ["the same with its scheme", service("http:porter:portname1"), "foo"],
    ["a port that leads to a number", service("porter:portname2"), "bar"],
    ["a Service by TLS", service("https:porter:tlsportname1"), "tls baz"],
    ["another by TLS", service("https:porter:tlsportname2"), "tls qux"],
    ["a pod, whose links then lead through the proxy", pod("porter"), link(`${pod("porter")}/rewriteme`)],
    ["a pod's port", pod("porter:1080"), link(`${pod("porter:1080")}/rewriteme`)],
    ["a pod's port with its scheme", pod("http:porter:160"), "foo"],
    ["another port", pod("porter:162"), "bar"],
    ["a pod by TLS", pod("https:porter:443"), link(`${pod("https:porter:443")}/tlsrewriteme`)],
    ["a pod's other port by TLS", pod("https:porter:460"), "tls baz"],
  ])("reaches %s: %s", async (_, path, answer) => {
    // A Service has the pod a moment after it is Ready.
    await eventually(async () => expect(await kubectl("get", "--raw", `${path}/`)).toBe(answer));
  });

  /** The status, the method that the pod saw, and the body. */
  async function ask(method: string, path: string): Promise<string[]> {
    const url = `https://${machines[0]?.address}:6443${path}`;
    const how = method === "HEAD" ? ["--head"] : ["-X", method];
    const answer = await must("curl", ["-ksSi", "-m", "60", ...how, "-H", `Authorization: Bearer ${token}`, url]);
    const [head = "", body = ""] = answer.split(/\r?\n\r?\n/);
    return [/ (\d+)/.exec(head)?.[1] ?? "", /^x-method: (\S+)/im.exec(head)?.[1] ?? "", body];
  }

  test.each(["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"])(
    "passes %s on, with a path",
    async (method) => {
      const body = method === "HEAD" ? "" : method;
      for (const there of [pod("porter:8000"), service("methods")])
        await eventually(async () =>
          expect(await ask(method, `${there}/some/path/with/${method}`)).toEqual(["200", method, body]),
        );
    },
  );

  test.each(["DELETE", "OPTIONS", "PATCH", "POST", "PUT"])("passes %s on without a path", async (method) => {
    for (const there of [pod("porter:8000"), service("methods")])
      expect(await ask(method, `${there}?method=${method}`)).toEqual(["200", method, method]);
  });

  test("lets a connection change its protocol, by way of the pod's node", async () => {
    const headers = { authorization: `Bearer ${token}`, connection: "Upgrade", upgrade: "echo" };
    const url = `https://${machines[0]?.address}:6443${pod("porter:8000")}/talk`;
    const heard = await new Promise<string>((resolve, reject) => {
      const request = https.get(url, { headers, rejectUnauthorized: false }, ({ statusCode }) =>
        reject(new Error(`answered ${statusCode}`)),
      );
      request.on("error", reject).on("upgrade", (_answer, socket) => {
        socket.once("data", (data) => {
          socket.destroy();
          resolve(String(data));
        });
        socket.write("hello\n");
      });
    });
    expect(heard).toBe("HELLO\n");
  });

  test.each(["GET", "HEAD"])("leads %s without a path to the one that ends with a slash", async (method) => {
    for (const there of [pod("porter:8000"), service("methods")])
      expect((await ask(method, `${there}?method=${method}`))[0]).toBe("301");
  });
});
