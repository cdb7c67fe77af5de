import { expect, test } from "vitest";
import { ServerList } from "./server-list.ts";

test("the next server is used when the present one does not answer, and the first again behind the last", () => {
  const list = new ServerList(["https://a:1", "https://b:1"]);
  list.failed("https://a:1");
  expect(list.current).toBe("https://b:1");
  list.failed("https://a:1");
  expect(list.current).toBe("https://b:1");
  list.failed("https://b:1");
  expect(list.current).toBe("https://a:1");
});

test("what the cluster tells is added behind what the user gave", () => {
  const list = new ServerList(["https://a:1"]);
  expect(list.learn(["https://a:1", "https://c:1"])).toBe(true);
  expect(list.learn(["https://c:1"])).toBe(false);
  expect(list.all).toEqual(["https://a:1", "https://c:1"]);
});
