import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeProtobuf } from "../../src/api/schema/protobuf.ts";
import { StatusError } from "../../src/api/status.ts";
import { decodeExpected, type ExpectedBody, readPatch } from "../../src/apiserver/negotiate/decode-body.ts";
import { mutated, numRuns } from "./mutations.ts";

const pod: ExpectedBody = { group: "", version: "v1", kind: "Pod", type: "io.k8s.api.core.v1.Pod" };
const object = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", labels: { app: "web" }, annotations: { "a/b": "ü\u0000" } },
  spec: {
    containers: [
      {
        name: "c",
        image: "web:1",
        ports: [{ containerPort: 80 }],
        resources: { limits: { cpu: "500m" } },
        livenessProbe: { httpGet: { path: "/", port: "web" }, periodSeconds: 5 },
      },
    ],
    volumes: [{ name: "v", emptyDir: {} }],
    terminationGracePeriodSeconds: 30,
  },
};
const yaml = `apiVersion: v1
kind: Pod
metadata: &m
  name: web
  labels: {app: "web", <<: *m}
  creationTimestamp: 2026-01-02T03:04:05Z
spec:
  containers:
  - name: c
    image: >-
      web:1
    args: [0x10, 1e3, ~, yes, "a\\tb", 'it''s']
`;
const seeds = {
  json: [JSON.stringify(object), '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"\\ud800","__proto__":{"a":1}}}'],
  yaml: [yaml, JSON.stringify(object), "a: *b", "? [a]\n: b\n--- !!set {a, b}\n"],
  protobuf: [encodeProtobuf(object as never)],
} as const;

describe.each(["json", "yaml", "protobuf"] as const)("a body in %s", (encoding) => {
  test("is decoded or refused as a bad request, whatever it holds", () => {
    fc.assert(
      fc.property(mutated(seeds[encoding]), (bytes) => {
        const options = { encoding, fieldValidation: "Warn", warn: () => {} } as const;
        try {
          expect(decodeExpected(bytes, pod, options)).toMatchObject({ apiVersion: "v1", kind: "Pod" });
        } catch (error) {
          expect(error).toBeInstanceOf(StatusError);
          expect((error as StatusError).code).toBe(400);
        }
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns },
    );
  });
});

test.each([
  ["JSON", false],
  ["YAML", true],
] as const)("a patch in %s is read or refused as a bad request", (_, isYaml) => {
  fc.assert(
    fc.property(mutated(isYaml ? seeds.yaml : seeds.json), (bytes) => {
      try {
        readPatch(bytes, isYaml ? "apply" : "merge");
      } catch (error) {
        expect(error).toBeInstanceOf(StatusError);
      }
    }),
    { numRuns },
  );
});

test.each<[what: string, encoding: "json" | "yaml", body: string]>([
  ["arrays nested a million deep", "json", "[".repeat(1_000_000)],
  ["objects nested a hundred thousand deep", "json", '{"a":'.repeat(100_000)],
  ["flow collections nested a hundred thousand deep", "yaml", "[".repeat(100_000)],
  ["block sequences nested ten thousand deep", "yaml", "- ".repeat(10_000)],
  [
    "aliases that unfold to a billion",
    "yaml",
    ["a: &a [x,x,x,x,x,x,x,x,x]", ..."bcdefghi".split("").map((name, i) => bomb(name, "abcdefghi"[i] ?? ""))].join(
      "\n",
    ),
  ],
  ["an alias without its anchor", "yaml", "apiVersion: v1\nkind: Pod\nmetadata: *nobody\n"],
])("%s are refused as a bad request", (_, encoding, body) => {
  const decode = () => decodeExpected(Buffer.from(body), pod, { encoding, fieldValidation: "Ignore", warn: () => {} });
  expect(decode).toThrow(StatusError);
});

function bomb(name: string, of: string): string {
  return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${of}`).join(",")}]`;
}
