import { expect, test } from "vitest";
import { messageOf } from "../../base/log.ts";
import { dockerError, unlessGone } from "./errors.ts";

/** An answer as the Docker library throws it. */
const answer = (statusCode: number, message: string) =>
  Object.assign(new Error(`(HTTP code ${statusCode}) - ${message}`), { statusCode, json: { message } });

test("an error is said once, in Docker's words", () => {
  expect(messageOf(dockerError(answer(500, "no space left")))).toBe("Error response from daemon: no space left");
});

test.each([
  ["stopping what has stopped", answer(304, "")],
  ["removing what is gone", answer(404, "No such container: c")],
  ["removing what is being removed", answer(409, "removal of container c is already in progress")],
  ["killing what does not run", answer(409, "Cannot kill container: c: Container c is not running")],
])("%s is no failure", async (_, error) => {
  await expect(unlessGone(Promise.reject(error))).resolves.toBeUndefined();
});

test("another refusal is one", async () => {
  await expect(unlessGone(Promise.reject(answer(409, "the name is taken")))).rejects.toThrow("the name is taken");
});
