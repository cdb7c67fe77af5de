import { describe, expect, test } from "vitest";
import { type ContinueToken, readContinueToken, writeContinueToken } from "./continue-token.ts";

const encoded = (text: string): string => Buffer.from(text).toString("base64url");

describe("a continue token", () => {
  test("is read as it was written", () => {
    const token: ContinueToken = { v: "meta.k8s.io/v1", rv: 7, start: "default/a\0", at: 5 };
    expect(readContinueToken(writeContinueToken(token))).toEqual(token);
  });

  test.each<[name: string, token: string, why: string]>([
    ["is base64", "ab%", ": illegal base64 data at input byte 2"],
    ["is whole", "x", ": illegal base64 data at input byte 0"],
    ["is JSON", encoded("i"), ": invalid character 'i' looking for beginning of value"],
    ["is an object", encoded("[]"), ": json: cannot unmarshal array into Go value of type storage.continueToken"],
    [
      "has a text for a version",
      encoded('{"v":1}'),
      ": json: cannot unmarshal number into Go struct field continueToken.v of type string",
    ],
    ["has a version", encoded("{}"), ": server does not recognize this encoded version "],
    ["has a known version", encoded('{"v":"v2"}'), ": server does not recognize this encoded version v2"],
    [
      "has a revision",
      encoded('{"v":"meta.k8s.io/v1","start":"a"}'),
      ": incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
    ],
    ["has a key", encoded('{"v":"meta.k8s.io/v1","rv":1}'), ": encoded start key empty (version meta.k8s.io/v1)"],
    ["stays in its list", encoded('{"v":"meta.k8s.io/v1","rv":1,"start":"../a"}'), ": ../a"],
  ])("%s", (_, token, why) => {
    expect(() => readContinueToken(token)).toThrow(
      expect.objectContaining({ message: `invalid continue token: continue key is not valid${why}` }),
    );
  });
});
