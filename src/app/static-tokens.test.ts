import { expect, test } from "vitest";
import { staticTokensFrom } from "./static-tokens.ts";

test("reads tokens with and without groups", () => {
  expect(staticTokensFrom('t1,admin,1,"system:masters"\n\nt2,bob,2,"ops,dev"\nt3,plain,3\n')).toEqual([
    { token: "t1", user: "admin", uid: "1", groups: ["system:masters"] },
    { token: "t2", user: "bob", uid: "2", groups: ["ops", "dev"] },
    { token: "t3", user: "plain", uid: "3", groups: [] },
  ]);
});

test("names the line that is wrong without showing the secret", () => {
  expect(() => staticTokensFrom("t1,admin,1\nsecret-token\n")).toThrow(
    /^line 2: expected token,user,uid,"group,group"$/,
  );
});
