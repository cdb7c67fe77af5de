import { describe, expect, test } from "vitest";
import { complete } from "./complete.ts";
import { decode, strictMessage } from "./decode.ts";
import { parseJson, repeatedFields } from "./json.ts";
import { typeNode } from "./table.ts";

const configMap = typeNode("io.k8s.api.core.v1.ConfigMap");
const deployment = typeNode("io.k8s.api.apps.v1.Deployment");
const pod = typeNode("io.k8s.api.core.v1.Pod");
const lease = typeNode("io.k8s.api.coordination.v1.Lease");

const read = (json: string, node = pod) => decode(parseJson(json), node);

describe("decoding", () => {
  test("drops what the type does not have, and says so in the order of the text", () => {
    const { object, strictErrors } = read(
      `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","unknownMeta":1},
        "spec":{"replicas":1,"replicas":2,"bogus":true,"template":{"spec":{"containers":[
          {"name":"a","imagePullPolice":"x","ports":[{"containerport":1,"containerPort":80}]}]}}}}`,
      deployment,
    );
    expect(strictMessage(strictErrors)).toBe(
      'strict decoding error: unknown field "metadata.unknownMeta", duplicate field "spec.replicas", unknown field "spec.bogus", ' +
        'unknown field "spec.template.spec.containers[0].imagePullPolice", ' +
        'unknown field "spec.template.spec.containers[0].ports[0].containerport"',
    );
    expect(object).toEqual({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "d" },
      spec: { replicas: 2, template: { spec: { containers: [{ name: "a", ports: [{ containerPort: 80 }] }] } } },
    });
  });

  test("leaves out nulls, zeros that are no pointers, and empty lists and maps", () => {
    const { object } = read(
      '{"metadata":{"labels":{},"annotations":null},"spec":{"hostNetwork":false,"priority":0,"volumes":[],"containers":[]}}',
    );
    expect(object).toEqual({ metadata: {}, spec: { priority: 0, containers: [] } });
  });

  test("writes quantities in their canonical form, whether they came as texts or numbers", () => {
    const { object } = read('{"spec":{"overhead":{"cpu":1.5,"memory":"1024Ki","x":"1000m"}}}');
    expect(object).toEqual({ spec: { overhead: { cpu: "1500m", memory: "1Mi", x: "1" } } });
  });

  test("cuts times to seconds and micro times to micros, in UTC", () => {
    const { object } = read(
      '{"metadata":{"deletionTimestamp":"2026-01-01T02:00:00.5+02:00"},"spec":{"renewTime":"2026-01-01T00:00:00Z"}}',
      lease,
    );
    expect(object).toEqual({
      metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" },
      spec: { renewTime: "2026-01-01T00:00:00.000000Z" },
    });
  });

  test.each([
    [
      '{"spec":{"replicas":"x"}}',
      "cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
    ],
    [
      '{"spec":{"replicas":1.5}}',
      "cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
    ],
    [
      '{"spec":{"replicas":1.0}}',
      "cannot unmarshal number 1.0 into Go struct field DeploymentSpec.spec.replicas of type int32",
    ],
    [
      '{"spec":{"replicas":3000000000}}',
      "number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32",
    ],
    [
      '{"metadata":{"generation":99999999999999999999}}',
      "number 99999999999999999999 into Go struct field ObjectMeta.metadata.generation of type int64",
    ],
    [
      '{"metadata":"x"}',
      "json: cannot unmarshal string into Go struct field Deployment.metadata of type v1.ObjectMeta",
    ],
    [
      '{"metadata":{"labels":{"a":["b"]}}}',
      "cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type string",
    ],
    [
      '{"metadata":{"labels":"x"}}',
      "cannot unmarshal string into Go struct field ObjectMeta.metadata.labels of type map[string]string",
    ],
    [
      '{"metadata":{"creationTimestamp":"now"}}',
      'parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"',
    ],
    [
      '{"spec":{"strategy":{"rollingUpdate":{"maxSurge":{}}}}}',
      "json: cannot unmarshal object into Go value of type int32",
    ],
  ])("refuses %s", (json, why) => {
    expect(() => read(json, deployment)).toThrow(why);
  });

  test.each([
    ['{"data":{"k":5}}', "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"],
    ['{"binaryData":{"b":"%%%"}}', "illegal base64 data at input byte 0"],
    ["[]", "json: cannot unmarshal array into Go value of type v1.ConfigMap"],
  ])("refuses the ConfigMap %s", (json, why) => {
    expect(() => read(json, configMap)).toThrow(why);
  });

  test("an object that is already right stays the same value", () => {
    const document = parseJson('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"v"}}');
    const before = structuredClone(document.value);
    const { object } = decode(document, configMap);
    expect(object).toBe(document.value);
    expect(object).toEqual(before);
  });
});

describe("completing", () => {
  test("writes structs that are no pointers, and required fields, even when empty", () => {
    const object = { metadata: { name: "a" }, spec: { containers: [{ name: "c" }] } };
    complete(object, pod);
    expect(object).toEqual({
      metadata: { name: "a" },
      spec: { containers: [{ name: "c", resources: {} }] },
      status: {},
    });
  });

  test("writes zero times of structs as null", () => {
    const object = { metadata: {}, status: { conditions: [{ type: "Ready", status: "True" }] } };
    complete(object, pod);
    expect(object.status.conditions).toEqual([
      { type: "Ready", status: "True", lastProbeTime: null, lastTransitionTime: null },
    ]);
  });
});

describe("reading JSON", () => {
  test.each([
    ["", "unexpected end of JSON input"],
    ["{", "unexpected end of JSON input"],
    ['{"a":1}{}', "invalid character '{' after top-level value"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
    ["[1 2]", "invalid character '2' after array element"],
    ['{"a":NaN}', "invalid character 'N' looking for beginning of value"],
    ["tru", "unexpected end of JSON input"],
    ["trux", "invalid character 'x' in literal true (expecting 'e')"],
    ["01", "invalid character '1' after top-level value"],
    ["1.x", "invalid character 'x' after decimal point in numeric literal"],
    ['"\n"', "invalid character '\\n' in string literal"],
    ['"\\x"', "invalid character 'x' in string escape code"],
  ])("refuses %j", (json, why) => {
    expect(() => parseJson(json)).toThrow(why);
  });

  test("refuses what is nested without end", () => {
    expect(() => parseJson("[".repeat(100_000))).toThrow("invalid character '[' exceeded max depth");
    expect(() => parseJson("[".repeat(10_001) + "]".repeat(10_001))).toThrow("exceeded max depth");
  });

  test("tells fields that come twice", () => {
    expect(repeatedFields(parseJson('{"a":{"b":1,"b":2},"c":[{"d":1,"d":2}]}'))).toEqual(["a.b", "c[0].d"]);
    expect(repeatedFields(parseJson('{"a":{"b":1},"c":{"b":2}}'))).toEqual([]);
  });

  test("a key named __proto__ is a key like any other", () => {
    const { value } = parseJson('{"__proto__":1,"__proto__":2}');
    expect(Object.keys(value as object)).toEqual(["__proto__"]);
  });
});
