import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cache, mirrorOf } from "../support/debian.ts";
import { must, run } from "../support/run.ts";

/*
 * Kubernetes' own end-to-end tests, built from Debian's source package: the newest that Debian has whole. It is of an older
 * version of Kubernetes; most of its conformance tests are those of today.
 */
const source = {
  path: "pool/main/k/kubernetes/kubernetes_1.20.5+really1.20.2.orig.tar.gz",
  folder: "kubernetes-1.20.2",
  sha256: "b83c0780efb182d928dc63d46488a847f161f04e40a94b96bf5247dd671ecdfc",
};

const place = join(cache, "conformance");
export const sources = join(place, "gopath/src/k8s.io/kubernetes");

/** What is built, by the package that it is built from. */
const programs = {
  "e2e.test": "./test/e2e",
  kubectl: "./cmd/kubectl",
  agnhost: "./test/images/agnhost",
  "sample-apiserver": "./vendor/k8s.io/sample-apiserver",
} as const;

export const program = (name: keyof typeof programs): string => join(place, name);

/** Changes without which the suite asks for what Kubernetes has given up since, or for what no test machine has. */
const changes: readonly { file: string; from: string; to: string }[] = [
  // Service accounts have had no Secrets of their own since v1.24.
  { file: "test/e2e/framework/util.go", from: "return len(t.Secrets) > 0, nil", to: "return t != nil, nil" },
  // Templates no longer have an empty creationTimestamp.
  {
    file: "pkg/controller/daemon/update.go",
    from: "return bytes.Equal(patch, history.Data.Raw), nil",
    to: 'return bytes.Equal(bytes.ReplaceAll(patch, []byte(`"creationTimestamp":null,`), nil), history.Data.Raw), nil',
  },
  // A DaemonSet no longer waits for a pod that has ended and is leaving; today's test passes over such a pod.
  {
    file: "test/e2e/apps/daemon_set.go",
    from: "podImage := pod.Spec.Containers[0].Image",
    to: "if pod.DeletionTimestamp != nil {\ncontinue\n}\npodImage := pod.Spec.Containers[0].Image",
  },
  // No machine of the tests reaches the internet.
  {
    file: "test/e2e/network/networking.go",
    from: 'http.Get("http://google.com")',
    to: "&http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, error(nil)",
  },
];
/** Files that generators make: nothing of them is used here. */
const stubs: Readonly<Record<string, string>> = {
  "test/e2e/generated/bindata.go": `package generated
import "fmt"
func Asset(name string) ([]byte, error) { return nil, fmt.Errorf("%s is not compiled in", name) }
func AssetNames() []string { return nil }
`,
  "pkg/generated/openapi/zz_generated.openapi.go": `package openapi
import "k8s.io/kube-openapi/pkg/common"
func GetOpenAPIDefinitions(common.ReferenceCallback) map[string]common.OpenAPIDefinition { return nil }
`,
};

/** Fetches and builds what is not there yet. The first time takes ten minutes on two idle cores. */
export async function buildSuite(): Promise<void> {
  if (Object.keys(programs).every((name) => existsSync(join(place, name)))) return;
  if ((await run("go", ["version"])).code !== 0) {
    console.log("installing golang-go …");
    await must("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "golang-go"]);
  }
  if (!existsSync(sources)) await fetchSources();
  const env = {
    ...process.env,
    GO111MODULE: "off",
    GOPATH: join(place, "gopath"),
    GOCACHE: join(place, "go-cache"),
    CGO_ENABLED: "0",
  };
  for (const [name, from] of Object.entries(programs)) {
    console.log(`building ${name} …`);
    const how = name === "e2e.test" ? ["test", "-c"] : ["build"];
    await must("go", [...how, "-o", join(place, name), from], { cwd: sources, env, limitMs: 3_600_000 });
  }
}

async function fetchSources(): Promise<void> {
  const archive = join(place, "kubernetes.tar.gz");
  mkdirSync(dirname(sources), { recursive: true });
  console.log("fetching Kubernetes' sources …");
  await must("curl", ["-fsS", "-o", archive, `${await mirrorOf()}/${source.path}`]);
  const sum = createHash("sha256").update(readFileSync(archive)).digest("hex");
  if (sum !== source.sha256) throw new Error(`${source.path}: its SHA-256 is ${sum}, not ${source.sha256}`);
  await must("tar", ["-xzf", archive, "-C", dirname(sources)]);
  await must("mv", [join(dirname(sources), source.folder), sources]);
  rmSync(archive);
  for (const { file, from, to } of changes) {
    const path = join(sources, file);
    writeFileSync(path, readFileSync(path, "utf8").replace(from, to));
  }
  for (const [file, text] of Object.entries(stubs)) writeFileSync(join(sources, file), text);
}
