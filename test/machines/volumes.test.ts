import { beforeAll, describe, expect, test } from "vitest";
import type { Container, PodSpec, Volume } from "../../src/api/schema/types.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";

/*
 * What the conformance suite asks of volumes that a node fills itself: each row is one or several of its behaviours, a pod that
 * says what it sees, and what that must be.
 */
const on = journey("volumes", ["busybox:1"]);
const { kubectl, json, apply } = on;

interface Row {
  readonly name: string;
  readonly volumes: readonly Volume[];
  readonly script: string;
  readonly sees: string | RegExp;
  readonly spec?: Partial<PodSpec>;
  readonly container?: Partial<Container>;
}

const map = (name: string, data: object, more: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data,
  ...more,
});
const secret = (name: string, stringData: object, more: object = {}) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name },
  stringData,
  ...more,
});
const user: Partial<PodSpec> = { securityContext: { runAsUser: 1000 } };
const usersGroup: Partial<PodSpec> = { securityContext: { runAsUser: 1000, fsGroup: 1001 } };
const values = { "data-1": "value-1", "data-2": "value-2", "data-3": "value-3" };
const moved = [{ key: "data-2", path: "path/to/data-2" }];
const movedAndHidden = [{ key: "data-2", path: "path/to/data-2", mode: 0o400 }];
const show = (path: string): string => `stat -L -c '%a %u' ${path}; cat ${path}; echo;`;
const one = show("/v/data-1");
const below = show("/v/path/to/data-2");

/** What a ConfigMap and a Secret are asked alike, alone and as parts of a projected volume. */
const filled = [
  [
    "map",
    (more: object) => ({ configMap: { name: "values", ...more } }),
    (more: object) => ({ configMap: { name: "values", ...more } }),
  ],
  [
    "secret",
    (more: object) => ({ secret: { secretName: "values", ...more } }),
    (more: object) => ({ secret: { name: "values", ...more } }),
  ],
] as const;

const rowsOf = (sort: string, source: (more: object, mode?: number) => object): Row[] => {
  const v = (more: object, mode?: number): Volume[] => [{ name: "v", ...source(more, mode) }];
  return [
    { name: `${sort}-whole`, volumes: v({}), script: one, sees: "644 0\nvalue-1\n" },
    { name: `${sort}-mode`, volumes: v({}, 0o400), script: one, sees: "400 0\nvalue-1\n" },
    { name: `${sort}-items`, volumes: v({ items: moved }), script: `ls /v; ${below}`, sees: "path\n644 0\nvalue-2\n" },
    { name: `${sort}-item-mode`, volumes: v({ items: movedAndHidden }), script: below, sees: "400 0\nvalue-2\n" },
    { name: `${sort}-user`, volumes: v({ items: moved }), spec: user, script: below, sees: "644 0\nvalue-2\n" },
    {
      name: `${sort}-group`,
      volumes: v({}, 0o440),
      spec: usersGroup,
      script: `stat -L -c '%a %g' /v/data-1; cat /v/data-1`,
      sees: "440 1001\nvalue-1",
    },
    {
      name: `${sort}-twice`,
      volumes: [...v({}), { name: "w", ...source({}) }],
      container: {
        volumeMounts: [
          { name: "v", mountPath: "/v" },
          { name: "w", mountPath: "/w" },
        ],
      },
      script: "cat /v/data-1 /w/data-1",
      sees: "value-1value-1",
    },
    {
      name: `${sort}-sub-path`,
      volumes: v({}),
      container: { volumeMounts: [{ name: "v", mountPath: "/etc/passwd", subPath: "data-3" }] },
      script: "cat /etc/passwd",
      sees: "value-3",
    },
  ];
};

const limits = { cpu: "1250m", memory: "64Mi" };
const requests = { cpu: "250m", memory: "32Mi" };
const resource = (path: string, name: string, divisor: string) => ({
  path,
  resourceFieldRef: { containerName: "main", resource: name, divisor },
});
const told = [
  { path: "name", fieldRef: { fieldPath: "metadata.name" } },
  { path: "hidden", fieldRef: { fieldPath: "metadata.name" }, mode: 0o400 },
  resource("cpu-limit", "limits.cpu", "1m"),
  resource("cpu-request", "requests.cpu", "1m"),
  resource("memory-limit", "limits.memory", "1Mi"),
  resource("memory-request", "requests.memory", "1Mi"),
];
const readAll = "cd /v; for f in name cpu-limit cpu-request memory-limit memory-request; do cat $f; echo; done;";
const downward = (sort: string, source: (items: object[], mode?: number) => object): Row[] => [
  {
    name: `${sort}-fields`,
    volumes: [{ name: "v", ...source(told) }],
    container: { resources: { limits, requests } },
    script: `${readAll} stat -L -c %a name hidden`,
    sees: `${sort}-fields\n1250\n250\n64\n32\n644\n400\n`,
  },
  {
    name: `${sort}-mode`,
    volumes: [{ name: "v", ...source(told, 0o440) }],
    script: "cd /v; stat -L -c %a name hidden; cat cpu-limit; echo; cat memory-limit",
    sees: /^440\n400\n[1-9]\d+\n[1-9]\d+$/,
  },
];

