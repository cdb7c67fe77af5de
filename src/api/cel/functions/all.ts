import { addresses } from "./addresses.ts";
import { authorizers } from "./authorizer.ts";
import { conversions, optionals } from "./conversions.ts";
import { formats } from "./formats.ts";
import { jsonPatches } from "./json-patch.ts";
import { lists, sets } from "./lists.ts";
import { operators } from "./operators.ts";
import type { Overload } from "./overload.ts";
import { quantities } from "./quantities.ts";
import { maps, strings } from "./strings.ts";
import { times } from "./times.ts";
import { urls } from "./urls.ts";
import { versions } from "./versions.ts";

/** The forms of all functions by their names, those that are tried first in front. */
export const functions: ReadonlyMap<string, readonly Overload[]> = Map.groupBy(
  [
    ...operators,
    ...conversions,
    ...optionals,
    ...strings,
    ...maps,
    ...times,
    ...lists,
    ...sets,
    ...quantities,
    ...urls,
    ...addresses,
    ...formats,
    ...versions,
    ...authorizers,
    ...jsonPatches,
  ],
  ({ name }) => name,
);
