import { ageColumn, nameColumn } from "../../columns.ts";
import type { Column } from "../../kind.ts";
import type { ClusterRoleBinding, Subject } from "../../schema/types.ts";

/** How bindings are shown: what they grant and, in wide tables, to whom. */
export const bindingColumns: readonly Column<ClusterRoleBinding>[] = [
  nameColumn,
  { name: "Role", type: "string", cell: ({ roleRef }) => `${roleRef?.kind ?? ""}/${roleRef?.name ?? ""}` },
  ageColumn,
  { name: "Users", type: "string", priority: 1, cell: namesOf("User", ({ name }) => name) },
  { name: "Groups", type: "string", priority: 1, cell: namesOf("Group", ({ name }) => name) },
  {
    name: "ServiceAccounts",
    type: "string",
    priority: 1,
    cell: namesOf("ServiceAccount", ({ namespace = "", name }) => `${namespace}/${name}`),
  },
];

function namesOf(kind: string, text: (subject: Subject) => string): (binding: ClusterRoleBinding) => string {
  return ({ subjects = [] }) =>
    subjects
      .filter((subject) => subject.kind === kind)
      .map(text)
      .join(", ");
}
