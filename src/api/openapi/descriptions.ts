/** Texts by type and field; the type's own under "". Made at build time by scripts/make-explain.ts; absent, all are empty. */
export type Descriptions = Readonly<Record<string, Readonly<Record<string, string>>>>;

export const noDescriptions: Descriptions = {};