const emptyDirs: Row[] = ["", "Memory"].flatMap((medium) =>
  [undefined, user].map((spec): Row => {
    const who = spec ? 1000 : 0;
    return {
      name: `empty-${medium ? "memory" : "disk"}-${who}`,
      volumes: [{ name: "v", emptyDir: medium ? { medium } : {} }],
      ...(spec && { spec }),
      script: `stat -c %a /v; grep -c ' /v tmpfs ' /proc/mounts; for m in 0644 0666 0777; do echo $m >/v/$m; chmod $m /v/$m; stat -c '%a %u' /v/$m; cat /v/$m; done`,
      sees: `${medium ? 1777 : 777}\n${medium ? 1 : 0}\n644 ${who}\n0644\n666 ${who}\n0666\n777 ${who}\n0777\n`,
    };
  }),
);

const rows: readonly Row[] = [
  ...filled.flatMap(([sort, alone, part]) => [
    ...rowsOf(sort, (more, defaultMode) => {
      const mode = defaultMode === undefined ? {} : { defaultMode };
      return alone({ ...more, ...mode });
    }),
    ...rowsOf(`projected-${sort}`, (more, defaultMode) => ({
      projected: { sources: [part(more)], ...(defaultMode !== undefined && { defaultMode }) },
    })),
  ]),
  ...downward("told", (items, defaultMode) => ({ downwardAPI: { items, ...(defaultMode && { defaultMode }) } })),
  ...downward("projected-told", (items, defaultMode) => ({
    projected: { sources: [{ downwardAPI: { items } }], ...(defaultMode && { defaultMode }) },
  })),
  ...emptyDirs,
  {
    name: "binary",
    volumes: [{ name: "v", configMap: { name: "values" } }],
    script: "od -An -tx1 /v/dump.bin",
    sees: " de ca fe ba d0 fe ff\n",
  },
  {
    name: "combined",
    volumes: [
      {
        name: "v",
        projected: {
          sources: [
            { configMap: { name: "values", items: [{ key: "data-1", path: "map" }] } },
            { secret: { name: "values", items: [{ key: "data-2", path: "secret" }] } },
            { downwardAPI: { items: [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }] } },
          ],
        },
      },
      // A Secret's and a ConfigMap's directory do not meet.
      { name: "w", secret: { secretName: "values" } },
      { name: "x", configMap: { name: "values" } },
    ],
    container: {
      volumeMounts: [
        { name: "v", mountPath: "/v" },
        { name: "w", mountPath: "/w" },
        { name: "x", mountPath: "/x" },
        { name: "v", mountPath: "/name", subPath: "name" },
      ],
    },
    script: "cat /v/map /v/secret /v/name /w/data-3 /x/data-3 /name",
    sees: "value-1value-2combinedvalue-3value-3combined",
  },
];

const podOf = ({ name, volumes, script, spec, container }: Row) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 1,
    volumes,
    containers: [
      {
        name: "main",
        image: "busybox:1",
        command: ["sh", "-c", script],
        volumeMounts: [{ name: "v", mountPath: "/v" }],
        ...container,
      },
    ],
    ...spec,
  },
});

describe("a volume that the node fills", () => {
  beforeAll(async () => {
    await kubectl("create", "namespace", "other");
    await apply(map("values", values, { binaryData: { "dump.bin": "3sr+utD+/w==" } }), secret("values", values), {
      ...secret("values", { "data-1": "another" }),
      metadata: { name: "values", namespace: "other" },
    });
    await apply(...rows.map(podOf));
  });

  test.each(rows)("$name", async ({ name, sees }) => {
    await eventually(async () => {
      const { status } = await json("get", "pod", name);
      if (!["Succeeded", "Failed"].includes(status.phase)) throw new Error(`${name} is ${JSON.stringify(status)}`);
    });
    const said = await kubectl("logs", name);
    if (typeof sees === "string") expect(said).toBe(sees);
    else expect(said).toMatch(sees);
  });
});

