import { isReason } from "../api/status.ts";

/** What the server has of what was asked for; undefined when it says NotFound. @throws whatever else it says */
export async function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  }
}
