import { isDeepStrictEqual } from "node:util";
import type { FieldError, Path } from "../../field.ts";
import type { ResourceV1ResourceClaim } from "../../schema/types.ts";

const mostUsers = 256;

/** Who uses a claim, and what it was given: that stays until it is given back. */
export function validateClaimStatus(
  { metadata, status = {} }: ResourceV1ResourceClaim,
  { status: before = {} }: ResourceV1ResourceClaim,
  at: Path,
): FieldError[] {
  const users = status.reservedFor ?? [];
  const place = at.child("reservedFor");
  const known = new Set((before.reservedFor ?? []).map(({ uid }) => uid));
  const errors: FieldError[] = [];
  if (users.length > mostUsers) errors.push(place.tooMany(users.length, mostUsers));
  for (const [i, user] of users.entries()) {
    for (const field of ["resource", "name", "uid"] as const)
      if (!user[field]) errors.push(place.index(i).child(field).required());
    if (users.findIndex(({ uid }) => uid === user.uid) < i)
      errors.push(
        place
          .index(i)
          .child("uid")
          .duplicate(user.uid ?? ""),
      );
  }
  if (users.length > 0 && !status.allocation)
    errors.push(place.forbidden("may not be specified when `allocated` is not set"));
  else if (metadata.deletionTimestamp && users.some(({ uid }) => !known.has(uid)))
    errors.push(
      place.forbidden("new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"),
    );
  if (before.allocation && status.allocation && !isDeepStrictEqual(status.allocation, before.allocation))
    errors.push(at.child("allocation").invalid(status.allocation, "field is immutable"));
  return errors;
}
