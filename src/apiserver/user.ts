/** Who asks. Made by authenticate/, or by the process itself for its own parts. */
export interface UserInfo {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export const anonymousUser: UserInfo = {
  name: "system:anonymous",
  uid: "",
  groups: ["system:unauthenticated"],
  extra: {},
};

/** The rights to do everything, whatever RBAC says. */
export const superuserGroup = "system:masters";

/** The API server itself, when it writes objects of its own. */
export const systemUser: UserInfo = {
  name: "system:apiserver",
  uid: "",
  groups: [superuserGroup, "system:authenticated"],
  extra: {},
};
