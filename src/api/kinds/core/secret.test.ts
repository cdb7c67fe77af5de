import { expect, test } from "vitest";
import { wrongWithNew } from "../testing/judge.ts";
import { secret } from "./secret.ts";

const key = ".dockerconfigjson";
const cannot = "into Go value of type map[string]interface {}";

test.each<[string, why: string | undefined]>([
  ['{"auths":{}}', undefined],
  ["null", undefined],
  ["[]", `json: cannot unmarshal array ${cannot}`],
  ["1.5", `json: cannot unmarshal number ${cannot}`],
  ["true", `json: cannot unmarshal bool ${cannot}`],
  ['{"auths":', "unexpected end of JSON input"],
  ['{"auths":x}', "invalid character 'x' looking for beginning of value"],
  ["{auths:1}", "invalid character 'a' looking for beginning of object key string"],
  ['{"auths":{}} {}', "invalid character '{' after top-level value"],
])("access to registries is an object: %s", (text, why) => {
  const data = { [key]: Buffer.from(text).toString("base64") };
  expect(wrongWithNew(secret, { type: "kubernetes.io/dockerconfigjson", data })).toEqual(
    why === undefined ? [] : [`data[${key}]: Invalid value: "<secret contents redacted>": ${why}`],
  );
});
