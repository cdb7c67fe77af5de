import { describe, expect, test } from "vitest";
import type { Secret } from "../../api/schema/types.ts";
import { isBuiltin } from "./builtin.ts";
import { credentialsFor } from "./credentials.ts";
import { isReference, registryOf } from "./reference.ts";

const secret = (auths: Record<string, object>): Secret => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "pull" },
  type: "kubernetes.io/dockerconfigjson",
  data: { ".dockerconfigjson": btoa(JSON.stringify({ auths })) },
});
const login = (username: string) => ({ auth: btoa(`${username}:pass:word`) });
const users = (image: string, auths: Record<string, object>) =>
  credentialsFor(image, [secret(auths)]).map(({ username }) => username);

describe("pull secrets", () => {
  test.each<[image: string, address: string, fits: boolean]>([
    ["nginx", "https://index.docker.io/v1/", true],
    ["nginx", "example.com", false],
    ["example.com/team/app:1", "example.com", true],
    ["example.com/team/app:1", "example.com/team", true],
    ["example.com/team/app:1", "example.com/other", false],
    ["eu.example.com/app", "*.example.com", true],
    ["localhost:5000/app", "localhost:5000", true],
    ["localhost:5000/app", "localhost:5001", false],
  ])("for %s, %s: %s", (image, address, fits) => {
    expect(users(image, { [address]: login("me") })).toEqual(fits ? ["me"] : []);
  });

  test("the most exact address comes first", () => {
    expect(users("example.com/a/b", { "example.com": login("wide"), "example.com/a": login("narrow") })).toEqual([
      "narrow",
      "wide",
    ]);
  });

  test("a password may hold colons; a secret that cannot be read is no secret", () => {
    const [found] = credentialsFor("example.com/a", [
      { ...secret({}), data: { ".dockerconfigjson": "!" } },
      secret({ "example.com": login("me") }),
    ]);
    expect(found).toEqual({ username: "me", password: "pass:word", serverAddress: "example.com" });
  });
});

describe("image names", () => {
  test("lead to a registry", () => {
    expect(registryOf("nginx:1")).toEqual({ registry: "docker.io", path: "library/nginx" });
    expect(registryOf("skiff/hello")).toEqual({ registry: "docker.io", path: "skiff/hello" });
    expect(registryOf("host:5000/a/b:1@sha256:00")).toEqual({ registry: "host:5000", path: "a/b" });
  });
  test.each(["skiff/hello", "docker.io/skiff/hello", "skiff/hello:latest"])("%s is skiff's own", (name) => {
    expect(isBuiltin(name)).toBe(true);
    expect(isBuiltin(`example.com/${name}`)).toBe(false);
  });
  test.each(["nginx", "a/b:1.2_x", "host:5000/a/b", "a@sha256:0123456789abcdef0123456789abcdef"])(
    "%s is one",
    (name) => {
      expect(isReference(name)).toBe(true);
    },
  );
  test.each(["", "UPPER", "a b", "a:", "/a", "a//b"])("%j is none", (name) => {
    expect(isReference(name)).toBe(false);
  });
});