describe("a volume of a pod that runs", () => {
  const optional = (name: string) => ({ name, optional: true });
  const optionalSecret = (secretName: string) => ({ secretName, optional: true });
  const names = ["gone", "changed", "made"];
  const labels = [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }];
  const annotations = [{ path: "annotations", fieldRef: { fieldPath: "metadata.annotations" } }];
  const volumes: Volume[] = [
    ...names.map((name) => ({ name: `map-${name}`, configMap: optional(name) })),
    ...names.map((name) => ({ name: `secret-${name}`, secret: optionalSecret(name) })),
    {
      name: "projected",
      projected: {
        sources: [
          ...names.map((name) => ({ configMap: { ...optional(name), items: [{ key: "data", path: `map-${name}` }] } })),
          ...names.map((name) => ({ secret: { ...optional(name), items: [{ key: "data", path: `secret-${name}` }] } })),
          { downwardAPI: { items: labels } },
        ],
      },
    },
    { name: "told", downwardAPI: { items: [...labels, ...annotations] } },
  ];
  const files = ["map", "secret"].flatMap((sort) => names.map((name) => `/v/${sort}-${name}/data`));
  const projected = ["map", "secret"].flatMap((sort) => names.map((name) => `/v/projected/${sort}-${name}`));
  /** What lies in the files, in their order; "-" where one is absent. */
  const contents = async (paths: readonly string[]): Promise<string> => {
    const script = `for f in ${paths.join(" ")}; do cat $f 2>/dev/null || printf -- -; echo; done`;
    return (await kubectl("exec", "watcher", "--", "sh", "-c", script)).trim().split("\n").join(" ");
  };

  test("follows what is made, changed and deleted, and what the pod is called", async () => {
    await apply(...["gone", "changed"].flatMap((name) => [map(name, { data: "old" }), secret(name, { data: "old" })]), {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "watcher", labels: { colour: "red" }, annotations: { made: "here" } },
      spec: {
        terminationGracePeriodSeconds: 1,
        volumes,
        containers: [
          {
            name: "main",
            image: "busybox:1",
            command: ["sleep", "3600"],
            volumeMounts: volumes.map(({ name }) => ({ name, mountPath: `/v/${name}` })),
          },
        ],
      },
    });
    await kubectl("wait", "--for=condition=Ready", "pod/watcher", "--timeout=150s");
    // What is optional does not keep a pod waiting that comes before it.
    await eventually(async () => {
      expect(await contents(files)).toBe("old old - old old -");
      expect(await contents(projected)).toBe("old old - old old -");
    });

    await kubectl("delete", "configmap/gone", "secret/gone");
    await apply(...["changed", "made"].flatMap((name) => [map(name, { data: "new" }), secret(name, { data: "new" })]));
    await kubectl("label", "pod", "watcher", "--overwrite", "colour=blue");
    await kubectl("annotate", "pod", "watcher", "--overwrite", "made=there");
    await eventually(async () => {
      expect(await contents(files)).toBe("- new new - new new");
      expect(await contents(projected)).toBe("- new new - new new");
      expect(await contents(["/v/told/labels", "/v/projected/labels"])).toBe('colour="blue" colour="blue"');
      expect(await contents(["/v/told/annotations"])).toContain('made="there"');
    });
  });

  test("is shared by its containers", async () => {
    const sharing = (name: string, script: string) => ({
      name,
      image: "busybox:1",
      command: ["sh", "-c", script],
      volumeMounts: [{ name: "v", mountPath: "/v" }],
    });
    await apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "shared" },
      spec: {
        restartPolicy: "Never",
        volumes: [{ name: "v", emptyDir: {} }],
        containers: [
          sharing("writer", "echo hello >/v/part; mv /v/part /v/file"),
          sharing("reader", "until cat /v/file 2>/dev/null; do sleep 0.1; done"),
        ],
      },
    });
    await kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/shared", "--timeout=150s");
    expect(await kubectl("logs", "shared", "-c", "reader")).toBe("hello\n");
  });

  test("does not change where its source may not, and many of them do not get into each other's way", async () => {
    await apply(
      map("fixed", { data: "old" }, { immutable: true }),
      secret("fixed", { data: "old" }, { immutable: true }),
    );
    for (const kind of ["configmap", "secret"])
      expect(await on.fails("patch", kind, "fixed", "--type=merge", "-p", '{"data":{"data":"bmV3"}}')).toContain(
        "field is immutable when `immutable` is set",
      );
    const many = Array.from({ length: 50 }, (_, index) => `racing-${index}`);
    await apply(...many.map((name) => map(name, { data: name })));
    await apply(
      podOf({
        name: "racing",
        volumes: many.map((name) => ({ name, configMap: { name } })),
        container: { volumeMounts: many.map((name) => ({ name, mountPath: `/v/${name}` })) },
        script: "cat /v/*/data | tr -d -c '[:alnum:]' | wc -c",
        sees: "",
      }),
    );
    await kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/racing", "--timeout=150s");
    expect((await kubectl("logs", "racing")).trim()).toBe(String(many.join("").replaceAll("-", "").length));
  });
});
