import type { ObjectMeta } from "../../api/object.ts";

type Labels = Readonly<Record<string, string>>;

/** Remembers on the Node what its labels were told to be, so that what people change of them stays theirs. */
const annotation = "skiff.io/node-labels";

/**
 * The metadata of a Node after its labels are told: of those that the user gave, what became another since they were told last.
 * A label that is told no more goes, unless somebody has given it another value. The node's own are always as it says.
 */
export function relabelled(metadata: ObjectMeta, own: Labels, told: Labels): ObjectMeta {
  const before = toldBefore(metadata);
  const labels: Record<string, string> = { ...metadata.labels, ...own };
  for (const [key, value] of Object.entries(before))
    if (told[key] === undefined && own[key] === undefined && labels[key] === value) delete labels[key];
  for (const [key, value] of Object.entries(told)) if (before[key] !== value) labels[key] = value;
  return { ...metadata, labels, annotations: { ...metadata.annotations, [annotation]: JSON.stringify(told) } };
}

function toldBefore({ annotations }: ObjectMeta): Labels {
  try {
    const before: unknown = JSON.parse(annotations?.[annotation] ?? "{}");
    return typeof before === "object" && before !== null ? (before as Labels) : {};
  } catch {
    return {}; // somebody wrote into it: as if nothing had been told
  }
}
