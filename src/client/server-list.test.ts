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

test("what the user names anew is used at once, and takes the place of what was named before", () => {
  const list = new ServerList(["https://old:1"]);
  list.learn(["https://known:1"]);
  list.failed("https://old:1");
  expect(list.current).toBe("https://known:1");
  expect(list.replaceGiven("https://new:1")).toBe(true);
  expect([list.current, list.all]).toEqual(["https://new:1", ["https://new:1", "https://known:1"]]);
  list.failed("https://new:1");
  // Told again it is no news: what answers stays in use.
  expect([list.replaceGiven("https://new:1"), list.current]).toEqual([false, "https://known:1"]);
  list.learn(["https://other:1"]);
  expect(list.current).toBe("https://known:1");
});

test("a list that grows by the day stays bounded", () => {
  const list = new ServerList(["https://a:1"]);
  for (let day = 0; day < 100; day++) list.learn([`https://day-${day}:1`]);
  expect(list.all).toHaveLength(16);
});
