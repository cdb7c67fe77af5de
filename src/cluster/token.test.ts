import { describe, expect, test } from "vitest";
import { basicAuthorization, parseToken, tokenText, userAndSecretFrom } from "./token.ts";

const hash = "0123456789abcdef".repeat(4);

describe("parseToken()", () => {
  test.each([
    ["the secure form", `K10${hash}::server:s3cret`, { caHash: hash, user: "server", secret: "s3cret" }],
    ["the short form", "s3cret", { caHash: undefined, user: "node", secret: "s3cret" }],
    ["a bootstrap token", "abcdef.0123456789abcdef", { caHash: undefined, user: "abcdef", secret: "0123456789abcdef" }],
    [
      "a bootstrap token in the secure form",
      `K10${hash}::abcdef.0123456789abcdef`,
      { caHash: hash, user: "abcdef", secret: "0123456789abcdef" },
    ],
  ])("reads %s, and writes it as it was", (_, text, token) => {
    expect(parseToken(text)).toEqual(token);
    expect(tokenText(token)).toBe(text.includes(".") && !text.startsWith("K10") ? token.secret : text);
  });

  test.each([
    ["cut off in the hash", "K1012345::server:s3cret", "the token is cut off"],
    ["cut off behind the hash", `K10${hash}`, "the token is cut off"],
    ["without a secret", `K10${hash}::server:`, "the token has no secret"],
    ["empty", "", "the token has no secret"],
    ["with a line break", "a\nb", "the token has no secret"],
  ])("refuses one that is %s and does not repeat it", (_, text, message) => {
    expect(() => parseToken(text)).toThrow(message);
  });
});

test("user and secret travel in a header and back", () => {
  const sent = { user: "node", secret: "a+b/c==" };
  expect(userAndSecretFrom(basicAuthorization({ ...sent, caHash: undefined }))).toEqual(sent);
  expect(userAndSecretFrom("Bearer abc")).toBeUndefined();
});
